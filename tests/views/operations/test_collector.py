"""Looks at real processes and a real broker: what answers, what does not, what is asked again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from aiokafka.cluster import ClusterMetadata
from aiokafka.protocol.metadata import MetadataResponse_v1
from starlette.routing import Route, Router

import views.operations.collector
from deploy.local.ports import find_free
from deploy.local.services import Broker
from schemas.figures import READY
from schemas.topics import Topics
from scrutin.process.health import application, common
from scrutin.process.pulse import Pulse
from scrutin.settings import Settings
from tests.harness import WAIT_SECONDS
from tests.serving import served
from tests.sinks.topics import append, create
from tests.views import campaign
from tests.views.operations.control_room import TOKEN
from tests.views.test_api import Published
from tests.waiting import until
from views.operations.access import Access
from views.operations.collector import Collector, places_in
from views.operations.pages import Operations, metrics
from views.operations.ruler import Lag
from views.operations.watch import Places


STATUS = {"ready": True, "snapshots_failed": 0, "partitions": {
    str(number): {"durable": 1, "live_votes": 0, "recovered": True} for number in range(2)}}


@asynccontextmanager
async def serving(port: int) -> AsyncIterator[None]:
    """A ledger's health endpoints, while it lasts."""
    server = uvicorn.Server(uvicorn.Config(
        application(Settings(), "ledger", lambda: STATUS, Pulse()), port=port, log_level="error",
        lifespan="off"))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def test_what_answers_is_told_from_what_does_not(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """The ends of the logs, a ledger that comes and goes, an archive that never was."""
    topics = Topics(topic_prefix, 2)
    await create(broker.address, topics)
    await append(broker.address, topics.votes, [[b"a", b"b", b"c"], [b"d"]])
    ledger, nobody = find_free(2)
    source = Published(campaign.flushes(20))
    source.ready.set()
    looks = []
    collector = Collector(
        broker.address, topics, source, token="", data_folder=tmp_path, processes={
            "ledger": f"http://127.0.0.1:{ledger}", "archive": f"http://127.0.0.1:{nobody}"},
        itself=lambda: common(Settings(), "views", ready=True))
    collector.on_look = lambda: looks.append(collector.watch.looked_at)
    watch = collector.watch
    async with aiohttp.ClientSession() as session:
        async with serving(ledger):
            await until_seen(collector, session)
        answered = watch.processes["ledger"].reading
        await collector.look(session)

    assert (watch.end_of(topics.votes), watch.looks[-1].arrived, watch.places[topics.votes]) == (
        4, 4, Places(0, 0))
    assert watch.ruler.lag("gateway_ledger", 0, watch.clock).messages == 1
    assert watch.ruler.lag("gateway_archive", 0, watch.clock) == Lag()
    assert {name: process.answers for name, process in watch.processes.items()} == {
        "ledger": False, "archive": False, "views": True}
    assert watch.processes["ledger"].reading == answered
    assert len(looks) >= 2
    await collector._logs.stop()


def test_partitions_without_a_leader_and_replicas_behind_are_counted() -> None:
    """Of two partitions of three replicas one has no leader, and both lack a replica in sync."""
    cluster = ClusterMetadata()
    brokers = [(number, "localhost", 9_092 + number, None) for number in range(3)]
    cluster.update_metadata(MetadataResponse_v1(brokers, 0, [
        (0, "votes", False, [(5, 0, -1, [0, 1, 2], []), (0, 1, 1, [0, 1, 2], [0, 1])]),
        (0, "catalogue", False, [(0, 0, 1, [0, 1, 2], [2, 1, 0])])]))

    assert places_in(cluster, ["votes", "catalogue", "unknown"]) == {
        "votes": Places(1, 2), "catalogue": Places(0, 0)}


async def test_a_process_that_asks_for_the_token_is_shown_it(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """A gateway of this machine gives its figures to the page that has the token, to no other."""
    source = Published(campaign.flushes(20))
    given = Router([Route("/metrics", metrics(
        Access(TOKEN), lambda: common(Settings(), "gateway", ready=True)))])
    seen = {}
    with served(given) as address:
        for token in (TOKEN, TOKEN + "2", ""):
            collector = Collector(
                broker.address, Topics(topic_prefix, 2), source, token=token,
                data_folder=tmp_path, processes={"gateway": address}, itself=lambda: ())
            seen[token] = await said_to(collector)

    assert seen == {TOKEN: (True, 1), TOKEN + "2": (True, None), "": (True, None)}


async def said_to(collector: Collector) -> tuple[bool | None, float | None]:
    """Collect until the gateway has answered in time; return that, and what it said of itself."""
    gateway = collector.watch.processes["gateway"]
    task = asyncio.create_task(collector.collect())
    await until(lambda: gateway.answers is True)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return gateway.answers, gateway.reading.one(READY.name)


async def test_nobody_is_asked_often_while_nobody_watches(
    broker: Broker, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for the page, or for figures, has the next look made soon."""
    monkeypatch.setattr(views.operations.collector, "COLLECT_SECONDS", 0.01)
    monkeypatch.setattr(views.operations.collector, "UNWATCHED_SECONDS", 3_600.0)
    await create(broker.address, topics := Topics(topic_prefix, 2))
    collector = Collector(
        broker.address, topics, Published(campaign.flushes(20)), token="",
        data_folder=tmp_path, processes={}, itself=lambda: ())
    operations = Operations(collector, token="")
    looked, looks = asyncio.Event(), list[float]()

    def note() -> None:
        looks.append(collector.watch.looked_at)
        looked.set()

    collector.on_look = note
    task = asyncio.create_task(collector.collect())
    async with asyncio.timeout(WAIT_SECONDS):
        for _ in range(3):
            await looked.wait()
            looked.clear()
            list(operations.samples())
        await looked.wait()
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert len(looks) == 4


async def until_seen(collector: Collector, session: aiohttp.ClientSession) -> None:
    """Look until broker and ledger have answered: the broker's first answer takes a moment."""
    async with asyncio.timeout(30):
        while not (collector.watch.broker.answers and collector.watch.processes["ledger"].answers):
            await collector.look(session)
