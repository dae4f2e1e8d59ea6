"""Writes a Polis export to the log, each event once, however often it is run or killed.

Theory of operation: first the log is read up to its end, then what is missing is written, in
order. Each partition's records are acknowledged batch by batch in order, so what a killed import
leaves in a partition is the beginning of its records, and a later run adds the rest behind it.
Votes are written in version 1 under all rules: of the view before them nothing is known, which is
what version 1 says, and their bytes are the same in whichever run they are written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from producers import polis
from producers.endorsing import endorsed_events, endorser
from producers.errors import InvalidInput, ProducingError
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.polis import Event, PolisExport
from producers.signing import OwnKey
from producers.writer import BulkWriter
from schemas import hot
from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES
from schemas.topics import Topics, partition_of


READY_EVERY = 500
"""Votes added between two looks at the queue."""
_EVENT_ID = slice(HEADER_BYTES, HEADER_BYTES + 16)


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    consultation: str
    set_name: str
    proposals: int
    voters: int
    votes: int
    hidden: int
    """Proposals without a text: rejected or empty comments. Votes on them count."""
    catalogue_written: int
    votes_written: int
    assumed: tuple[str, ...]
    """What was assumed while the files were read."""


async def import_export(
    address: str, topics: Topics, export: PolisExport, *, consultation: str, language: str,
    own_keys: Sequence[OwnKey] = (),
) -> Imported:
    """Write what of the export the log does not hold yet.

    Raises InvalidInput where the log holds other votes under the same event ids, or asks for an
    endorsement that none of `own_keys` may give, and ProducingError where the consultation is
    closed and votes are missing.
    """
    catalogue = polis.catalogue_events(export, consultation, language)
    votes = list(polis.vote_events(export, consultation))
    async with LogReader(address) as reader:
        known = await read_catalogue(reader, topics)
        there = await _votes_there(reader, topics, consultation, [event for _, event in votes])
    missing = [event for event in catalogue if event[0] not in known.event_ids]
    missing_votes = [(voter, event) for voter, event in votes if event[0] not in there]
    if missing_votes and known.find("ConsultationClosed", consultation):
        raise ProducingError(
            f"consultation {consultation!r} is closed and {len(missing_votes)} votes are not in "
            "the log: they would all come late. Import under another --consultation ID."
        )
    endorsed = endorser(known, own_keys, endorsed_events(value for *_, value in missing))
    async with BulkWriter(address) as writer:
        for _, timestamp, value in missing:
            await endorsed.add(writer, topics, timestamp, value)
        await writer.flush()
        await _write_votes(writer, topics, missing_votes)
    return Imported(
        consultation=consultation, set_name=export.name, proposals=len(export.comments),
        voters=len({vote.voter for vote in export.votes}), votes=len(votes),
        hidden=len(export.hidden), catalogue_written=len(missing), votes_written=len(missing_votes),
        assumed=export.assumed,
    )


async def _write_votes(
    writer: BulkWriter, topics: Topics, votes: Iterable[tuple[bytes, Event]]
) -> None:
    for number, (voter, (_, timestamp, value)) in enumerate(votes, 1):
        partition = partition_of(voter, topics.partitions)
        writer.add(topics.votes, partition, timestamp, value)
        if number % READY_EVERY == 0:
            await writer.ready()


async def _votes_there(
    reader: LogReader, topics: Topics, consultation: str, events: Iterable[Event]
) -> set[bytes]:
    """Return the event ids of these votes that the log holds."""
    await reader.require(topics.votes, topics.partitions)
    wanted = {event_id: value for event_id, _, value in events}
    decoders = hot.decoders("VoteCast", "consultation")
    there: set[bytes] = set()
    for partition in range(topics.partitions):
        async for records in reader.read(topics.votes, partition):
            for record in records:
                value: bytes = record.value or b""
                event_id, decode = value[_EVENT_ID], decoders.get(value[:HEADER_BYTES])
                if event_id not in wanted or decode is None:
                    continue
                if value == wanted[event_id]:
                    there.add(event_id)
                elif _consultation(value, decode) == consultation:
                    raise InvalidInput(
                        f"votes partition {partition}, offset {record.offset}: the log holds "
                        "another vote under an event id of this set. The files are not those "
                        "that were imported before: import them under another --consultation ID."
                    )
    return there


def _consultation(value: bytes, decode: hot.Decoder) -> str | None:
    try:
        return str(decode(value)[0])
    except Undecodable:
        return None
