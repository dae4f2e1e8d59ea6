"""Every page: nothing for axe-core to find, narrow enough, in every language and both themes.

A new page goes into PAGES; the visitor has voted on p1 and on nothing else.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from tests.browser.showroom import showroom
from tests.browser.site import Site
from tests.browser.windows import Windows
from tests.harness import WAIT_SECONDS, connected_producer, write
from tests.processors.guard.test_aside import judgement
from tests.producers.gateway import booths
from views.pages.languages import LANGUAGES
from views.voting.places import PAPER_COOKIE


pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = (
    "/", "/c/{open}", "/c/{open}/vote?proposal=p1", "/c/{open}/vote?proposal=p2",
    "/c/{open}/vote/mine", "/c/{open}/vote/you", "/c/{open}/vote/you?thanks",
    "/c/{open}/vote/receipts?partition=0&offset=0", "/c/{over}/vote/receipts", "/c/{secret}",
    "/c/{secret}/vote?proposal=p1",
    "/c/{coded}", "/c/{coded}/vote",
    "/c/{empty}", "/c/{empty}/vote", "/c/{later}/vote", "/c/{over}/vote",
    "/c/{over}", "/c/{open}/proposals", "/c/{open}/proposals?sort=nothing", "/c/{secret}/proposals",
    "/c/nowhere", "/problems/votes-unavailable", "/ops", "/nothing/at/all",
    "{showroom}/c/solutions-jeunes", "{showroom}/c/solutions-jeunes/proposals",
    "{showroom}/c/solutions-jeunes/guard", "{showroom}/c/solutions-jeunes/guard?page=2",
    "/c/{open}/proposal?id=p1", "/c/{secret}/proposal?id=p1",
    "{showroom}/c/solutions-jeunes/proposal?id=youth-wage",
    "{showroom}/c/solutions-jeunes/idea?id=discover-work",
    "{showroom}/c/solutions-jeunes/report", "/c/{secret}/report", "/c/{empty}/report",
    "{showroom}/c/solutions-jeunes/proposals?zone=controversy&q=jeunes", "{showroom}/ops",
    "{showroom}/ops/findings?first=10",
)
"""Addresses, with consultations by their state; the showroom has something in every list."""
NARROW_PIXELS = 320
RULES = {"type": "tag", "values": [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SPACED = """() => {
    const spaced = new CSSStyleSheet();
    spaced.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
        word-spacing: .16em !important } p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [spaced];
    for (const details of document.querySelectorAll("details")) details.open = true;
    return document.documentElement.scrollWidth;
}"""
"""As a reader may space texts (WCAG 1.4.12)."""
COLOURS = {"type": "rule", "values": ["color-contrast"]}
"""What another theme can change."""

Consultations = dict[str, str]


@pytest.fixture(scope="module")
def held() -> Consultations:
    """Keep the consultations of this module."""
    return {}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the showroom."""
    with showroom(tmp_path_factory.mktemp("showroom")) as url:
        yield url


