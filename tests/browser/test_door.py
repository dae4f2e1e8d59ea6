"""At the door: a vote that waits for a check counts by itself, with and without a script."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from producers.gateway.ladder import FRESH_DEVICES, WAIT_SECONDS
from tests.browser.site import Site
from tests.browser.test_every_page import faults
from tests.browser.windows import Windows
from tests.producers.gateway import booths


pytestmark = pytest.mark.asyncio(loop_scope="module")

SOLVER = "**/altcha-pbkdf2.js*"
DONE = {"fr": "La vérification est faite : votre vote compte.",
        "en": "The check is done: your vote counts."}
WAITS = {"fr": "Votre vote est enregistré et attend une vérification",
         "en": "Your vote is recorded and waits for a check"}
NEVER = """
    const later = window.setTimeout;
    window.setTimeout = (work, wait, ...more) => later(work, wait > 15e3 ? 2e9 : wait, ...more);
"""
"""Has long waits of a page last for ever."""


async def crowd(site: Site, name: str, proposal: str = "p1") -> None:
    """Have as many devices that nobody knows come by a link as the door lets in unasked."""
    async def come() -> None:
        async with booths.Browser(site.url) as browser:
            given = await browser.client.get(
                f"/v1/consultations/{name}/sequence", params={"include": proposal})
            [proof] = [one["proof"] for one in given.json()["proposals"] if one["id"] == proposal]
            (await browser.vote(proposal, of=name, proof=proof)).raise_for_status()

    await asyncio.gather(*(come() for _ in range(FRESH_DEVICES)))


async def shown_of(page: Page) -> str:
    """Return what a page says where it says what becomes of a vote, without hard spaces."""
    return " ".join((await page.inner_text("#check")).split())


@pytest.mark.parametrize(("language", "slower"), [("fr", 1), ("en", 6)])
async def test_the_check_of_a_vote_passes_by_itself(
    windows: Windows, site: Site, language: str, slower: int
) -> None:
    """The work is done beside the page, on a slow phone too; what is said meanwhile stays."""
    name = await site.consultation()
    await crowd(site, name)
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language=language, width_pixels=360)
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    asked = asyncio.Event()
    await page.route(SOLVER, lambda route: asyncio.ensure_future(_after(asked, route.continue_)))
    await page.click("#act-agree")
    await expect(page.locator("#check")).to_be_visible()
    assert WAITS[language] in await shown_of(page)
    await expect(page.locator("#spoken")).not_to_be_empty()
    await page.click("#act-doable")
    await expect(page.locator("#act-doable")).to_have_attribute("aria-pressed", "true")
    await page.focus("#act-likely, #act-doable")
    asked.set()
    await expect(page.locator("#spoken")).to_contain_text(DONE[language].replace(" :", "\u00a0:"))
    await expect(page.locator("#check, .aside")).to_have_count(0)
    await expect(page.locator("#act-doable")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#act-doable")).to_be_focused()
    totals = await site.until_received(name, FRESH_DEVICES + 2)

    assert totals["counted"]["votes"] == FRESH_DEVICES + 1
    events = [(event, fields["trust"]) for event, fields in await site.events(name)
              if fields["origin"] == "web"]
    assert events == [("VoteCast", "suspect"), ("QualificationAdded", "trusted"),
                      ("VoteCast", "trusted"), ("QualificationAdded", "trusted")]


async def _after(event: asyncio.Event, go: object) -> None:
    await event.wait()
    assert callable(go)
    await go()


async def test_without_a_script_the_page_waits_and_offers_the_same_button(
    windows: Windows, site: Site
) -> None:
    """It goes on by itself when the time is over; then one button is all there is to press."""
    name = await site.consultation()
    await crowd(site, name)
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en", script=False)
    await page.click("#act-disagree")
    await expect(page.locator("#check noscript p")).to_contain_text(
        f"in {WAIT_SECONDS[1]} seconds")
    await expect(page.locator("#check .scripted")).to_be_hidden()
    assert WAITS["en"] in await shown_of(page)
    await page.click("#act-confirm")  # It comes by itself.
    await expect(page.locator(".aside")).to_have_count(0)
    totals = await site.until_received(name, FRESH_DEVICES + 2)

    assert totals["counted"]["votes"] == FRESH_DEVICES + 1
    assert totals["set_aside"]["unproven"] == 0


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_who_waits_finds_nothing_wrong_with_the_page(
    windows: Windows, site: Site, language: str
) -> None:
    """Nothing for axe, narrow enough, in both themes: while it waits, and when it has."""
    name = await site.consultation()
    await crowd(site, name)
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language=language)
    await page.route(SOLVER, lambda route: route.fulfill(body="", content_type="text/javascript"))
    await page.add_init_script(NEVER)
    await page.reload()
    await page.click("#act-agree")
    await expect(page.locator("#check .scripted")).to_be_visible()
    assert await faults(page) == []
    link = await page.get_attribute("#check a", "href")
    assert link is not None
    await page.goto(link)
    await expect(page.locator("#check #act-confirm")).to_be_visible()
    assert await faults(page) == []
