"""The full report in a browser: it prints on A4, and nothing of it comes from elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.windows import Windows
from tests.serving import served
from tests.views import campaign
from tests.views.test_api import Published
from views.api import application
from views.pages.languages import LANGUAGES


pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 120
REPORT = f"/c/{campaign.CONSULTATION}/report"
A4_POINTS = (595, 842)
PAGES = range(12, 24)
"""So many it has, of 120 proposals; a style that is not there, or a page a section, has others."""
TOO_WIDE = """() => [...document.querySelectorAll("main *")].filter(
    each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        && !each.closest(".unseen, .patterns, svg")).map(each => each.tagName + each.className)"""


@pytest.fixture(scope="module")
def reported() -> Iterator[str]:
    """Serve the results of a smaller campaign."""
    source = Published(campaign.flushes(SIZE))
    source.ready.set()
    with served(application(source)) as url:
        yield url


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_prints_on_a4_with_nothing_cut_off(
    chromium: Browser, reported: str, language: str
) -> None:
    """Pages of A4, as many as there is text for; at their width nothing runs over the edge."""
    windows = Windows(chromium, reported, network_may_fail=True)  # It has no icon to load.
    page = await windows.open(REPORT, language=language, script=False, width_pixels=695)
    printed = await page.pdf(prefer_css_page_size=True)
    await page.emulate_media(media="print")
    too_wide = await page.evaluate(TOO_WIDE)
    await windows.close()
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)

    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {A4_POINTS}
    assert len(re.findall(rb"/Type /Page\b", printed)) in PAGES
    assert too_wide == []
    assert not windows.faults


async def test_a_saved_report_is_the_same_without_us(
    chromium: Browser, reported: str, tmp_path: Path
) -> None:
    """Opened from a folder it asks for nothing, has its style, and shows as much."""
    windows = Windows(chromium, reported, network_may_fail=True)
    page = await windows.open(REPORT)
    heights, text = [await page.evaluate("document.body.scrollHeight")], await page.content()
    saved = tmp_path / "report.html"
    saved.write_text(text, "utf-8")
    asked: list[str] = []
    alone = await page.context.new_page()
    alone.on("request", lambda request: asked.append(request.url))
    await alone.goto(saved.as_uri())
    heights.append(await alone.evaluate("document.body.scrollHeight"))
    await windows.close()

    assert asked == [saved.as_uri()]
    assert heights[0] == heights[1]
    assert not windows.faults
