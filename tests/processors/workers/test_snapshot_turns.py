"""When snapshots are due: young, and never at more than their share of the time."""

from hypothesis import given
from hypothesis import strategies as st

from processors.workers.snapshot_turns import WRITING_SHARE, SnapshotTurns


DECISIONS = 100


def test_the_first_is_due_after_as_many_decisions_as_are_set() -> None:
    """However many votes there are."""
    turns = SnapshotTurns(DECISIONS)
    assert not turns.due(DECISIONS - 1, 0, 5.0)
    assert turns.due(DECISIONS, 1_000_000, 5.0)


def test_there_is_one_at_a_time() -> None:
    """Until it is written, or given up: then the next one may be taken."""
    turns = SnapshotTurns(DECISIONS)
    turns.begin(5.0)
    assert not turns.due(10 * DECISIONS, 0, 500.0)
    turns.forgo()
    assert turns.due(DECISIONS, 1_000_000, 5.0)


def test_one_is_due_after_as_many_decisions_as_votes_however_long_they_take() -> None:
    """Each decision pays for its part of the copy."""
    turns = SnapshotTurns(DECISIONS)
    turns.begin(0.0)
    turns.end(100.0)
    assert not turns.due(999, 1_000, 101.0)
    assert turns.due(1_000, 1_000, 101.0)


@given(lasting=st.lists(st.floats(0.1, 1.0), min_size=2, max_size=8))
def test_their_writing_takes_no_more_than_its_share_of_the_time(lasting: list[float]) -> None:
    """With decisions without end, and more votes than those."""
    turns, now, first = SnapshotTurns(DECISIONS), 0.0, 0.0
    for seconds in lasting:
        while not turns.due(DECISIONS, 1_000_000_000, now):
            now += 0.01
        turns.begin(now)
        first = first or now
        now += seconds
        turns.end(now)
    while not turns.due(DECISIONS, 1_000_000_000, now):
        now += 0.01

    assert sum(lasting) <= WRITING_SHARE * now * 1.001
    assert sum(lasting) >= WRITING_SHARE * now * 0.5
