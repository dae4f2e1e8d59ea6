"""Every record of the logs is in ClickHouse once, whatever happens to the archive."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.local.services import Broker, ClickHouse
from schemas import codec
from schemas.topics import Topics
from sinks.archive import Archive
from sinks.columns.records import Records
from sinks.days import kept_blocks
from sinks.faults import (
    ArchiveSuperseded,
    LogDiffers,
    LogTruncated,
    ServiceAway,
    SinkStopped,
    reason_of,
)
from sinks.store import Store, connect
from tests.sinks.archiving import caught_up, policy, running, values
from tests.sinks.ballots import Box, decide, random_box
from tests.sinks.proxy import proxied
from tests.sinks.published import catalogue_log
from tests.sinks.stocking import log_of, open_store, stock
from tests.sinks.topics import append, create
from tests.sinks.transparency import test_notary as notaries
from tests.sinks.transparency.keeping import entries_of
from tests.waiting import until


SERVED = codec.encode(
    "SequenceServed", event_id=bytes(16), voter=bytes(16), consultation="town", algorithm="x/1",
    seed=bytes(16), offsets=[4, 2], catalogue_offset=7, included=[], history=[],
    proposals=["p2", "p1"], origin="web", occurred_at=1_700_000_000_000)
DRAWN = codec.encode(
    "SequenceDrawn", event_id=bytes(16), voter=bytes(16), consultation="town", algorithm="x/1",
    seed=bytes(16), offsets=[4, 2], catalogue_offset=7, proposals=[1, 0], asked=1,
    left_out=b"\x40", origin="web", occurred_at=1_700_000_000_000)


async def written(kafka: str, prefix: str, seed: int, events: int) -> tuple[Topics, Box]:
    """Write a random consultation to topics of its own."""
    topics, box = Topics(prefix, 2), random_box(seed, events)
    _, decisions = decide(box)
    await create(kafka, topics)
    await append(kafka, topics.votes, box.logs)
    await append(kafka, topics.decisions, [list(log) for log in decisions])
    await append(kafka, topics.catalogue, [catalogue_log(box)])
    return topics, box


def archive_of(url: str, topics: Topics) -> dict[int, list[bytes | None]]:
    """Read the archived votes back."""
    return values(connect(url, topics.prefix), topics, "votes_log")


async def test_every_record_is_archived(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Votes, decisions, catalogue and sequences, byte for byte, tombstones and garbage too."""
    topics, box = await written(broker.address, topic_prefix, 1, 300)
    await append(broker.address, topics.sequences, [[SERVED, DRAWN, b"no event"]])
    async with running(policy(broker.address, clickhouse.url, topics)) as archive:
        await caught_up(archive)
        assert archive.status()["ready"]
    client = connect(clickhouse.url, topics.prefix)
    assert values(client, topics, "votes_log") == dict(enumerate(box.logs))
    assert values(client, topics, "decisions_log") == dict(enumerate(decide(box)[1]))
    assert len(values(client, topics, "catalogue_log")[0]) == len(catalogue_log(box))
    assert values(client, topics, "sequences_log") == {0: [SERVED, DRAWN, b"no event"]}
    assert client.query(
        "SELECT event, consultation, JSONExtractArrayRaw(fields, 'proposals'), "
        "JSONExtractString(fields, 'left_out') FROM sequences ORDER BY offset").result_rows == [
            ("SequenceServed", "town", ['"p2"', '"p1"'], ""),
            ("SequenceDrawn", "town", ["1", "0"], "40"), ("", "", [], "")]


