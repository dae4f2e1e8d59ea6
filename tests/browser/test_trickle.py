"""The simulated voters of the demo vote as people do, and move what people see."""

import asyncio
import random

import pytest
from playwright.async_api import expect

from scrutin.demo.trickle import crowd, trickle
from tests.browser.site import TEXTS, Site
from tests.browser.windows import Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_crowd_and_a_trickle_move_an_open_page(windows: Windows, site: Site) -> None:
    """Every vote of a crowd is counted, on the page too; then a trickle moves the page on."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}")
    proposals = await crowd(site.url, name, seed=random.randrange(2**32), voters=12)
    votes = [event for event, _ in await site.events(name)].count("VoteCast")
    totals = await site.until_received(name, votes)
    counter = page.locator("[data-live=received]").first
    await expect(counter).to_have_text(str(votes))
    flowing = asyncio.create_task(trickle(site.url, name, seed=1))
    try:
        await site.until_received(name, votes + 3)
        await expect(counter).not_to_have_text(str(votes))
    finally:
        flowing.cancel()

    assert 12 * len(TEXTS) == proposals <= votes == totals["received"]
    assert totals["participants_received"] == 12
