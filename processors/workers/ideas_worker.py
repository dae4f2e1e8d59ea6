"""The ideas worker: tallies, catalogue and participants in, results out; Faust in the batch lane.

Theory of operation: the state is a pure function of three topics, so there is no changelog: a
starting worker reads them from the beginning and publishes once it has caught up with their ends,
and with the last vector published. It must hold every partition: a second one beside it would
publish parts of results, so whoever is given less than all ends with a message.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from faust.types import TP

from processors.results.ideas import Ideas, Record
from processors.results.results_document import AsOf
from processors.results.vectors import headers
from processors.workers.batch_lane import (
    BatchValue,
    Seeks,
    application,
    closing,
    guarded,
    stop_process,
)
from processors.workers.batches import WRITE_SECONDS, Batches, connected_producer
from processors.workers.kafka_checks import reader
from processors.workers.membership import Membership
from schemas import codec
from schemas.topics import FLUSH_KEY, Topics


PUBLISH_SECONDS = 0.02
"""Results are published at most so often..."""
REST_FACTOR = 1
"""... and after a publication the worker rests this many times the CPU it took: half of a core.
Waiting for the broker's answer is a rest already."""
MAX_REST_SECONDS = 2.0
"""... but not longer, though everything at once be published."""
REFRESH_SECONDS = 5.0
"""So often a slice of everything is published again..."""
REFRESH_SLICES = 12
"""... of so many: within a minute a stale copy kept by compaction is gone, and no vote waits for a
publication of everything."""
RANKING_SECONDS = 1.0
"""Rankings are made at most so often: they look at every proposal."""
LOOK_UP_SECONDS = 30.0
"""Asking for ends, or reading a stretch of the results, may take so long at start."""
TAIL_RECORDS = 10_000
"""So far before the end of the results the last marker is looked for first: three publications of
everything in a large campaign."""

log = structlog.get_logger("scrutin.ideas")


@dataclass(frozen=True)
class IdeasPolicy:
    """What an operator can set."""

    kafka: str
    topics: Topics
    instance: str
    folder: Path


