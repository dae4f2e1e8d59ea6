"""Archive and notary rest after a few records, ask for nothing meanwhile, and lose nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self, cast

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient

from deploy.local.services import Broker
from schemas.kafka_clients import close_consumer
from sinks.kafka import (
    FEW_RECORDS,
    FEW_SECONDS,
    FEW_SECONDS_MAX,
    KafkaPatience,
    Rests,
    fetched,
    log_consumer,
    start_consumer,
)
from tests.harness import WAIT_SECONDS


PARTITIONS = 4


def test_while_few_records_keep_coming_rests_grow_up_to_their_bound() -> None:
    """And after none, or many, there is none: who votes once or much waits for nothing."""
    rests = Rests(cast(Any, None), asyncio.Event())
    growing = [rests.seconds_after(1) for _ in range(5)]
    after_many, again = rests.seconds_after(FEW_RECORDS), rests.seconds_after(1)
    after_none = rests.seconds_after(0)

    assert growing == [FEW_SECONDS, 2 * FEW_SECONDS, 4 * FEW_SECONDS,
                       FEW_SECONDS_MAX, FEW_SECONDS_MAX]
    assert (after_many, again, after_none) == (0, FEW_SECONDS, 0)


class Log:
    """A topic, and a consumer of it that stands at its beginning."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._kafka, self._topic = kafka, topic
        self.places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        self.consumer, self._producer = log_consumer(kafka), AIOKafkaProducer(
            bootstrap_servers=kafka)
        self.found: list[int] = []

    async def __aenter__(self) -> Self:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        await admin.start()
        await admin.create_topics([NewTopic(self._topic, PARTITIONS, 1)])
        await admin.close()
        await self._producer.start()
        await start_consumer(self.consumer, KafkaPatience(self._kafka, WAIT_SECONDS))
        self.consumer.assign(self.places)
        for place in self.places:
            self.consumer.seek(place, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await close_consumer(self.consumer)

    async def write(self, number: int) -> None:
        await self._producer.send_and_wait(
            self._topic, b"%d" % number, partition=number % PARTITIONS)

    async def read_until(self, count: int) -> Mapping[TopicPartition, list[Any]]:
        """Read until so many are found; return what came last."""
        batches: Mapping[TopicPartition, list[Any]] = {}
        while len(self.found) < count:
            batches = await fetched(self.consumer, self.places, "read")
            self.found += [int(each.value) for batch in batches.values() for each in batch]
        return batches


async def test_nothing_is_asked_for_in_a_rest_and_every_record_comes_after_it(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question may be on its way when the rest begins; what it brings is kept."""
    fetches, send = list[str](), AIOKafkaClient.send

    async def counted(client: Any, node: int, request: Any, **options: Any) -> Any:
        if "Fetch" in type(request).__name__:
            fetches.append(topic_prefix)
        return await send(client, node, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", counted)
    # A rest is longer than all that is written takes.
    monkeypatch.setattr("sinks.kafka.FEW_SECONDS", WAIT_SECONDS)
    stopping = asyncio.Event()
    async with asyncio.timeout(WAIT_SECONDS), Log(broker.address, topic_prefix) as log:
        await log.write(0)
        resting = asyncio.create_task(
            Rests(log.consumer, stopping).after(await log.read_until(1)))
        await asyncio.sleep(0)
        before = len(fetches)
        for number in range(1, 5 * PARTITIONS):
            await log.write(number)
        asked = len(fetches) - before
        stopping.set()
        await resting
        await log.read_until(5 * PARTITIONS)

    assert asked <= 1
    assert sorted(log.found) == list(range(5 * PARTITIONS))
