"""What is kept of a voter and a proposal: the last eight ids of either kind, within its bound."""

import random
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.ledger import Ledger
from processors.ledger.rows import (
    DIGEST_BYTES,
    IDS_AT,
    IDS_END,
    KEPT_IDS_END,
    REMEMBERED_EVENTS,
    remembers_either,
    with_accepted,
    with_refused,
)
from processors.ledger.state import NAME_BYTES
from schemas.hot import encoder
from schemas.words import ORIGINS
from tests.memory import traced
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    adopted,
    property_test,
    voter,
)
from tests.processors.ledger.logs_2 import adopted_2


PAIR_BYTES = 250
"""Both memories full; the contract of rules 2."""
PAIRS_OF_A_VOTER, VOTERS = 50, 27
"""So many that Python has just doubled the table of votes: it is never emptier."""
ALLOCATED_BYTES = 16
"""Python's allocator rounds small objects up to a multiple of this."""
cast = encoder("VoteCast", 2)


def accepted(row: bytes, digest: bytes) -> bytes:
    """Return a row after one more event was accepted, as `settling` does it."""
    if len(row) > IDS_END:
        return with_accepted(row, row[:1], digest)
    return row[:IDS_AT] + digest + row[IDS_AT:KEPT_IDS_END]


@given(refusals=st.lists(st.booleans(), max_size=40), seed=st.integers(0, 1_000))
@property_test
def test_a_row_remembers_the_last_eight_of_either_kind(refusals: list[bool], seed: int) -> None:
    """Whatever the order of acceptances and refusals, and no other id."""
    chance = random.Random(seed)
    ids: list[list[bytes]] = [[chance.randbytes(DIGEST_BYTES)], []]
    row = b"\1\0\0\0\0" + ids[0][0]
    for refused in refusals:
        digest = chance.randbytes(DIGEST_BYTES)
        ids[refused].append(digest)
        row = with_refused(row, digest) if refused else accepted(row, digest)

    kept = {*ids[0][-REMEMBERED_EVENTS:], *ids[1][-REMEMBERED_EVENTS:]}
    for digest in ids[0] + ids[1]:
        assert remembers_either(row, digest) == (digest in kept)
    assert row[1:5] == bytes(4)
    assert (len(row) > IDS_END) == any(refusals)


def changes_and_refusals(voters: range) -> list[bytes]:
    """Return of each pair eight votes that are counted or change, and eight that are refused."""
    chance = random.Random(voters.start)
    return [
        cast(chance.randbytes(16), voter(number), bytes(16), (change + suspect) % 2, suspect,
             ORIGINS.index("web"), 1, 0, CONSULTATIONS[0], f"p{place}", 1_647_900_000_000, 0, 0)
        for number in voters for place in range(PAIRS_OF_A_VOTER)
        for change in range(REMEMBERED_EVENTS) for suspect in (0, 1)]


@pytest.mark.parametrize("numbers", [(1, 0), (3, 0), (8, 0), (1, 1), (8, 8)])
def test_rows_that_have_grown_are_estimated_with_what_they_hold(numbers: tuple[int, int]) -> None:
    """Not less, for verifiers rely on that, and not twice as much: so many accepted and refused."""
    ledger = Ledger(PARTITION, PARTITIONS)
    values = changes_and_refusals(range(1, VOTERS + 1))
    kept = [value for number, value in enumerate(values)
            if number // 2 % REMEMBERED_EVENTS < numbers[number % 2]]
    for offset, value in enumerate((adopted(), adopted_2(), *kept)):
        ledger.decide(offset, value)
    tables: list[dict[bytes, Any]] = [
        ledger.votes, *(found.voters for found in ledger.by_name.values())]
    takes = sum(sys.getsizeof(table) + sum(
        map(sys.getsizeof, (*table, *table.values()))) for table in tables)
    names = NAME_BYTES * (len(ledger.by_number) + len(ledger.by_name))

    assert takes < ledger.bytes_held() - names < 2 * takes


def test_a_pair_with_both_memories_full_stays_within_its_bound() -> None:
    """Row, key and their share of the table, all that Python keeps around them included."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for value in (adopted(), adopted_2(), *changes_and_refusals(range(1))):
        ledger.decide(ledger.last_offset + 1, value)  # names and rules are met
    values = changes_and_refusals(range(1, VOTERS + 1))
    with traced() as memory:
        for value in values:
            ledger.decide(ledger.last_offset + 1, value)
        ledger.recent.clear()
    rounding = sum(-sys.getsizeof(each) % ALLOCATED_BYTES
                   for pair in ledger.votes.items() for each in pair)
    pairs = VOTERS * PAIRS_OF_A_VOTER

    assert len(ledger.votes) == pairs + PAIRS_OF_A_VOTER
    assert ledger.decided_by_outcome()["refused_unproven_change"] == (
        len(ledger.votes) * REMEMBERED_EVENTS)
    assert (memory.size_bytes + rounding) / pairs <= PAIR_BYTES
