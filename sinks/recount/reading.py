"""Read the archive as a recount needs it: through the views, in order, in bounded pieces."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.query import QueryResult

from processors.ledger.decisions import decode
from processors.results.catalogue import Catalogue
from schemas import codec
from schemas.chains import NO_CHAIN, linked
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from schemas.topics import Topics
from schemas.words import KINDS
from sinks.ballots import BALLOT_EVENTS, KIND_OF_EVENT
from sinks.catching_up import WAIT_SECONDS, Say, still_lacking
from sinks.logs import ArchivedLog, archived_logs
from sinks.recount.faults import ArchiveLacks, ArchiveUnreadable


PIECE_RECORDS = 100_000
"""Records read at once: 25 MB of values, a tenth of a second of work."""
PIECE_JUDGEMENTS = 100
"""Judgements read at once: 200 MB if all of them were as long as a record may be."""

BOUNDS = {
    "max_memory_usage": 4 << 30, "max_bytes_before_external_group_by": 1 << 30,
    "max_bytes_before_external_sort": 1 << 30}
"""Bytes of ClickHouse's memory that a recount's query may take, and from which its groups and its
order are written to disk: a larger log makes a recount slower, and stops nobody beside it."""

_HELD = """
SELECT partition, uniqExact({column:Identifier}) FROM {view:Identifier}
WHERE topic = {topic:String} AND {column:Identifier} <= {last:Array(Int64)}[partition + 1]
GROUP BY partition
"""
_FIRST_MISSING = """
WITH held AS (
    SELECT {column:Identifier} AS place FROM {view:Identifier}
    WHERE topic = {topic:String} AND partition = {partition:UInt32}
)
SELECT min(place) FROM (SELECT place + 1 AS place FROM held UNION ALL SELECT toUInt64(0))
WHERE place NOT IN (SELECT place FROM held)
"""
_ROWS_AND_OFFSETS = """
SELECT count(), uniqExact(partition, offset) FROM {table:Identifier} WHERE topic = {topic:String}
"""
_CONTRADICTING = """
SELECT partition, offset, groupUniqArray(hex(ifNull(value, ''))) AS contents
FROM {table:Identifier} WHERE topic = {topic:String}
GROUP BY partition, offset HAVING uniqExact(timestamp, isNull(value), ifNull(value, '')) > 1
ORDER BY partition, offset LIMIT 10
"""
_DECIDED_TWICE = """
SELECT partition, source_offset FROM decisions
WHERE topic = {topic:String} AND fault = ''
    AND source_offset <= {last:Array(Int64)}[partition + 1]
