"""One voter with several pages of the booth: no tab undoes, hides or spoils what another did."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.site import Site
from tests.browser.test_vote import choices_of, form_of, told, votes
from tests.browser.windows import Windows


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_back_button_and_a_second_tab_are_harmless(
    windows: Windows, site: Site
) -> None:
    """Old pages may be voted on: the last wish counts, and every page shows it once loaded."""
    name = await site.consultation()
    address = f"/c/{name}/vote?proposal=p1"
    page = await windows.open(address, script=False)
    second = await windows.beside(page.context, address)
    await votes(page, "agree")
    await votes(second, "disagree")
    await page.go_back()
    await votes(page, "agree")
    await second.reload()
    await expect(second.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    totals = await site.until_received(name, 3)

    assert choices_of(await site.events(name)) == ["agree", "disagree", "agree"]
    assert (totals["counted"]["agree"], totals["counted"]["votes"]) == (1, 1)


async def test_two_tabs_that_a_new_visitor_opens_at_once_both_vote(
    windows: Windows, site: Site
) -> None:
    """Each tab came with a device of its own and the last is kept: no vote is set aside."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    await page.context.clear_cookies()
    second = await windows.beside(page.context, f"/c/{name}/vote?proposal=p2")
    await votes(page, "agree")
    await votes(second, "disagree")
    totals = await site.until_received(name, 2)

    assert totals["counted"]["votes"] == 2
    assert len({fields["voter"] for _, fields in await site.events(name)}) == 1


async def test_tabs_that_vote_at_the_same_moment_keep_both_votes(
    windows: Windows, site: Site
) -> None:
    """One answer knows of the other's vote: the list of one's own votes has them all."""
    names = [f"q{number}" for number in range(10)]
    name = await site.consultation(texts={each: {"fr": f"Il faut {each}."} for each in names})
    address = f"/c/{name}/vote"
    page = await windows.open(f"{address}?proposal=q0")
    await votes(page, "neutral")
    second = await windows.beside(page.context, address)
    for one, other in zip(names[2::2], names[3::2], strict=True):
        await page.goto(f"{address}?proposal={one}")
        await second.goto(f"{address}?proposal={other}")
        await asyncio.gather(votes(page, "agree"), votes(second, "disagree"))
    await asyncio.gather(told(page), told(second))
    await page.goto(f"{address}/mine")

    await expect(page.locator(".mine li")).to_have_count(9)
    await expect(page.locator(".lead")).to_contain_text("9 propositions")


async def test_a_tab_that_is_frozen_while_it_sends_keeps_no_other_from_voting(
    windows: Windows, site: Site
) -> None:
    """Tabs send one after the other; one that never ends is waited for a moment, and no longer."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    second = await windows.beside(page.context, f"/c/{name}/vote?proposal=p2")
    await second.wait_for_load_state("networkidle")
    await page.evaluate("navigator.locks.request('scrutin-paper', () => new Promise(() => {})); 0")
    await votes(second, "disagree")
    await told(second)
    await second.goto(f"/c/{name}/vote/mine")

    await expect(second.locator(".mine li")).to_have_count(1)
    assert choices_of(await site.events(name)) == ["disagree"]


async def test_an_old_form_says_what_it_says_now(windows: Windows, site: Site) -> None:
    """A form sent twice is one vote; sent again after a change of mind, it changes it back."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1")
    form = await form_of(page)
    for act in ("agree", "disagree", "agree", "agree", "+like_it", "+like_it", "-like_it"):
        answer = await page.context.request.post(
            f"/c/{name}/vote", form={**form, "act": act}, headers={"origin": site.url})
        assert answer.ok
    await page.reload()
    totals = await site.until_received(name, 3)

    assert (totals["counted"]["agree"], totals["counted"]["votes"]) == (1, 1)
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#act-like_it")).to_have_attribute("aria-pressed", "false")
