"""Whoever writes controls knows what the ledger will say of the voter."""

from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.ledger import Ledger
from producers.suspending import Record, follow
from schemas.keys_in_force import KeysInForce
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    Log,
    property_test,
    voter,
)
from tests.processors.ledger.logs_2 import deep_logs, logs_2, redelivering_logs


@given(log=st.one_of(redelivering_logs(), redelivering_logs(), logs_2(), deep_logs()))
@property_test
def test_a_voter_stands_as_the_ledger_has_it(log: Log) -> None:
    """Under both rules, with controls that come again, until nobody is known any more."""
    ledger, record, in_force = Ledger(PARTITION, PARTITIONS), Record(), KeysInForce(PARTITION)
    whom = voter(0), CONSULTATIONS[0]
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
        consultation = ledger.consultation(CONSULTATIONS[0])
        if consultation.sealed:
            return
        follow(record, value or b"", offset, whom, in_force)

        assert record.is_suspended == ledger.is_suspended(voter(0), consultation)
        assert record.found.copied() == ledger.suspension(voter(0), consultation).copied()
