"""An archive that runs beside the test, and what it stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clickhouse_connect.driver.client import Client

from schemas.topics import Topics
from sinks.archive import Archive, ArchivePolicy
from sinks.logs import archived_logs
from tests.waiting import until


def policy(kafka: str, url: str, topics: Topics, *, away_seconds: float = 30.0) -> ArchivePolicy:
    """Archive topics into a database of the same name."""
    return ArchivePolicy(kafka=kafka, clickhouse_url=url, database=topics.prefix, topics=topics,
                         away_seconds=away_seconds)


@asynccontextmanager
async def running(wanted: ArchivePolicy) -> AsyncIterator[Archive]:
    """Run an archive; stop it in order at the end, and raise what it ended with."""
    archive = Archive(wanted)
    task = asyncio.create_task(archive.run())
    archive_ended = asyncio.create_task(asyncio.wait([task]))
    try:
        yield archive
    finally:
        archive.stop()
        await archive_ended
    await task


async def caught_up(archive: Archive) -> None:
    """Wait until everything written before the archive started is archived."""
    await until(lambda: archive.status()["ready"] and not archive.status()["lag_messages"])


def values(client: Client, topics: Topics, table: str) -> dict[int, list[bytes | None]]:
    """Read all values of a table, by partition, in the order of offsets."""
    topic = next(one.topic for one in archived_logs(topics) if one.table == table)
    rows = client.query(
        "SELECT partition, offset, hex(value), isNull(value) FROM {table:Identifier}"
        " WHERE topic = {topic:String} ORDER BY partition, offset",
        parameters={"table": table, "topic": topic}).result_rows
    found: dict[int, list[bytes | None]] = {}
    for partition, offset, text, is_null in rows:
        log = found.setdefault(partition, [])
        assert offset == len(log), f"{table} partition {partition}: offset {offset} out of order"
        log.append(None if is_null else bytes.fromhex(text))
    return found
