"""Writes single events and says where each lies, many a second, whatever becomes of the brokers.

Theory of operation: every partition has a lane. Events wait in it while its last batch is under
way; what has gathered then goes as the next batch, so batches grow with the load and a lone
event waits for nobody. Lanes whose partitions one broker leads share a carrier, an idempotent
producer whose sender joins their batches in one request; so no broker that is away delays what
others lead.

An event ends in one of three ways. Acknowledged: its offset is known. NotWritten: it was never
handed to a producer. Unknown: it was, and no acknowledgement came in time (longer than a cluster
takes to elect another leader: `carrier`), or one without an offset; nobody can say whether it lies
in the log, now or a moment later, and the same event is to be sent again under its id. A producer
that failed once refuses every later batch of the partition, so after an Unknown the lane leaves its
carrier, what was given up is withdrawn, and the lane gets a carrier of its own, as soon as somebody
leads the partition; other lanes go on. Meanwhile the partition is away: every event of it is
NotWritten at once. So is every event but those of one batch until that batch was acknowledged.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import structlog
from aiokafka.errors import KafkaError

from producers.gateway.carrier import Carrier
from producers.gateway.receipts import Batch
from producers.gateway.refusals import Refused
from schemas import figures, problems, traces
from schemas.figures import Sample


RETRY_SECONDS = 0.3
"""Pause before the next attempt to connect."""
BATCH_RECORDS = 400
"""Events of one batch, at most: at the greatest load a few milliseconds of work."""
BATCH_BYTES = 256 * 1024
"""Bytes of one batch, at most; the broker takes 2 MiB."""
RECORD_OVERHEAD_BYTES = 32
"""What a record adds to its value in a batch, at most."""
WAITING_EVENTS = 8_192
"""Events that may wait in all lanes, one for each connection that may be open; of those a lane has
as many as it leaves to others, so partitions that are late fill no queue but their own."""
WAITING_BYTES = 8 << 20
"""Bytes of theirs, at most, shared out alike: a vote has two hundred, a second's names of networks
three hundred thousand, and whoever makes longer ones waits for no more."""


class NotWritten(Exception):
    """The event is not in the log and will not be; it can be sent again at any time."""

    def __init__(self, away: Sequence[str] = ()) -> None:
        super().__init__()
        self.away = away
        """Partitions that take nothing at the moment."""


class Full(NotWritten):
    """As many events wait as are allowed."""


class Unknown(Exception):
    """Nobody knows whether the event is in the log."""

    def __init__(self, away: Sequence[str] = ()) -> None:
        super().__init__()
        self.away = away
        """As above."""


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
    size_bytes: int = 0
    """Bytes of all that has no answer."""
    waiting: list[_Event] = field(default_factory=list)
    under_way: list[_Event] = field(default_factory=list)
    """The batch that waits for its acknowledgement."""
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    carrier: Carrier | None = None
    on_trial: bool = False
    """Whether its last batch failed, and none has come through since."""

    @property
    def is_open(self) -> bool:
        """Whether it takes events: on trial those of one batch alone."""
        return self.carrier is not None and not (
            self.on_trial and (self.waiting or self.under_way))

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
    def name(self) -> str:
        """How it is told to people."""
        return f"{self.topic}/{self.partition}"

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
        self.opened = asyncio.Event()
        """Set once a carrier stands ready for the first time."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        """Carriers that no lane goes by any more."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = self._waiting_bytes = 0
        self._acknowledged = dict.fromkeys(partitions, 0)
        self._loop = asyncio.get_running_loop()
        self._logger = structlog.get_logger("gateway")

    async def __aenter__(self) -> Self:
        if self._lanes:
            self._spawn(self._connect([*self._lanes.values()], self._partitions))
        for lane in self._lanes.values():
            self._spawn(self._deliver(lane))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        carriers = {lane.carrier for lane in self._lanes.values() if lane.carrier is not None}
        for lane in self._lanes.values():
            lane.carrier = None
            self._fail(lane, lane.waiting, NotWritten)
            lane.waiting = []
        for carrier in carriers:
            self._close(carrier)
        await asyncio.gather(*self._closing, return_exceptions=True)

    @property
    def connected(self) -> bool:
        """Whether any partition takes events."""
        return any(lane.carrier is not None for lane in self._lanes.values())

    def takes(self, topic: str) -> bool:
        """Whether any partition of a topic takes events."""
        return any(lane.is_open for lane in self._lanes.values() if lane.topic == topic)

    @property
    def away(self) -> list[str]:
        """Name the partitions that take nothing, as TOPIC/NUMBER."""
        return [lane.name for lane in self._lanes.values() if not lane.is_open]

    @property
    def waiting(self) -> int:
        """Events without an answer."""
        return self._waiting

    def samples(self, now: float) -> Iterator[Sample]:
        """Yield what waits, at a moment in seconds since 1970, as figures."""
        taken = [at for lane in self._lanes.values() if (at := lane.oldest) is not None]
        for topic, count in self._acknowledged.items():
            yield Sample(figures.GATEWAY_ACKNOWLEDGED, count, (topic,))
        for lane in self._lanes.values():
            yield Sample(figures.GATEWAY_AWAY, not lane.is_open, (lane.topic, str(lane.partition)))
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
        lane = self._lanes.get((topic, partition))
        if lane is None or not lane.is_open:
            raise NotWritten(self.away)
        more = len(events)
        size = sum([len(event[1]) for event in events])
        if (self._waiting + len(lane.waiting) + len(lane.under_way) + 2 * more > WAITING_EVENTS
                or self._waiting_bytes + lane.size_bytes + 2 * size > WAITING_BYTES):
            raise Full
        lane.waiting += events
        lane.size_bytes += size
        lane.filled.set()
        self._waiting += more
        self._waiting_bytes += size

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _close(self, carrier: Carrier) -> asyncio.Task[None]:
        """Have a carrier that nobody goes by closed, also where we are told to end meanwhile."""
        closing = asyncio.create_task(carrier.abandon())
        self._closing.add(closing)
        closing.add_done_callback(self._ended)
        return closing

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._closing.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def watch(self) -> None:
        """Wait for ever; raise what ended a lane, if anything did: no event of it goes any more."""
        await self._failed

    async def _connect(self, lanes: list[_Lane], topics: Mapping[str, int]) -> None:
        """Give lanes a carrier, however long it takes: those of one leader share it."""
        while True:
            carrier = await self._started(topics)
            led = _by_leader(carrier, lanes)
            if led.keys() - {None}:
                break
            await asyncio.wait([self._close(carrier)])
            await asyncio.sleep(RETRY_SECONDS)
        mine = max((found for leader, found in led.items() if leader is not None), key=len)
        for each in led.values():
            if each is not mine:
                self._spawn(self._connect(each, {lane.topic: topics[lane.topic] for lane in each}))
        for lane in mine:
            lane.carrier = carrier
        carrier.users = len(mine)
        self.opened.set()
        self._logger.info("events are taken", kafka=self._address, partitions=len(mine))

    async def _started(self, topics: Mapping[str, int]) -> Carrier:
        """Connect a new carrier, however long it takes; say why not, once for each reason."""
        said = ""
        while True:
            carrier = Carrier(self._address, batch_bytes=2 * BATCH_BYTES)
            try:
                await carrier.start(topics)
            except (KafkaError, OSError, TimeoutError) as error:
                reason = f"{type(error).__name__}: {error}"
                if reason != said:
                    self._logger.warning(
                        "no broker takes events", kafka=self._address, reason=reason)
                said = reason
                await asyncio.wait([self._close(carrier)])
                await asyncio.sleep(RETRY_SECONDS)
            except asyncio.CancelledError:
                self._close(carrier)
                raise
            else:
                return carrier

    async def _deliver(self, lane: _Lane) -> None:
        while True:
            lane.under_way = []
            await lane.filled.wait()
            events = lane.take()
            carrier = lane.carrier
            if carrier is None:
                self._fail(lane, events, NotWritten)
                continue
            began = traces.begin()
            try:
                first = await carrier.send(
                    lane.topic, lane.partition, [(at, value) for at, value, _ in events])
            except (KafkaError, OSError, TimeoutError) as error:
                traces.batch("produce", began, lane.topic, lane.partition, len(events), failed=True)
                self._give_up(carrier, lane, error)
                self._fail(lane, events, Unknown)
            except BaseException:
                self._fail(lane, events, Unknown)
                raise
            else:
                traces.batch("produce", began, lane.topic, lane.partition, len(events))
                lane.on_trial = False
                batch = Batch(lane.topic, lane.partition, first, [event[1] for event in events])
                self._waited(lane, events)
                self._acknowledged[lane.topic] += len(events)
                for place, (_, _, answer) in enumerate(events):
                    if answer is not None and not answer.done():
                        answer.set_result(Acknowledged(batch, place))

    def _waited(self, lane: _Lane, events: list[_Event]) -> None:
        size = sum(len(event[1]) for event in events)
        self._waiting -= len(events)
        self._waiting_bytes -= size
        lane.size_bytes -= size

    def _fail(
        self, lane: _Lane, events: list[_Event], kind: type[NotWritten] | type[Unknown]
    ) -> None:
        self._waited(lane, events)
        away = self.away
        for _, _, answer in events:
            if answer is not None and not answer.done():
                # One for each: a traceback must not grow by that of every other request.
                answer.set_exception(kind(away))

    def _give_up(self, carrier: Carrier, lane: _Lane, error: Exception) -> None:
        """Have a lane whose batch failed leave its carrier; all of them, if that carries no more.
        """
        self._logger.warning(
            "a batch was not acknowledged", topic=lane.topic, partition=lane.partition,
            reason=f"{type(error).__name__}: {error}".rstrip(": "))
        lane.on_trial = True
        carrier.withdraw(lane.topic, lane.partition)
        leaving = [each for each in self._lanes.values()
                   if each.carrier is carrier and (each is lane or carrier.ended)]
        if not leaving:  # Another lane noticed before, and took this one along.
            return
        for each in leaving:
            each.carrier = None
        carrier.users -= len(leaving)
        if not carrier.users:
            self._close(carrier)
        self._spawn(self._connect(
            leaving, {each.topic: self._partitions[each.topic] for each in leaving}))


def _by_leader(carrier: Carrier, lanes: Iterable[_Lane]) -> dict[int | None, list[_Lane]]:
    """Sort lanes by the number of who leads their partitions; None: nobody does."""
    found: dict[int | None, list[_Lane]] = defaultdict(list)
    for lane in lanes:
        found[carrier.leader(lane.topic, lane.partition)].append(lane)
    return found


def refused_of(error: NotWritten | Unknown) -> Refused:
    """Say what became of an event that was not acknowledged."""
    if isinstance(error, Unknown):
        return Refused(problems.UNKNOWN_OUTCOME, away=error.away)
    return Refused(problems.BUSY if isinstance(error, Full) else problems.UNAVAILABLE,
                   away=error.away)
