"""Reads single votes back from the log: a receipt asked for later, on any gateway."""

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from producers.gateway.outlet import NotWritten
from schemas.kafka_clients import close_consumer, new_consumer


READ_SECONDS = 3.0
"""Longest wait for one's turn and a record that lies in the log: it takes milliseconds."""
WAITING_MOST = 64
"""Readers who wait or read, at most: a second of work; the next one is asked to come back."""
FETCH_BYTES = 64 * 1024
"""A fetch brings the whole batch that holds the record; more of the log is not wanted."""


class Rereader:
    """One consumer, connected when first needed, for one reader at a time."""

    def __init__(self, address: str, topic: str, *, connected: Callable[[], bool]) -> None:
        self._address = address
        self._topic = topic
        self._connected = connected
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def value_at(self, partition: int, offset: int) -> bytes | None:
        """Return the value at an offset, None where none lies; raise NotWritten without a broker.

        Raise it at once where it is known that no broker answers, or where too many wait.
        """
        if not self._connected() or self._waiting >= WAITING_MOST:
            raise NotWritten
        self._waiting += 1
        try:
            async with asyncio.timeout(READ_SECONDS):  # The wait for one's turn is part of it.
                return await self._in_turn(TopicPartition(self._topic, partition), offset)
        except OffsetOutOfRangeError:
            return None
        except (KafkaError, OSError, TimeoutError, AssertionError) as error:
            raise NotWritten from error
        finally:
            self._waiting -= 1

    async def _in_turn(self, place: TopicPartition, offset: int) -> bytes | None:
        async with self._turn:
            try:
                return await self._read(place, offset)
            except OffsetOutOfRangeError:
                raise
            except BaseException:  # A consumer broken off in the middle serves nobody else.
                await self.close()
                raise

    async def close(self) -> None:
        """Let the consumer go."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await close_consumer(consumer)

    async def _read(self, place: TopicPartition, offset: int) -> bytes | None:
        consumer = self._consumer
        if consumer is None:
            consumer = new_consumer(self._address, max_partition_fetch_bytes=FETCH_BYTES)
            self._consumer = consumer
            await consumer.start()
        consumer.assign([place])
        if not 0 <= offset < (await consumer.end_offsets([place]))[place]:
            return None
        consumer.seek(place, offset)
        record = await consumer.getone(place)
        value: bytes | None = record.value if record.offset == offset else None
        return value
