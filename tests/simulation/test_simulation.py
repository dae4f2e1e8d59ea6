"""A thousand histories under fire hold every oracle; histories with a planted fault do not."""

from collections.abc import Sequence

import pytest

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from sinks.lane import Lane
from sinks.stretches import Stretch
from tests.simulation.oracles import check
from tests.simulation.processes import Parts
from tests.simulation.world import World
from views.flushes import Flushes


SEEDS, SEEDS_A_TEST = 1_000, 100
SEEDS_TO_OBJECT = 200
"""A planted fault is noticed within so many histories."""
TRACE_LINES = 40
"""Last steps of a failing history that are shown."""


def hold(seed: int, parts: Parts | None = None) -> None:
    """Run one history and check it; a failure says how to repeat it."""
    world = World(seed, parts)
    try:
        world.run()
        check(world)
    except Exception as error:
        trace = "\n".join(world.trace[-TRACE_LINES:])
        raise AssertionError(
            f"{trace}\nseed {seed}: {error}\nrepeat it: make simulate SEED={seed}") from error


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_TEST))
def test_every_history_ends_as_the_pure_parts_say(first: int) -> None:
    """Through crashes, zombies, rebalances, compaction and lost answers the count is the count."""
    for seed in range(first, first + SEEDS_A_TEST):
        hold(seed)


def test_a_seed_is_a_whole_history() -> None:
    """The same seed gives the same steps, logs and rows."""
    one, other = World(7), World(7)
    one.run()
    other.run()

    assert one.trace == other.trace
    assert [log.records for logs in one.logs.values() for log in logs] == [
        log.records for logs in other.logs.values() for log in logs]
    assert one.table.rows == other.table.rows


class FoldsEveryStray(Ledger):
    """Takes whatever decision comes next for the next one."""

    def apply(self, value: bytes) -> bool:
        self.last_offset = decode(value).source_offset - 1
        return super().apply(value)


class ResumesBehindTheLast(Lane):
    """Resumes at max(offset), not behind the contiguous prefix."""

    def begin(self, archived: Sequence[Stretch], last_value: bytes | None) -> int:
        if archived:
            self.next_offset = self._received = archived[-1].last + 1
            return self.next_offset
        return super().begin(archived, last_value)


class GoesBack(Flushes):
    """Shows whatever flush comes last."""

    def _close_flush(self, value: bytes) -> None:
        self.applied = self._complete = None
        super()._close_flush(value)


FAULTS = {
    "strays are folded": Parts(ledger=FoldsEveryStray),
    "the generation is not looked at": Parts(may_decide=lambda _held, _generation: True),
    "the archive resumes at the highest offset": Parts(lane=ResumesBehindTheLast),
    "the reader goes back": Parts(reader=GoesBack),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault: str) -> None:
    """An oracle or an alarm objects to each known fault: the simulation can fail."""
    with pytest.raises(AssertionError, match="repeat it: make simulate SEED="):
        _hold_all(FAULTS[fault])


def _hold_all(parts: Parts) -> None:
    for seed in range(SEEDS_TO_OBJECT):
        hold(seed, parts)
