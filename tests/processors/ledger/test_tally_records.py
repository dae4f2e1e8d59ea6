"""The records of a flush: equal to the generic codec, whole, and marked at their end."""

import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.registry import current
from schemas.topics import FLUSH_KEY
from schemas.words import COUNTS, EVERY_COUNT
from tests.processors.ledger.logs import (
    PARTITION,
    PARTITIONS,
    Log,
    adopted,
    folded,
    logs,
    property_test,
    vote,
)
from tests.processors.ledger.logs_2 import adopted_2, of_version_2
from tests.schemas.events import texts


Flushed = dict[bytes, tuple[str, dict[str, Any]]]


def flushed(ledger: Ledger, *, everything: bool) -> Flushed:
    """Flush and decode, by key."""
    records = tally_records.flush(ledger, everything=everything)
    assert records[-1][0] == FLUSH_KEY
    return {key: codec.decode(value) for key, value in records}


@given(consultation=texts(1, 63), proposal=texts(1, 63), offset=st.integers(-1, 2**62),
       counts=st.lists(st.integers(0, 10_000) | st.just(0), min_size=len(EVERY_COUNT),
                       max_size=len(EVERY_COUNT)), causes=st.booleans())
@property_test
def test_a_tally_is_written_as_the_codec_writes_it(
    consultation: str, proposal: str, offset: int, counts: list[int], *, causes: bool
) -> None:
    """The straight-line bytes of ProposalTallied of both versions are the generic ones."""
    if not causes:
        counts[len(COUNTS):len(COUNTS) + 15] = [0] * 15
    for rules, names in ((1, COUNTS), (2, EVERY_COUNT)):
        expected = codec.encode_as(
            current("ProposalTallied", rules), consultation=consultation, proposal=proposal,
            source_offset=offset, **dict(zip(names, counts, strict=False)))

        assert tally_records.proposal_tallied(
            consultation, proposal, offset, counts, rules) == expected


@given(log=logs(), cuts=st.lists(st.integers(0, 70), max_size=5))
@property_test
def test_partial_flushes_leave_what_a_full_one_writes(log: Log, cuts: list[int]) -> None:
    """The last value of each key, over flushes of what moved, holds the counts of a full flush."""
    ledger = Ledger(PARTITION, PARTITIONS)
    kept: Flushed = {}
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
        if offset in cuts or offset == len(log) - 1:
            kept |= flushed(ledger, everything=False)
    full = flushed(ledger, everything=True)

    assert without_offsets(kept) == without_offsets(full)
    assert kept[FLUSH_KEY] == full[FLUSH_KEY]
    assert all(fields["source_offset"] == ledger.last_offset for _, fields in full.values())


def without_offsets(records: Flushed) -> dict[bytes, dict[str, Any]]:
    """Return what the records say, whatever they hold up to; counts of nothing say nothing."""
    return {
        key: {name: value for name, value in fields.items() if name != "source_offset"}
        for key, (_, fields) in records.items()
        if any(value for name, value in fields.items()
               if name not in ("consultation", "proposal", "source_offset"))
    }


def test_the_marker_counts_every_record_decided() -> None:
    """Outcomes add up to the offsets decided, undecodable records among them."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate([adopted(), vote(1), vote(1), None, b"{}"]):
        ledger.decide(offset, value)
    _, marker = flushed(ledger, everything=False)[FLUSH_KEY]

    assert marker == {
        "source_offset": 4, "ledger_version": 1, "undecodable": 2,
        "decided": {"adopted": 1, "counted": 1, "repeated": 1, "refused_undecodable": 2}}


def test_the_marker_counts_refusals_of_rules_2_by_their_reason() -> None:
    """Whoever looks at the figures sees which controls were refused, and a fold says the same."""
    ledger = Ledger(PARTITION, PARTITIONS)
    log = [
        adopted_2(), of_version_2("VoterReinstated", 1, immune=[1]),
        of_version_2("VoterSuspended", 2, cause=1), adopted_2(951, ledger_version=1),
        adopted_2(952, keys=[{"id": bytes(8), "role": "operator", "public": bytes(32)}])]
    decisions = [ledger.decide(offset, value) or b"" for offset, value in enumerate(log)]
    expected = {"adopted": 1, "reinstated": 1, "refused_immune": 1, "refused_stale": 1,
                "refused_unsigned": 1}

    assert flushed(ledger, everything=False)[FLUSH_KEY][1]["decided"] == expected
    assert folded(decisions).decided_by_outcome() == expected


def test_a_flush_takes_what_moved_once() -> None:
    """What did not move since the last flush is not written again, save in a full one."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate([adopted(), vote(1), vote(2, proposal="p2")]):
        ledger.decide(offset, value)
    first = flushed(ledger, everything=False)
    second = flushed(ledger, everything=False)
    full = flushed(ledger, everything=True)

    assert list(second) == [FLUSH_KEY]
    assert set(first) == set(full)


def calls_of_a_flush(finished: int) -> int:
    """Count what is called to flush one vote, beside so many consultations of two proposals."""
    ledger = Ledger(PARTITION, PARTITIONS)
    log = [adopted(), *(vote(number, consultation=f"c{number // 2}", proposal=f"p{number % 2}")
                        for number in range(2 * finished)), vote(2 * finished)]
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
        if offset == 2 * finished:
            flushed(ledger, everything=False)
    calls: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _argument: calls.update((event,)))
    try:
        records = tally_records.flush(ledger, everything=False)
    finally:
        sys.setprofile(None)

    assert len(records) == 3  # the proposal, its consultation, the marker
    return calls["call"] + calls["c_call"]


def test_consultations_in_which_nobody_votes_cost_a_flush_nothing() -> None:
    """Finished ones are neither written again nor looked at: not a call for each of them."""
    assert calls_of_a_flush(300) - calls_of_a_flush(3) < 30  # larger numbers take longer bytes


@given(log=logs(), size=st.integers(1, 4), everything=st.booleans())
@property_test
def test_slices_of_a_flush_are_the_flush(log: Log, size: int, *, everything: bool) -> None:
    """However it is cut, the records are the same, and the marker comes last."""
    first, second = Ledger(PARTITION, PARTITIONS), Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate(log):
        first.decide(offset, value)
        second.decide(offset, value)
    whole = tally_records.flush(first, everything=everything)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally_records, "SLICE_PROPOSALS", size)
        slices = [*tally_records.flush_slices(second, everything=everything)]

    assert sorted(record for part in slices for record in part) == sorted(whole)
    assert all(len(part) <= size for part in slices[:-1])
    assert slices[-1][-1] == whole[-1]
    assert not second.touched
    assert not second.touched_consultations


@given(log=logs(), size=st.integers(1, 4))
@property_test
def test_slices_in_turn_hold_everything_again(log: Log, size: int) -> None:
    """A round of small flushes writes what one of everything does, and then begins again."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
    full, again, turn, ended = flushed(ledger, everything=True), Flushed(), 0, False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally_records, "SLICE_PROPOSALS", size)
        while not ended:
            turn = tally_records.touch_again(ledger, turn)
            part = flushed(ledger, everything=False)
            assert sum(event == "ProposalTallied" for event, _ in part.values()) <= size
            again |= part
            ended = turn == 0

    assert again == full
