"""Whole batches decided: which may be, and how far."""

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from processors.ledger.alarms import LedgerStopped
from processors.ledger.decisions import is_undecodable
from processors.ledger.snapshots import Frozen
from processors.workers.batches import Batches
from processors.workers.decision_store import Held
from schemas.registry import UnknownSchema


_OFFSET_AND_VALUE = attrgetter("offset", "value")


@dataclass
class InFlight:
    """A batch decided whose decisions the broker has not acknowledged yet."""

    event: Any
    held: Held
    offset: int
    """Last votes offset decided."""
    frozen: Frozen | None
    """The ledger after this batch, where a snapshot is due."""
    began: int
    """When it began to be decided, as `traces` dates it."""
    sent: list[Any] = field(default_factory=list)
    """A future for each batch of decisions."""
    last_batch_records: int = 0


def may_decide(held: Held, generation: int | None) -> bool:
    """Whether a batch fetched under a generation belongs to the state that is held."""
    return held.generation is not None and held.generation == generation


def begins_late(held: Held, first_offset: int) -> bool:
    """Whether a batch begins behind the next vote, for the first time: it is to be read again.

    Seen three times in 143 seeds of faults, always where the other ledger had been killed: a batch
    from where the consumer stood before it was told where to read. Only what is missing twice is
    missing in the ballot box.
    """
    last = held.ledger.last_offset
    if first_offset <= last + 1 or held.read_again_after == last:
        return False
    held.read_again_after = last
    return True


def decide_batch(
    held: Held, records: list[Any], writer: Batches
) -> tuple[list[Any], Exception | None]:
    """Decide the records of a batch in order, up to one that stops the partition.

    Returns the undecodable ones, and what stopped it.
    """
    ledger = held.ledger
    slot, before = ledger.undecodable_slot, ledger.last_offset
    undecodable_before = ledger.decided[slot]
    decisions: list[bytes] = []
    alarm = None
    try:
        ledger.decide_all(map(_OFFSET_AND_VALUE, records), decisions)
    except LedgerStopped as error:
        alarm = error
    except UnknownSchema as error:
        alarm = LedgerStopped(
            f"votes partition {ledger.partition}, offset {ledger.last_offset + 1}: {error}")
    first = next((place for place, each in enumerate(records) if each.offset > before), 0)
    decided = records[first:first + len(decisions)]
    writer.write(decisions, timestamps=[record.timestamp for record in decided])
    if ledger.decided[slot] == undecodable_before:
        return [], alarm
    return [record for record, decision in zip(decided, decisions, strict=True)
            if is_undecodable(decision)], alarm
