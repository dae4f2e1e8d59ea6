"""The live figures of a results page: over a cut, and for people whom motion disturbs."""

import pytest
from playwright.async_api import expect

from tests.browser.site import Site
from tests.browser.test_lists import agrees
from tests.browser.windows import Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")
STREAM = "**/v1/consultations/*/live*"
MOVING = """[...document.querySelectorAll('*')].filter(element => {
    const style = getComputedStyle(element);
    return parseFloat(style.transitionDuration) > 0.01 || parseFloat(style.animationDuration) > 0.01
        || style.scrollBehavior === 'smooth';
}).map(element => element.outerHTML.slice(0, 80))"""


async def test_a_stream_that_is_cut_is_said_and_catches_up(windows: Windows, site: Site) -> None:
    """Answered with an error the page says so, tries again, and shows what came meanwhile."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open("/", language="en")
    await page.route(STREAM, lambda route: route.fulfill(status=503))
    await page.goto(f"/c/{name}")
    state, counter = page.locator("#live .live-state"), page.locator("[data-live=votes]").first
    await expect(state).to_have_text(str(await page.get_attribute("#live", "data-cut")))
    voter = await windows.open(f"/c/{name}/vote", language="en")
    await agrees(voter, name, "p1")
    await expect(counter).to_have_text("0")
    await page.unroute(STREAM)
    await expect(counter).to_have_text("1", timeout=15_000)
    await expect(state).to_have_text(str(await page.get_attribute("#live", "data-moving")))


async def test_nothing_moves_for_who_asks_for_less_motion(windows: Windows, site: Site) -> None:
    """With prefers-reduced-motion no page has a transition, an animation or smooth scrolling."""
    name = await site.consultation()
    page = await windows.open("/", language="en")
    await page.emulate_media(reduced_motion="reduce")
    for address in (f"/c/{name}", f"/c/{name}/proposals", f"/c/{name}/vote?proposal=p1",
                    f"{site.views_url}/ops"):
        await page.goto(address)
        assert await page.evaluate(MOVING) == []