class IdeasWorker:
    """The Faust application around the pure state."""

    def __init__(self, policy: IdeasPolicy) -> None:
        self.policy, self.topics = policy, policy.topics
        self.ideas = Ideas(self.topics.partitions)
        self.positions = dict.fromkeys(self._inputs(), 0)
        """Next offset to fold, by topic partition."""
        self.starts: dict[TP, int] = {}
        """End offsets at start: nothing is published before they are reached."""
        self.published: tuple[int, ...] = ()
        """Vector of the last publication, ours or a predecessor's."""
        self.generation: int | None = None
        self.seeks = Seeks()
        self.ranked_at = 0.0
        self.producer: AIOKafkaProducer
        self.closing = False
        self.folded = asyncio.Event()
        """Set by whatever is folded: there may be something to publish."""
        self.app = application(
            f"{self.topics.prefix}-ideas", policy.kafka, partitions=self.topics.partitions,
            instance=policy.instance, folder=policy.folder, positions=self,
        )
        self.membership = Membership(
            policy.kafka, f"{self.topics.prefix}-ideas", self.topics.tallies,
            self.topics.partitions, holds=lambda: self.generation is not None)
        for name in (self.topics.tallies, self.topics.catalogue, self.topics.participants):
            topic = self.app.topic(name, value_type=bytes, value_serializer="raw")
            self.app.agent(topic, name=f"fold-{name}")(self._fold_stream)
        self.app.task(guarded(self._publish, is_closing=lambda: self.closing))
        closing(self.app, self._close)

    def _inputs(self) -> list[TP]:
        return [
            *(TP(self.topics.tallies, number) for number in range(self.topics.partitions)),
            TP(self.topics.catalogue, 0), TP(self.topics.participants, 0),
        ]

    # Positions, asked by the lane

    async def resume_offsets(self, partitions: set[TP]) -> Mapping[TP, int]:
        """Read on where the state stands, in every partition."""
        missing = set(self.positions) - partitions
        if missing:
            stop_process(
                f"this ideas worker was given {len(partitions)} of {len(self.positions)} "
                "partitions: another one runs in the same group. Run only one, and stop the other."
            )
        self.generation = self.app.consumer_generation_id
        return dict(self.positions)

    def durable_offset(self, partition: TP) -> int | None:
        """Commit what was folded, for lag monitoring."""
        return self.positions.get(partition) or None

    # Folding

    async def _fold_stream(self, stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                message = event.message
                await self._fold(message.value, TP(message.topic, message.partition))
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except Exception as error:  # noqa: BLE001 -- Faust would log it and go on
                if self.closing:
                    return  # Not acknowledged, and read from the beginning at the next start.
                stop_process(str(error), error)
            event.ack()

    async def _fold(self, batch: BatchValue, tp: TP) -> None:
        position = self.positions[tp]
        if batch.generation != self.generation or not self.seeks.in_place(tp, batch):
            await self.seeks.seek(self.app.consumer, tp, position)
            return
        before = sum(self.ideas.set_aside.values())
        for record in batch.records:
            if record.offset < position:
                continue
            if tp.topic == self.topics.tallies:
                self.ideas.apply_tallies(tp.partition, record.key, record.value)
            elif tp.topic == self.topics.catalogue:
                self.ideas.apply_catalogue(record.value, record.offset)
            else:
                self.ideas.apply_participants(record.value, record.offset)
        self.positions[tp] = batch.records[-1].offset + 1
        self.folded.set()
        if set_aside := sum(self.ideas.set_aside.values()) - before:
            log.error("records set aside", topic=tp.topic, partition=tp.partition,
                      number=set_aside, first_offset=position, next_offset=self.positions[tp],
                      remedy="nobody can read them and nothing waits for them: find out who wrote "
                             "them, and who else may write this topic")

    # Publishing

    async def _publish(self) -> None:
        self.producer = producer = await connected_producer(self.policy.kafka)
        await self._look_up()  # last: after it the worker may say that it is ready
        loop = asyncio.get_running_loop()
        rest, refreshed_at = PUBLISH_SECONDS, loop.time()
        while True:
            await asyncio.sleep(rest)
            await self._due(refreshed_at + REFRESH_SECONDS - loop.time())
            rest = PUBLISH_SECONDS
            began = loop.time()
            ranked = began - self.ranked_at >= RANKING_SECONDS
            if began - refreshed_at >= REFRESH_SECONDS and self.ready():
                self.ideas.move_slice(REFRESH_SLICES)
                refreshed_at = began
            if not self.ready() or not self.ideas.moved(ranked=ranked):
                continue
            as_of = self.ideas.as_of()
            worked = time.thread_time()
            records = self.ideas.take(int(time.time() * 1000), ranked=ranked)
            rest = rest_seconds(time.thread_time() - worked)
            if ranked:
                self.ranked_at = began
            await self._write(producer, records, as_of)
            self.published = as_of.votes

    async def _due(self, refresh_seconds: float) -> None:
        """Wait until something may be to publish: folded, ranked, or a slice again."""
        self.folded.clear()
        if self.ideas.moved(ranked=False):
            return
        if self.ideas.moved(ranked=True):
            left = self.ranked_at + RANKING_SECONDS - asyncio.get_running_loop().time()
            refresh_seconds = min(left, refresh_seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.folded.wait(), max(refresh_seconds, 0.0))

    async def _close(self) -> None:
        self.closing = True
        if hasattr(self, "producer"):
            await self.producer.stop()

    async def _look_up(self) -> None:
        """Learn the ends of the inputs and the last vector published."""
        consumer = await reader(self.policy.kafka)
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                inputs = [TopicPartition(tp.topic, tp.partition) for tp in self.positions]
                ends = await consumer.end_offsets(inputs)
            self.published = await last_vector(
                consumer, TopicPartition(self.topics.results, 0), self.topics.partitions)
            self.starts = {TP(tp.topic, tp.partition): end for tp, end in ends.items()}
        finally:
            await consumer.stop()

    def ready(self) -> bool:
        """Whether the state has caught up with the start, and never goes back by publishing."""
        return may_publish(self.positions, self.starts, self.ideas.as_of().votes, self.published)

    async def _write(
        self, producer: AIOKafkaProducer, records: list[Record], as_of: AsOf
    ) -> None:
        """Write a publication and wait until the broker has it."""
        futures = await self._sent(producer, records, as_of)
        async with asyncio.timeout(WRITE_SECONDS):
            for future in futures:
                await future

    async def _sent(
        self, producer: AIOKafkaProducer, records: list[Record], as_of: AsOf
    ) -> list[Any]:
        """Send a publication; its vector tells its records from strays of another worker."""
        writer = Batches(producer)
        writer.write((value for _, value in records), keys=(key for key, _ in records),
                     headers=headers(as_of))
        return await writer.send(self.topics.results, 0)

    def status(self) -> dict[str, Any]:
        """Say where the worker stands, for health checks and operators."""
        return {
            "ready": self.ready(), "votes": list(self.ideas.as_of().votes),
            "catalogue": self.ideas.catalogue.offset, "published": list(self.published),
            "set_aside": dict(self.ideas.set_aside),
        }


async def last_vector(consumer: Any, results: TopicPartition, partitions: int) -> tuple[int, ...]:
    """Return the vector of the last marker in the results: read from their end backwards.

    Raises TimeoutError where a stretch cannot be read within LOOK_UP_SECONDS.
    """
    async with asyncio.timeout(LOOK_UP_SECONDS):
        first = (await consumer.beginning_offsets([results]))[results]
        end = (await consumer.end_offsets([results]))[results]
    consumer.assign([results])
    until, stretch = end, TAIL_RECORDS
    while until > first:
        since = max(first, until - stretch)
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await _newest_vector(consumer, results, since, until)
        if found is not None:
            return found
        until, stretch = since, 2 * stretch
    return (-1,) * partitions


async def _newest_vector(
    consumer: Any, results: TopicPartition, since: int, until: int
) -> tuple[int, ...] | None:
    """Return the furthest vector of the markers between two offsets, or None."""
    found: tuple[int, ...] | None = None
    consumer.seek(results, since)
    while await consumer.position(results) < until:
        for record in (await consumer.getmany(results, timeout_ms=1000)).get(results, ()):
            if record.key == FLUSH_KEY and record.offset < until:
                _, marker = codec.decode(record.value)
                offsets = tuple(marker["offsets"])
                found = offsets if found is None else tuple(map(max, found, offsets))
    return found


def may_publish(
    positions: Mapping[Any, int], starts: Mapping[Any, int],
    votes: tuple[int, ...], published: tuple[int, ...],
) -> bool:
    """Whether the ends known at the start are reached, and no published place would go back."""
    return (
        bool(starts)
        and all(positions[place] >= end for place, end in starts.items())
        and all(map(int.__ge__, votes, published))
    )


def rest_seconds(publication_seconds: float) -> float:
    """Say how long to rest after a publication that took so long."""
    return min(max(PUBLISH_SECONDS, REST_FACTOR * publication_seconds), MAX_REST_SECONDS)
