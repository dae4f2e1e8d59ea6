"""A partition too large for memory is gone through in shares of voters: nothing else differs."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.ledger.ledger import Ledger
from sinks.bundle import layout
from sinks.bundle.faults import BundleFault
from sinks.bundle.following import Followed
from sinks.bundle.logs import Leaves, entry_bytes
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
from sinks.recount.checks import EQUAL, INVALID
from sinks.recount.summing import figures_of
from sinks.transparency.tiles import WIDTH
from tests.sinks.ballots import CONSULTATION, Log, decide, random_box
from tests.sinks.bundle.making import Made, made, published, quiet
from tests.sinks.bundle.parts import contents, joined, packed, records
from tests.sinks.transparency.keeping import entries_of


UNKNOWN = b"\0\0\0\xff\1x"
"""An event of a schema that this version has not."""


@pytest.mark.parametrize("seed", range(6))
def test_shares_of_voters_add_up_to_the_whole(seed: int) -> None:
    """Gone through in shares, which holds memory down, a partition gives the same decisions.

    First keys count as they were recorded: whoever verifies was told of none.
    """
    box = random_box(seed, 700, begins_with_keys=seed == 4, keys_at=(300, 500) if seed > 3 else (),
                     rises_at=(None, 0, 150, None, None, 100)[seed])
    ledgers, decisions = decide(box)
    for ledger, log, decided in zip(ledgers, box.logs, decisions, strict=True):
        one, three = (_replayed(ledger, log, log, decided, shares) for shares in (1, 3))

        assert (one.fault, three.fault) == (None, None)
        assert three.figures == one.figures == figures_of(ledger, CONSULTATION)
        assert three.decided == one.decided == ledger.decided_by_outcome()


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
    entries = [entry for value in logged for entry in (
        [entry_bytes(b"", value)] if value == UNKNOWN else entries_of([value]))]
    followed = Followed("votes", Leaves("votes", batched(entries, WIDTH)))
    found = replay(
        Partition(ledger.partition, ledger.partitions, partial(batched, log, 100),
                  partial(batched, decided, 70), "votes", "decisions"),
        CONSULTATION, shares, followed, share_bytes)
    followed.finish()
    return found


def batched(whole: Sequence[Any], size: int) -> Iterator[Any]:
    """Return a list in pieces."""
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


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("change", ["swapped", "flipped", "emptied", "unknown"])
def test_what_is_wrong_in_any_share_is_found_as_in_the_whole(seed: int, change: str) -> None:
    """Decisions that are not those of the rules, a record nobody decides: place, words, number."""
    box = random_box(seed, 300, voters=8)
    ledgers, decisions = decide(box)
    for ledger, log, decided in zip(ledgers, box.logs, decisions, strict=True):
        logged, recorded = changed(log, decided, change, random.Random(seed))
        one, *others = (outcome(ledger, logged, recorded, shares) for shares in (1, 2, 3, 7, 256))

        first = min(at for at, pair in enumerate(zip(
            logged, recorded, log, decided, strict=True)) if pair[:2] != pair[2:])
        assert f", offset {first}: " in one[1]
        assert others == [one] * 4


def changed(
    log: Log, decided: Sequence[bytes], change: str, chance: random.Random
) -> tuple[Log, list[bytes]]:
    """Change some of what was decided, or put a record there that nobody decides."""
    log, recorded = [*log], [*decided]
    for _ in range(3):
        at, other = chance.sample(range(1, len(recorded)), 2)
        if change == "swapped":
            recorded[at], recorded[other] = recorded[other], recorded[at]
        elif change == "flipped":
            recorded[at] = recorded[at][:-1] + bytes([recorded[at][-1] ^ 2])
        elif change == "emptied":
            recorded[at] = b""
        else:
            log[at] = UNKNOWN
    return log, recorded


def outcome(ledger: Ledger, log: Log, recorded: list[bytes], shares: int) -> tuple[Any, ...]:
    """Return all that is found: what is wrong, where and how often, and the figures."""
    try:
        found = _replayed(ledger, log, log, recorded, shares)
    except BundleFault as fault:
        return (repr(fault), str(fault))
    return (repr(found.fault), str(found.fault), found.fault_at, found.differing,
            found.figures, found.decided)


def test_a_verification_short_of_memory_begins_anew_in_more_shares(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Many proposals take more than is guessed: it says so, and finds all the same."""
    box = random_box(5, 400, voters=40, proposals=300)
    honest = made(clickhouse.url, topic_prefix, box, tmp_path)
    files = contents(honest.auditor)
    decided = records(files, layout.decisions(1))
    decided[150] = 150, decided[149][1]
    wrong = packed({**files, layout.decisions(1): joined(decided)}, honest.signer)
    kept = "".join(files[f"{layout.votes_log(0)}/checkpoints"].decode()
                   .splitlines(keepends=True)[:5])
    said: list[str] = []
    for bundle, verdict in ((honest.auditor, EQUAL), (wrong, INVALID)):
        large, small, tiny = (
            verify(BytesIO(bundle), say=said.append, saved=[kept], share_bytes=share_bytes,
                   policy=honest.policy)
            for share_bytes in (SHARE_BYTES_MAX, 60_000, 300))

        assert large.verdict == verdict
        for found in (small, tiny):
            assert str(found.fault) == str(large.fault)
            assert replace(found, fault=None) == replace(large, fault=None)
    anew = "partition 0: begun anew in {} shares of its voters, to hold less in memory"
    assert {anew.format(4), anew.format(SHARES_MAX)} <= {*said}


@pytest.mark.parametrize("nonsense", [
    {"received": "x"}, {"received": 0, "participants_received": -10**9}, {"received": 10**400},
    {"participants_received": None}, {"participants_received": 1e300}])
def test_published_nonsense_hides_no_changed_record(
    exported: Made, nonsense: dict[str, Any]
) -> None:
    """What is guessed from the published numbers is a guess: the changed record is told."""
    def change(document: Any) -> None:
        document["totals"] |= nonsense

    files = published(exported, contents(exported.auditor), change)
    votes = records(files, layout.votes(0))
    votes[100] = 100, b"forged"
    found = verify(BytesIO(packed({**files, layout.votes(0): joined(votes)}, exported.signer)),
                   say=quiet)

    assert (found.verdict, str(found.fault)[:28]) == (INVALID, "records/votes/0, offset 100:")


def test_shares_are_guessed_by_what_votes_and_voters_take() -> None:
    """One for a small partition, more for more voters, never more than can be told apart."""
    assert shares_of(1, 1, SHARE_BYTES_MAX) == shares_of(0, 0, SHARE_BYTES_MAX) == 1
    assert shares_of(1_750_000, 550_000, SHARE_BYTES_MAX) == 1
    assert shares_of(1_750_000, 1_750_000, SHARE_BYTES_MAX) == 2
    assert shares_of(10**9, 10**9, SHARE_BYTES_MAX) == SHARES_MAX
