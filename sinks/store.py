"""ClickHouse as the archive's store of records and of offsets.

Theory of operation: an insert is one block of one table partition, so it is stored whole or not
at all, and it carries a deduplication token naming its topic, partition and offsets, so the same
insert twice is stored once. Its query id begins with `archive:PREFIX:`, by which a successor can
find it, kill it and wait for its end. Whoever lost an answer looks up what is stored; nothing is
concluded from the lost answer itself, and as little from one that says yes: every column of the
rows is read again, for a disk that was full may have cut what was acknowledged.
"""

import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
from clickhouse_connect.driver.httputil import default_pool_manager, get_pool_manager

from schemas.certificates import client_context
from sinks.addresses import CERTIFICATES, Trust, way
from sinks.columns.records import Records
from sinks.days import KEEP_BLOCK, kept_blocks, within
from sinks.faults import InsertUnreadable, SinkStopped
from sinks.gauge import CHECKSUM, Block, checksum
from sinks.logs import home_of
from sinks.migrations import migrate
from sinks.stretches import Stretch


INSERT_SECONDS = 60
"""Longest wait for the answer to a statement; an insert takes milliseconds."""
CONNECT_SECONDS = 5
"""Longest wait for a connection: the engine is a machine away at most."""
FENCE_SECONDS = 60.0
"""Longest wait for the end of a predecessor's inserts after they were killed."""
FENCE_POLL_SECONDS = 0.05
"""Pause between two looks at the running queries: an insert ends within its block."""
BLOCK_ROWS_MAX = 1_048_576
"""More rows than any insert has: ClickHouse must not cut an insert into blocks."""

SERVER_VERSION_MIN = "26.7"
"""Earlier servers do not let a filter through LIMIT 1 BY: every look at the views `votes` and
`decisions` reads all of the log."""

UNREADABLE_CODES = frozenset((33, 40, 226, 228, 246, 271))
"""What ClickHouse says of a part that is not as it was written: CANNOT_READ_ALL_DATA,
CHECKSUM_DOESNT_MATCH, NO_FILE_IN_DATA_PART, BAD_SIZE_OF_FILE_IN_DATA_PART, CORRUPTED_DATA,
CANNOT_DECOMPRESS."""

NO_TRUST = Trust()
"""The system's authorities, and no certificate of our own."""

CLIENT_ERRORS = (ClickHouseError, OSError)
"""What the client raises where an answer is missing or says no."""


# Without a handler Python prints what the client says of a server that is away, before our words.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


class Stopping(Exception):
    """The archive was told to stop while it waited for ClickHouse."""


@dataclass(frozen=True)
class Stored:
    """What the table holds of some offsets of a topic partition."""

    rows: int
    offsets: int
    """Distinct offsets: fewer than rows where something was stored twice."""
    generation: int
    """Generation of the archive that owns these topics now."""


def connect(
    url: str, database: str, *, seconds: float = INSERT_SECONDS, create: bool = True,
    trust: Trust = NO_TRUST,
) -> Client:
    """Connect to ClickHouse; make the database if it may be created.

    The one place where a client is made: user and password come in the URL and go no further.
    Certificates are read again for each connection. Raises AddressRefused, CertificateUnreadable,
    CLIENT_ERRORS.
    """
    told = way(url, trust)
    if trust != NO_TRUST:
        client_context("ClickHouse", trust.authorities, trust.certificate, trust.private_key)
    options: dict[str, Any] = {
        **told, "compress": False, "autogenerate_session_id": False,
        "query_retries": 0,
        "connect_timeout": CONNECT_SECONDS, "send_receive_timeout": int(seconds),
    }
    if create:
        first = _client(options)
        first.command(
            "CREATE DATABASE IF NOT EXISTS {name:Identifier}", parameters={"name": database})
        first.close()
    return _client({**options, "database": database})


def _client(options: Mapping[str, Any]) -> Client:
    """Make a client that goes by no proxy: of itself it takes one from the environment, which
    would hear the password."""
    if options["interface"] == "http":
        return clickhouse_connect.get_client(**options, pool_mgr=default_pool_manager())
    pool = get_pool_manager(**{name: options[name] for name in CERTIFICATES if name in options})
    try:
        made: Any = clickhouse_connect.get_client(**options, pool_mgr=pool)
    except BaseException:
        pool.clear()
        raise
    made._backend.owns_pool_manager = True  # noqa: SLF001 -- closed with the client, as its own is
    return made  # type: ignore[no-any-return]  # what get_client gives