async def test_records_that_vanish_from_the_archive_are_told(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """count() = uniqExact(offset) = the place archived; a deleted row is a hole, not ready."""
    monkeypatch.setattr("sinks.archive.GAUGE_SECONDS", 0.1)
    monkeypatch.setattr("sinks.gauge.BLOCK_OFFSETS", 20)
    topics, box = await written(broker.address, topic_prefix, 3, 200)
    ends = [len(log) for log in box.logs]
    client = connect(clickhouse.url, topics.prefix)
    async with running(policy(broker.address, clickhouse.url, topics)) as archive:
        await caught_up(archive)
        await until(lambda: gauge(archive, topics, "rows") == ends)
        assert gauge(archive, topics, "offsets") == ends
        full = {number: list(range(0, end - 19, 20)) for number, end in enumerate(ends)}
        await until(lambda: kept_blocks(client, topics.votes) == full)
        client.command("ALTER TABLE votes_log DELETE WHERE partition = 1 AND offset IN (3, 5) "
                       "SETTINGS mutations_sync = 1")
        await until(lambda: gauge(archive, topics, "missing_records") == [0, 2])
        assert not archive.status()["ready"]
    async with running(policy(broker.address, clickhouse.url, topics)) as archive:
        await caught_up(archive)
        await until(lambda: gauge(archive, topics, "rows") == ends)


def gauge(archive: Archive, topics: Topics, name: str) -> list[int]:
    """Return what the archive counted of the votes, by partition."""
    return [place[name] for place in archive.status()["positions"]
            if place["topic"] == topics.votes]


async def test_a_restart_resumes_behind_the_prefix(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Stopped and started again with more in the log, nothing is stored twice."""
    topics, box = await written(broker.address, topic_prefix, 2, 100)
    wanted = policy(broker.address, clickhouse.url, topics)
    async with running(wanted) as archive:
        await caught_up(archive)
    more = random_box(3, 100).logs
    await append(broker.address, topics.votes, more)
    async with running(wanted) as archive:
        await caught_up(archive)
    expected = [first + then for first, then in zip(box.logs, more, strict=True)]
    assert archive_of(clickhouse.url, topics) == dict(enumerate(expected))


async def test_holes_are_filled(broker: Broker, clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A table that lacks a stretch, at its beginning or in the middle, gets just that."""
    topics, box = await written(broker.address, topic_prefix, 4, 200)
    store = open_store(clickhouse.url, topics.prefix, topics.prefix)
    votes = log_of(topics, topics.votes)
    stock(store, votes, 0, box.logs[0][:20])
    stock(store, votes, 0, box.logs[0][30:50], first=30)
    stock(store, votes, 1, box.logs[1][10:40], first=10)
    async with running(policy(broker.address, clickhouse.url, topics)) as archive:
        await caught_up(archive)
    assert archive_of(clickhouse.url, topics) == dict(enumerate(box.logs))


async def test_rows_deleted_after_an_insert_are_stored_again(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """A deduplication token of rows that are gone does not keep them out."""
    topics, box = await written(broker.address, topic_prefix, 5, 60)
    wanted = policy(broker.address, clickhouse.url, topics)
    async with running(wanted) as archive:
        await caught_up(archive)
    client = connect(clickhouse.url, topics.prefix)
    client.command("ALTER TABLE votes_log DELETE WHERE partition = 1",
                   settings={"mutations_sync": 1})
    async with running(wanted) as archive:
        await caught_up(archive)
    assert archive_of(clickhouse.url, topics) == dict(enumerate(box.logs))


async def test_a_lost_answer_is_looked_up(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Inserts that were carried out but never answered are neither lost nor done twice."""
    topics, box = await written(broker.address, topic_prefix, 6, 150)
    async with proxied(clickhouse.url) as proxy:
        proxy.answers_to_lose = 4
        async with running(policy(broker.address, proxy.url, topics)) as archive:
            await caught_up(archive)
        assert proxy.answers_lost == 4
    assert archive_of(clickhouse.url, topics) == dict(enumerate(box.logs))


async def test_the_same_insert_twice_is_stored_once(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Two requests for the same offsets at once, as after a lost one: the token keeps one."""
    topics, box = Topics(topic_prefix, 2), random_box(7, 400)
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    votes = log_of(topics, topics.votes)
    records = Records(topics.votes, 0, 0, [0] * len(box.logs[0]), box.logs[0])
    rows = votes.columns(records)
    await asyncio.gather(*(
        asyncio.to_thread(store.insert, votes.table, rows, records) for _ in range(4)))
    assert store.stored(votes.table, records).rows == len(records)


def test_a_server_older_than_the_archive_needs_is_refused(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Before a table is made: its version, the one that is needed, and what goes on meanwhile."""
    client = connect(clickhouse.url, topic_prefix)
    client.server_version = "26.6.12.3"
    with pytest.raises(SinkStopped, match=r"version 26\.6\.12\.3, 26\.7 or later is needed"):
        Store(client, topic_prefix).take_over(threading.Event())

    assert client.query("SHOW TABLES").result_rows == []


async def test_a_predecessor_is_fenced(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """Taking over ends inserts of the archive before, and tells it so at its next look."""
    topics = Topics(topic_prefix, 2)
    before = open_store(clickhouse.url, topic_prefix, topic_prefix)
    slow = threading.Thread(target=_insert_slowly, args=(clickhouse.url, topic_prefix))
    slow.start()
    watching = connect(clickhouse.url, topic_prefix)
    await until(lambda: _running(watching))
    after = Store(connect(clickhouse.url, topic_prefix), topic_prefix)
    assert await asyncio.to_thread(after.take_over, threading.Event()) == 1
    assert not _running(watching)
    slow.join(20)
    stored = watching.query("SELECT count() FROM votes_log").result_rows[0][0]
    assert stored == 0
    found = before.stored("votes_log", Records(topics.votes, 0, 0, [0], [b""]))
    assert found.generation == after.generation > before.generation


def _insert_slowly(url: str, prefix: str) -> None:
    """Insert one row after another under the query id of an archive's insert."""
    with connect(url, prefix) as client, pytest.raises(ClickHouseError, match=r"(?i)cancel"):
        client.command(
            "INSERT INTO votes_log (topic, offset) SELECT 'x', number + sleepEachRow(0.5)"
            " FROM numbers(100)",
            settings={"query_id": f"archive:{prefix}:x:0:0-99:1", "max_block_size": 1,
                      "function_sleep_max_microseconds_per_block": 0})


def _running(client: Client) -> bool:
    query = "SELECT count() FROM system.processes WHERE startsWith(query_id, 'archive:')"
    rows = client.query(query).result_rows
    return bool(rows[0][0])


async def test_a_superseded_archive_ends(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """The older of two archives ends, says that there are two, and stores nothing more."""
    topics, box = await written(broker.address, topic_prefix, 8, 30)
    older = Archive(policy(broker.address, clickhouse.url, topics))
    task = asyncio.create_task(older.run())
    await caught_up(older)
    open_store(clickhouse.url, topics.prefix, topics.prefix)
    await append(broker.address, topics.votes, random_box(9, 30).logs)
    await asyncio.wait([task], timeout=30)
    assert isinstance(reason_of(_error(task)), ArchiveSuperseded)
    assert archive_of(clickhouse.url, topics) == dict(enumerate(box.logs))


async def test_an_unknown_schema_stops_its_partition_only(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """What comes before it is archived, other partitions go on, the status says what to do."""
    topics, box = await written(broker.address, topic_prefix, 10, 40)
    later = b"\0\0\0\x03\xe7later"
    await append(broker.address, topics.votes, [[later, box.logs[0][0]], [box.logs[1][1]]])
    async with running(policy(broker.address, clickhouse.url, topics)) as archive:
        await until(lambda: bool(archive.status()["stopped"])
                    and archive.status()["lag_messages"] == 2)
        status = archive.status()
    assert not status["ready"]
    assert "unknown schema id 999" in status["stopped"][0]
    assert "Install the version" in status["stopped"][0]
    assert archive_of(clickhouse.url, topics) == {
        0: box.logs[0], 1: [*box.logs[1], box.logs[1][1]]}


async def test_a_truncated_log_is_an_alarm(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """A log that ends before what is archived of it stops the archive with what to do."""
    topics, box = await written(broker.address, topic_prefix, 11, 40)
    store = open_store(clickhouse.url, topics.prefix, topics.prefix)
    longer = [*box.logs[0], *box.logs[0]]
    stock(store, log_of(topics, topics.votes), 0, longer)
    with pytest.raises(LogTruncated, match="truncated or made anew"):
        await Archive(policy(broker.address, clickhouse.url, topics)).run()


async def test_another_log_of_the_same_name_is_an_alarm(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """A topic made anew, even a longer one, is noticed by its last archived record."""
    topics, box = await written(broker.address, topic_prefix, 12, 60)
    store = open_store(clickhouse.url, topics.prefix, topics.prefix)
    stock(store, log_of(topics, topics.votes), 0, random_box(13, 60).logs[0][:10])
    archive = Archive(policy(broker.address, clickhouse.url, topics))
    task = asyncio.create_task(archive.run())
    await asyncio.wait([task], timeout=30)
    assert isinstance(reason_of(_error(task)), LogDiffers)
    assert len(box.logs[0]) > 10


async def test_clickhouse_away_ends_after_a_bound(broker: Broker, topic_prefix: str) -> None:
    """Without ClickHouse the archive waits its bound, then ends and says what to start."""
    wanted = policy(broker.address, "http://127.0.0.1:9", Topics(topic_prefix, 2), away_seconds=0.3)
    with pytest.raises(ServiceAway, match="ClickHouse has not done its work"):
        await Archive(wanted).run()


async def test_kafka_away_ends_after_a_bound(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """Without a broker the archive waits its bound, then ends and says what to start."""
    wanted = policy("127.0.0.1:9", clickhouse.url, Topics(topic_prefix, 2), away_seconds=0.3)
    with pytest.raises(ServiceAway, match="no Kafka broker answered"):
        await Archive(wanted).run()


async def test_killed_archives_and_notaries_hold_everything_once(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """SIGKILL at random moments, answers of inserts lost: rows = distinct offsets = log end = tree.

    The leaves under the last checkpoint are those of the archived rows.
    """
    randomness = random.Random(14)
    topics, box = await written(broker.address, topic_prefix, 15, 3_000)
    logs = [list(log) for log in box.logs]
    async with proxied(clickhouse.url) as proxy:
        for number in range(3):
            proxy.answers_to_lose += 1
            processes = [_start(broker, proxy.url, topics, command, tmp_path)
                         for command in ("archive", "notary")]
            more = random_box(20 + number, 2_000).logs
            await append(broker.address, topics.votes, more)
            logs = [log + new for log, new in zip(logs, more, strict=True)]
            await asyncio.sleep(randomness.uniform(1.0, 3.0))
            for process in processes:
                process.kill()
                process.wait()
        proxy.answers_to_lose += 1
        async with running(policy(broker.address, proxy.url, topics)) as archive:
            await caught_up(archive)
        assert proxy.answers_lost
    signing = replace(notaries.policy(broker.address, topics, tmp_path),
                      folder=tmp_path / "transparency", keys=tmp_path / "keys" / "transparency")
    async with notaries.running(signing) as notary:
        await until(lambda: notaries.caught_up(notary))

    rows = archive_of(clickhouse.url, topics)
    assert rows == dict(enumerate(logs))
    for partition, values_there in rows.items():
        entries, _ = notaries.log_at(signing, f"{topic_prefix}/votes/{partition}")
        assert entries == entries_of(values_there)


async def test_sigterm_ends_in_order(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Told to stop, the archive finishes its inserts and exits with 0."""
    topics, _ = await written(broker.address, topic_prefix, 16, 50)
    process = _start(broker, clickhouse.url, topics, "archive", tmp_path)
    client = connect(clickhouse.url, topics.prefix)
    await until(lambda: bool(_stored(client)))
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 20) == 0


def _stored(client: Client) -> int:
    """Count the archived votes; 0 before there is a table."""
    rows = client.query(
        "SELECT total_rows FROM system.tables"
        " WHERE database = currentDatabase() AND name = 'votes_log'").result_rows
    return int(rows[0][0] or 0) if rows else 0


def _start(
    broker: Broker, clickhouse_url: str, topics: Topics, command: str, folder: Path
) -> subprocess.Popen[bytes]:
    """Start `scrutin archive` or `scrutin notary` as an operator would."""
    return subprocess.Popen([sys.executable, "-m", "scrutin", command], env={
        **os.environ, "SCRUTIN_KAFKA": broker.address, "SCRUTIN_CLICKHOUSE_URL": clickhouse_url,
        "SCRUTIN_DATA_DIR": str(folder), "SCRUTIN_LOG_ORIGIN": "example.org/log",
        "SCRUTIN_CHECKPOINT_SECONDS": "1",
        "SCRUTIN_CLICKHOUSE_DATABASE": topics.prefix, "SCRUTIN_TOPIC_PREFIX": topics.prefix,
        "SCRUTIN_PARTITIONS": str(topics.partitions)})


def _error(task: "asyncio.Task[None]") -> BaseException:
    """Return what a task ended with."""
    error = task.exception()
    assert error is not None
    return error
