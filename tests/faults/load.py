"""Voters under faults: ballots are written, and what became of each is remembered.

Theory of operation: a writer for each partition sends bursts through an idempotent producer. What
has no acknowledgement in time is unknown: the producer is abandoned, as the gateway does, and most
of those ballots are sent again by a new one, as voters do. A thread of its own runs the load and
the reader of the results, so that the program that injects the faults may wait for a process.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from processors.results import results_document
from producers.writer import abandon
from schemas.kafka_clients import close_consumer
from schemas.topics import FLUSH_KEY, Topics
from schemas.words import COUNTS
from tests.faults.booth import Voters
from tests.faults.checker import Attempt, Observed, Outcome
from tests.faults.violations import Log
from tests.sinks.ballots import CONSULTATION
from views.documents import Documents
from views.flushes import Flushes
from views.reader import receive


BURST_RECORDS = 60
"""Ballots sent at once by one writer, at most."""
PATIENCE_SECONDS = (0.5, 3.0)
"""A writer waits so long for acknowledgements, at random: voters differ."""
RETRY_SHARE = 0.7
"""Share of unknown ballots that are sent again under the same event id."""
PAUSE_SECONDS = 0.2
"""Pause before a broker that is away is asked again."""
END_SECONDS = 60.0
"""The writers and the reader end within so long once told to."""


@dataclass
class Load:
    """Writers and a reader beside the faults; use as a context manager."""

    kafka: str
    topics: Topics
    ballots: list[Log]
    """What is to be written, by partition."""
    records_a_second: float
    seed: int
    voters: Voters
    """Who vote over HTTP meanwhile."""
    attempts: list[Attempt] = field(default_factory=list)
    observed: list[Observed] = field(default_factory=list)
    stale_flushes: int = 0
    """Flushes in the topic below one before them, which readers drop."""

    def __post_init__(self) -> None:
        self._written, self._read = threading.Event(), threading.Event()
        self.flushes = Flushes()
        self._documents = Documents(self.flushes)
        self._threads = [
            threading.Thread(target=lambda: asyncio.run(self._write()), name="writers"),
            threading.Thread(target=lambda: asyncio.run(self._follow()), name="reader"),
        ]

    def __enter__(self) -> Self:
        self._threads[1].start()
        return self

    def start_writing(self) -> None:
        """Let voters vote."""
        self._threads[0].start()

    def __exit__(self, *_error: object) -> None:
        self._written.set()
        self._read.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(END_SECONDS)

    def stop_writing(self) -> None:
        """Let every writer finish its burst, and every voter get the last receipt; see `stopped`.
        """
        self._written.set()

    def stopped(self) -> bool:
        """Whether nobody writes any more."""
        return not self._threads[0].is_alive()

    def document(self) -> dict[str, Any] | None:
        """Return what is published now, as this reader has it."""
        return self._documents.document(CONSULTATION)

    # Writing

    async def _write(self) -> None:
        await asyncio.gather(
            *(self._write_partition(number) for number in range(self.topics.partitions)),
            self.voters.vote(self._written.is_set, asyncio.sleep))

    async def _write_partition(self, partition: int) -> None:
        randomness = random.Random(self.seed * 1_000 + partition)
        waiting, again = list(reversed(self.ballots[partition])), Log()
        producer: AIOKafkaProducer | None = None
        loop = asyncio.get_running_loop()
        while (waiting or again) and not self._written.is_set():
            producer = producer or await _started(self.kafka)
            if producer is None:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            size, began = randomness.randint(1, BURST_RECORDS), loop.time()
            burst = again + [waiting.pop() for _ in range(min(size, len(waiting)))]
            made = await self._burst(
                producer, partition, burst, randomness.uniform(*PATIENCE_SECONDS))
            self.attempts += made
            unknown = [attempt.value for attempt in made if attempt.outcome is Outcome.UNKNOWN]
            again = [value for value in unknown if randomness.random() < RETRY_SHARE]
            if len([one for one in made if one.outcome is Outcome.ACKNOWLEDGED]) < len(made):
                await abandon(producer)
                producer = None
            pace = size * self.topics.partitions / self.records_a_second
            await asyncio.sleep(max(0.0, began + pace - loop.time()))
        if producer is not None:
            await abandon(producer)

    async def _burst(
        self, producer: AIOKafkaProducer, partition: int, burst: Log, patience_seconds: float
    ) -> list[Attempt]:
        """Send records in order; say what is known of each when patience ends."""
        sent: list[tuple[bytes | None, Any]] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                for value in burst:
                    # Before sending: who is interrupted there knows nothing.
                    sent.append((value, None))
                    sent[-1] = value, await _send(producer, self.topics.votes, partition, value)
                if futures := [future for _, future in sent if future is not None]:
                    await asyncio.wait(futures)
        kept = burst[len(sent):]
        return [
            *(_attempt(partition, value, future) for value, future in sent),
            *(Attempt(partition, value, Outcome.FAILED) for value in kept),
        ]

    # Reading

    async def _follow(self) -> None:
        """Read results and catalogue until told to stop, whatever the broker does."""
        results, catalogue = (
            TopicPartition(topic, 0) for topic in (self.topics.results, self.topics.catalogue))
        positions = {results: 0, catalogue: 0}
        while not self._read.is_set():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.kafka, group_id=None, enable_auto_commit=False,
                auto_offset_reset="none")
            try:
                await consumer.start()
                consumer.assign([*positions])
                for place, position in positions.items():
                    consumer.seek(place, position)
                while not self._read.is_set():
                    batches = await consumer.getmany(timeout_ms=200)
                    for record in batches.get(catalogue, ()):
                        self.flushes.receive_catalogue(record.offset, record.value)
                        positions[catalogue] = record.offset + 1
                    for record in batches.get(results, ()):
                        self._receive(record)
                        positions[results] = record.offset + 1
            except (KafkaError, OSError):
                await asyncio.sleep(PAUSE_SECONDS)
            finally:
                await close_consumer(consumer)

    def _receive(self, record: Any) -> None:
        before = self.flushes.applied
        receive(self.flushes, record)
        if record.key != FLUSH_KEY:
            return
        applied = self.flushes.applied
        if applied is None or applied is before:
            self.stale_flushes += 1
            return
        document = self.document()
        totals = document["totals"] if document else {}
        flat = results_document.flat(totals)
        self.observed.append(Observed(
            applied.offsets, (*(flat[name] for name in COUNTS), totals["participants"])))


async def _started(kafka: str) -> AIOKafkaProducer | None:
    """Start an idempotent producer; None while the broker is away."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, acks="all", linger_ms=2)
    try:
        await producer.start()
    except (KafkaError, OSError):
        await abandon(producer)
        return None
    return producer


async def _send(
    producer: AIOKafkaProducer, topic: str, partition: int, value: bytes | None
) -> asyncio.Future[Any] | None:
    """Hand a record to the producer; None where it refused to take it."""
    try:
        # The producer takes no record without both key and value.
        future: asyncio.Future[Any] = await producer.send(
            topic, value, key=b"" if value is None else None, partition=partition)
    except KafkaError:
        return None
    # What is told after patience has ended is told to nobody.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _attempt(partition: int, value: bytes | None, future: Any) -> Attempt:
    """Say what is known of a record that was handed over."""
    if future is None or not future.done() or future.cancelled() or future.exception():
        return Attempt(partition, value, Outcome.UNKNOWN)
    offset = future.result().offset
    return Attempt(partition, value, Outcome.ACKNOWLEDGED, offset if offset >= 0 else None)


def outcomes(attempts: Sequence[Attempt]) -> dict[Outcome, int]:
    """Count attempts by outcome."""
    return {one: sum(attempt.outcome is one for attempt in attempts) for one in Outcome}
