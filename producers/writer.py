"""Writes many records fast, each partition in order, whatever becomes of the broker.

Theory of operation: every partition has a lane: records collect into a batch, full batches wait in
a short queue, and one task sends them one after the other, the next only after the broker has
acknowledged the last. The producer of a lane is idempotent: while it lives, its own retries write
nothing twice, even over a restart of the broker. Three things end its life: an error, no answer
for ATTEMPT_SECONDS, and an acknowledgement without an offset. Then nobody knows whether the batch
is in the log. An idempotent producer of aiokafka that failed refuses every later batch of the
partition, so a new one sends the same batch again, before any later one: the log may then hold
the events of one batch twice, which the ledger decides as `repeated`, and never out of order.
So it may if the broker is killed while records of the past are written: a broker that starts again
forgets producers whose newest record is older than `producer.id.expiration.ms` (a day), and takes
the retry of a batch it had already written for a new one.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from producers.errors import Missing, ProducingError, Unreachable
from producers.unhurried import unhurried
from schemas.kafka_clients import new_producer


BATCH_BYTES = 192 * 1024
"""A batch of some 2,000 votes: large enough for throughput, small enough to look live."""
RECORD_OVERHEAD_BYTES = 24
"""What a record adds to its value in a batch, at most."""
MAX_BATCH_BYTES = 1_400_000
"""Room for one value of the greatest size beside a full batch; the broker takes 2 MiB."""
QUEUED_BATCHES = 4
"""Full batches a lane may hold before `ready` waits: enough to keep the broker busy."""
ATTEMPT_SECONDS = 30.0
"""A producer without an acknowledgement for so long is replaced; a broker restarts in ten."""
WAIT_SECONDS = 120.0
"""So long one batch is tried in all: an operator can restart a broker in that time."""
RETRY_SECONDS = 0.3
"""Pause before the next attempt."""
STOP_SECONDS = 5.0
"""A producer that does not close in this time is left to the end of the process."""

_HOPELESS = (InvalidTimestampError, InvalidTopicError, MessageSizeTooLargeError)
"""Errors that no repetition mends."""
_NOT_ALLOWED = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
"""An account may not write to the topic; or to none, and is given no producer."""

Record = tuple[int, bytes]
"""Timestamp in milliseconds UTC, value."""


@dataclass
class _Batch:
    records: list[Record] = field(default_factory=list)
    size_bytes: int = 0
    base_offset: int = -1


@dataclass(frozen=True)
class Patience:
    """How long to wait for an acknowledgement: of one producer, and in all."""

    attempt_seconds: float = ATTEMPT_SECONDS
    wait_seconds: float = WAIT_SECONDS


class BulkWriter:
    """Lanes to every partition somebody writes to; use as an asynchronous context manager.

    `add` never waits: call `ready` often, it waits while too much is queued. Every method raises
    what ended a lane (a ProducingError).
    """

    def __init__(
        self, address: str, *, attempt_seconds: float = ATTEMPT_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._address = address
        self._patience = Patience(attempt_seconds, wait_seconds)
        self._lanes: dict[tuple[str, int], Lane] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                await self.flush()
        finally:
            await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    def lane(self, topic: str, partition: int) -> "Lane":
        """Return the lane of a partition; made at its first use."""
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = Lane(
                self._address, topic, partition, self._patience)
        return lane

    def add(self, topic: str, partition: int, timestamp: int, value: bytes) -> None:
        """Queue a record behind all others of its partition."""
        self.lane(topic, partition).add(timestamp, value)

    async def write(self, topic: str, partition: int, timestamp: int, value: bytes) -> int:
        """Write a record behind all others of its partition and return its offset."""
        return await self.lane(topic, partition).write(timestamp, value)

    def send(self) -> None:
        """Send what has been added without waiting for full batches."""
        for lane in self._lanes.values():
            lane.send()

    async def ready(self) -> None:
        """Wait until every lane has room."""
        for lane in self._lanes.values():
            await lane.ready()

    async def flush(self) -> None:
        """Wait until everything added is acknowledged."""
        await asyncio.gather(*(lane.flush() for lane in self._lanes.values()))


class Lane:
    """Ordered writing to one partition; owns its producer."""

    def __init__(
        self, address: str, topic: str, partition: int, patience: Patience
    ) -> None:
        self._address = address
        self._patience = patience
        self._topic = topic
        self._partition = partition
        self._open = _Batch()
        self._queue: asyncio.Queue[_Batch] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()
        self._producer: AIOKafkaProducer | None = None
        self._failure: ProducingError | None = None
        self._task = asyncio.create_task(self._deliver())

    def add(self, timestamp: int, value: bytes) -> None:
        batch = self._open
        size = len(value) + RECORD_OVERHEAD_BYTES
        if batch.size_bytes + size > BATCH_BYTES and batch.records:
            self._seal()
            batch = self._open
        batch.records.append((timestamp, value))
        batch.size_bytes += size

    async def write(self, timestamp: int, value: bytes) -> int:
        self.add(timestamp, value)
        batch = self._open
        await self.flush()
        return batch.base_offset + len(batch.records) - 1

    async def ready(self) -> None:
        await self._room.wait()
        self._raise_failure()

    def send(self) -> None:
        if self._open.records:
            self._seal()

    async def flush(self) -> None:
        self.send()
        await self._queue.join()
        self._raise_failure()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._discard_producer()

    def _seal(self) -> None:
        self._queue.put_nowait(self._open)
        self._open = _Batch()
        if self._queue.qsize() >= QUEUED_BATCHES:
            self._room.clear()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _deliver(self) -> None:
        """Send batch after batch; once one has failed for good, later ones are dropped."""
        while True:
            batch = await self._queue.get()
            if self._failure is None:
                try:
                    batch.base_offset = await self._send(batch.records)
                except ProducingError as error:
                    self._failure = error
            self._queue.task_done()
            if self._queue.qsize() < QUEUED_BATCHES or self._failure:
                self._room.set()

    async def _send(self, records: Sequence[Record]) -> int:
        """Send a batch until it is acknowledged with an offset; give that of its first record."""
        deadline = asyncio.get_running_loop().time() + self._patience.wait_seconds
        while True:
            try:
                async with asyncio.timeout(self._patience.attempt_seconds):
                    offset = await self._attempt(records)
                if offset >= 0:
                    return offset
                problem = "acknowledged without an offset"
            except _HOPELESS as error:
                raise ProducingError(f"{self._name}: Kafka refuses the records: {error}") from error
            except _NOT_ALLOWED as error:
                raise self._refused() from error
            except (KafkaError, OSError, TimeoutError) as error:
                problem = f"{type(error).__name__}: {error}".rstrip(": ")
                if isinstance(error, UnknownTopicOrPartitionError):
                    raise self._missing() from error
            await self._discard_producer()
            if asyncio.get_running_loop().time() > deadline:
                raise Unreachable(
                    f"{self._name}: Kafka at {self._address} acknowledged nothing for "
                    f"{self._patience.wait_seconds:g} s ({problem}). What was acknowledged before "
                    "is kept. Start the broker again (see `scrutin status`) and repeat the command."
                )
            await asyncio.sleep(RETRY_SECONDS)

    async def _attempt(self, records: Sequence[Record]) -> int:
        producer = await self._started_producer()
        batch = producer.create_batch()
        for timestamp, value in records:
            appended = batch.append(timestamp=timestamp, key=None, value=value)
            assert appended is not None, "a batch is sealed before it is full"
        future = await producer.send_batch(batch, self._topic, partition=self._partition)
        offset: int = (await future).offset
        return offset

    async def _started_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = unhurried(
                new_producer(self._address, max_batch_size=MAX_BATCH_BYTES))
            await self._producer.start()
            known = await self._producer.partitions_for(self._topic)
            if self._partition not in known:
                raise self._missing()
        return self._producer

    async def _discard_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await abandon(producer)

    @property
    def _name(self) -> str:
        return f"{self._topic}, partition {self._partition}"

    def _refused(self) -> ProducingError:
        return ProducingError(
            f"{self._name}: this account may not write there. `scrutin acls` prints what each "
            "account may do; give the command one that may, or grant it.")

    def _missing(self) -> Missing:
        return Missing(
            f"{self._name}: Kafka at {self._address} has no such partition. Run `scrutin "
            "provision` once, and check SCRUTIN_TOPIC_PREFIX and SCRUTIN_PARTITIONS."
        )


async def abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for what it could not deliver."""
    # Closing waits for outstanding batches, which without a broker is for ever: end the
    # sender first. aiokafka has no public way to abandon batches.
    sender: Any = producer._sender  # noqa: SLF001 -- see above
    task = sender.sender_task
    if task is not None and not task.done():
        # It would fail a transaction that there is not, and the loop log that failure.
        task.remove_done_callback(sender._fail_all)  # noqa: SLF001 -- see above
        _fail_batches(producer)
        task.cancel()
        await asyncio.wait([task], timeout=STOP_SECONDS)
        heard(task)
    # In a task of its own: stopping may end in a cancellation that is not meant for the caller.
    stopping = asyncio.create_task(producer.stop())
    await asyncio.wait([stopping], timeout=STOP_SECONDS)
    stopping.cancel()
    heard(stopping)


def _fail_batches(producer: AIOKafkaProducer) -> None:
    """End every batch of a producer, so that nobody waits for one and nothing logs that."""
    accumulator: Any = producer._message_accumulator  # noqa: SLF001 -- see `abandon`
    batches = accumulator._pending_batches  # noqa: SLF001 -- see `abandon`
    # What a batch calls when it fails expects it among the pending ones; one that waits for
    # another attempt is not.
    for waiting in accumulator._batches.values():  # noqa: SLF001 -- see `abandon`
        batches.update(waiting)
    held = list(batches)
    accumulator.fail_all(KafkaError("abandoned"))
    for batch in held:
        heard(batch.future)
        heard(batch._drain_waiter)  # noqa: SLF001 -- see `abandon`


def heard(future: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for: the next producer starts afresh."""
    if future.done() and not future.cancelled():
        future.exception()
