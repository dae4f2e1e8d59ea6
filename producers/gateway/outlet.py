"""Writes single events and says where each lies, many a second, whatever becomes of the broker.

Theory of operation: every partition has a lane. Events wait in it while its last batch is under
way; what has gathered then goes as the next batch, so batches grow with the load and a lone
event waits for nobody. All lanes share one idempotent producer, whose sender joins the batches
of a broker's partitions in one request.

An event ends in one of three ways. Acknowledged: its offset is known. NotWritten: it was never
handed to a producer. Unknown: it was, and no acknowledgement came in ACKNOWLEDGE_SECONDS, or one
without an offset; nobody can say whether it lies in the log, now or a moment later, and the same
event is to be sent again under its id. A producer that failed once refuses every later batch of
the partition, so after an Unknown it is given up with everything it holds and a new one is
connected, again and again until the broker answers; meanwhile every event is NotWritten at once.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from producers.gateway.receipts import Batch
from producers.unhurried import unhurried
from producers.writer import abandon
from schemas import figures
from schemas.figures import Sample
from schemas.kafka_clients import new_producer


ACKNOWLEDGE_SECONDS = 5.0
"""Longest wait for an acknowledgement: a new leader is elected in less, a person waits no more."""
CONNECT_SECONDS = 5.0
"""Longest wait for a broker to answer a new producer."""
RETRY_SECONDS = 0.3
"""Pause before the next attempt to connect."""
BATCH_RECORDS = 400
"""Events of one batch, at most: at the greatest load a few milliseconds of work."""
BATCH_BYTES = 256 * 1024
"""Bytes of one batch, at most; the broker takes 2 MiB."""
RECORD_OVERHEAD_BYTES = 32
"""What a record adds to its value in a batch, at most."""
WAITING_EVENTS = 4_096
"""Events that may wait in all lanes: half a second of work; more are refused at once."""


WAITING_BYTES = 4 << 20
"""Bytes of theirs, at most: a vote has two hundred, a second's names of networks three hundred
thousand, and whoever makes longer ones waits for no more."""


class NotWritten(Exception):
    """The event is not in the log and will not be; it can be sent again at any time."""


class Full(NotWritten):
    """As many events wait as are allowed."""


class Unknown(Exception):
    """Nobody knows whether the event is in the log."""


class Acknowledged(NamedTuple):
    """Where an event lies: the batch it was acknowledged with, and its place there."""

    batch: Batch
    place: int

    @property
    def offset(self) -> int:
        return self.batch.first_offset + self.place


_Event = tuple[int, bytes, asyncio.Future[Acknowledged] | None]
"""Timestamp, value, and who waits for the answer, if anybody."""


@dataclass
class _Lane:
    topic: str
    partition: int
    waiting: list[_Event] = field(default_factory=list)
    under_way: list[_Event] = field(default_factory=list)
    """The batch that waits for its acknowledgement."""
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> list[_Event]:
        """Take what fits in a batch."""
        size = 0
        for count, (_, value, _) in enumerate(self.waiting):
            size += len(value) + RECORD_OVERHEAD_BYTES
            if count == BATCH_RECORDS or (count and size > BATCH_BYTES):
                self.under_way, self.waiting = self.waiting[:count], self.waiting[count:]
                return self.under_way
        self.under_way, self.waiting = self.waiting, []
        self.filled.clear()
        return self.under_way

    @property
    def oldest(self) -> int | None:
        """When the oldest event without an answer was taken, in milliseconds."""
        events = self.under_way or self.waiting
        return events[0][0] if events else None


class Outlet:
    """Lanes to the partitions of some topics; use as an asynchronous context manager."""

    def __init__(self, address: str, partitions: Mapping[str, int]) -> None:
        self._address = address
        self._partitions = partitions
        self._lanes = {
            (topic, number): _Lane(topic, number)
            for topic, count in partitions.items() for number in range(count)
        }
        self._producer: AIOKafkaProducer | None = None
        self.opened = asyncio.Event()
        """Set once a producer stands ready for the first time."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = self._waiting_bytes = 0
        self._acknowledged = dict.fromkeys(partitions, 0)
        self._loop = asyncio.get_running_loop()
        self._logger = structlog.get_logger("gateway")

    async def __aenter__(self) -> Self:
        self._spawn(self._connect())
        for lane in self._lanes.values():
            self._spawn(self._deliver(lane))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._producer is not None:
            await abandon(self._producer)

    @property
    def connected(self) -> bool:
        """Whether a producer stands ready."""
        return self._producer is not None

    @property
    def waiting(self) -> int:
        """Events without an answer."""
        return self._waiting

    def samples(self, now: float) -> Iterator[Sample]:
        """Yield what waits, at a moment in seconds since 1970, as figures."""
        taken = [at for lane in self._lanes.values() if (at := lane.oldest) is not None]
        for topic, count in self._acknowledged.items():
            yield Sample(figures.GATEWAY_ACKNOWLEDGED, count, (topic,))
        yield Sample(figures.GATEWAY_CONNECTED, self.connected)
        yield Sample(figures.GATEWAY_WAITING, self._waiting)
        yield Sample(figures.GATEWAY_WAITING_MOST, WAITING_EVENTS)
        yield Sample(
            figures.GATEWAY_WAIT, max(now - min(taken) / 1_000, 0.0) if taken else 0.0)

    def write(
        self, topic: str, partition: int, timestamp: int, value: bytes
    ) -> asyncio.Future[Acknowledged]:
        """Write an event; its answer says where it lies, or raises NotWritten or Unknown.

        Raise NotWritten at once where that is known.
        """
        answer: asyncio.Future[Acknowledged] = self._loop.create_future()
        self._queue(topic, partition, (timestamp, value, answer))
        return answer

    def post(self, topic: str, partition: int, timestamp: int, *values: bytes) -> None:
        """Write events that nobody waits for, and that may be lost.

        Raise NotWritten where none of them is taken.
        """
        self._queue(topic, partition, *((timestamp, value, None) for value in values))

    def _queue(self, topic: str, partition: int, *events: _Event) -> None:
        if self._producer is None:
            raise NotWritten
        size = sum([len(event[1]) for event in events])
        if (self._waiting + len(events) > WAITING_EVENTS
                or self._waiting_bytes + size > WAITING_BYTES):
            raise Full
        lane = self._lanes[topic, partition]
        lane.waiting += events
        lane.filled.set()
        self._waiting += len(events)
        self._waiting_bytes += size

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def watch(self) -> None:
        """Wait for ever; raise what ended a lane, if anything did: no event of it goes any more."""
        await self._failed

    async def _connect(self) -> None:
        """Connect a new producer, however long it takes; say why not, once for each reason."""
        said = ""
        while True:
            producer = unhurried(new_producer(self._address, max_batch_size=2 * BATCH_BYTES))
            try:
                await self._start(producer)
            except (KafkaError, OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
                if reason != said:
                    self._logger.warning(
                        "no broker takes events", kafka=self._address, reason=reason)
                said = reason
                await abandon(producer)
                await asyncio.sleep(RETRY_SECONDS)
            except asyncio.CancelledError:
                await abandon(producer)
                raise
            else:
                self._producer = producer
                self.opened.set()
                self._logger.info("events are taken", kafka=self._address)
                return

    async def _start(self, producer: AIOKafkaProducer) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            await producer.start()
            for topic, count in self._partitions.items():
                found = len(await producer.partitions_for(topic))
                if found != count:
                    raise KafkaError(f"{topic} has {found} partitions, not {count}")

    async def _deliver(self, lane: _Lane) -> None:
        while True:
            lane.under_way = []
            await lane.filled.wait()
            events = lane.take()
            producer = self._producer
            if producer is None:
                self._fail(events, NotWritten)
                continue
            try:
                first = await self._send(producer, lane, events)
            except (KafkaError, OSError, TimeoutError) as error:
                self._give_up(producer, lane, error)
                self._fail(events, Unknown)
            except BaseException:
                self._fail(events, Unknown)
                raise
            else:
                batch = Batch(lane.topic, lane.partition, first, [event[1] for event in events])
                self._waited(events)
                self._acknowledged[lane.topic] += len(events)
                for place, (_, _, answer) in enumerate(events):
                    if answer is not None and not answer.done():
                        answer.set_result(Acknowledged(batch, place))

    def _waited(self, events: list[_Event]) -> None:
        self._waiting -= len(events)
        self._waiting_bytes -= sum(len(event[1]) for event in events)

    def _fail(self, events: list[_Event], kind: type[Exception]) -> None:
        self._waited(events)
        for _, _, answer in events:
            if answer is not None and not answer.done():
                # One for each: a traceback must not grow by that of every other request.
                answer.set_exception(kind())

    async def _send(
        self, producer: AIOKafkaProducer, lane: _Lane, events: list[_Event]
    ) -> int:
        batch = producer.create_batch()
        for timestamp, value, _ in events:
            appended = batch.append(timestamp=timestamp, key=None, value=value)
            assert appended is not None, "a batch is taken so that it fits"
        async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
            future = await producer.send_batch(batch, lane.topic, partition=lane.partition)
            offset: int = (await future).offset
        if offset < 0:
            raise KafkaError("acknowledged without an offset")
        return offset

    def _give_up(self, producer: AIOKafkaProducer, lane: _Lane, error: Exception) -> None:
        """Replace a producer that failed; the first lane that notices does it for all."""
        self._logger.warning(
            "a batch was not acknowledged", topic=lane.topic, partition=lane.partition,
            reason=f"{type(error).__name__}: {error}".rstrip(": "))
        if producer is self._producer:
            self._producer = None
            self._spawn(abandon(producer))
            self._spawn(self._connect())

