"""The live figures of a results page: over a cut, and for people whom motion disturbs."""

import json
from typing import Literal

import pytest
from playwright.async_api import Page, Route, expect

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
    await expect(counter).to_have_text("1")
    await expect(state).to_have_text(str(await page.get_attribute("#live", "data-moving")))


async def following(
    windows: Windows, site: Site, *snapshots: tuple[str, int]
) -> tuple[str, Page]:
    """Open a page whose streams say each snapshot, by its id and votes, and then the last one."""
    name = await site.consultation()
    page = await windows.open("/", language="en")
    left = [*snapshots]

    async def answer(route: Route) -> None:
        place, votes = left.pop(0) if len(left) > 1 else left[0]
        counts = {"received": votes, "set_aside": 0, "counted": {"votes": votes}}
        data = {"state": "open", "proposals": {}, "totals": {
            **counts, "participants": votes, "participants_received": votes}}
        await route.fulfill(content_type="text/event-stream", body=(
            f"retry: 50\nid: {place}\ndata: {json.dumps(data)}\n\n"))

    await page.route(STREAM, answer)
    return name, page


async def test_figures_never_go_back_and_the_rest_says_when_it_stood(
    windows: Windows, site: Site
) -> None:
    """A snapshot of a server that lags is dropped; what no snapshot repaints says so."""
    name, page = await following(
        windows, site, ("9000000-9000000-9000000-9000000", 7), ("9000000-1-9000000-9000000", 3))
    served = await page.goto(f"/c/{name}")
    assert served is not None
    assert "data-loaded hidden>" in await served.text()
    counter = page.locator("[data-live=votes]").first
    await expect(counter).to_have_text("7")
    await expect(page.locator("[data-live=log_records]")).to_have_text("18,000,002")
    for loaded in await page.locator("[data-loaded]").all():
        await expect(loaded).not_to_have_attribute("hidden", "")  # Folded parts have some.
    await expect(page.locator(".counts tfoot .number").first).to_have_text("0")
    for _ in range(10):  # One every 50 ms: longer than a figure waits to be painted.
        async with page.expect_response(STREAM):
            pass
    await expect(counter).to_have_text("7")


async def test_figures_of_a_log_that_was_begun_anew_are_shown(
    windows: Windows, site: Site
) -> None:
    """Its positions are lower than those of the log before it, and may stay so for ever."""
    name, page = await following(
        windows, site, ("9000000-9000000-9000000-9000000.0a0a0a0a", 7), ("1-1-1-1.0b0b0b0b", 3))
    await page.goto(f"/c/{name}")
    assert "." in str(await page.get_attribute("#live", "data-place"))
    await expect(page.locator("[data-live=votes]").first).to_have_text("3")


HEARD = """
window.EventSource = class extends EventTarget {
    constructor() { super(); window.told = this; }
    close() {}
};
window.tell = (place, votes) => window.told.onmessage({
    lastEventId: `${place}-0-0`,
    data: JSON.stringify({state: 'open', proposals: {}, totals: {
        received: votes, set_aside: 0, counted: {votes},
        participants: votes, participants_received: votes}}),
});
"""
"""A stream that says what the test says, when it says it."""


@pytest.mark.parametrize(("motion", "rest_milliseconds"), [
    ("no-preference", 250), ("reduce", 2_000)])
async def test_a_figure_moves_at_once_then_four_times_a_second_and_is_spoken_once_a_minute(
    windows: Windows, site: Site, motion: Literal["no-preference", "reduce"],
    rest_milliseconds: int,
) -> None:
    """By the page's own clock; every two seconds for who asks for less motion."""
    name = await site.consultation()
    page = await windows.open("/", language="en")
    await page.clock.install(time=0)
    await page.clock.pause_at(1_000)
    await page.emulate_media(reduced_motion=motion)
    await page.add_init_script(HEARD)
    await page.goto(f"/c/{name}")
    counter, spoken = page.locator("[data-live=votes]").first, page.locator("#live-spoken")

    async def tell(*votes: int) -> None:
        for number in votes:
            await page.evaluate(f"tell({1_000_000 + number}, {number})")

    async def shown(after_milliseconds: int) -> str:
        await page.clock.run_for(after_milliseconds)
        return await counter.inner_text()

    await page.clock.run_for(1)
    seen = []
    for told, after_milliseconds in (
            ((5,), 1), ((6, 7), rest_milliseconds - 10), ((8,), 10),
            ((9,), rest_milliseconds - 10), ((), 10)):
        await tell(*told)
        seen.append(await shown(after_milliseconds))
    heard = [await spoken.inner_text()]
    for told, after_milliseconds in (((), 60_000), ((10,), 50_000), ((), 10_000)):
        await tell(*told)
        await page.clock.run_for(after_milliseconds)
        heard.append(await spoken.inner_text())

    assert seen == ["5", "5", "8", "8", "9"]
    assert heard == ["", "Votes counted: 9", "Votes counted: 9", "Votes counted: 10"]


async def test_nothing_moves_for_who_asks_for_less_motion(windows: Windows, site: Site) -> None:
    """With prefers-reduced-motion no page has a transition, an animation or smooth scrolling."""
    name = await site.consultation()
    page = await windows.open("/", language="en")
    await page.emulate_media(reduced_motion="reduce")
    for address in (f"/c/{name}", f"/c/{name}/proposals", f"/c/{name}/vote?proposal=p1",
                    f"{site.views_url}/ops"):
        await page.goto(address)
        assert await page.evaluate(MOVING) == []
