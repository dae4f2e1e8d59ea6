"""Read back what the archive keeps of a log, as it lay in Kafka, piece by piece. Blocking.

Rows are read from the tables themselves, not through the views: a row that is there twice is passed
by where both say the same, and refused where they do not.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schemas.topics import Topics
from sinks.columns.records import Headers
from sinks.faults import SinkStopped
from sinks.logs import ArchivedLog
from sinks.store import located


PIECE_RECORDS = 20_000
"""Records read at once at most..."""
PIECE_BYTES = 8 << 20
"""... and bytes, but for one record that is larger: its piece holds it alone."""

_EXTENT = """
SELECT count(), min(offset), max(offset) FROM {database:Identifier}.{table:Identifier}
WHERE topic = {topic:String} AND partition = {partition:UInt32}
"""
_PIECE_END = """
SELECT max(offset) + 1 FROM (
    SELECT offset, sum(length(ifNull(value, '')) + length(ifNull(key, ''))
        + arraySum(header -> length(ifNull(header, '')), header_values)) OVER (ORDER BY offset)
        AS bytes
    FROM {database:Identifier}.{table:Identifier}
    WHERE topic = {topic:String} AND partition = {partition:UInt32}
        AND offset >= {first:UInt64} AND offset < {end:UInt64}
) WHERE bytes <= {most:UInt64} OR offset = {first:UInt64}
"""
_PIECE = """
SELECT offset, toUnixTimestamp64Milli(timestamp) + timestamp_beyond AS milliseconds, key, value,
    header_names, header_values
FROM {database:Identifier}.{table:Identifier}
WHERE topic = {topic:String} AND partition = {partition:UInt32}
    AND offset >= {first:UInt64} AND offset < {end:UInt64}
ORDER BY offset
"""
_BEYOND = """
SELECT count(), min(offset) FROM decisions_log WHERE topic = {topic:String}
    AND partition = {partition:UInt32} AND fault = '' AND source_offset >= {end:UInt64}
"""


class ArchiveUnfit(SinkStopped):
    """The archive does not hold a log whole and without contradiction: nothing is made of it."""


class KeptRecord(NamedTuple):
    """A record as it lay in Kafka."""

    offset: int
    milliseconds: int
    """Its Kafka timestamp."""
    key: bytes | None
    value: bytes | None
    headers: Headers


class KeptLogs:
    """What the archive keeps of one topic generation."""

    def __init__(self, client: Client, topics: Topics) -> None:
        self._client, self._topics = client, topics

    def extent(self, log: ArchivedLog, partition: int) -> int:
        """Return how many records of a partition are kept, from its first on.

        Raises ArchiveUnfit where some before the last are missing. Rows that are there twice can
        hide that here; whoever reads the pieces finds it.
        """
        rows, first, last = self._ask(_EXTENT, log, partition)[0]
        if rows and (first or rows <= last):
            raise ArchiveUnfit(
                f"the archive lacks records of {log.topic} partition {partition}: it has {rows} "
                f"rows from offset {first} to {last}. `scrutin archive` fills such holes while "
                "Kafka has the records; without them the offsets of all later ones would be "
                "others.")
        return int(last) + 1 if rows else 0

    def partitions_beyond(self, topic: str, partitions: int) -> list[int]:
        """Return the partitions of the votes that are archived besides so many."""
        return [int(row[0]) for row in self._client.query(
            "SELECT DISTINCT partition FROM votes_log WHERE topic = {topic:String}"
            " AND partition >= {partitions:UInt32} ORDER BY partition",
            parameters={"topic": topic, "partitions": partitions}).result_rows]

    def decided_beyond(self, partition: int, votes_end: int) -> int | None:
        """Return the offset of the first decision of a vote that is not archived, if there is one.

        Votes and decisions are archived side by side, so the last decisions can be of votes that
        were to be archived a moment later.
        """
        beyond, first = self._client.query(_BEYOND, parameters={
            "topic": self._topics.decisions, "partition": partition,
            "end": votes_end}).result_rows[0]
        return int(first) if beyond else None

    def piece(self, log: ArchivedLog, partition: int, first: int, end: int) -> list[KeptRecord]:
        """Read the records from an offset on, one or more, all before an end.

        Raises ArchiveUnfit where one is missing, or kept twice in two ways.
        """
        end = min(end, first + PIECE_RECORDS)
        bounded = int(self._ask(
            _PIECE_END, log, partition, first=first, end=end, most=PIECE_BYTES)[0][0])
        table = self._client.query_arrow(
            _PIECE, parameters=self._parameters(log, partition, first=first, end=bounded),
            use_strings=False)
        found = list(_in_order(log, partition, first, _records(log, partition, table)))
        if not found:
            raise ArchiveUnfit(_missing(log, partition, first))
        return found

    def _ask(self, sql: str, log: ArchivedLog, partition: int, **more: int) -> list[Any]:
        return list(self._client.query(
            sql, parameters=self._parameters(log, partition, **more)).result_rows)

    def _parameters(self, log: ArchivedLog, partition: int, **more: int) -> dict[str, Any]:
        return {**located(self._client, log.table), "topic": log.topic, "partition": partition,
                **more}


def _records(log: ArchivedLog, partition: int, table: pa.Table) -> Iterator[KeptRecord]:
    """Yield rows as records; raise ArchiveUnfit at one that no record of Kafka's can have become.
    """
    for offset, milliseconds, key, value, names, values in zip(
            *(column.to_pylist() for column in table.columns), strict=True):
        try:
            headers = [(name.decode(), held) for name, held in zip(names, values, strict=True)]
        except ValueError as error:
            raise ArchiveUnfit(
                f"the archive's row of {log.topic} partition {partition} offset {offset} has "
                "headers that no record has: it was written by somebody else. Find out who may "
                "write there, and look for a copy of the archive from before.") from error
        yield KeptRecord(offset, milliseconds, key, value, headers)


def _in_order(
    log: ArchivedLog, partition: int, first: int, records: Iterable[KeptRecord]
) -> Iterator[KeptRecord]:
    """Yield each offset once; raise ArchiveUnfit at a hole, or at two rows that differ."""
    last: KeptRecord | None = None
    for record in records:
        if last is not None and record.offset == last.offset:
            if record != last:
                raise ArchiveUnfit(
                    f"the archive has two different records of {log.topic} partition {partition} "
                    f"offset {record.offset}: one of them was written by somebody else. `scrutin "
                    "audit recount` says what each holds; delete the wrong row, then begin again.")
            continue
        if record.offset != (first if last is None else last.offset + 1):
            raise ArchiveUnfit(
                _missing(log, partition, first if last is None else last.offset + 1))
        last = record
        yield record


def _missing(log: ArchivedLog, partition: int, offset: int) -> str:
    return (f"the archive lacks offset {offset} of {log.topic} partition {partition}, and has "
            "later ones. Nothing can be written in its place: offsets behind it would be others.")
