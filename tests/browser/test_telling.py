"""The booth's pages are told what the script did by `/v1`: soon, once, whatever is in between."""

import json

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.browser.site import Site
from tests.browser.test_by_script import fetched, press, sequence_of, texts_of_sequence
from tests.browser.test_vote import choices_of, told, votes
from tests.browser.windows import Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")

NEVER_RINGS = """
const usual = setTimeout;
window.setTimeout = (what, milliseconds) => milliseconds === 60000 ? 0 : usual(what, milliseconds);
0;
"""
"""What waits for later acts would wait for ever."""


async def settled(windows: Windows, site: Site) -> tuple[str, Page]:
    """Open the booth of a new consultation, and wait until its script has all that it asks for."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en")
    await page.wait_for_load_state("networkidle")
    return name, page


async def test_who_goes_on_does_not_wait_for_a_booth_that_does_not_answer(
    windows: Windows, site: Site
) -> None:
    """A link leads on within seconds; what was untold is told when the booth is open again."""
    windows.network_may_fail = True
    name, page = await settled(windows, site)
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/vote/cards", hold)
    await votes(page, "agree")
    await page.get_by_role("link", name="See the results").click()
    await expect(page.locator("#live")).to_be_visible()
    await page.unroute("**/vote/cards")
    await page.goto(f"/c/{name}/vote?proposal=p1")
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await told(page)
    await page.goto(f"/c/{name}/vote/mine")

    assert held
    await expect(page.locator(".mine li")).to_have_count(1)


@pytest.mark.parametrize("body", ['{"blocked":true}', '{"known":true,"cards":[{"id":1}]}'])
async def test_what_somebody_else_answers_in_json_tells_the_booth_nothing(
    windows: Windows, site: Site, body: str
) -> None:
    """A filter's own in place of ours, however well: votes are told again, and forms go on."""
    name, page = await settled(windows, site)
    foreign: list[str] = []

    async def answer(route: Route) -> None:
        if route.request.method == "POST" and "POST" in foreign:
            await route.fallback()
            return
        foreign.append(route.request.method)
        await route.fulfill(content_type="application/json", body=body)

    await page.route("**/vote/cards*", answer)
    await votes(page, "agree")
    await told(page)
    await page.reload()
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    async with page.expect_request("**/vote"):
        await votes(page, "disagree")
    await page.goto(f"/c/{name}/vote/mine")

    await expect(page.locator(".mine li")).to_have_count(1)
    assert foreign.count("POST") == 1
    assert choices_of(await site.events(name)) == ["agree", "disagree"]


def tellings_of(page: Page) -> list[int]:
    """Return the list that the numbers of acts go into, of which the booth is told at once."""
    found: list[int] = []

    def count(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/vote/cards"):
            found.append(len(json.loads(request.post_data or "")["notes"]))

    page.on("request", count)
    return found


async def test_after_the_first_act_others_are_told_together_when_the_page_is_left(
    windows: Windows, site: Site
) -> None:
    """One request for all of them, as the page is hidden, and they are listed."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote", language="en")
    told_of = tellings_of(page)
    async with page.expect_response("**/vote/cards"):
        await votes(page, "agree")
    await page.evaluate(NEVER_RINGS)
    await votes(page, "doable")
    await page.click("#next")
    await votes(page, "disagree")
    await votes(page, "impossible")
    await expect(page.locator(".shares")).to_contain_text("yours among them")
    assert told_of == [1]
    async with page.expect_response("**/vote/cards"):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert told_of == [1, 3]
    await page.goto(f"/c/{name}/vote/mine")

    for word in ("Agree", "Realistic", "Disagree", "Impossible"):
        await expect(page.locator(".mine")).to_contain_text(word)


async def test_what_waits_to_be_told_again_is_told_as_the_page_is_left(
    windows: Windows, site: Site
) -> None:
    """The booth did not answer, and is asked again after a pause that a phone may never end."""
    windows.network_may_fail = True
    name, page = await settled(windows, site)
    await page.evaluate("""
        const usual = setTimeout;
        window.setTimeout = (what, milliseconds) => milliseconds === 1000
            ? Number(window.waits = true) : usual(what, milliseconds);
        0;
    """)
    await page.route("**/vote/cards", lambda route: route.abort(), times=1)
    await votes(page, "agree")
    await page.wait_for_function("window.waits")
    async with page.expect_response("**/vote/cards"):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.goto(f"/c/{name}/vote/mine")

    await expect(page.locator(".mine li")).to_have_count(1)


async def test_many_acts_are_told_before_they_are_too_many(windows: Windows, site: Site) -> None:
    """Who changes his mind again and again on one page has the booth told of some at a time."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en")
    told_of = tellings_of(page)
    async with page.expect_response("**/vote/cards"):
        await votes(page, "agree")
    *changes, last = ("disagree", "neutral", "agree") * 8
    for choice in changes:
        await votes(page, choice)
    async with page.expect_response("**/vote/cards"):
        await votes(page, last)

    assert told_of == [1, 24]


async def test_what_everybody_votes_is_asked_for_where_it_does_not_come_with_the_answer(
    windows: Windows, site: Site
) -> None:
    """The network ends behind the receipt: the vote is shown, and its count soon after."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en")

    async def cut_short(route: Route) -> None:
        answer = await fetched(route)
        receipt, _ = texts_of_sequence(await answer.text())
        await route.fulfill(response=answer, body=sequence_of(receipt))

    await votes(page, "disagree")
    await told(page)
    await page.route("**/v1/consultations/*/votes*", cut_short)
    await votes(page, "agree")
    await expect(page.locator(".shares")).to_contain_text("yours among them")

    assert choices_of(await site.events(name)) == ["disagree", "agree"]


async def test_a_page_that_was_on_its_way_when_the_booth_was_told_shows_it_all_the_same(
    windows: Windows, site: Site
) -> None:
    """Loaded anew right after a vote: the page knows nothing of it, the cards behind it do."""
    name = await site.consultation()
    address = f"/c/{name}/vote?proposal=p1"
    page = await windows.open(address, language="en")
    old = await page.content()

    async def older(route: Route) -> None:
        await route.fulfill(response=await route.fetch(), body=old)

    for step in ("agree", "doable", "withdraw"):
        await press(page, step)
        await told(page)
        await page.route(f"**{address}", older, times=1)
        await page.reload()
        if step == "withdraw":
            await expect(page.locator(".outcome")).to_be_visible()
        else:
            await expect(page.locator(f"#act-{step}")).to_have_attribute("aria-pressed", "true")


async def test_what_the_booth_was_not_told_it_hears_with_the_next_page(
    windows: Windows, site: Site
) -> None:
    """No answer of the booth's for a while: votes are shown, and none is missing in the end."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote")
    await expect(page.locator("#act-agree")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    await page.route("**/vote/cards", lambda route: route.abort())
    await votes(page, "agree")
    await page.click("#next")
    await votes(page, "disagree")
    await page.unroute("**/vote/cards")
    await page.reload()
    await expect(page.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")
    await told(page)
    await page.goto(f"/c/{name}/vote/mine")
    await expect(page.locator(".mine li")).to_have_count(2)

    assert choices_of(await site.events(name)) == ["agree", "disagree"]
