"""What a ledger meets on its input: wrong records stop the partition, and nothing has changed."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.ledger import HoleInVotes, Ledger, LedgerStopped
from schemas import codec
from schemas.registry import UnknownSchema
from tests.processors.ledger.logs import (
    PARTITION,
    PARTITIONS,
    Log,
    adopted,
    closed,
    decided,
    logs,
    property_test,
    suspended,
    vote,
)


@given(log=logs(), distance=st.integers(2, 1_000))
@property_test
def test_a_hole_in_the_input_stops_the_partition(log: Log, distance: int) -> None:
    """A record that is not the next one raises, and the ledger stands where it stood."""
    ledger, _ = decided(log)
    before = copy.deepcopy(ledger.state())
    with pytest.raises(HoleInVotes, match="Records are missing from the ballot box"):
        ledger.decide(ledger.last_offset + distance, vote(1))

    assert before == ledger.state()


@pytest.mark.parametrize("size", [0, 40, 5_000])
def test_an_unknown_schema_id_is_never_a_decision(size: int) -> None:
    """A record of a later version stops the partition, whatever its size, and changes nothing."""
    ledger, _ = decided([adopted(), vote(1)])
    before = copy.deepcopy(ledger.state())
    with pytest.raises(UnknownSchema, match=r"unknown schema id 9999.*Install the version"):
        ledger.decide(2, b"\0" + (9_999).to_bytes(4, "big") + bytes(size))

    assert before == ledger.state()
    assert ledger.decide(2, vote(2)) is not None


def test_what_stands_before_a_record_that_stops_a_batch_is_decided() -> None:
    """The decisions made so far are there, the ledger stands behind them."""
    ledger, made = Ledger(PARTITION, PARTITIONS), list[bytes]()
    unknown = b"\0" + (9_999).to_bytes(4, "big")
    with pytest.raises(UnknownSchema):
        ledger.decide_all(enumerate([adopted(), vote(1), unknown, vote(2)]), made)
    expected, decisions = decided([adopted(), vote(1)])

    assert decisions == made
    assert expected.state() == ledger.state()


def test_an_event_of_another_topic_is_undecodable() -> None:
    """A known event that has no place in a ballot box is refused: no later version reads it."""
    strange = codec.encode("TalliesFlushed", source_offset=1, ledger_version=1, decided={},
                           undecodable=0)
    _, decisions = decided([adopted(), strange])

    assert codec.decode(decisions[-1])[1]["reason"] == "undecodable"


@pytest.mark.parametrize("fields", [{"partition": 0}, {"partitions": 4}, {"ledger_version": 2}])
def test_rules_for_another_place_or_version_stop_the_partition(fields: dict[str, int]) -> None:
    """Rules adopted for another partition, count or version raise, at the start and later."""
    ledger, _ = decided([adopted(), vote(1)])
    before = copy.deepcopy(ledger.state())
    for found, offset in ((Ledger(PARTITION, PARTITIONS), 0), (ledger, 2)):
        with pytest.raises(LedgerStopped, match=r"never changes|unknown here"):
            found.decide(offset, adopted(901, **fields))

    assert before == ledger.state()


@pytest.mark.parametrize("value", [vote(1), suspended(1), closed(1), None, b"{}", b"\0\0\0\0\5"])
def test_the_first_record_must_adopt_rules(value: bytes | None) -> None:
    """No record can be decided before the rules are adopted; nothing changes."""
    ledger = Ledger(PARTITION, PARTITIONS)
    before = copy.deepcopy(ledger.state())
    with pytest.raises(LedgerStopped, match=r"first record is not RulesAdopted.*scrutin provision"):
        ledger.decide(0, value)

    assert before == ledger.state()


def test_every_consultation_keeps_its_own_voters() -> None:
    """Tens of thousands of consultations, which any client can name, stop nobody."""
    ledger, _ = decided([adopted(), vote(1)])
    for number in range(66_000):
        ledger.consultation(f"c{number}")
    ledger.decide(2, vote(2, consultation="c65999"))
    ledger.decide(3, vote(3, consultation="c65600"))

    assert ledger.live_votes == 3
    assert ledger.participation("c65999") == ledger.participation("c65600") == (1, 1, 0, False, 0)


def test_the_last_link_proves_the_ballot_box() -> None:
    """The last vote decided verifies against the chain; any other record is an alarm."""
    ledger, _ = decided([adopted(), vote(1), None])
    ledger.last_link().verify(None)
    with pytest.raises(LedgerStopped, match="replaced or rewritten"):
        ledger.last_link().verify(vote(1))


@pytest.mark.parametrize("value", [
    b"", b"\0\0\0\0\1", b"\0\0\0\0\x14", b"\0\0\0\0\x14" + b"\2" * 80, vote(1)])
def test_bytes_that_are_no_decision_are_not_folded(value: bytes) -> None:
    """A record of the decisions topic that nobody can read raises Undecodable."""
    with pytest.raises(codec.Undecodable):
        Ledger(PARTITION, PARTITIONS).apply(value)


def test_a_decision_of_a_later_release_stops_the_ledger_by_name() -> None:
    """It is not taken for a damaged one: the message says what to install."""
    ledger = Ledger(PARTITION, PARTITIONS)

    with pytest.raises(LedgerStopped, match=r"unknown schema id 9999.*Install the version"):
        ledger.apply(b"\0\0\0\x27\x0f" + bytes(60))
