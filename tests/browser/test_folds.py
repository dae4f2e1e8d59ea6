"""The results page of a whole campaign on a telephone: short, and nothing of it is lost."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.showroom import DAYS, FIRST_DAY
from tests.browser.windows import Windows
from tests.serving import served
from tests.views import campaign
from tests.views.test_api import Published
from tests.waiting import POLL_SECONDS, WAIT_SECONDS
from views.api import application
from views.days import Days
from views.pages.languages import LANGUAGES
from views.publications import Publications


pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = f"/c/{campaign.CONSULTATION}"
TELEPHONE_PIXELS = 390
HIGHEST_PIXELS = 15_000
"""Most that the page may be long there; before parts of it were folded it was 34,923."""
UNFOLDED_PIXELS = 24_000
"""Least that it is long with everything unfolded: folding has not thrown it away."""
FOLDED = ("approved", "glance", "context", "days", "participation", "counts", "method", "check",
          "terms")
UNSEEN = """names => names.filter(name => !document.getElementById(name).checkVisibility(
    {contentVisibilityAuto: true}))"""
"""Which of some parts nobody can see."""


@pytest.fixture(scope="module")
def campaigns() -> Iterator[str]:
    """Serve the results of the whole campaign."""
    source = Published(campaign.flushes())
    source.ready.set()
    days = Days()
    days.tell(campaign.CONSULTATION, {
        FIRST_DAY + timedelta(number): 4_000 for number in range(DAYS)},
        datetime(2022, 5, 22, 22, tzinfo=UTC))
    publications = Publications(
        source.flushes, lambda: 0.0, days=days, address="https://vote.example")
    with served(application(source, publications)) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def looking(chromium: Browser, campaigns: str) -> Windows:
    """Open windows on that site."""
    return Windows(chromium, campaigns)


async def unseen(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(UNSEEN, list(FOLDED))
    return found


async def height(page: Page) -> int:
    found: int = await page.evaluate("document.documentElement.scrollHeight")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_is_short_on_a_telephone(looking: Windows, language: str) -> None:
    """What matters first stands open, the rest a tap away and whole."""
    page = await looking.open(PAGE, language=language, width_pixels=TELEPHONE_PIXELS)
    assert await height(page) <= HIGHEST_PIXELS
    assert await unseen(page) == list(FOLDED)
    for part in FOLDED:
        await page.locator("summary", has=page.locator(f"#{part}-title")).click()
    assert await unseen(page) == []
    assert await height(page) >= UNFOLDED_PIXELS
    await looking.close()
    assert not looking.faults


@pytest.mark.parametrize(("link", "part"), [
    *((part, part) for part in FOLDED), ("organisers", "context"),
    (":~:text=Wilson", "method"), (":~:text=CNJE", "context")])
async def test_a_link_or_a_search_unfolds_what_it_leads_to(
    looking: Windows, link: str, part: str
) -> None:
    """By the browser alone, without any script; the other parts stay as they are."""
    page = await looking.open(f"{PAGE}#{link}", script=False, width_pixels=TELEPHONE_PIXELS)
    assert await unseen(page) == [name for name in FOLDED if name != part]
    await looking.close()
    assert not looking.faults


async def test_nothing_is_folded_on_paper(looking: Windows) -> None:
    """Whoever prints the page has all of it, without any script."""
    page = await looking.open(PAGE, script=False)
    assert await unseen(page) == list(FOLDED)
    await page.emulate_media(media="print")
    async with asyncio.timeout(WAIT_SECONDS):
        while await unseen(page):
            await asyncio.sleep(POLL_SECONDS)
    await looking.close()
    assert not looking.faults
