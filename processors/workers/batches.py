"""Records of one topic partition, written in batches as large as the producer takes."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.kafka_clients import new_producer
from schemas.topics import MAX_DEAD_LETTER_BYTES


Headers = list[tuple[str, bytes]]
"""As aiokafka wants them."""
_NONE: Headers = []

MAX_BATCH_BYTES = 1 << 20
"""Bytes of one batch written..."""
MAX_REQUEST_BYTES = MAX_DEAD_LETTER_BYTES
"""... and of one request: the decision of a suspension can be larger than a batch, and a dead
letter is larger than the record it holds."""
WRITE_SECONDS = 30.0
"""What the broker has not acknowledged by then ends the worker: a restart recovers."""
ANSWER_SECONDS = 5.0
"""Longest wait for one answer of one broker: a leader that is frozen or cut off. Then the leaders
are looked up anew, and what it did not acknowledge goes to the next one, and is written once."""
REPLICAS_SECONDS = 4.0
"""So long a leader waits for its replicas before it says that they are late: less than we wait."""


Record = tuple[bytes, bytes | None, int | None]
"""Value, key, and timestamp in milliseconds."""


class Batch(BatchBuilder):  # type: ignore[misc]  # aiokafka has no types
    """A batch of aiokafka's that takes many records at once.

    Of the cost of a record more than half was in two calls around the one that writes it.
    """

    _relative_offset: int

    def __init__(self) -> None:
        super().__init__(MAX_BATCH_BYTES, 0)  # 0: not compressed

    def fill(self, records: Iterator[Record], headers: Headers) -> Record | None:
        """Add records until one does not fit: return that one, and leave the others."""
        append = self._builder.append
        for number, record in enumerate(records, self._relative_offset):
            value, key, timestamp = record
            if append(number, timestamp, key, value, headers) is None:
                self.close()
                return record
            self._relative_offset = number + 1
        return None


async def connected_producer(kafka: str, seconds: float = WRITE_SECONDS) -> AIOKafkaProducer:
    """Start an idempotent producer that waits for every replica in sync.

    Raises TimeoutError where the broker answers nothing, or gives no producer id, for so long.
    """
    producer = new_producer(
        kafka, max_batch_size=MAX_BATCH_BYTES, max_request_size=MAX_REQUEST_BYTES,
        # Batches without a leader are given up after so long.
        request_timeout_ms=int(WRITE_SECONDS * 1000))
    # It has one option for this and both waits below.
    producer.client._request_timeout_ms = int(ANSWER_SECONDS * 1000)  # noqa: SLF001 -- see above
    producer._sender._request_timeout_ms = int(REPLICAS_SECONDS * 1000)  # noqa: SLF001 -- see above
    try:
        async with asyncio.timeout(seconds):
            await producer.start()
    except BaseException as error:
        await producer.stop()
        if isinstance(error, TimeoutError):
            raise TimeoutError(f"no connection to write with within {seconds:.0f} s: the broker "
                               f"at {kafka} does not answer, or gives no producer id") from error
        raise
    return producer


class Batches:
    """Records to be written to one topic partition, in order."""

    def __init__(
        self, producer: AIOKafkaProducer, new_batch: Callable[[], Any] = Batch
    ) -> None:
        self._producer, self._new_batch = producer, new_batch
        self._batches = [new_batch()]

    def write(
        self, values: Iterable[bytes], *, keys: Iterable[bytes | None] = repeat(None),
        timestamps: Iterable[int | None] = repeat(None), headers: Headers = _NONE,
    ) -> None:
        """Add records; keys and timestamps (milliseconds) go along with the values.

        The headers are those of every record.
        """
        records: Iterator[Record] = zip(values, keys, timestamps, strict=False)
        left = self._batches[-1].fill(records, headers)
        while left is not None:
            self._batches.append(self._new_batch())
            left = self._batches[-1].fill(chain((left,), records), headers)

    @property
    def last_batch_records(self) -> int:
        """How many records the last batch holds."""
        return int(self._batches[-1].record_count())

    async def send(self, topic: str, partition: int) -> list[Any]:
        """Hand the batches to the producer; return a future each."""
        return [
            await self._producer.send_batch(batch, topic, partition=partition)
            for batch in self._batches if batch.record_count()
        ]
