"""What everybody votes is what is published, said as soon as it holds an act of one's own."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest

from processors.results.results_document import AsOf
from schemas.topics import FLUSH_KEY
from schemas.words import CHOICES
from tests.views import campaign
from tests.views.test_embargo import world
from views.documents import Documents
from views.flushes import Figure, Flushes
from views.voting import everybody
from views.voting.everybody import Everybody


NAME, SIZE = campaign.CONSULTATION, 30
PARTITIONS = 4


def shown_by(flushes: Flushes) -> Everybody:
    return Everybody(flushes, Documents(flushes))


def flushed(flushes: Flushes, *offsets: int) -> None:
    """Publish that the results hold these places of the log."""
    applied = flushes.applied
    assert applied is not None
    flushes.receive_result(FLUSH_KEY, campaign.marker(AsOf(
        offsets, applied.catalogue_offset, applied.participants_offset)))


def test_what_everybody_votes_is_what_is_published() -> None:
    """Of every proposal: the counts of the results, and percentages of all of them or none."""
    flushes = campaign.flushes(SIZE, closed=False)
    documents, shown = Documents(flushes), shown_by(flushes)
    for proposal in campaign.proposals(SIZE):
        counted = documents.figure(NAME, Figure("proposal", proposal["id"]))["counted"]  # type: ignore[index]  # it is counted
        found: dict[str, Any] = shown.shares(NAME, proposal["id"]) or {}
        assert found["votes"] == counted["votes"]
        assert found["counts"] == [counted[name] for name in CHOICES]
        assert found["percents"] == [
            round(100 * counted[name] / counted["votes"]) for name in CHOICES]


def test_of_few_votes_no_percentages_are_shown_and_of_none_nothing() -> None:
    """Of three the numbers alone; of none, and of what nobody knows, no words at all."""
    flushes = campaign.flushes(SIZE, closed=False)
    shown = shown_by(flushes)
    names = [proposal["id"] for proposal in campaign.proposals(SIZE)[:2]]
    for name, votes in zip(names, (3, 0), strict=True):
        flushes.receive_result(*campaign.proposal_record(NAME, name, votes))
    flushed(flushes, *(flushes.applied.offsets if flushes.applied else ()))

    few, none = (shown.shares(NAME, name) for name in names)
    assert few is not None
    assert (few["votes"], few["percents"]) == (3, None)
    assert none is shown.shares(NAME, "nothing") is None


@pytest.mark.asyncio
async def test_an_embargo_hides_what_everybody_votes_until_the_closing() -> None:
    """The same words behind a vote, whatever the others chose; how many there are neither."""
    worlds = [shown_by(world(swapped=swapped).flushes) for swapped in (False, True)]
    name = campaign.proposals(SIZE)[0]["id"]
    said = [await each.after(NAME, name, 0, 1) for each in worlds]
    assert said[0] == said[1]
    assert json.loads(said[0]) == {"shares": None, "counted": True}

    closed = [shown_by(world(swapped=swapped, closed=True).flushes) for swapped in (False, True)]
    said = [await each.after(NAME, name, 0, 1) for each in closed]
    assert said[0] != said[1]


@pytest.mark.asyncio
async def test_who_waits_is_woken_when_the_results_hold_the_act_and_not_before() -> None:
    """Acts of several partitions, in any order: each by the flush that holds it."""
    flushes = campaign.flushes(SIZE, closed=False)
    shown = shown_by(flushes)
    begin = flushes.applied.offsets[0] if flushes.applied else 0
    places = [(partition, begin + more) for more in (3, 1, 2) for partition in (1, 0)]
    waiting = {place: asyncio.create_task(shown.counted(*place)) for place in places}
    await asyncio.sleep(0)
    for more in range(4):
        offsets = [begin + more, begin, *[begin] * (PARTITIONS - 2)]
        flushed(flushes, *offsets)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ended = {place for place, task in waiting.items() if task.done()}
        assert ended == {(0, begin + each) for each in range(1, more + 1)}
    flushed(flushes, *[begin + 9] * PARTITIONS)
    assert set(await asyncio.gather(*waiting.values())) == {True}


@pytest.mark.asyncio
async def test_who_is_not_counted_in_time_is_told_so_and_takes_no_place(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing moves each who comes takes the place of those who have given up."""
    monkeypatch.setattr(everybody, "COUNTED_SECONDS", 0.0)
    shown = shown_by(campaign.flushes(SIZE, closed=False))
    sizes = []
    for offset in range(1_000_000, 1_000_020):
        assert await shown.counted(0, offset) is False
        sizes.append(sum(map(len, shown._waiting.values())))
    assert all(before == after for before, after in pairwise(sizes))
