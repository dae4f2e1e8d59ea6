"""Evenings in the booth: what is compared with release 0.1.0 is the same people doing the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.booth import Place, opened
from benchmarks.evening import EVENING_ACTS, Browser, Connections, Pace
from benchmarks.evening_of_forms import BrowserOfForms
from benchmarks.house import PARTITIONS, House
from benchmarks.release import own_environment, unpacked
from producers.gateway.ballots import KINDS
from schemas import codec
from tests.harness import read_to_end


@pytest.fixture
def house(tmp_path: Path, cache_folder: Path) -> Iterator[House]:
    """Run a house of the benchmarks."""
    found = House(tmp_path)
    yield found
    found.close()


async def acts_of(visitor: type[Browser], place: Place) -> list[tuple[str, Any, str]]:
    """Have one visitor come; return the acts in the log: kind, word and trust."""
    connections = Connections(place.port)
    visit = visitor(connections, place.port, Pace(0.0))
    delays = [delay async for delay in visit.evening()]
    connections.close()
    assert len(delays) == EVENING_ACTS
    events = [codec.decode(record.value) for record in await read_to_end(
        place.house.kafka, place.topics.votes, PARTITIONS)]
    return [(event, fields.get("choice", fields.get("qualification")), fields["trust"])
            for event, fields in events if event in KINDS]


async def test_an_evening_is_the_same_acts_in_the_booths_of_both_releases(house: House) -> None:
    """Twelve votes and six words, each after its vote, all trusted, by either release's script."""
    tree = await opened(house)
    release = await opened(house, **own_environment(unpacked(house)))

    found = await acts_of(Browser, tree)

    assert found == await acts_of(BrowserOfForms, release)
    assert len(found) == EVENING_ACTS
    assert {trust for _, _, trust in found} == {"trusted"}


async def test_who_pauses_acts_at_times_that_no_late_answer_moves() -> None:
    """An act that was held up is late by the time fixed for it, and so is what follows it."""
    pace, hasty = Pace(0.01), Pace(0.0)
    pace.shown()
    first = await pace.due()
    times = [await pace.due() for _ in range(3)]

    assert times == pytest.approx([first + 0.01, first + 0.02, first + 0.03])
    pace.shown()
    assert await pace.due() >= times[-1] + 0.01
    assert await hasty.due() <= await hasty.due()
