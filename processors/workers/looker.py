"""Looks records and offsets up beside a worker's own consumer, one question at a time."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from processors.workers.kafka_checks import reader


LOOK_UP_SECONDS = 20.0
"""One question may take so long; then TimeoutError is raised."""


class Looker:
    """A consumer without a group, connected at the first question.

    Every method raises KafkaError or TimeoutError where the broker does not answer.
    """

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._consumer: AIOKafkaConsumer | None = None
        self._asking = asyncio.Lock()
        """Held while a question is open: the consumer has one assignment at a time."""

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the end offset of each partition; TimeoutError where others ask for so long."""
        wanted = list(partitions)
        async with asyncio.timeout(LOOK_UP_SECONDS), self._asking:
            consumer = await self._connected()
            ends: dict[TopicPartition, int] = await consumer.end_offsets(wanted) if wanted else {}
            return ends

    async def record(
        self, partition: TopicPartition, offset: int
    ) -> tuple[range, bytes | None]:
        """Return the offsets a partition holds, and the value at one of them; None outside."""
        async with self._asking, asyncio.timeout(LOOK_UP_SECONDS):
            consumer = await self._connected()
            first = (await consumer.beginning_offsets([partition]))[partition]
            held = range(first, (await consumer.end_offsets([partition]))[partition])
            if offset not in held:
                return held, None
            consumer.assign([partition])
            consumer.seek(partition, offset)
            value: bytes | None = (await consumer.getone(partition)).value
            # Nobody reads on there, and the consumer would fetch for ever.
            consumer.pause(partition)
            return held, value

    async def values(self, partition: TopicPartition, first: int) -> list[bytes | None]:
        """Return the values from an offset on to the end; a negative one counts from the end."""
        async with self._asking, asyncio.timeout(LOOK_UP_SECONDS):
            consumer = await self._connected()
            end = (await consumer.end_offsets([partition]))[partition]
            beginning = (await consumer.beginning_offsets([partition]))[partition]
            position = max(beginning, first if first >= 0 else end + first)
            consumer.assign([partition])
            consumer.seek(partition, position)
            values: list[bytes | None] = []
            while position < end:
                record = await consumer.getone(partition)
                values.append(record.value)
                position = record.offset + 1
            consumer.pause(partition)
            return values

    async def stop(self) -> None:
        """Close the connection, if there is one."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = await reader(self._kafka)
        return self._consumer
