"""Whole batches decided: which may be, and how far."""

from typing import Any

from processors.batches import Batches
from processors.decision_store import Held
from processors.ledger_errors import LedgerStopped
from schemas.registry import UnknownSchema


def may_decide(held: Held, generation: int | None) -> bool:
    """Whether a batch fetched under a generation belongs to the state that is held."""
    return held.generation is not None and held.generation == generation


def decide_batch(
    held: Held, records: list[Any], writer: Batches
) -> tuple[list[Any], Exception | None]:
    """Decide the records of a batch in order, up to one that stops the partition.

    Gives the undecodable ones, and what stopped it.
    """
    ledger = held.ledger
    decide, write = ledger.decide, writer.write
    undecodable: list[Any] = []
    slot = ledger.undecodable_slot
    for record in records:
        before = ledger.decided[slot]
        try:
            decision = decide(record.offset, record.value)
        except (LedgerStopped, UnknownSchema) as error:
            return undecodable, error
        if decision is not None:
            write(decision, timestamp=record.timestamp)
            if ledger.decided[slot] != before:
                undecodable.append(record)
    return undecodable, None
