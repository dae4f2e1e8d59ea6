"""A partition too large for memory is gone through in shares of voters: nothing else differs."""

from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.ledger import Ledger
from sinks.bundle.faults import BundleFault
from sinks.bundle.following import Followed
from sinks.bundle.logs import Leaves
from sinks.bundle.replay import (
    SHARE_BYTES_MAX,
    SHARES_MAX,
    Crowded,
    Partition,
    Replayed,
    replay,
    shares_of,
)
from sinks.bundle.verify import verify
from sinks.recount.checks import EQUAL
from sinks.recount.summing import added, summed
from sinks.transparency.tiles import WIDTH
from tests.sinks.ballots import CONSULTATION, Log, decide, random_box
from tests.sinks.bundle.making import made
from tests.sinks.transparency.keeping import entries_of


@pytest.mark.parametrize("seed", range(4))
def test_shares_of_voters_add_up_to_the_whole(seed: int) -> None:
    """Gone through in shares, which holds memory down, a partition gives the same decisions."""
    box = random_box(seed, 700)
    ledgers, decisions = decide(box)
    for ledger, log, decided in zip(ledgers, box.logs, decisions, strict=True):
        one, three = (_replayed(ledger, log, log, decided, shares) for shares in (1, 3))

        assert (one.fault, three.fault) == (None, None)
        assert len(three.figures) == 3
        assert summed(three.figures) == summed(one.figures)
        assert added(three.decided) == ledger.decided_by_outcome()


@pytest.mark.parametrize("shares", [1, 3])
@pytest.mark.parametrize("at", [0, 255, 256, 300, 599, -1])
def test_a_record_that_is_not_the_logged_one_is_named_in_any_piece(at: int, shares: int) -> None:
    """Leaves are compared by the hundred, in batches of any length: the offset is told."""
    box = random_box(1, 1_400)
    log = box.logs[0]
    [ledger, _], [decided, _] = decide(box)
    changed = [*log]
    changed[at] = b"other"

    with pytest.raises(BundleFault, match="not the record that was signed") as raised:
        _replayed(ledger, log, changed, decided, shares)
    assert str(raised.value).startswith(f"votes, offset {at % len(log)}: ")


def _replayed(
    ledger: Ledger, logged: Log, log: Log, decided: list[bytes], shares: int,
    share_bytes: int = SHARE_BYTES_MAX,
) -> Replayed:
    """Verify a log of 100 records a batch against the one that was signed."""
    entries = entries_of(logged)
    followed = Followed("votes", Leaves("votes", batched(entries, WIDTH)))
    found = replay(
        Partition(ledger.partition, ledger.partitions, partial(batched, log, 100),
                  partial(batched, decided, 70), "votes", "decisions"),
        CONSULTATION, shares, followed, share_bytes)
    followed.finish()
    return found


def batched(whole: Sequence[Any], size: int) -> Iterator[Any]:
    """Give a list in pieces."""
    return (list(whole[at:at + size]) for at in range(0, len(whole), size))


def test_a_share_that_takes_too_much_memory_asks_for_more_of_them() -> None:
    """It stops at the batch that is too much; as many shares as there can be are never too few."""
    box = random_box(2, 700)
    [ledger, _], [decided, _] = decide(box)
    log = box.logs[0]
    held = ledger.bytes_held()

    assert _replayed(ledger, log, log, decided, 1, held).fault is None
    for shares in (1, 3):
        with pytest.raises(Crowded):
            _replayed(ledger, log, log, decided, shares, held // 20)
    assert _replayed(ledger, log, log, decided, SHARES_MAX, held // 20).fault is None


def test_a_verification_short_of_memory_begins_anew_in_more_shares(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Many proposals take more than is guessed: it says so, and ends with the same numbers."""
    box = random_box(5, 400, voters=40, proposals=300)
    bundle = made(clickhouse.url, topic_prefix, box, tmp_path).auditor
    said: list[str] = []
    large, small = (
        verify(BytesIO(bundle), say=said.append, share_bytes=share_bytes)
        for share_bytes in (SHARE_BYTES_MAX, 60_000))

    assert said.count("partition 0: begun anew, to hold less in memory") >= 1
    assert (large.fault, large.verdict) == (small.fault, small.verdict) == (None, EQUAL)
    assert (small.records, small.claims) == (large.records, large.claims)


def test_shares_are_guessed_by_what_votes_and_voters_take() -> None:
    """One for a small partition, more for more voters, never more than can be told apart."""
    assert shares_of(1, 1, SHARE_BYTES_MAX) == shares_of(0, 0, SHARE_BYTES_MAX) == 1
    assert shares_of(1_750_000, 550_000, SHARE_BYTES_MAX) == 1
    assert shares_of(1_750_000, 1_750_000, SHARE_BYTES_MAX) == 2
    assert shares_of(10**9, 10**9, SHARE_BYTES_MAX) == SHARES_MAX
