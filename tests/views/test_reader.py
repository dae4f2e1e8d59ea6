"""Reading from the real broker: from the beginning, to the end, whole flushes only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient

from deploy.local.services import Broker
from processors.results.results_document import AsOf
from schemas.topics import FLUSH_KEY, Topics
from tests.views import campaign
from tests.waiting import POLL_SECONDS, WAIT_SECONDS
from views.flushes import Figure
from views.reader import BrokerUnreachable, ResultsReader


NAME = "c"
SMALL_SEGMENTS = {
    "cleanup.policy": "compact", "segment.ms": "1", "min.cleanable.dirty.ratio": "0.0",
    "max.compaction.lag.ms": "1", "delete.retention.ms": "0",
}
"""The broker closes a segment with nearly every write, and may compact closed ones at once."""
EAGER_CLEANER = {"log.cleaner.backoff.ms": "100"}
"""How often the broker looks for something to compact; 15 s if nobody asks."""


class Log:
    """The results and catalogue topics of one test, to write to."""

    def __init__(self, broker: Broker, prefix: str, producer: AIOKafkaProducer) -> None:
        self.topics = Topics(prefix, 1)
        self._broker = broker
        self._producer = producer

    def reader(self) -> ResultsReader:
        return ResultsReader(self._broker.address, self.topics)

    async def result(self, key: bytes, value: bytes | None) -> None:
        await self._producer.send_and_wait(self.topics.results, value, key=key, partition=0)

    async def scored(self, proposal: str, votes: int) -> None:
        await self.result(*campaign.proposal_record(NAME, proposal, votes))

    async def closing(self, offset: int) -> None:
        await self.result(FLUSH_KEY, campaign.marker(AsOf((offset,), -1, -1)))

    async def kept(self) -> int:
        """Count the records that are left in the results topic."""
        partition = TopicPartition(self.topics.results, 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._broker.address, group_id=None)
        await consumer.start()
        consumer.assign([partition])
        consumer.seek(partition, 0)
        end, count = (await consumer.end_offsets([partition]))[partition], 0
        while await consumer.position(partition) < end:
            count += sum(map(len, (await consumer.getmany(timeout_ms=500)).values()))
        await consumer.stop()
        return count

    async def catalogue(self, value: bytes) -> None:
        await self._producer.send_and_wait(self.topics.catalogue, value, partition=0)


@pytest.fixture
async def log(broker: Broker, topic_prefix: str) -> AsyncIterator[Log]:
    """Yield empty topics and a producer for them."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, enable_idempotence=True)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await producer.start()
    await admin.start()
    made = Log(broker, topic_prefix, producer)
    await admin.alter_configs([
        ConfigResource(ConfigResourceType.BROKER, "1", configs=EAGER_CLEANER)])
    await admin.create_topics([
        NewTopic(made.topics.results, 1, 1, topic_configs=SMALL_SEGMENTS),
        NewTopic(made.topics.catalogue, 1, 1),
    ])
    # The broker answers before all of it knows the new topics.
    async with asyncio.timeout(WAIT_SECONDS):
        while not {made.topics.results, made.topics.catalogue} <= set(await admin.list_topics()):
            await asyncio.sleep(POLL_SECONDS)
    yield made
    await producer.stop()
    await admin.close()


def votes_of(reader: ResultsReader) -> dict[str, int]:
    """Votes by proposal, as the reader shows them."""
    return campaign.agreeing(reader.flushes, NAME)


async def until(reader: ResultsReader, expected: dict[str, int]) -> None:
    """Wait for what is shown; the caller bounds the wait."""
    while votes_of(reader) != expected:
        await asyncio.sleep(0.01)


async def test_reading_stops_at_the_end_with_whole_flushes_only(log: Log) -> None:
    """What comes after the last marker is read and not shown."""
    await log.scored("a", 1)
    await log.closing(5)
    await log.scored("a", 2)
    reader = log.reader()
    await reader.read(until_ready=True)
    assert votes_of(reader) == {"a": 1}
    assert reader.ready.is_set()


async def test_a_running_reader_follows_and_never_goes_back(log: Log) -> None:
    """A later flush is shown when its marker comes; a stale one never."""
    reader = log.reader()
    reading = asyncio.create_task(reader.read())
    ready = asyncio.create_task(reader.ready.wait())
    await asyncio.wait((reading, ready), timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    assert ready.done(), reading
    await log.scored("a", 3)
    await log.closing(7)
    await asyncio.wait_for(until(reader, {"a": 3}), 30)
    await log.scored("a", 1)
    await log.closing(6)
    await log.scored("b", 4)
    await log.closing(8)
    await asyncio.wait_for(until(reader, {"a": 3, "b": 4}), 30)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading


async def test_a_reader_that_gets_nothing_asks_seldom(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker keeps its one question about each topic, and answers when something comes."""
    fetches, send = list[str](), AIOKafkaClient.send

    async def counted(client: Any, node: int, request: Any, **options: Any) -> Any:
        if "Fetch" in type(request).__name__:
            fetches.append(type(request).__name__)
        return await send(client, node, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", counted)
    await log.scored("a", 1)
    await log.closing(1)
    reader = log.reader()
    reading = asyncio.create_task(reader.read())
    await asyncio.wait_for(reader.ready.wait(), WAIT_SECONDS)
    before = len(fetches)
    await asyncio.sleep(1)
    idle = len(fetches) - before
    await log.scored("a", 2)
    await log.closing(2)
    await asyncio.wait_for(until(reader, {"a": 2}), WAIT_SECONDS)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading

    assert before
    assert idle <= 4


async def test_a_restart_reads_a_compacted_topic_to_the_same_state(log: Log) -> None:
    """However much compaction took away, a new reader shows what the old one showed."""
    await log.catalogue(campaign.catalogue_values()[0])
    for offset in range(40):
        await log.scored("a", offset + 1)
        await log.scored(f"p{offset % 5}", offset + 1)
        await log.closing(offset)
    first = log.reader()
    await first.read(until_ready=True)
    async with asyncio.timeout(60):
        while await log.kept() >= 120:
            await asyncio.sleep(0.1)
    second = log.reader()
    await second.read(until_ready=True)
    assert votes_of(second) == votes_of(first)
    assert votes_of(first) == {"a": 40, "p0": 36, "p1": 37, "p2": 38, "p3": 39, "p4": 40}
    assert second.flushes.figures(NAME)[Figure("proposal", "a")]


async def test_a_missing_topic_is_named_with_its_remedy(broker: Broker, topic_prefix: str) -> None:
    """Nobody has to guess which topic is missing."""
    reader = ResultsReader(broker.address, Topics(topic_prefix, 1))
    with pytest.raises(BrokerUnreachable, match=rf"{topic_prefix}\.results.*scrutin provision"):
        await reader.read(until_ready=True)


async def test_an_absent_broker_is_named_with_its_remedy(topic_prefix: str) -> None:
    """A broker that is not there is a clear error, soon."""
    reader = ResultsReader("127.0.0.1:1", Topics(topic_prefix, 1))
    with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1.*SCRUTIN_KAFKA"):
        await reader.read(until_ready=True)
