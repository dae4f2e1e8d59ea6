"""On a telephone: answers held back, networks lost, tabs frozen. No vote is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.phones import Phone, phone
from tests.browser.site import Site
from tests.browser.test_between import votes_of
from tests.browser.test_vote import choices_of, told, votes
from tests.browser.windows import Windows
from tests.deploy.proxies import fronts
from tests.deploy.proxies.conftest import until_up
from tests.deploy.proxies.fronts import Front


pytestmark = pytest.mark.asyncio(loop_scope="module")

IMPATIENT = """
const usual = setTimeout;
window.setTimeout = (what, milliseconds, ...rest) => (
    usual(what, milliseconds >= 10000 ? 500 : milliseconds, ...rest));
"""
"""What would be waited for ten seconds is waited for half a second."""


@pytest_asyncio.fixture(loop_scope="module")
async def network(site: Site) -> AsyncIterator[Phone]:
    """Stand between browser and service."""
    async with phone(site.url) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def front(site: Site) -> AsyncIterator[Front]:
    """Run the documented nginx before the service, which speaks HTTP/2."""
    ports = [int(url.rpartition(":")[2]) for url in (site.url, site.views_url)]
    found = fronts.started(site.stack, "nginx", gateways=(ports[0],), views=ports[1])
    await until_up(found)
    yield found
    found.worker.kill()


def is_vote(head: bytes) -> bool:
    return head.startswith(b"POST /v1/")


async def freeze(page: Page) -> Callable[[], Awaitable[None]]:
    """Stop all that a tab runs, as telephones do behind another app; return what lets it go on."""
    session = await page.context.new_cdp_session(page)
    await session.send("Debugger.enable")
    await session.send("Debugger.pause")

    async def thaw() -> None:
        await session.send("Debugger.disable")
        await session.detach()

    return thaw


async def test_a_network_that_holds_answers_back_changes_nothing(
    windows: Windows, site: Site, network: Phone
) -> None:
    """The booth as elsewhere; and figures follow votes, though no open stream arrives."""
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote", language="en", url=network.url)
    for choice in ("agree", "disagree"):
        await votes(page, choice)
        await told(page)
        await expect(page.locator(".shares")).to_contain_text("yours among them")
        await page.click("#next")
    await page.add_init_script(IMPATIENT)
    await page.goto(f"/c/{name}")
    counter = page.locator("[data-live=votes]").first
    await expect(counter).to_have_text("2")
    await expect(page.locator("#live .live-state")).to_have_text(
        str(await page.get_attribute("#live", "data-moving")))
    another = await windows.open(f"/c/{name}/vote", language="en")
    await votes(another, "agree")
    await expect(counter).to_have_text("3")

    # Of two voters: their partitions have no order.
    assert sorted(map(str, choices_of(await site.events(name)))) == ["agree", "agree", "disagree"]


@pytest.mark.parametrize("reached", [True, False])
async def test_a_network_that_is_lost_in_mid_act_is_said_and_the_act_counts_once(
    windows: Windows, site: Site, network: Phone, reached: bool  # noqa: FBT001 -- two moments
) -> None:
    """Before the service had it, or after: the connection ends without a byte, twice."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en", url=network.url)
    lost: list[bytes] = []

    async def loses(head: bytes) -> bool:
        if is_vote(head) and len(lost) < 2:
            lost.append(head)
            return False
        return True

    if reached:
        network.answers = loses
    else:
        network.sends = loses
    await page.click("#act-agree")
    await expect(page.locator("#trouble")).to_contain_text("it counts once")
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#trouble")).to_be_hidden()
    await told(page)

    assert list(votes_of(await site.events(name)).values()) == [{"agree"}]
    assert (await site.document(name))["totals"]["counted"]["votes"] == 1


async def test_a_tab_that_is_frozen_in_mid_act_goes_on_when_it_is_thawed(
    windows: Windows, site: Site, network: Phone
) -> None:
    """Its connection was ended meanwhile, the answer with it: the same is sent again."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote?proposal=p1", language="en", url=network.url)
    recorded, frozen = asyncio.Event(), asyncio.Event()

    async def loses(head: bytes) -> bool:
        if not is_vote(head) or recorded.is_set():
            return True
        recorded.set()
        await frozen.wait()
        return False

    network.answers = loses
    await page.click("#act-agree")
    await recorded.wait()
    thaw = await freeze(page)
    frozen.set()
    await thaw()
    await expect(page.locator("#act-agree")).to_have_attribute("aria-pressed", "true")
    await told(page)
    await page.goto(f"/c/{name}/vote/mine")
    await expect(page.locator(".mine li")).to_have_count(1)

    assert list(votes_of(await site.events(name)).values()) == [{"agree"}]


async def test_by_http_2_a_network_that_is_lost_and_found_loses_nothing(
    windows: Windows, site: Site, front: Front
) -> None:
    """All requests go over one connection, which ends; the act waits for the next one."""
    windows.network_may_fail = True
    name = await site.consultation()
    page = await windows.open(f"/c/{name}/vote", language="en", url=front.url)
    await votes(page, "agree")
    await told(page)
    await page.click("#next")
    protocols = await page.evaluate(
        "performance.getEntries().map((each) => each.nextHopProtocol).filter(Boolean)")
    assert set(protocols) == {"h2"}
    front.worker.kill()
    await page.click("#act-disagree")
    await expect(page.locator("#trouble")).to_contain_text("No connection")
    front.worker.start()
    await expect(page.locator("#act-disagree")).to_have_attribute("aria-pressed", "true")
    await told(page)
    await page.goto(f"/c/{name}/vote/mine")
    await expect(page.locator(".mine li")).to_have_count(2)

    assert choices_of(await site.events(name)) == ["agree", "disagree"]
