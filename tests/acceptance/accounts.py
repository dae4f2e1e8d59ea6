"""What each process's user of ClickHouse can do, tried; and what it should."""

import threading
import uuid
from collections.abc import Callable, Iterator

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.topics import Topics
from sinks.columns.records import Records
from sinks.days import votes_by_day
from sinks.door import door_counts
from sinks.kept import KeptLogs
from sinks.logs import archived_logs, home_of, kept_logs
from sinks.recount.reading import Reading
from sinks.rights import PROCESSES, readable
from sinks.store import Store


ROWS = 3
DENIED = ("ACCESS_DENIED", "Not enough privileges")
"""What ClickHouse says to who lacks a right."""
OTHERS = ("vote_quarters", "archivers", "applied_migrations")
"""Tables that are of no log."""


def works(process: str, client: Client, topics: Topics) -> None:
    """Do what a process does; raises ClickHouseError where it may not."""
    _WORK[process](client, topics)


def goes_beyond(process: str, client: Client, topics: Topics) -> list[str]:
    """Name what a user can do that its process need not."""
    database = str(client.database)
    reads = set(readable(process, topics, database)) if process != "archive" else None
    places = [(home_of(table, database), table) for table in _tables(topics)]
    found = [f"read {table}" for home, table in places
             if reads is not None and (home, table) not in reads
             and may(client, f"SELECT count() FROM {home}.{table}")]
    for home, table in places:
        if not table.endswith("_log"):
            continue
        if process != "archive" and may(
                client, f"INSERT INTO {home}.{table} (topic, offset) SELECT 'lie', 1"):
            found.append(f"write {table}")
        # That of one row is tried, so that one which is allowed can be repaired.
        found += [f"{what} {table}" for what, statement in (
            ("delete in", f"ALTER TABLE {home}.{table} DELETE WHERE topic = 'lie'"),
            ("change", f"ALTER TABLE {home}.{table} UPDATE offset = 0 WHERE topic = 'lie'"),
        ) if may(client, statement)]
    return found + [what for what, statement in _attempts(database, f"u{uuid.uuid4().hex[:8]}")
                    if may(client, statement)]


def _attempts(database: str, own: str) -> Iterator[tuple[str, str]]:
    """Yield what no process needs, under a name of its own; the worst comes last."""
    table, line = f"{database}.sequences_log", "'LineAsString', 'line String'"
    engine = "(line String) ENGINE ="
    yield "make users", f"CREATE USER {own}"
    yield "see users", "SELECT count() FROM system.users"
    yield "make databases of others", f"CREATE DATABASE {own}"
    yield "make functions", f"CREATE FUNCTION {own} AS (x) -> x"
    yield "read files", f"SELECT count() FROM file('{own}', {line})"
    yield "write files", f"INSERT INTO FUNCTION file('{own}', {line}) SELECT 'lie'"
    yield "ask any address", f"SELECT count() FROM url('http://127.0.0.1:1/{own}', {line})"
    yield "ask other servers", "SELECT count() FROM remote('127.0.0.1:1', 'system', 'one')"
    yield "ask other databases", f"SELECT count() FROM mysql('127.0.0.1:1', '{own}', 'a', 'b', 'c')"
    yield "keep a table in a file", f"CREATE TABLE {database}.{own} {engine} File(LineAsString)"
    yield "keep a table elsewhere", (
        f"CREATE TABLE {database}.{own} {engine} URL('http://127.0.0.1:1/', 'LineAsString')")
    yield "copy a table away", f"BACKUP TABLE {table} TO File('{own}')"
    yield "let rows grow old", f"ALTER TABLE {table} MODIFY TTL timestamp + INTERVAL 1 SECOND"
    yield "take a part away", f"ALTER TABLE {table} DETACH PARTITION ID '{own}'"
    yield "drop a part", f"ALTER TABLE {table} DROP PARTITION ID '{own}'"
    yield "rename a table", f"RENAME TABLE {table} TO {database}.{own}"
    yield "exchange tables", f"EXCHANGE TABLES {table} AND {database}.patrol_log"
    yield "put a table in its place", f"CREATE OR REPLACE TABLE {table} {engine} Memory"
    yield "take a table away", f"DETACH TABLE {table}"
    yield "empty a table", f"TRUNCATE TABLE {table}"
    yield "drop a table", f"DROP TABLE {table}"


def _tables(topics: Topics) -> list[str]:
    logs = [log.table for log in kept_logs(topics)]
    views = [log.table.removesuffix("_log") for log in archived_logs(topics)]
    return [*logs, *views, *OTHERS]


def may(client: Client, statement: str) -> bool:
    """Whether a user can do this; what failed for another reason than its rights it could."""
    try:
        client.command(statement)
    except ClickHouseError as error:
        return not any(word in str(error) for word in DENIED)
    return True


def _archive(client: Client, topics: Topics) -> None:
    store = Store(client, topics.prefix)
    store.take_over(threading.Event())
    for log in kept_logs(topics):
        records = Records(log.topic, 0, 0, list(range(ROWS)), [b"record"] * ROWS)
        store.insert(log.table, log.columns(records), records)
        store.archived(log.table, log.topic, 0)
        assert store.stored(log.table, records).rows == ROWS
        assert not store.insert_running(records)


def _views(client: Client, topics: Topics) -> None:
    votes_by_day(client, topics.votes, "town", "Europe/Paris")
    door_counts(client, topics.sequences, "town")


def _recount(client: Client, topics: Topics) -> None:
    reading = Reading(client, topics, [ROWS - 1] * topics.partitions)
    for log in archived_logs(topics):
        for table in (log.table, log.table.removesuffix("_log")):
            client.query(f"SELECT * FROM {table} LIMIT 1")
    assert not reading.chain(0, 0)


def _restore(client: Client, topics: Topics) -> None:
    for log in kept_logs(topics):
        assert len(KeptLogs(client, topics).piece(log, 0, 0, ROWS)) == ROWS


_WORK: dict[str, Callable[[Client, Topics], None]] = {
    "archive": _archive, "views": _views, "recount": _recount, "restore": _restore}
assert tuple(_WORK) == PROCESSES
