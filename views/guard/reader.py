"""Follow the judgements, from their beginning, for as long as asked.

Beside the results and apart from them: a topic that is missing, as in a log of before, or a record
that only a later version can read, is said in the log of the process, and takes nothing from other
pages. A record is at most MAX_RECORD_BYTES; one is read after the other, with a pause for all else
between them.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from processors.guard.judgements import LaterRule
from schemas.kafka_clients import close_consumer, new_consumer
from schemas.registry import UnknownSchema


BATCH_RECORDS = 8
"""Records taken from the consumer at once: such a one may name 20,000 voters."""
FETCH_BYTES = 4 << 20
"""Bytes fetched at once and held in memory, at most; more than the largest record."""
POLL_MILLISECONDS = 500
FETCH_WAIT_MILLISECONDS = 5_000
"""Longest the broker holds an empty fetch."""
RETRY_MILLISECONDS = 1_000
START_SECONDS = 30.0
"""Longest wait for a broker at the start."""
AGAIN_SECONDS = 30.0
"""Wait before a broker or a topic that is not there is looked for again."""


class TopicReader:
    """Gives the records of one partition, each once and in order, to who takes them."""

    def __init__(self, address: str, topic: str, take: Callable[[bytes | None], Any]) -> None:
        self._address, self._take = address, take
        self._place = TopicPartition(topic, 0)
        self._next = 0

    async def read(self) -> None:
        """Read until cancelled, or until a record that only a later version can read."""
        logger = structlog.get_logger("views")
        while True:
            try:
                await self._follow()
            except (UnknownSchema, LaterRule) as error:
                logger.error("not read any further: written by a later version",  # noqa: TRY400 -- the message says all
                             topic=self._place.topic, offset=self._next, reason=str(error))
                return
            except (KafkaError, TimeoutError, OSError) as error:
                logger.warning("a topic is not read", topic=self._place.topic,
                               reason=str(error)[:300] or type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self) -> None:
        consumer = new_consumer(
            self._address, fetch_max_bytes=FETCH_BYTES, max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS, retry_backoff_ms=RETRY_MILLISECONDS)
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
            if self._place.topic not in await consumer.topics():
                raise UnknownTopicOrPartitionError(self._place.topic)
            consumer.assign([self._place])
            consumer.seek(self._place, self._next)
            while True:
                await self._take_next(consumer)
        finally:
            await close_consumer(consumer)

    async def _take_next(self, consumer: Any) -> None:
        found = await consumer.getmany(
            self._place, timeout_ms=POLL_MILLISECONDS, max_records=BATCH_RECORDS)
        for record in found.get(self._place, ()):
            self._take(record.value)
            self._next = record.offset + 1
            await asyncio.sleep(0)
