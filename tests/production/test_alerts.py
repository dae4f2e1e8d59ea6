"""Each alert rings for its real fault: a whole stack, Debian's Prometheus, and hands that break it.

The rules are those of deploy/, but for how long a fault must last. The faults come one after the
other on one stack, and each test says which alerts its fault rings.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from schemas import codec
from schemas.registry import current
from schemas.topics import Topics, partition_of
from scrutin.process.descriptors import allow_connections
from sinks.store import connect
from tests.deploy.test_prometheus import LEFT_TO_PROMTOOL
from tests.e2e.running import eventually
from tests.e2e.stack import Stack, stack
from tests.harness import connected_producer, write
from tests.producers.gateway.booths import CATALOGUE, Browser
from tests.production.prometheus import ALERTS, Prometheus, watching
from tests.secured import Authority
from tests.waiting import until_answered
from views.live import CLIENTS_MAX


TOPICS = Topics("scrutin", 4)
WORKERS = ("ledger", "ideas", "patrol", "archive", "notary")
SERVERS = ("views", "gateway")
VOTERS = 16
UNREADABLE = 60
UNKNOWN_SCHEMA = b"\0" + (999_999).to_bytes(4, "big") + bytes(8)
BEYOND = 100
"""Viewers who come beyond the limit."""
OF_BROKERS = ("ScrutinPartitionsLeaderless", "ScrutinPartitionsOutOfSync")
"""Alerts of `test_brokers`."""
Fault = Callable[["Stack"], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Stack]:
    """Run a stack whose word on Kafka's certificates is one of a day."""
    folder = tmp_path_factory.mktemp("production")
    authorities = folder / "authorities.pem"
    authorities.write_bytes(Authority.made().pem())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SCRUTIN_KAFKA_CA", str(authorities))
        environment.setenv("SCRUTIN_UNDECODABLE_RATIO", "1")
        environment.setenv("SCRUTIN_CHECKPOINT_SECONDS", "1")
        with stack(folder / "data", cache_folder) as found:
            yield found


