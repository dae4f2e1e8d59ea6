"""Closes a consultation: announced, then controls in all partitions and a record, then completed.

Sealing (producers.sealing) announces and writes its control by the same functions.

Theory of operation: the announcement in the catalogue fixes what the control says, salt included.
Whoever finds an announcement without its completion writes the same to the partitions that lack
it, signed where they ask for it, then the announcement once more to the log of participants, so
that every reader of it knows which descriptions came in time, then the completion with the offsets.
So an interrupted closing is finished by running it again, by anybody whose key may sign it. That
may bring a second record to the participants: the first one counts.
"""

import asyncio
import hashlib
from typing import Any

from producers.endorsing import Endorser
from producers.known_catalogue import KnownCatalogue
from producers.log_reader import LogReader
from producers.signing import Controls
from producers.writer import BulkWriter
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.keys_in_force import KeysInForce
from schemas.registry import HEADER_BYTES, headers, seed
from schemas.topics import Topics


CLOSED = "ConsultationClosed"
COMPLETED = "ClosingCompleted"


def closing_fields(
    consultation: str, *, closes_at: int, occurred_at: int, salt: bytes, origin: str
) -> dict[str, Any]:
    """Make the fields of the one closing a consultation has."""
    return {
        "event_id": event_id_of(CLOSED, consultation),
        "consultation": consultation, "closes_at": closes_at, "salt": salt, "origin": origin,
        "occurred_at": occurred_at,
    }


async def announce(
    writer: BulkWriter, topics: Topics, control: dict[str, Any], endorsed: Endorser, *,
    event: str = CLOSED,
) -> None:
    """Write the announcement to the catalogue."""
    value = codec.encode(event, **control)
    await endorsed.write(writer, topics, control["occurred_at"], value)


async def put(
    writer: BulkWriter, topics: Topics, control: dict[str, Any], controls: Controls, *,
    present: dict[int, int], now: int, event: str = CLOSED,
) -> list[int]:
    """Write the control where it is not `present` (partition to offset); return every offset.

    To all at once: a partition that takes none holds up no other one. Raises, once each was tried,
    what the first of them that failed gave.
    """
    missing = [number for number in range(topics.partitions) if number not in present]
    written = await asyncio.gather(*(
        writer.write(topics.votes, number, _kafka_time(control, now),
                     controls.encoded(event, number, **control)) for number in missing),
        return_exceptions=True)
    offsets = dict(present)
    for number, offset in zip(missing, written, strict=True):
        if isinstance(offset, BaseException):
            raise offset
        offsets[number] = offset
    return [offsets[number] for number in range(topics.partitions)]


def _kafka_time(control: dict[str, Any], now: int) -> int:
    """Return the Kafka timestamp of a control: when it says it occurred, if that can be.

    Brokers refuse a record of the future, or from before 1970: whoever announced a closing of such
    a time could keep everybody from carrying it out.
    """
    occurred_at: int = control["occurred_at"]
    return occurred_at if 0 <= occurred_at <= now else now


async def carry_out(
    writer: BulkWriter,
    topics: Topics,
    closing: dict[str, Any],
    controls: Controls,
    endorsed: Endorser,
    *,
    present: dict[int, int],
    completed_at: int,
) -> list[int]:
    """Write the control where it is not `present`, tell the participants' log, then complete."""
    offsets = await put(writer, topics, closing, controls, present=present, now=completed_at)
    participants = await writer.write(
        topics.participants, 0, _kafka_time(closing, completed_at),
        codec.encode(CLOSED, **closing))
    completion = codec.encode(
        COMPLETED, event_id=event_id_of(COMPLETED, closing["consultation"]),
        consultation=closing["consultation"], closing=closing["event_id"], offsets=offsets,
        participants=participants,
        origin=closing["origin"], occurred_at=completed_at,
    )
    await endorsed.write(writer, topics, completed_at, completion)
    return offsets


async def present_controls(
    reader: LogReader, topics: Topics, control: dict[str, Any], controls: Controls, *,
    event: str = CLOSED,
) -> dict[int, int]:
    """Find the control's first offset in each partition that holds it, and takes it."""
    await reader.require(topics.votes, topics.partitions)
    known = headers(event)
    present: dict[int, int] = {}
    for partition in range(topics.partitions):
        in_force = controls.partitions.get(partition)
        followed = in_force.begun_again() if in_force else KeysInForce(partition)
        async for records in reader.read(topics.votes, partition):
            for record in records:
                value = record.value or b""
                followed.follow(record.offset, value)
                if (value[:HEADER_BYTES] in known
                        and value[HEADER_BYTES:].startswith(control["event_id"])
                        and followed.takes(value)):
                    present.setdefault(partition, record.offset)
            if partition in present:
                break
    return present


def completion_of(known: KnownCatalogue, consultation: str) -> dict[str, Any] | None:
    """Return the completion of a consultation's closing, if it is there."""
    return known.find(COMPLETED, consultation)


def announcement_of(known: KnownCatalogue, consultation: str) -> dict[str, Any] | None:
    """Return the announcement of a consultation's closing, if it is there."""
    return known.find(CLOSED, consultation)


def event_id_of(event: str, consultation: str) -> bytes:
    """Name the one event of a kind that a consultation has."""
    return hashlib.sha256(seed(event) + b"\0" + consultation.encode()).digest()[:ID_BYTES]
