"""What a drawn vote costs is measured beside everything else, and shown once it is."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient

from producers.gateway import draw_costs
from scrutin.views.draw_costs import (
    FIRST_REST_FACTOR,
    FIRST_WORK_SECONDS,
    REST_FACTOR,
    Rests,
    measure_draws,
)
from tests.harness import WAIT_SECONDS
from tests.views import campaign
from tests.views.test_api import Clock, Published
from views.api import application
from views.publications import Publications


SIZE = 60
ADDRESS = f"/v1/consultations/{campaign.CONSULTATION}/draw"
PAGE = f"/c/{campaign.CONSULTATION}"


class Shown:
    """Views of a small campaign."""

    def __init__(self, *, by_route: bool = True) -> None:
        self.source = Published(campaign.flushes(SIZE, by_route=by_route))
        self.source.ready.set()
        self.publications = Publications(self.source.flushes, Clock())
        self.client = TestClient(application(self.source, self.publications))

    def page(self, language: str) -> str:
        text = re.sub(r"<[^>]+>", "", self.client.get(f"{PAGE}?lang={language}").text)
        return re.sub(r"[\s\u202f\u00a0]+", " ", text)

    @asynccontextmanager
    async def measuring(self) -> AsyncIterator[None]:
        """Measure meanwhile, as views and gateways do."""
        task = asyncio.create_task(measure_draws(
            self.publications, self.source.flushes, rest_factor=0))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def told(self) -> dict[str, Any]:
        """Wait for a measurement."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (found := self.publications.costs.of(campaign.CONSULTATION)) is None:
                await asyncio.sleep(0.05)
        return found


async def test_the_price_of_a_drawn_vote_is_published_with_its_positions() -> None:
    """What anybody measures on the published document, and nothing before it was measured."""
    shown = Shown()
    before = shown.client.get(ADDRESS).status_code
    async with shown.measuring():
        told = await shown.told()
    answer = shown.client.get(ADDRESS)
    document = shown.client.get(f"/v1/consultations/{campaign.CONSULTATION}/results").json()

    assert before == 404
    assert answer.json() == told == draw_costs.measured(document, blind=False)
    assert answer.json()["as_of"]["votes"] == document["as_of"]["votes"]


@pytest.mark.parametrize(("language", "protects"), [
    ("fr", "Ce que le tirage au sort protège"), ("en", "What the draw protects")])
async def test_the_method_says_what_the_draw_protects_and_at_what_price(
    language: str, protects: str
) -> None:
    """The page that was made before it was measured is made again with the numbers."""
    shown = Shown()
    before = shown.page(language)
    async with shown.measuring():
        costs = (await shown.told())["costs"]
    after = shown.page(language)

    assert protects in before
    assert f"{round(costs['median']['sequences'])} or more" in after or (
        f"{round(costs['median']['sequences'])} ou davantage" in after)
    assert f" {round(costs['least_shown']['sequences'])} " in after[len(before) // 2:]
    assert before != after


@pytest.mark.parametrize(("median", "promises"), [(20.4, False), (21.0, True)])
def test_where_it_costs_little_the_page_promises_nothing(
    median: float, *, promises: bool
) -> None:
    """At twenty sequences for half of all proposals it says that the draw protects nothing."""
    shown = Shown()
    shown.publications.costs.tell(campaign.CONSULTATION, {"costs": {
        name: {"proposal": "p", "sequences": median}
        for name in ("most_shown", "median", "least_shown")}})

    assert ("here the draw protects nothing" in shown.page("en")) is not promises


def test_before_rules_2_nothing_is_said_of_the_draw() -> None:
    """No vote is known to be drawn: the page says no word of it, and the address has nothing."""
    shown = Shown(by_route=False)

    assert shown.client.get(ADDRESS).status_code == 404
    assert "What the draw protects" not in shown.page("en")


def test_a_price_that_is_awaited_is_hurried_for_a_bounded_time_only() -> None:
    """Of thousands of proposals it would keep the process busy for minutes."""
    waiting = [False, *7 * [True]]
    rests, step = Rests(REST_FACTOR, iter(waiting).__next__), FIRST_WORK_SECONDS / 4
    found = [round(rests.after(step) / step) for _ in range(7)]

    assert found == [REST_FACTOR, *4 * [FIRST_REST_FACTOR], *2 * [REST_FACTOR]]


@pytest.mark.parametrize("address", [ADDRESS, PAGE, f"{PAGE}/proposals"])
async def test_a_first_price_is_awaited_from_the_first_look_until_it_is_told(
    address: str,
) -> None:
    """Pages that are made ready before anybody asks are nobody's look."""
    shown = Shown()
    costs = shown.publications.costs
    await shown.publications.warm()
    before = costs.awaited(campaign.CONSULTATION)
    shown.client.get(address)
    meanwhile = costs.awaited(campaign.CONSULTATION)
    async with shown.measuring():
        await shown.told()
    shown.client.get(address)

    assert (before, meanwhile, costs.awaited(campaign.CONSULTATION)) == (False, True, False)