@pytest.fixture(scope="module")
def prometheus(
    running: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Run Prometheus over the stack."""
    def named(names: tuple[str, ...]) -> dict[str, str]:
        return {name: address(running, name) for name in names}
    with watching(tmp_path_factory.mktemp("prometheus"), named(WORKERS), named(SERVERS)) as found:
        yield found


def address(running: Stack, name: str) -> str:
    return next(str(each["address"]) for each in running.status()["processes"]
                if each["name"] == name)


def pid_of(running: Stack, name: str) -> int:
    return next(int(each["pid"]) for each in running.status()["processes"]
                if each["name"] == name)


@contextmanager
def frozen(running: Stack, name: str) -> Iterator[None]:
    """Let a process stand still."""
    pid = pid_of(running, name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def votes(running: Stack, number: int = VOTERS) -> list[int]:
    """Let so many people vote at once; return the statuses they get."""
    async def one() -> int:
        async with Browser(address(running, "gateway")) as browser:
            return (await browser.vote("p1")).status_code
    return list(await asyncio.gather(*(one() for _ in range(number))))


async def settled(running: Stack) -> None:
    """Wait until every process is ready."""
    def ready() -> bool:
        return all(each["state"] == "running" for each in running.status()["processes"]
                   if each["name"] in (*WORKERS, *SERVERS))
    await eventually(ready, "all run")
    for name in (*WORKERS, *SERVERS):
        await until_answered(f"{address(running, name)}/readyz")


async def well(running: Stack, prometheus: Prometheus) -> None:
    """Let votes be taken and counted: nothing rings but the end of a certificate in a day."""
    async with connected_producer(running.kafka) as producer:
        await write(producer, TOPICS.catalogue, 0, CATALOGUE)
    await settled(running)
    await prometheus.sees(len((*WORKERS, *SERVERS)))
    async with asyncio.timeout(60):
        while set(await votes(running)) != {202}:
            await asyncio.sleep(0.5)
    await prometheus.rings("ScrutinCertificateEnds")


@asynccontextmanager
async def ledger_stands_still(running: Stack) -> AsyncIterator[None]:
    """It does not answer, and votes do not reach the pages."""
    with frozen(running, "ledger"):
        assert set(await votes(running)) == {202}
        yield


@asynccontextmanager
async def ledger_is_killed(running: Stack) -> AsyncIterator[None]:
    """It is started again."""
    os.kill(pid_of(running, "ledger"), signal.SIGKILL)
    yield


@asynccontextmanager
async def notary_stands_still(running: Stack) -> AsyncIterator[None]:
    """Votes are not signed."""
    with frozen(running, "notary"):
        await votes(running)
        yield


@asynccontextmanager
async def archive_stands_still(running: Stack) -> AsyncIterator[None]:
    """Votes of a minute are not archived."""
    with frozen(running, "archive"):
        await votes(running)
        yield


@asynccontextmanager
async def broker_stands_still(running: Stack) -> AsyncIterator[None]:
    """It answers nobody, votes are turned away, and late answers make the gateway slow."""
    for _ in range(8):
        await votes(running)
    with frozen(running, "kafka"):
        assert set(await votes(running)) <= {503, 504}
        yield


@asynccontextmanager
async def records_that_nobody_may_have_written(running: Stack) -> AsyncIterator[None]:
    """A suspension and a naming of keys without a signature, garbage among votes and tallies."""
    voter = bytes(16)
    forged = codec.encode_as(
        current("VoterSuspended", 2), event_id=b"forged" + bytes(10), voter=voter,
        consultation="town", reason="a lie", salt=bytes(16), origin="operator", occurred_at=0,
        cause=1, finding=bytes(16), by=bytes(8), signature=bytes(64))
    named = codec.encode(
        "KeysNamed", event_id=b"forged" + bytes(10), generation=1, keys=[], salt=bytes(16),
        origin="operator", occurred_at=0, by=bytes(8), signature=bytes(64))
    async with connected_producer(running.kafka) as producer:
        for _ in range(UNREADABLE):
            await producer.send_and_wait(TOPICS.votes, b"garbage", partition=1)
        await producer.send_and_wait(
            TOPICS.votes, forged, partition=partition_of(voter, TOPICS.partitions))
        await producer.send_and_wait(TOPICS.tallies, b"garbage", key=b"k", partition=0)
        await producer.send_and_wait(TOPICS.catalogue, named, partition=0)
    yield


@asynccontextmanager
async def crowd_of_viewers(running: Stack) -> AsyncIterator[None]:
    """It takes every live stream of the views, and who comes then is refused."""
    allow_connections()
    url = address(running, "views")
    async with streams(url, CLIENTS_MAX) as refused, streams(url, BEYOND) as beyond:
        assert (refused, beyond) == (0, BEYOND)
        yield


@asynccontextmanager
async def streams(url: str, number: int) -> AsyncIterator[int]:
    """Open live streams; yields how many were refused."""
    parts = urlsplit(url)
    asked = (f"GET /v1/consultations/town/live HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n").encode()
    opened: list[asyncio.StreamWriter] = []
    refused = 0
    try:
        for _ in range(number):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            opened.append(writer)
            writer.write(asked)
            refused += b" 503 " in await reader.readline()
        yield refused
    finally:
        for writer in opened:
            writer.transport.abort()


@asynccontextmanager
async def archive_is_tampered_with(running: Stack) -> AsyncIterator[None]:
    """Somebody deletes archived votes, and stores others again."""
    client = await asyncio.to_thread(connect, running.clickhouse, "scrutin", create=False)
    try:
        await asyncio.to_thread(tampered, client)
    finally:
        client.close()
    yield


def tampered(client: Client) -> None:
    table = next(name for (name,) in client.query(
        "SELECT name FROM system.tables WHERE database = 'scrutin' AND name LIKE 'votes%' "
        "AND engine LIKE '%MergeTree%'").result_rows)
    client.command(f"INSERT INTO {table} SELECT * FROM {table} "
                   "WHERE partition = 2 AND offset = 1 SETTINGS insert_deduplicate = 0")
    client.command(f"ALTER TABLE {table} DELETE WHERE partition = 1 AND offset = 3 "
                   "SETTINGS mutations_sync = 2")


@asynccontextmanager
async def record_that_no_release_can_read(running: Stack) -> AsyncIterator[None]:
    """Archive and notary stop there, and are not ready."""
    async with connected_producer(running.kafka) as producer:
        await producer.send_and_wait(TOPICS.votes, UNKNOWN_SCHEMA, partition=3)
    yield


FAULTS: tuple[tuple[Fault, tuple[str, ...]], ...] = (
    (ledger_stands_still, ("ScrutinProcessDown", "ScrutinPagesBehind")),
    (ledger_is_killed, ("ScrutinRestarts",)),
    (notary_stands_still, ("ScrutinNotaryBehind",)),
    (records_that_nobody_may_have_written, (
        "ScrutinUnsignedControls", "ScrutinDeadLetters", "ScrutinRecordsSetAside",
        "ScrutinCatalogueUnendorsed")),
    (crowd_of_viewers, ("ScrutinStreamsNearLimit", "ScrutinViewsRefuse")),
    (archive_stands_still, ("ScrutinArchiveBehind",)),
    (broker_stands_still, (
        "ScrutinBrokerDown", "ScrutinVotesTurnedAway", "ScrutinPartitionAway",
        "ScrutinGatewaySlow")),
    (archive_is_tampered_with, ("ScrutinArchiveHole", "ScrutinArchivedTwice")),
    (record_that_no_release_can_read, (
        "ScrutinArchiveStopped", "ScrutinNotaryStopped", "ScrutinNotReady")),
)
"""Each fault and what it rings, in the order in which they are done."""
LASTING = (archive_is_tampered_with, record_that_no_release_can_read)
"""Faults that do not go away by themselves: they come last."""


async def test_each_fault_rings_its_alerts(running: Stack, prometheus: Prometheus) -> None:
    """A stack that is well is silent; then one fault after the other, each with its alerts."""
    await well(running, prometheus)
    assert prometheus.rung() == {"ScrutinCertificateEnds"}
    silent: dict[str, list[str]] = {}
    for fault, names in FAULTS:
        async with fault(running):
            missing = await prometheus.missing(names)
        if missing:
            silent[fault.__name__] = missing
        if fault not in LASTING:
            await settled(running)

    assert silent == {}


def test_every_alert_rings_for_a_fault_or_says_why_not() -> None:
    """What no fault of these tests rings is named, with the reason."""
    rung = [name for _, names in FAULTS for name in names]

    assert {*ALERTS} == {*rung, "ScrutinCertificateEnds", *OF_BROKERS, *LEFT_TO_PROMTOOL}
    assert not {*rung} & {*LEFT_TO_PROMTOOL}
