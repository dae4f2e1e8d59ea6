"""Somebody between browser and service answers, or nobody: no vote is lost, none counts twice."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.site import Site
from tests.browser.windows import POLICY, Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway"
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
PORTAL = "<!doctype html><title>Log in</title><main><form id=ballot>Your hotel</form></main>"
Fault = Callable[[Route], Awaitable[None]]


def answered(status: int, body: str, *, sent_on: bool, **headers: str) -> Fault:
    """Answer in place of the service, which may have had the request all the same."""
    async def fault(route: Route) -> None:
        if sent_on:
            await send_on(route)
        await route.fulfill(status=status, body=body, headers={
            "content-type": "text/html", **headers})

    return fault


async def send_on(route: Route) -> None:
    """Send a request to the service; the browser learns nothing of the answer, no cookie either."""
    asked = route.request
    async with httpx2.AsyncClient() as client:
        answer = await client.request(
            asked.method, asked.url, content=asked.post_data,
            headers={name: value for name, value in (await asked.all_headers()).items()
                     if not name.startswith(":")})
    assert answer.status_code in (202, 303), answer.text


async def cut(route: Route) -> None:
    """End the connection without an answer."""
    await route.abort("connectionreset")


FAULTS: dict[str, Fault] = {
    "a 502 in mid-vote": answered(502, BAD_GATEWAY, sent_on=True),
    "a 502 before the vote": answered(502, BAD_GATEWAY, sent_on=False),
    "a 503 with a date": answered(503, BAD_GATEWAY, sent_on=False, **{
        "retry-after": "Sun, 29 Nov 2026 02:00:00 GMT"}),
    "a 504 in mid-vote": answered(504, "", sent_on=True),
    "nothing, and it is well": answered(200, "", sent_on=False),
    "another page, and it is well": answered(200, PORTAL, sent_on=False),
    "JSON of a filter's, and it is taken": answered(
        202, '{"blocked":true}', sent_on=False, **{"content-type": "application/json"}),
    "a 429 of the proxy's": answered(429, "Too Many Requests", sent_on=False),
    "a cut": cut,
}


async def faults_of_posts(
    page: Page, fault: Fault, times: int, *, script: bool = True
) -> list[str]:
    """Meet the next votes of a page with a fault; return the list that their bodies go into."""
    sent: list[str] = []

    async def meet(route: Route) -> None:
        if route.request.method != "POST":
            await route.fallback()
            return
        sent.append(route.request.post_data or "")
        if len(sent) <= times:
            await fault(route)
        else:
            await route.fallback()

    await page.route("**/v1/consultations/*/votes*" if script else "**/vote", meet)
    return sent


def votes_of(events: list[tuple[str, dict[str, Any]]]) -> dict[Any, set[Any]]:
    """Return the choices by event id: a repeated event has one."""
    found: dict[Any, set[Any]] = {}
    for event, fields in events:
        if event == "VoteCast":
            found.setdefault(fields["event_id"], set()).add(fields["choice"])
    return found


@pytest.mark.parametrize("name", FAULTS)
async def test_what_is_no_answer_of_ours_is_sent_again_under_the_same_key(
    windows: Windows, site: Site, name: str
) -> None:
    """Twice in a row: the page says so, sends the same again by itself, and one vote counts."""
    windows.network_may_fail = True
    consultation = await site.consultation()
    page = await windows.open(f"/c/{consultation}/vote?proposal=p1", language="en")
    sent = await faults_of_posts(page, FAULTS[name], times=2)
    await page.click("#act-disagree")
    await expect(page.locator("#trouble")).to_contain_text("sent again")
    await expect(page.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#trouble")).to_be_hidden()
    events = await site.events(consultation)
    totals = await site.until_received(consultation, len(events))

    assert len(sent) == 3
    assert len(set(sent)) == 1
    assert list(votes_of(events).values()) == [{"disagree"}]
    assert totals["counted"]["votes"] == 1
    assert "null" not in await page.inner_text("main")


@pytest.mark.parametrize(("language", "said"), [
    ("en", "Your answer is not confirmed"), ("fr", "Votre réponse n’est pas confirmée")])
async def test_after_some_tries_the_page_says_so_and_leaves_the_rest_to_the_voter(
    windows: Windows, site: Site, language: str, said: str
) -> None:
    """It stops by itself, with a sentence and a button; the button sends the same once more."""
    windows.network_may_fail = True
    consultation = await site.consultation()
    page = await windows.open(f"/c/{consultation}/vote?proposal=p1", language=language)
    sent = await faults_of_posts(page, FAULTS["a 502 in mid-vote"], times=6)
    await page.click("#act-agree")
    again = page.locator("#trouble button")
    for count in range(2, 7):  # Who has no patience need not wait.
        await expect(again).to_be_visible()
        await again.click()
        await page.wait_for_function("() => true")
        while len(sent) < count:
            await page.wait_for_timeout(20)
    await expect(page.locator("#trouble")).to_contain_text(said)
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "false")
    await again.click()
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#trouble")).to_be_hidden()

    assert len(sent) == 7
    assert len(set(sent)) == 1
    assert list(votes_of(await site.events(consultation)).values()) == [{"agree"}]


@pytest.mark.parametrize("script", [True, False])
async def test_a_form_whose_cookie_came_without_its_page_is_not_recorded_again(
    windows: Windows, site: Site, script: bool  # noqa: FBT001 -- two ways to ask
) -> None:
    """The browser knows more than the page: sent again, the booth sees that it has this form."""
    windows.network_may_fail = True
    consultation = await site.consultation()
    page = await windows.open(f"/c/{consultation}/vote?proposal=p1", script=script)

    async def take(route: Route) -> None:
        answer = await route.fetch(max_redirects=0)  # The browser has its cookies then.
        assert answer.status == (202 if script else 303)
        await (cut(route) if script else route.fulfill(
            status=502, body=BAD_GATEWAY, headers={
                "content-type": "text/html", "content-security-policy": "; ".join(POLICY)}))

    sent = await faults_of_posts(page, take, times=1, script=script)
    await page.click("#act-agree")
    if not script:
        await expect(page.locator("h1")).to_have_text("502 Bad Gateway")
        await page.reload()
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")

    assert len(sent) == 2
    assert len(votes_of(await site.events(consultation))) == 1


LOSES_A_PAGE = """
const asked = window.fetch;
let lost = false;
window.fetch = async (...what) => {
  const answer = await asked(...what);
  if (lost || !answer.redirected) return answer;
  lost = true;
  return { status: 502, redirected: true, url: answer.url, headers: new Headers(),
           text: async () => "<h1>502 Bad Gateway</h1>" };
};
0;
"""
"""The page that the first redirection leads to is lost on its way. (Were the last value a function,
it would be called.)"""


async def test_a_page_that_we_were_sent_to_is_asked_for_again_alone(
    windows: Windows, site: Site
) -> None:
    """Where forms are sent: a vote was taken, and what answers for its page is none of ours."""
    windows.network_may_fail = True
    consultation = await site.consultation()
    page = await windows.open(f"/c/{consultation}/vote?proposal=p1")
    await page.route("**/vote/cards*", cut)
    await page.reload()
    methods: Counter[str] = Counter()
    page.on("request", lambda request: methods.update([request.method]))
    await page.evaluate(LOSES_A_PAGE)
    await page.click("#act-agree")
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")

    assert methods["POST"] == 1
    assert [event for event, _ in await site.events(consultation)] == ["VoteCast"]


async def test_without_a_script_a_reload_sends_the_same_once_more(
    windows: Windows, site: Site
) -> None:
    """The proxy's page stands where the booth's should: reloading repeats the key, not the vote."""
    windows.network_may_fail = True
    consultation = await site.consultation()
    page = await windows.open(f"/c/{consultation}/vote?proposal=p1", script=False)
    sent = await faults_of_posts(page, answered(
        502, BAD_GATEWAY, sent_on=True, **{"content-security-policy": "; ".join(POLICY)}), times=2,
        script=False)
    await page.click("#act-agree")
    await expect(page.locator("h1")).to_have_text("502 Bad Gateway")
    await page.reload()
    await page.reload()
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    events = await site.events(consultation)
    totals = await site.until_received(consultation, len(events))

    assert len(sent) == 3
    assert len(set(sent)) == 1
    assert list(votes_of(events).values()) == [{"agree"}]
    assert totals["counted"]["votes"] == 1


async def test_live_figures_take_nothing_from_others(windows: Windows, site: Site) -> None:
    """A stream of somebody else is no stream: the page says that it is cut, and follows later."""
    windows.network_may_fail = True
    consultation = await site.consultation()
    page = await windows.open("/")
    met: list[str] = []

    async def meet(route: Route) -> None:
        met.append(route.request.url)
        if len(met) == 1:
            await route.fulfill(status=200, body="data: Log in\n\n", headers={
                "content-type": "text/event-stream"})
        elif len(met) == 2:
            await route.fulfill(status=502, body=BAD_GATEWAY, content_type="text/html")
        else:
            await route.fallback()

    await page.route("**/v1/consultations/*/live*", meet)
    await page.goto(f"/c/{consultation}?lang=en")
    await expect(page.locator(".live-state")).to_have_text("Connection lost: trying again")
    await expect(page.locator(".live-state")).to_contain_text("Live:")

    assert len(met) >= 3