def located(client: Client, table: str) -> dict[str, str]:
    """Say where a table is."""
    return {"database": home_of(table, str(client.database)), "table": table}


class Store:
    """The tables of one topic generation, as their one writer sees them. Blocking; thread-safe."""

    def __init__(self, client: Client, topic_prefix: str) -> None:
        self._client = client
        self._topic_prefix = topic_prefix
        self._archiver = str(uuid.uuid4())
        self._query_prefix = f"archive:{topic_prefix}:"
        self.generation = 0

    def take_over(self, stopping: threading.Event) -> int:
        """Make the tables, become the owner, end the predecessor's inserts; return how many.

        Raises Stopping where the archive is told to stop meanwhile, SinkStopped where the server is
        older than it needs.
        """
        if not self._client.min_version(SERVER_VERSION_MIN):
            raise SinkStopped(
                f"ClickHouse is of version {self._client.server_version}, {SERVER_VERSION_MIN} or "
                "later is needed: an earlier one reads the whole log for each question. Upgrade "
                "it, then start the archive again. Votes are taken and counted meanwhile.")
        migrate(self._client)
        parameters = {"prefix": self._topic_prefix, "archiver": self._archiver}
        self._client.command(
            "INSERT INTO archivers (topic_prefix, generation, archiver) "
            "SELECT {prefix:String}, max(generation) + 1, {archiver:UUID} "
            "FROM archivers WHERE topic_prefix = {prefix:String}",
            parameters=parameters,
        )
        self.generation = int(self._client.query(
            "SELECT max(generation) FROM archivers "
            "WHERE topic_prefix = {prefix:String} AND archiver = {archiver:UUID}",
            parameters=parameters,
        ).result_rows[0][0])
        return self._fence(stopping)

    def _fence(self, stopping: threading.Event) -> int:
        """Kill running inserts of any predecessor and wait until none is left."""
        deadline = time.monotonic() + FENCE_SECONDS
        found: set[str] = set()
        while running := self._running(self._query_prefix):
            found.update(running)
            if time.monotonic() > deadline:
                raise SinkStopped(
                    f"{len(running)} inserts of an earlier archive still run {FENCE_SECONDS:.0f} s "
                    f"after they were killed ({running[0]}): look at system.processes, end them, "
                    "then start the archive again."
                )
            self._client.command(
                f"KILL QUERY WHERE startsWith(query_id, '{self._query_prefix}') SYNC")
            if stopping.wait(FENCE_POLL_SECONDS):
                raise Stopping
        return len(found)

    def _running(self, query_prefix: str) -> list[str]:
        rows = self._client.query(
            "SELECT query_id FROM system.processes WHERE startsWith(query_id, {prefix:String})",
            parameters={"prefix": query_prefix},
        ).result_rows
        return [row[0] for row in rows]

    def archived(self, table: str, topic: str, partition: int) -> list[Stretch]:
        """Return the stretches of offsets that a table holds of a topic partition, in order."""
        rows = self._client.query(
            "SELECT min(offset), max(offset) FROM ("
            " SELECT offset, toInt64(offset) - dense_rank() OVER (ORDER BY offset) AS island"
            " FROM {database:Identifier}.{table:Identifier}"
            " WHERE topic = {topic:String} AND partition = {partition:UInt32}"
            ") GROUP BY island ORDER BY 1",
            parameters={**located(self._client, table), "topic": topic, "partition": partition},
        ).result_rows
        return [Stretch(int(first), int(last)) for first, last in rows]

    def value(self, table: str, topic: str, partition: int, *, offset: int) -> bytes | None:
        """Read one archived record back."""
        rows = self._client.query(
            "SELECT hex(value), isNull(value) FROM {database:Identifier}.{table:Identifier}"
            " WHERE topic = {topic:String} AND partition = {partition:UInt32}"
            " AND offset = {offset:UInt64} LIMIT 1",
            parameters={**located(self._client, table), "topic": topic, "partition": partition,
                        "offset": offset},
        ).result_rows
        text, is_null = rows[0]
        return None if is_null else bytes.fromhex(text)

    def insert(
        self, table: str, rows: pa.Table, records: Records, *, token_suffix: str = ""
    ) -> None:
        """Send one insert. An exception says nothing about whether it was stored."""
        token = _token(records)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        settings = {
            "query_id": f"{self._query_prefix}{token}:{uuid.uuid4()}",
            "insert_deduplication_token": token + token_suffix,
            "insert_deduplicate": 1,
            "async_insert": 0,
            "max_insert_block_size": BLOCK_ROWS_MAX,
            "min_insert_block_size_rows": BLOCK_ROWS_MAX,
            "min_insert_block_size_bytes": 0,
            "max_insert_threads": 1,
        }
        # Not as bytes, for these the client would send a second time by itself.
        block: Any = memoryview(sink.getvalue())
        place = located(self._client, table)
        self._client.raw_insert(f"`{place['database']}`.`{place['table']}`", rows.column_names,
                                block, settings, "ArrowStream")

    def owner(self) -> int:
        """Return the generation of the archive that owns these topics now."""
        return int(self._client.query(
            "SELECT max(generation) FROM archivers WHERE topic_prefix = {prefix:String}",
            parameters={"prefix": self._topic_prefix}).result_rows[0][0])

    def insert_running(self, records: Records) -> bool:
        """Whether an insert of these records is still running."""
        return bool(self._running(f"{self._query_prefix}{_token(records)}:"))

    def stored(self, table: str, records: Records) -> Stored:
        """Count what a table holds of the offsets of some records, each read in all its columns.

        Raises InsertUnreadable, CLIENT_ERRORS.
        """
        return self.read_back(table, records.topic, records.partition,
                              Stretch(records.first, records.last))

    def read_back(self, table: str, topic: str, partition: int, stretch: Stretch) -> Stored:
        """Do the same for a stretch of a topic partition."""
        place = located(self._client, table)
        try:
            row = self._client.query(
                "SELECT count(), uniqExact(offset), (SELECT max(generation) FROM archivers"
                " WHERE topic_prefix = {prefix:String}), groupBitXor(cityHash64(*))"
                " FROM {database:Identifier}.{table:Identifier}"
                " WHERE topic = {topic:String} AND partition = {partition:UInt32}"
                " AND offset BETWEEN {first:UInt64} AND {last:UInt64}",
                parameters={
                    **place, "prefix": self._topic_prefix, "topic": topic,
                    "partition": partition, "first": stretch.first, "last": stretch.last,
                },
            ).result_rows[0]
        except DatabaseError as error:
            if error.code not in UNREADABLE_CODES:
                raise
            raise InsertUnreadable(
                f"{place['database']}.{table} has acknowledged rows of {topic} partition "
                f"{partition}, offsets {stretch.first} to {stretch.last}, and cannot read them: "
                f"{error}. Nothing is lost, Kafka has the records. Check ClickHouse's disk, take "
                f"the part it names away (ALTER TABLE {place['database']}.{table} DETACH PART "
                "'…'), then start the archive again: it stores them anew.") from error
        return Stored(*map(int, row[:3]))

    def gauge(
        self, table: str, topic: str, blocks: Sequence[Block]
    ) -> dict[int, tuple[int, int]]:
        """Count rows and distinct offsets of a block of each partition."""
        found = self._counted(CHECKSUM, table, topic, dict(enumerate(blocks)))
        unclear = {partition: blocks[partition] for partition, (rows, sum_) in found.items()
                   if rows != blocks[partition].end - blocks[partition].first
                   or sum_ != checksum(blocks[partition])}
        told = {partition: (rows, rows) for partition, (rows, _) in found.items()}
        return {**told, **self._counted("uniqExact(offset)", table, topic, unclear)}

    def _counted(
        self, what: str, table: str, topic: str, blocks: Mapping[int, Block]
    ) -> dict[int, tuple[int, int]]:
        """Count rows, and something else, of blocks by partition."""
        wanted = within({partition: (block.first, block.end)
                         for partition, block in blocks.items() if block.end > block.first})
        if not wanted:
            return {}
        rows = self._client.query(
            f"SELECT partition, count(), {what} FROM {{database:Identifier}}.{{table:Identifier}}"  # noqa: S608 -- numbers and words of ours
            f" WHERE topic = {{topic:String}} AND ({wanted}) GROUP BY partition",
            parameters={**located(self._client, table), "topic": topic}).result_rows
        return {int(partition): (int(count), int(other)) for partition, count, other in rows}

    def counted_blocks(self, topic: str) -> set[tuple[int, int]]:
        """Return partition and first offset of each block whose votes by day are kept."""
        return {(partition, first) for partition, firsts in kept_blocks(
            self._client, topic).items() for first in firsts}

    def count_days(self, topic: str, partition: int, block: Block) -> None:
        """Keep the votes by day of a full block that holds each offset once; it may be repeated."""
        self._client.command(KEEP_BLOCK, parameters={
            "topic": topic, "partition": partition, "first": block.first, "end": block.end})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _token(records: Records) -> str:
    return f"{records.topic}:{records.partition}:{records.first}-{records.last}"
