"""What befalls a browser between two acts is told, and costs no vote that was recorded."""

from collections import Counter

import pytest
from playwright.async_api import expect

from tests.browser.site import Site
from tests.browser.test_vote import told, votes
from tests.browser.windows import Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_whose_cookies_are_deleted_is_told_and_loses_no_vote(
    windows: Windows, site: Site, language: str
) -> None:
    """The vote before stays; the next one is set aside, with why, until it is confirmed."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language=language)
    await votes(page, "agree")
    await told(page)
    await page.context.clear_cookies()
    await page.click("#next")
    await votes(page, "disagree")
    await expect(page.locator(".aside")).to_contain_text("cookies")
    await page.click("#act-confirm")
    await expect(page.locator(".aside")).to_have_count(0)
    totals = await site.until_received(name, 3)

    assert totals["counted"]["votes"] == 2
    events = [fields for _, fields in await site.events(name)]
    assert Counter(fields["trust"] for fields in events) == {"trusted": 2, "suspect": 1}
    assert len({fields["voter"] for fields in events}) == 2