GROUP BY partition, source_offset HAVING uniqExact(value) > 1
ORDER BY partition, source_offset
"""

_VIEW = re.compile(r"\bFROM (votes|decisions)\b")
_INCLUDED = re.compile(r"^ *-- include (\w+)$", re.MULTILINE)
"""A line of SQL in whose place another query stands."""

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Decisions:
    """A piece of a decisions partition: what a reader accepts, in the order of votes offsets."""

    offsets: list[int]
    source_offsets: list[int]
    values: list[bytes]


class Reading:
    """The archive of one topic generation, up to a vector of votes offsets."""

    def __init__(self, client: Client, topics: Topics, vector: Sequence[int]) -> None:
        self._client, self.topics = client, topics
        self.vector = list(vector)
        self._single: dict[str, int | None] = {}
        """By view, how many rows its table has up to the vector; None: more than offsets."""

    def at(self, vector: Sequence[int]) -> "Reading":
        """Read the same archive up to another vector."""
        return Reading(self._client, self.topics, vector)

    def until(self, instant: datetime) -> list[int]:
        """Return the last offsets of the longest prefixes without a later Kafka timestamp.

        What operators wrote before a partition's first ballot ends no prefix: rules are adopted
        when a ledger first runs, after votes that are imported under their own times.
        """
        begins = [0] * len(self.vector)
        for partition, offset in self._ask(
                "SELECT partition, min(offset) FROM votes WHERE topic = {topic:String}"
                " AND kind IN {kinds:Array(String)} GROUP BY partition",
                parameters={"topic": self.topics.votes, "kinds": [
                    KINDS[KIND_OF_EVENT[event]] for event in BALLOT_EVENTS]}).result_rows:
            begins[int(partition)] = int(offset)
        milliseconds = int(instant.timestamp() * 1000)
        rows = self._ask(
            "SELECT partition, if(countIf(is_later) = 0, max(at), minIf(at, is_later) - 1)"
            " FROM (SELECT partition, toInt64(offset) AS at,"
            "  toUnixTimestamp64Milli(timestamp) > {instant:Int64}"
            "   AND at >= {begins:Array(Int64)}[partition + 1] AS is_later"
            "  FROM votes WHERE topic = {topic:String}) GROUP BY partition",
            parameters={"topic": self.topics.votes, "instant": milliseconds,
                        "begins": begins}).result_rows
        found = {int(partition): int(offset) for partition, offset in rows}
        return [found.get(partition, -1) for partition in range(len(self.vector))]

    def chain(self, partition: int, source_offset: int) -> bytes | None:
        """Return the chain of the decision of a votes offset, from its bytes."""
        rows = self._ask(
            "SELECT hex(value) FROM decisions WHERE topic = {topic:String}"
            " AND partition = {partition:UInt32} AND source_offset = {offset:UInt64}"
            " ORDER BY offset LIMIT 1",
            parameters={"topic": self.topics.decisions, "partition": partition,
                        "offset": source_offset}).result_rows
        if not rows or not _is_decision(value := bytes.fromhex(rows[0][0])):
            return None
        return decode(value).chain

    def query(
        self, name: str, *, of_decisions: bool = False, without: Collection[str] = (),
        **parameters: Any,
    ) -> list[Row]:
        """Run a query of recount/sql on the votes, or on the decisions; without some it includes.
        """
        topic = self.topics.decisions if of_decisions else self.topics.votes
        view = "decisions" if of_decisions else "votes"
        asked = {"topic": topic, "vector": self.vector, **parameters}
        sql = _sql(name, without)
        if self._one_row_each(view):
            found = self._ask(_of_tables(sql), parameters=asked)
            if self._rows(view) == self._single[view]:
                return [tuple(row) for row in found.result_rows]
            self._single[view] = None
        return [tuple(row) for row in self._ask(sql, parameters=asked).result_rows]

    @contextmanager
    def stream(self, name: str, **parameters: Any) -> Iterator[Iterator[Row]]:
        """Run a query on the votes whose rows may be many, and read them as they come."""
        asked = {"topic": self.topics.votes, "vector": self.vector, **parameters}
        sql, single = _sql(name), self._one_row_each("votes")
        with self._client.query_rows_stream(
                _of_tables(sql) if single else sql, parameters=asked, settings=BOUNDS) as rows:
            yield (tuple(row) for row in rows)
        if single and self._rows("votes") != self._single["votes"]:
            raise ArchiveUnreadable("a record of the votes was stored twice while they were "
                                    "counted. Ask again: it is counted once then.")

    def _one_row_each(self, view: str) -> bool:
        """Whether each offset has one row in the table of a view, so that the view is not needed.

        It sees to that, one record after the other in order, which is most of a query's time.
        """
        if view not in self._single:
            topic = getattr(self.topics, view)
            rows, distinct = self._ask(_ROWS_AND_OFFSETS, parameters={
                "topic": topic, "table": f"{view}_log"}).result_rows[0]
            self._single[view] = self._rows(view) if rows == distinct else None
        return self._single[view] is not None

    def _rows(self, view: str) -> int:
        """Count the rows of a table up to the vector: one that is stored again is one more."""
        column = "source_offset" if view == "decisions" else "offset"
        return int(self._ask(
            "SELECT count() FROM {table:Identifier} WHERE topic = {topic:String}"
            " AND {column:Identifier} <= {last:Array(Int64)}[partition + 1]",
            parameters={"table": f"{view}_log", "topic": getattr(self.topics, view),
                        "column": column, "last": self.vector}).result_rows[0][0])

    def _ask(self, sql: str, *, parameters: dict[str, Any]) -> QueryResult:
        return self._client.query(sql, parameters=parameters, settings=BOUNDS)

    def wait(self, catalogue_offset: int, *, say: Say, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the archive holds all the result holds; raise ArchiveLacks past the bound."""
        if lacking := still_lacking(
                lambda: "; ".join(self._lacking(catalogue_offset)), say=say, seconds=seconds):
            raise ArchiveLacks(
                f"the archive does not hold what is asked of it, after {seconds:.0f} s: {lacking}. "
                "See that `scrutin archive` runs and what it logs.")

    def _lacking(self, catalogue_offset: int) -> list[str]:
        """Say of each partition what is missing up to the vector."""
        wanted = [
            (self.topics.votes, "votes", "offset", self.vector),
            (self.topics.decisions, "decisions", "source_offset", self.vector),
            (self.topics.catalogue, "catalogue", "offset", [catalogue_offset]),
        ]
        lacking = []
        for topic, view, column, last in wanted:
            parameters = {"topic": topic, "view": view, "column": column, "last": last}
            rows = self._ask(_HELD, parameters=parameters).result_rows
            held = {int(row[0]): int(row[1]) for row in rows}
            for partition, offset in enumerate(last):
                missing = offset + 1 - held.get(partition, 0)
                if missing > 0:
                    first = self._ask(
                        _FIRST_MISSING, parameters={**parameters, "partition": partition},
                    ).result_rows[0][0]
                    lacking.append(f"{topic} partition {partition} lacks {missing} of {offset + 1} "
                                   f"records, the first at {column} {first}")
        return lacking

    def disagreeing(self) -> list[Row]:
        """List (partition, votes offset) that have two decisions of different bytes."""
        parameters = {"topic": self.topics.decisions, "last": self.vector}
        rows, distinct = self._ask(
            "SELECT count(), uniqExact(partition, source_offset) FROM decisions"
            " WHERE topic = {topic:String} AND fault = ''"
            " AND source_offset <= {last:Array(Int64)}[partition + 1]",
            parameters=parameters).result_rows[0]
        if rows == distinct:
            return []
        return [tuple(row) for row in
                self._ask(_DECIDED_TWICE, parameters=parameters).result_rows]

    def logs(self) -> list[ArchivedLog]:
        """Return the logs that a recount rests on."""
        rests_on = (self.topics.votes, self.topics.decisions, self.topics.catalogue)
        return [log for log in archived_logs(self.topics) if log.topic in rests_on]

    def contradicting(self, log: ArchivedLog) -> list[tuple[int, int, list[bytes]]]:
        """List (partition, offset, contents) of offsets that have rows of other content."""
        parameters = {"topic": log.topic, "table": log.table}
        rows, distinct = self._ask(_ROWS_AND_OFFSETS, parameters=parameters).result_rows[0]
        if rows == distinct:
            return []
        return [(partition, offset, sorted(map(bytes.fromhex, contents)))
                for partition, offset, contents in
                self._ask(_CONTRADICTING, parameters=parameters).result_rows]

    def rows(self, log: ArchivedLog, partition: int) -> Iterator[pa.Table]:
        """Yield every row of a partition as it is stored, in the order of offsets."""
        parameters: dict[str, Any] = {
            "topic": log.topic, "table": log.table, "partition": partition}
        end = self._ask(
            "SELECT max(offset) + 1 FROM {table:Identifier} WHERE topic = {topic:String}"
            " AND partition = {partition:UInt32}", parameters=parameters).result_rows[0][0]
        for first in range(0, end, PIECE_RECORDS):
            found = self._arrow(
                "SELECT * FROM {table:Identifier} WHERE topic = {topic:String}"
                " AND partition = {partition:UInt32} AND offset >= {first:UInt64}"
                " AND offset < {end:UInt64} ORDER BY offset",
                {**parameters, "first": first, "end": first + PIECE_RECORDS})
            if found.num_rows:
                yield found

    def unreadable(self) -> list[Row]:
        """List (partition, offset, why) of decisions that cannot be decoded.

        A column that only says so is no reason: its bytes are tried.
        """
        rows = self._ask(
            "SELECT partition, offset, fault, hex(value) FROM decisions"
            " WHERE topic = {topic:String} AND fault != '' ORDER BY partition, offset",
            parameters={"topic": self.topics.decisions}).result_rows
        return [(partition, offset, fault) for partition, offset, fault, value in rows
                if not _is_decision(bytes.fromhex(value))][:10]

    def catalogue(self, offset: int) -> Catalogue:
        """Fold the archived catalogue up to an offset."""
        catalogue = Catalogue()
        for at, value in self.catalogue_records(offset):
            try:
                catalogue.apply(*codec.decode(value), at, value)
            except Undecodable:
                continue
            except UnknownSchema as error:
                raise ArchiveUnreadable(f"catalogue offset {at}: {error}") from error
        return catalogue

    def catalogue_chain(self, offset: int) -> str:
        """Chain the catalogue's records up to an offset as the votes are; in hexadecimal."""
        chain = NO_CHAIN
        for _, value in self.catalogue_records(offset):
            chain = linked(chain, value or b"")
        return chain.hex()

    def first_adoptions(self, partition: int) -> frozenset[int]:
        """Return the votes offsets of adoptions that were allowed, as decisions record them.

        Which adoption may give a partition its first keys only its ledger was told. One that it was
        told of and could not use is recorded as stale, no matter why; all others as unsigned.
        """
        rows = self._ask(
            "SELECT DISTINCT source_offset FROM decisions WHERE topic = {topic:String}"
            " AND partition = {partition:UInt32} AND kind = 'rules_adopted'"
            " AND (outcome = 'adopted' OR refusal = 'stale')",
            parameters={"topic": self.topics.decisions, "partition": partition}).result_rows
        return frozenset(int(row[0]) for row in rows)

    def catalogue_records(self, offset: int) -> Iterator[tuple[int, Any]]:
        """Return offset and bytes of the archived catalogue up to an offset."""
        table = self._arrow(
            "SELECT offset, value FROM catalogue WHERE topic = {topic:String}"
            " AND offset <= {last:Int64} ORDER BY offset",
            {"topic": self.topics.catalogue, "last": offset})
        return zip(*_lists(table), strict=True)

    def judgements(self, first: int = 0) -> Iterator[tuple[int, Any]]:
        """Yield offset and bytes of archived records of the patrol's topic from an offset on."""
        while True:
            table = self._arrow(
                "SELECT offset, value FROM patrol WHERE topic = {topic:String}"
                " AND offset >= {first:UInt64} ORDER BY offset LIMIT {most:UInt64}",
                {"topic": self.topics.patrol, "first": first, "most": PIECE_JUDGEMENTS})
            if not table.num_rows:
                return
            offsets, values = _lists(table)
            yield from zip(offsets, values, strict=True)
            first = offsets[-1] + 1

    def votes(self, partition: int) -> Iterator[tuple[list[int], list[bytes | None]]]:
        """Yield the archived votes of a partition up to the vector: offsets and values."""
        for first in range(0, self.vector[partition] + 1, PIECE_RECORDS):
            last = min(first + PIECE_RECORDS - 1, self.vector[partition])
            table = self._arrow(
                "SELECT offset, value FROM votes WHERE topic = {topic:String} AND"
                " partition = {partition:UInt32} AND offset BETWEEN {first:UInt64} AND"
                " {last:UInt64} ORDER BY offset",
                {"topic": self.topics.votes, "partition": partition, "first": first,
                 "last": last})
            offsets, values = _lists(table)
            yield offsets, values

    def decisions(self, partition: int) -> Iterator[Decisions]:
        """Yield the archived decisions of a partition, in the order of their own offsets."""
        first, end = 0, self._decisions_end(partition)
        while first < end:
            table = self._arrow(
                "SELECT offset, source_offset, value FROM decisions WHERE topic = {topic:String}"
                " AND partition = {partition:UInt32} AND offset >= {first:UInt64}"
                " AND offset < {end:UInt64} ORDER BY offset",
                {"topic": self.topics.decisions, "partition": partition, "first": first,
                 "end": first + PIECE_RECORDS})
            yield Decisions(*_lists(table))
            first += PIECE_RECORDS

    def _decisions_end(self, partition: int) -> int:
        """Return the offset behind the last decision that concerns the vector."""
        found = self._ask(
            "SELECT max(offset) + 1 FROM decisions WHERE topic = {topic:String}"
            " AND partition = {partition:UInt32} AND source_offset <= {last:Int64}",
            parameters={"topic": self.topics.decisions, "partition": partition,
                        "last": self.vector[partition]},
        ).result_rows
        return int(found[0][0]) if self.vector[partition] >= 0 else 0

    def _arrow(self, sql: str, parameters: dict[str, Any]) -> pa.Table:
        return self._client.query_arrow(
            sql, parameters=parameters, settings=BOUNDS, use_strings=False)


def _sql(name: str, without: Collection[str] = ()) -> str:
    """Read a query of recount/sql, and those it includes but for some."""
    text = (resources.files("sinks") / "recount" / "sql" / f"{name}.sql").read_text("utf-8")
    return _INCLUDED.sub(
        lambda found: "" if found[1] in without else _sql(found[1], without), text)


def _of_tables(sql: str) -> str:
    """Have a query read the tables behind the views."""
    return _VIEW.sub(r"FROM \1_log", sql)


def _is_decision(value: bytes) -> bool:
    try:
        decode(value)
    except (Undecodable, UnknownSchema):
        return False
    return True


def _lists(table: pa.Table) -> tuple[list[Any], ...]:
    return tuple(column.to_pylist() for column in table.columns)
