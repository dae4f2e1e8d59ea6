"""Controls told apart from the ledger come to what the ledger decided, redelivered or not."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.codec import Undecodable
from schemas.topics import MAX_BALLOT_BYTES, partition_of
from schemas.words import KINDS, OUTCOMES
from sinks.recount.controls import ADOPTION, NEVER, fold
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    Log,
    adopted,
    property_test,
    reinstated,
    suspended,
    voter,
)
from tests.processors.ledger.logs_2 import deep_logs, logs_2, redelivering_logs


CONSULTATION = CONSULTATIONS[0]
KIND_OF = {"RulesAdopted": ADOPTION, "VoterSuspended": "voter_suspended",
           "VoterReinstated": "voter_reinstated", "ConsultationClosed": "consultation_closed",
           "ConsultationSealed": "consultation_sealed"}


@given(log=st.one_of(redelivering_logs(), redelivering_logs(), logs_2(), deep_logs()))
@property_test
def test_controls_come_to_what_the_ledger_decided(log: Log) -> None:
    """Whoever is suspended, for what, since when all is closed and sealed, and what came after."""
    ledger, decided = Ledger(PARTITION, PARTITIONS), []
    for offset, value in enumerate(log):
        decision = ledger.decide(offset, value)
        assert decision is not None
        decided.append(decode(decision))
    controls, adoptions = rows(log)
    found = fold(controls, adoptions, [()] * PARTITIONS)
    consultation = ledger.consultation(CONSULTATION)

    assert len(found.suspended) == consultation.suspended
    if not consultation.sealed:
        assert found.suspended == {
            each.hex(): ledger.cause(each, consultation) for each in consultation.voters
            if ledger.is_suspended(each, consultation)}
    assert found.after_closing == consultation.controls_after_closing
    for outcome, places in (("closed", found.closed_at), ("sealed", found.sealed_at)):
        assert places[PARTITION] == next((each.source_offset for each in decided if (
            OUTCOMES[each.outcome], each.consultation) == (outcome, CONSULTATION)), NEVER)
    assert found.rules_2_at[PARTITION] == next((each.source_offset for each in decided if (
        KINDS[each.kind], each.ledger_version) == ("rules_adopted", 2)), NEVER)


def test_a_control_that_the_ledger_has_forgotten_is_decided_anew() -> None:
    """A suspension delivered again after eight others suspends again; after seven it does not."""
    turns = [(reinstated, suspended)[number % 2](2 + number) for number in range(7)]
    for more, stands in (([], False), ([reinstated(90)], True)):
        log: Log = [adopted(), suspended(1), *turns, *more, suspended(1)]
        ledger = Ledger(PARTITION, PARTITIONS)
        for offset, value in enumerate(log):
            ledger.decide(offset, value)

        assert bool(fold(*rows(log), [()] * PARTITIONS).suspended) == stands
        assert ledger.is_suspended(voter(0), ledger.consultation(CONSULTATION)) == stands


def rows(log: Log) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return what controls.sql and adoptions.sql give of a log."""
    controls, adoptions = [], []
    for offset, value in enumerate(log):
        try:
            event, fields = codec.decode(value)
        except Undecodable:
            continue
        assert value is not None
        if event not in KIND_OF or len(value) > MAX_BALLOT_BYTES:
            continue
        if event == "RulesAdopted":
            adoptions.append((PARTITION, offset, value.hex()))
        elif fields["consultation"] == CONSULTATION and (
                "voter" not in fields or partition_of(fields["voter"], PARTITIONS) == PARTITION):
            controls.append((PARTITION, offset, KIND_OF[event], fields.get("voter"), value.hex()))
    return controls, adoptions
