"""The list of all proposals in a browser: it follows votes, stands still when told to, and asks."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Site
from tests.browser.windows import Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def agrees(page: Page, consultation: str, proposal: str) -> None:
    """Vote on a proposal in another window."""
    await page.goto(f"/c/{consultation}/vote?proposal={proposal}")
    await page.click("#act-agree")
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")


async def test_rows_on_screen_follow_votes_until_they_are_told_to_stand_still(
    windows: Windows, site: Site
) -> None:
    """A vote elsewhere moves its row; paused, nothing moves; resumed, the row catches up."""
    name = await site.consultation()
    listed = await windows.open(f"/c/{name}/proposals", language="en")
    voter = await windows.open(f"/c/{name}/vote")
    trees, buses = (listed.locator(f"[data-live-proposal={proposal}]") for proposal in ("p1", "p2"))
    await agrees(voter, name, "p1")
    await expect(trees.locator("[data-live-votes]")).to_have_text("1")
    await expect(trees.locator("[data-live-choice=agree] .number")).to_have_text("1")
    await listed.click("#live button")
    await agrees(voter, name, "p2")
    await site.until_received(name, 2)
    await expect(buses.locator("[data-live-votes]")).to_have_text("0")
    await listed.click("#live button")
    await buses.scroll_into_view_if_needed()
    await expect(buses.locator("[data-live-votes]")).to_have_text("1")
    await expect(listed.locator("#live-spoken")).to_have_attribute("role", "status")


@pytest.mark.parametrize("script", [True, False])
async def test_the_list_is_searched_with_and_without_a_script(
    windows: Windows, site: Site, *, script: bool
) -> None:
    """From the results page to the proposals that hold a word, and back to all of them."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}", language="en", script=script)
    await page.fill("#q", "bus")
    await page.press("#q", "Enter")
    await expect(page.locator(".listed > li")).to_have_count(1)
    await expect(page.locator(".found")).to_have_text("1 proposal of 3")
    assert page.url.endswith(f"/c/{name}/proposals?q=bus")
    await page.click("text=Remove the filters")
    await expect(page.locator(".listed > li")).to_have_count(3)