@pytest.fixture
async def consultations(held: Consultations, site: Site, filled: str) -> Consultations:
    """Return a consultation in every state, described once."""
    if not held:
        held |= {
            "open": await site.consultation(),
            "secret": await site.consultation(embargoed=True),
            "empty": await site.consultation(texts={}), "coded": await site.consultation(codes=1),
            "later": await site.consultation(opens_at=booths.FAR_AHEAD),
            "over": await site.consultation(closes_at=booths.LONG_AGO + 1),
            "showroom": filled,
        }
    return held


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_is_open_to_everybody(
    windows: Windows, consultations: Consultations, language: str
) -> None:
    """No page has a fault of WCAG 2.2 AA or is wider than 320 pixels, whatever theme or spacing."""
    windows.network_may_fail = True  # What lies nowhere is a page too.
    page = await windows.open("/", language=language)
    for name in ("open", "secret"):
        await page.goto(f"/c/{consultations[name]}/vote?proposal=p1")
        await page.click("#act-agree")
        await expect(page.locator("#act-like_it")).to_be_visible()
    found = []
    for template in PAGES:
        await page.goto(template.format_map(consultations))
        await expect(page.locator("html")).to_have_attribute("lang", language)
        found += [f"{template}: {fault}" for fault in await faults(page)]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_said_when_something_goes_wrong_is_open_to_everybody_too(
    windows: Windows, consultations: Consultations, site: Site, language: str
) -> None:
    """No cookie, too fast, a vote without proof or set aside, receipts of all kinds, the door of
    operations."""
    windows.network_may_fail = True
    strict = booths.started(site.stack, f"strict-{language}", SCRUTIN_GATEWAY_VOTER_RATE="1")
    ballot = f"/c/{consultations['open']}/vote"
    page = await windows.open(f"{ballot}?proposal=p3", language=language)
    found: list[str] = []

    async def look(at: str) -> None:
        await expect(page.locator(at)).to_be_visible()
        found.extend(f"{at}: {fault}" for fault in await faults(page))

    await post(page, "agree", proof="")
    await look(".aside #act-confirm")
    receipt = await page.context.request.get(str(
        await page.get_attribute(".receipt a[download]", "href")))
    mine = await receipt.text()
    await set_aside(site, consultations["open"], booths.event_of(json.loads(mine))[1]["voter"])
    async with asyncio.timeout(WAIT_SECONDS):
        while not await page.locator("#aside").count():
            await page.goto(f"{ballot}/mine")
    await look("#aside button")
    await page.click("#aside button")
    await look("#aside [role=status]")
    changed = mine.replace('"signature": "', '"signature": "A')
    for text in (mine, changed, "?"):
        await page.goto(f"{ballot}/receipts")
        await page.fill("#receipt", text)
        await page.click("button[value=check]")
        await look(".verdict")
    await page.context.clear_cookies()
    async with page.expect_response("**/vote/cards*"):  # It brings a cookie, too.
        await page.goto(f"{ballot}?proposal=p3")
    await page.context.clear_cookies()
    await post(page, "agree")
    await look("main:not(:has(#ballot)) h1")
    await strict.ready()
    await page.goto(f"{strict.url}{ballot}?proposal=p3")
    await post(page, "agree")
    await look("[data-problem=too-many-requests]")
    await page.set_extra_http_headers({"x-forwarded-for": "198.51.100.7"})
    await page.goto(f"{site.views_url}/ops")
    await look("form h1, main h1")
    strict.worker.kill()

    assert not found, "\n".join(found)


async def set_aside(site: Site, consultation: str, voter: bytes) -> None:
    """Have a judgement of the patrol name a voter under a rule that sets aside."""
    patrol = site.stack.topics.patrol
    before = len(await site.gateway.events(patrol))
    async with connected_producer(site.stack.kafka) as producer:
        await write(producer, patrol, 0, first_offset=before, values=[judgement(
            before + 1, mode="set_aside", marks=[1], voters=[voter], consultation=consultation)])


async def post(page: Page, act: str, **fields: str) -> None:
    """Send the form of the ballot as a browser without scripts would, with some fields changed."""
    async with page.expect_navigation():
        await page.evaluate("""fields => {
            const form = document.querySelector(".ballot form");
            for (const [name, value] of Object.entries(fields)) {
                const field = form.querySelector(`input[name=${name}]`)
                    ?? form.appendChild(document.createElement("input"));
                Object.assign(field, { type: "hidden", name, value });
            }
            HTMLFormElement.prototype.submit.call(form);
        }""", {"act": act, **fields})


async def test_a_browser_forgets_its_votes_after_the_closing(
    windows: Windows, consultations: Consultations
) -> None:
    """The paper with the visitor's votes is taken away when the booth is visited once more."""
    page = await windows.open("/")
    path = f"/c/{consultations['over']}/vote"
    address = f"{windows.url}{path}"
    await page.context.add_cookies([
        {"name": PAPER_COOKIE, "value": "held", "domain": "127.0.0.1", "path": path}])
    held = [await page.context.cookies(address)]
    await page.goto(address)
    held.append(await page.context.cookies(address))

    assert [PAPER_COOKIE in {one["name"] for one in cookies} for cookies in held] == [True, False]


async def faults(page: Page) -> list[str]:
    """Say what is wrong with a page, in both themes and narrow."""
    await page.evaluate(AXE_SCRIPT)
    await page.emulate_media(color_scheme="light")
    found = await violations(page, RULES)
    await page.emulate_media(color_scheme="dark")
    found += await violations(page, COLOURS)
    wide = page.viewport_size
    await page.set_viewport_size({"width": NARROW_PIXELS, "height": 640})
    width = await page.evaluate("document.documentElement.scrollWidth")
    if width > NARROW_PIXELS:
        found.append(f"{width} pixels wide")
    width = await page.evaluate(SPACED)
    if width > NARROW_PIXELS:
        found.append(f"{width} pixels wide with text spaced")
    assert wide is not None
    await page.set_viewport_size(wide)
    return found


async def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """Run axe-core."""
    results = await page.evaluate(
        "options => axe.run(options)", {"runOnly": rules, "resultTypes": ["violations"]})
    return [f"{violation['id']}: {node['target']} {node['failureSummary']}"
            for violation in results["violations"] for node in violation["nodes"]]
