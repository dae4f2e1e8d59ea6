"""Who reads a log that goes on, and gets nothing of it, does not wait for ever."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

import producers.gateway.follower
import sinks.kafka
import views.reader
from deploy.local.services import Broker
from processors.workers.provisioning import provision
from producers.gateway.follower import Follower
from schemas import kafka_clients, stalls
from schemas.kafka_clients import close_consumer
from schemas.stalls import STALL_SECONDS, Stalled, Standing
from schemas.topics import Topics
from sinks.faults import ServiceAway
from sinks.kafka import KafkaPatience, log_consumer, start_consumer, watch_ends
from tests.harness import WAIT_SECONDS, connected_producer, write
from tests.producers.gateway.booths import CATALOGUE
from views.reader import BrokerUnreachable, ResultsReader


def test_who_stands_before_an_end_for_too_long_is_told() -> None:
    """A record in time, or an end that is reached, begins the time anew."""
    standing = Standing("votes")
    seen = [(5, 5, 0.0), (5, 9, 1_000.0), (6, 9, 1_000.0 + STALL_SECONDS),
            (6, 9, 1_000.0 + 2 * STALL_SECONDS)]
    for offset, end, now in seen:
        standing.see(offset, end, now)

    with pytest.raises(Stalled, match="votes goes on to offset 9, and nothing came from offset 6"):
        standing.see(6, 9, 1_001.0 + 2 * STALL_SECONDS)
    standing.forget()
    standing.see(6, 9, 1_002.0 + 2 * STALL_SECONDS)


@pytest.fixture
async def log(broker: Broker, topic_prefix: str) -> tuple[str, Topics]:
    """Make a log with a catalogue."""
    topics = Topics(topic_prefix, 1)
    await provision(broker.address, topics, replication=1)
    async with connected_producer(broker.address) as producer:
        await write(producer, topics.catalogue, 0, CATALOGUE)
    return broker.address, topics


@pytest.fixture
def consumers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note the consumers that readers make; let them notice a stall within a second."""
    made: list[AIOKafkaConsumer] = []

    def noted(kafka: str, **options: Any) -> AIOKafkaConsumer:
        made.append(kafka_clients.new_consumer(kafka, **options))
        return made[-1]

    monkeypatch.setattr(stalls, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(sinks.kafka, "WATCH_SECONDS", 0.1)
    for reader in (views.reader, producers.gateway.follower):
        monkeypatch.setattr(reader, "new_consumer", noted)
        monkeypatch.setattr(reader, "LOOK_SECONDS", 0.1)
    return made


async def end_fetching(consumer: Any) -> None:
    """End what fetches for a consumer, as a fault of its library would: without a word."""
    fetcher = consumer._fetcher
    tasks = {fetcher._fetch_task, *fetcher._pending_tasks}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def goes_on(log: tuple[str, Topics], topic: Callable[[Topics], str]) -> None:
    """Write one more record."""
    async with connected_producer(log[0]) as producer:
        await producer.send_and_wait(topic(log[1]), CATALOGUE[0], key=b"town", partition=0)


@pytest.mark.parametrize(("number", "topic"), [
    (0, lambda topics: topics.results), (1, lambda topics: topics.catalogue)])
async def test_views_that_get_nothing_of_a_topic_that_goes_on_end(
    log: tuple[str, Topics], consumers: list[Any], number: int, topic: Callable[[Topics], str]
) -> None:
    """They say so, and a supervisor starts them again."""
    reader = ResultsReader(*log)
    reading = asyncio.create_task(reader.read())
    async with asyncio.timeout(WAIT_SECONDS):
        await reader.ready.wait()
        await end_fetching(consumers[number])
        await goes_on(log, topic)
        with pytest.raises(BrokerUnreachable, match="nothing came from offset"):
            await reading


async def test_a_gateway_that_gets_nothing_of_the_catalogue_reads_it_anew(
    log: tuple[str, Topics], consumers: list[Any]
) -> None:
    """With another consumer, from where it was."""
    follower = Follower(*log)
    following = asyncio.create_task(follower.follow())
    async with asyncio.timeout(WAIT_SECONDS):
        await follower.ready.wait()
        before = follower.offset
        await end_fetching(consumers[0])
        await goes_on(log, lambda topics: topics.catalogue)
        while follower.offset == before:
            await asyncio.sleep(0.05)
    following.cancel()
    await asyncio.wait([following])

    assert len(consumers) == 2


async def test_archive_and_notary_that_get_nothing_end(
    log: tuple[str, Topics], consumers: list[Any]
) -> None:
    """What watches the ends for both notices, unless nothing is asked for."""
    place, consumer = TopicPartition(log[1].catalogue, 0), log_consumer(log[0])
    wanted: list[int | None] = [None]
    async with asyncio.timeout(WAIT_SECONDS):
        await start_consumer(consumer, KafkaPatience(log[0], 5.0))
        watching = asyncio.create_task(watch_ends(
            consumer, [place], KafkaPatience(log[0], 5.0), lambda _: None, lambda _: wanted[0]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(watching), 1.5)
        wanted[0] = 1
        with pytest.raises(ServiceAway, match="nothing came from offset 1 on"):
            await watching
    await close_consumer(consumer)
    assert not consumers
