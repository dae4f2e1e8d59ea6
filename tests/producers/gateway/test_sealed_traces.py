"""After a sealing: whoever walks data folders, topics and archive finds no key and no snapshot."""

import asyncio
import base64
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.local.services import ClickHouse
from producers import operations, sealing
from producers.gateway.keys import KeyFolder
from producers.operations import Log
from sinks.store import connect
from tests.harness import Stack, Worker, read_to_end
from tests.producers.gateway import booths
from tests.waiting import until


VOTERS = 8


def in_every_form(key: bytes) -> list[bytes]:
    """Write a secret as it could lie about."""
    return [key, key.hex().encode(), base64.b64encode(key).rstrip(b"=")]


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Walk a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


async def records(stack: Stack) -> list[tuple[str, bytes]]:
    """Read every record of every topic."""
    return [(topic.name, (record.key or b"") + b"\0" + (record.value or b""))
            for topic in stack.topics.specifications()
            for record in await read_to_end(stack.kafka, topic.name, topic.partitions)]


def archived(url: str, database: str) -> Iterator[tuple[str, bytes]]:
    """Read every value of every table, as bytes where it is a text."""
    client = connect(url, database)
    for (table,) in client.query("SHOW TABLES").result_rows:
        columns = [f"ifNull(hex(toString(`{name}`)), '')" for name, *_ in
                   client.query(f"DESCRIBE TABLE `{table}`").result_rows]
        for row in client.query(f"SELECT {', '.join(columns)} FROM `{table}`").result_rows:
            yield table, b"\0".join(map(bytes.fromhex, row))


def started(stack: Stack, folder: str, command: str, **settings: str) -> Worker:
    """Start a process with a data folder of its own, as on another machine."""
    return stack.started(command, folder, SCRUTIN_DATA_DIR=str(stack.folder / folder),
                         SCRUTIN_SNAPSHOT_DECISIONS="1", **settings)


async def test_no_key_and_no_snapshot_outlives_a_sealing(
    stack: Stack, clickhouse: ClickHouse
) -> None:
    """Not even on a machine that held a partition once, and was off when it was sealed."""
    await booths.opened(stack)
    database = {"SCRUTIN_CLICKHOUSE_URL": clickhouse.url,
                "SCRUTIN_CLICKHOUSE_DATABASE": stack.topics.prefix}
    gateway = booths.started(stack)
    await gateway.ready()
    receipts = await booths.others_describe(gateway.url, VOTERS)
    elsewhere = started(stack, "elsewhere", "ledger")
    await elsewhere.says("snapshot written")
    elsewhere.kill()
    here = started(stack, "here", "ledger")
    archive = started(stack, "archive", "archive", **database)
    receipts += await booths.others_describe(gateway.url, VOTERS)
    await here.says("snapshot written")

    voters = {booths.event_of(each)[1]["voter"] for each in receipts}
    keys = KeyFolder(stack.folder / "data" / "keys")
    secrets = [path.read_bytes() for path in (
        *keys.folder_of("town").glob("*.key"), *(keys.folder / "networks").glob("*.key"))]
    assert len(secrets) == 3
    left = [content for name, content in files(stack.folder / "elsewhere") if "snapshot" in name]
    assert any(voter in content for voter in voters for content in left)

    log = Log(stack.kafka, stack.topics)
    now = int(time.time() * 1_000)
    for name in ("town", "later", "over", "hidden", "shut", "sealed"):
        await operations.close(log, name, now=now, salt=bytes(16))
    await sealing.seal(log, "town", [keys], keyless=False, now=now, salt=bytes(16))
    elsewhere.start()
    await elsewhere.says("snapshot deleted: it is from before a sealing")
    async with asyncio.timeout(90):
        while [fields["outcome"] for _, _, fields in await gateway.events(stack.topics.decisions)
               ].count("sealed") < stack.topics.partitions:
            await asyncio.sleep(0.2)
    await until(lambda: stored(clickhouse.url, stack.topics.prefix))
    for worker in (here, elsewhere, archive, gateway.worker):
        worker.kill()

    found = [*files(stack.folder), *await records(stack),
             *archived(clickhouse.url, stack.topics.prefix),
             *archived(clickhouse.url, f"{stack.topics.prefix}_participants")]
    assert len(found) > 4 * VOTERS
    assert [place for place, content in found for secret in secrets
            if any(form in content for form in in_every_form(secret))] == []
    assert [place for place, content in files(stack.folder)
            if any(voter in content for voter in voters)] == []


def stored(url: str, database: str) -> bool:
    """Whether the archive has the sealing of each partition."""
    client = connect(url, database)
    [[number]] = client.query("SELECT count() FROM decisions WHERE outcome = 'sealed'").result_rows
    return int(number) == 2
