"""How long until a vote is decided, and until it is published, at a steady rate."""

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.house import PARTITIONS, House, reading
from benchmarks.ledger import Measured
from benchmarks.votes import votes
from processors.ledger.decisions import decode
from schemas import codec
from schemas.topics import FLUSH_KEY, Topics


RATES = (2_000, 10_000)
SECONDS = 8.0
TICK_SECONDS = 0.002
"""Votes are sent so often, as many as the rate asks for."""
WARM_SECONDS = 2.0
"""What came in this first while is not counted: connections are made, code is met first."""


@dataclass
class Clock:
    """When each vote was acknowledged, decided and published, by partition and offset."""

    acknowledged: dict[tuple[int, int], float] = field(default_factory=dict)
    decided: dict[tuple[int, int], float] = field(default_factory=dict)
    vectors: list[tuple[float, list[int]]] = field(default_factory=list)

    def percentile(self, seen: dict[tuple[int, int], float]) -> float:
        """Return the 99th percentile of the delays, in milliseconds; unseen votes are an error."""
        counted_from = min(self.acknowledged.values()) + WARM_SECONDS
        delays = [max(0.0, seen[place] - at) * 1_000 for place, at in self.acknowledged.items()
                  if at >= counted_from]
        return statistics.quantiles(delays, n=100)[98]

    def holds_all(self) -> bool:
        """Whether the last publication holds every acknowledged vote."""
        return bool(self.vectors) and all(
            self.vectors[-1][1][partition] >= offset for partition, offset in self.acknowledged)

    def published(self) -> dict[tuple[int, int], float]:
        """Return for each vote the time of the first publication that holds it."""
        found = {}
        for partition in range(PARTITIONS):
            vectors = iter(self.vectors)
            at, vector = next(vectors)
            for place in sorted(place for place in self.acknowledged if place[0] == partition):
                while vector[partition] < place[1]:
                    at, vector = next(vectors)
                found[place] = at
        return found


async def latencies(house: House, _count: int) -> Measured:
    """Measure both delays at each rate, on workers that are caught up."""
    found: Measured = {}
    for rate in RATES:
        clock = await _measured(house, rate)
        found[f"decision_latency_milliseconds_p99_at_{rate}"] = clock.percentile(clock.decided)
        found[f"result_latency_milliseconds_p99_at_{rate}"] = clock.percentile(
            clock.published())
    return found


async def _measured(house: House, rate: int) -> Clock:
    topics = await house.filled(0)
    workers = [house.worker("ledger", topics), house.worker("ideas", topics)]
    clock = Clock()
    async with reading(house.kafka) as decisions, reading(house.kafka) as results:
        for worker in workers:
            await worker.ready()
        total = int(rate * SECONDS)
        watching = [asyncio.create_task(_watch_decisions(decisions, topics, clock, total)),
                    asyncio.create_task(_watch_results(results, topics, clock, total))]
        async with asyncio.timeout(SECONDS * 12):
            await _send(house, topics, clock, rate)
            await asyncio.gather(*watching)
    for worker in workers:
        worker.stop()
    return clock


@asynccontextmanager
async def _producing(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _send(house: House, topics: Topics, clock: Clock, rate: int) -> None:
    """Send at a steady rate, one batch a partition and tick."""
    stream = iter(list(votes(int(rate * SECONDS), PARTITIONS, seed=3)))
    sent: list[asyncio.Task[None]] = []
    async with _producing(house.kafka) as producer:
        began, done = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began) * rate) - done
            batches: list[tuple[int, Any]] = []
            fresh: dict[int, Any] = {}
            for partition, timestamp, value in itertools.islice(stream, max(due, 0)):
                batch = fresh.get(partition)
                if batch is None or batch.append(
                        timestamp=timestamp, key=None, value=value) is None:
                    batch = fresh[partition] = producer.create_batch()
                    batches.append((partition, batch))
                    batch.append(timestamp=timestamp, key=None, value=value)
                done += 1
            for partition, batch in batches:
                future = await producer.send_batch(batch, topics.votes, partition=partition)
                sent.append(asyncio.create_task(
                    _acknowledge(future, clock, partition, batch.record_count())))
            if done >= int(rate * SECONDS):
                break
            await asyncio.sleep(TICK_SECONDS)
        await asyncio.gather(*sent)


async def _acknowledge(future: Any, clock: Clock, partition: int, count: int) -> None:
    first = (await future).offset
    now = time.monotonic()
    for offset in range(first, first + count):
        clock.acknowledged[partition, offset] = now


async def _watch_decisions(
    consumer: AIOKafkaConsumer, topics: Topics, clock: Clock, total: int
) -> None:
    consumer.assign([TopicPartition(topics.decisions, n) for n in range(PARTITIONS)])
    while len(clock.decided) < total + PARTITIONS:
        fetched = await consumer.getmany(timeout_ms=100)
        now = time.monotonic()
        for place, records in fetched.items():
            first, last = (decode(records[end].value).source_offset for end in (0, -1))
            for offset in range(first, last + 1):
                clock.decided[place.partition, offset] = now


async def _watch_results(
    consumer: AIOKafkaConsumer, topics: Topics, clock: Clock, total: int
) -> None:
    consumer.assign([TopicPartition(topics.results, 0)])
    held = 0
    while held < total + PARTITIONS:
        fetched = await consumer.getmany(timeout_ms=100)
        now = time.monotonic()
        for records in fetched.values():
            for record in records:
                if record.key == FLUSH_KEY:
                    vector = codec.decode(record.value)[1]["offsets"]
                    clock.vectors.append((now, vector))
                    held = sum(offset + 1 for offset in vector)
