"""The widget: votes within pages of partners, and nothing of our own pages with them."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2

from deploy.local.services import Broker
from producers.gateway import guards
from schemas import visitors
from tests.foreign.applications import gateway_on
from tests.producers.gateway.booths import SITES, Browser, RunningGateway, event_of
from tests.producers.gateway.test_guards import assert_problem
from tests.waiting import POLL_SECONDS, WAIT_SECONDS


WIDGET = "/c/town/widget/1"
FORM = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
FRAMED = f"frame-ancestors {' '.join(SITES)}"


def cookies_of(answer: httpx2.Response) -> dict[str, str]:
    """Return what an answer has a browser keep: by name, all that follows the value."""
    lines = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line.partition("; ")[2] for line in lines}


def ancestors(answer: httpx2.Response) -> str:
    """Return who may frame an answer."""
    policies = answer.headers.get_list("content-security-policy")
    found = [rule.strip() for policy in policies for rule in policy.split(";")
             if "frame-ancestors" in rule]
    return " and ".join(found)


def as_sent(browser: Browser) -> None:
    """Send Secure cookies as browsers do to this very machine, though there is no TLS."""
    for cookie in browser.client.cookies.jar:
        cookie.secure = False


async def votes(browser: Browser, choice: str) -> tuple[httpx2.Response, dict[str, Any]]:
    """Vote by the form of a page of the widget; return the page, and what the form said."""
    page = await browser.client.get(WIDGET, params={"proposal": "p2"})
    as_sent(browser)
    fields = {**dict(HIDDEN.findall(page.text)), "act": choice}
    answer = await browser.client.post(WIDGET, data=fields, headers=FORM)
    as_sent(browser)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"{WIDGET}?proposal=p2"
    return page, fields


async def test_a_vote_in_the_widget_is_on_record_with_its_origin_route_and_partner(
    gateway: RunningGateway
) -> None:
    """By form and by /v1: origin `widget`, route `asked`, `via` the partner that the address names;
    drawn for the visitor or not, for whose site it is has chosen."""
    async with Browser(gateway.url) as browser:
        await votes(browser, "agree")
        drawn = await browser.client.get("/v1/consultations/town/sequence", params={"via": 1})
        as_sent(browser)
        shown = drawn.json()["proposals"][0]
        by_program = await browser.vote(
            shown["id"], "disagree", proof=shown["proof"], headers={
                "sec-fetch-site": "same-origin"})
        by_script = await browser.client.post(
            "/v1/consultations/town/votes", params={"via": 1},
            json={"proposal": shown["id"], "choice": "disagree", "proof": shown["proof"]})
    said = [{name: fields[name] for name in ("origin", "shown", "via", "trust")}
            for _, event, fields in await gateway.events(gateway.topics.votes)
            if event == "VoteCast" and fields["proposal"] == "p2"]

    widget = {"origin": "widget", "shown": "asked", "via": 1, "trust": "trusted"}
    assert said
    assert all(each == widget for each in said)
    own = event_of(by_script.json())[1]
    assert {name: own[name] for name in widget} == widget
    other = event_of(by_program.json())[1]
    assert (other["origin"], other["via"], other["trust"]) == ("web", 0, "suspect")
    assert other["voter"] != own["voter"]


async def test_the_widget_s_cookies_are_its_own_and_those_of_our_pages_stay_as_they_are(
    gateway: RunningGateway
) -> None:
    """Partitioned, Secure, for every site; under other names and paths. Our own are Lax as ever,
    and neither is read in the place of the other."""
    async with Browser(gateway.url) as browser:
        embedded = cookies_of((await votes(browser, "agree"))[0])
        own = cookies_of(await browser.client.get("/c/town/vote", params={"proposal": "p2"}))
        again = await browser.client.get(WIDGET, params={"proposal": "p2", "lang": "en"})
        page = await browser.client.get("/c/town/vote", params={"proposal": "p2"})

    assert {"scrutin-widget", "scrutin-paper"} <= embedded.keys()
    assert all(told.endswith(visitors.EMBEDDED) for told in embedded.values())
    assert {guards.LOOPBACK_COOKIE, "scrutin-paper"} <= own.keys()
    assert all(told.endswith("SameSite=Lax") for told in own.values())
    assert {name: "Path=/c/town/" in told for name, told in cookies_of(again).items()} == {
        "language": True}
    assert ('aria-pressed="true"' in again.text, 'aria-pressed="true"' in page.text) == (
        True, False)


async def test_behind_tls_no_other_host_can_set_the_widget_s_device(
    gateway: RunningGateway
) -> None:
    """The name has the prefix that browsers hold to this very host, whole and Secure."""
    async with Browser(gateway.url) as browser:
        answer = await browser.client.get(WIDGET, headers={"host": "vote.example.org"})

    told = cookies_of(answer)[f"__Host-{guards.WIDGET_COOKIE}"]
    assert told.startswith("Path=/; ")
    assert "Domain" not in told


async def test_a_page_that_embeds_is_led_to_its_partner_and_others_to_our_own(
    gateway: RunningGateway
) -> None:
    """By the site that the browser names; whoever is none may not frame what it comes to."""
    async with Browser(gateway.url) as browser:
        found = [(await browser.client.get("/c/town/widget?lang=en", headers={
            "referer": referer} if referer else {})).headers["location"]
            for referer in ("https://la-voix.example/", "https://www.la-voix.example:8443/a?b",
                            "https://evil.example/https://la-voix.example", "http://[", "")]
        unlisted = [await browser.client.get(f"/c/town/widget/{number}") for number in (2, 3)]
        nobody = await browser.client.get("/c/town/widget/0")

    assert found == [f"{WIDGET}?lang=en"] * 2 + ["/c/town/vote?lang=en"] * 3
    for answer in (*unlisted, nobody):
        assert (answer.status_code, ancestors(answer)) == (404, "frame-ancestors 'none'")


async def test_who_is_no_partner_takes_no_votes(gateway: RunningGateway) -> None:
    """A number that no partner with a site has is refused, and so is what is no number."""
    async with Browser(gateway.url) as browser:
        answers = [await browser.client.post(
            "/v1/consultations/town/votes", params={"via": via},
            json={"proposal": "p1", "choice": "agree"}) for via in (
                "2", "3", "65535", "x", "655360")]

    for answer in answers[:3]:
        assert_problem(answer, 404, "unknown-partner")
    for answer in answers[3:]:
        assert_problem(answer, 400, "invalid-request")


async def test_a_page_of_another_site_acts_for_nobody_by_the_widget_s_cookie(
    gateway: RunningGateway
) -> None:
    """The cookie is sent from everywhere, so it is never enough: where a request comes from is."""
    async with Browser(gateway.url) as browser:
        _, fields = await votes(browser, "agree")
        headers = {**FORM, "sec-fetch-site": "cross-site", "origin": SITES[0]}
        form = await browser.client.post(WIDGET, data=fields, headers=headers)
        script = await browser.client.post(
            "/v1/consultations/town/votes", params={"via": 1}, headers={
                "sec-fetch-site": "cross-site"}, json={"proposal": "p1", "choice": "agree"})
        silent = await browser.client.post(
            WIDGET, data=fields, headers={"content-type": FORM["content-type"]})

    assert [answer.status_code for answer in (form, script, silent)] == [403, 403, 403]


async def test_nothing_but_the_widget_may_be_framed_and_only_by_the_sites_of_its_partner(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Every address of a gateway with its pages, by every method, and each problem."""
    found: dict[str, set[str]] = {}
    async with gateway_on(broker, topic_prefix, tmp_path) as reached, httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=reached.app, client=("127.0.0.1", 1)),
            base_url="http://localhost", headers=reached.headers) as client:
        async with asyncio.timeout(WAIT_SECONDS):
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(POLL_SECONDS)
        for address in reached.addresses:
            if address.path.endswith("/live"):  # It never ends; its head is like the others'.
                continue
            answer = await client.request(address.method, address.at())
            if not 300 <= answer.status_code < 400:
                found.setdefault(ancestors(answer), set()).add(address.path)

    assert found.keys() == {"frame-ancestors 'none'", FRAMED}
    assert len(found["frame-ancestors 'none'"]) > 40
    widget = "/c/{consultation}/widget/{via:number}"
    assert all(path.startswith(widget) for path in found[FRAMED])
    assert {widget, f"{widget}/mine", f"{widget}/you"} <= found[FRAMED]
