"""When a ledger stands still, and when it only waits."""

from processors.ledger.ledger import Ledger
from processors.workers.decision_store import Held
from processors.workers.progress import REBALANCE_FACTOR, Progress


def held(offset: int, end: int, *, recovered: bool = True) -> Held:
    """A partition decided up to an offset, of votes up to an end."""
    ledger = Ledger(0, 2)
    ledger.last_offset = offset
    return Held(ledger, generation=1 if recovered else None, end=end)


def test_undecided_votes_without_progress_are_a_stall() -> None:
    """Only for too long, and not where all is decided or something moves."""
    progress = Progress(10)
    stands, done = {0: held(4, 9)}, {0: held(8, 9)}

    assert progress.stall(stands, 0, rebalancing=False) is None
    assert progress.stall(stands, 10, rebalancing=False) is None
    assert "has stood at offset 4" in (progress.stall(stands, 11, rebalancing=False) or "")
    assert progress.stall({0: held(5, 9)}, 12, rebalancing=False) is None
    assert progress.stall(done, 13, rebalancing=False) is None
    assert progress.stall(done, 99, rebalancing=False) is None


def test_a_recovery_that_folds_nothing_is_a_stall() -> None:
    """A partition that waits for the fold of another one is none."""
    progress = Progress(10)
    assert progress.stall({0: held(1, 0, recovered=False)}, 0, rebalancing=False) is None
    for at in (9, 18, 27):
        partitions = {0: held(1, 0, recovered=False), 1: held(at, 0, recovered=False)}
        assert progress.stall(partitions, at, rebalancing=False) is None

    assert "while recovering" in (progress.stall(partitions, 38, rebalancing=False) or "")


def test_a_recovery_has_its_bound_whether_the_broker_answers_or_not() -> None:
    """Votes may wait for a broker that is away, as long as it is; a recovery may not."""
    progress = Progress(10)
    partitions = {0: held(1, 9), 1: held(1, 0, recovered=False)}
    for at in (0, 5, 10):
        assert progress.stall(partitions, at, rebalancing=True) is None
        progress.forget()
    stall = progress.stall(partitions, 11, rebalancing=True)

    assert "votes partition 1 has stood" in (stall or "")
    assert "while recovering" in (stall or "")


def test_while_a_snapshot_is_read_no_recovery_stands_still() -> None:
    """A slow store may take a minute for each; votes of what is recovered are decided meanwhile."""
    progress = Progress(10)
    waits = {0: held(1, 0, recovered=False)}
    for at in (0, 60, 120):
        assert progress.stall(waits, at, rebalancing=True, reading=True) is None
        assert progress.stall({}, at, rebalancing=True, reading=True) is None
    assert progress.stall(waits, 130, rebalancing=True) is None

    assert "while recovering" in (progress.stall(waits, 141, rebalancing=True) or "")
    assert progress.stall({0: held(4, 9)}, 200, rebalancing=True, reading=True) is None
    assert progress.stall({0: held(4, 9)}, 211, rebalancing=True, reading=True) is not None


def test_a_rebalance_that_never_ends_is_a_stall() -> None:
    """A ledger that holds nothing and waits for the group; one that is spare does not wait."""
    progress = Progress(10)
    late = 10 * REBALANCE_FACTOR + 1
    assert progress.stall({}, 0, rebalancing=False) is None
    assert progress.stall({}, late, rebalancing=True) is not None
    assert progress.stall({}, late, rebalancing=False) is None
    assert progress.stall({}, late + 1, rebalancing=True) is None

    progress.forget()
    assert progress.stall({}, 9 * late, rebalancing=True) is None


def test_a_partition_that_was_away_begins_anew_when_it_comes_back() -> None:
    """Others have moved it meanwhile, or nobody: it is not this ledger that stood still."""
    progress = Progress(10)
    recovering = {0: held(1, 0, recovered=False)}
    assert progress.stall(recovering, 0, rebalancing=False) is None
    assert progress.stall({}, 5, rebalancing=False) is None

    assert progress.stall(recovering, 11, rebalancing=False) is None
    assert progress.stall(recovering, 22, rebalancing=False) is not None
