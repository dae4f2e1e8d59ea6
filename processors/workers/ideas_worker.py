"""The ideas worker: tallies, catalogue and participants in, results out.

Theory of operation: the state is a pure function of three topics, so there is no changelog: a
starting worker reads them from the beginning, in no group. Any number may run: all fold, and one
publishes, who holds the lease (`schemas.leases`). It takes its turn by a claim in the results,
behind which readers pass by what others write; then it reads the last vector published before that,
and publishes everything anew once its state lies nowhere below. Who loses the lease goes on folding
and stands by. Where records of others lie between its own, a claim came late: it claims again.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from processors.results.ideas import Ideas, Record
from processors.results.results_document import AsOf
from processors.results.vectors import headers
from processors.workers.batch_lane import (
    MAX_FETCH_BYTES,
    MAX_POLL_RECORDS,
    guarded,
)
from processors.workers.batches import WRITE_SECONDS, Batches, connected_producer
from processors.workers.kafka_checks import reader
from schemas import codec, traces
from schemas.kafka_clients import close_consumer, new_consumer
from schemas.leases import NO_TERM, Lease, Terms, term_in, term_of
from schemas.stalls import LOOK_SECONDS, Standing
from schemas.topics import FLUSH_KEY, LEASE_KEY, Topics


FETCH_SECONDS = 5.0
"""Longest the broker holds an empty answer back; records end the wait at once."""
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
CLAIM_AGAIN_SECONDS = 5.0
"""Whose results others wrote between waits so long before it claims them again: who has lost the
lease meanwhile hears of that within a heartbeat, and claims nothing."""
RANKING_SECONDS = 1.0
"""Rankings are made at most so often: they look at every proposal."""
LOOK_UP_SECONDS = 30.0
"""Asking for ends, or reading a stretch of the results, may take so long."""
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


class IdeasWorker:
    """The pure state, who folds it, and who publishes it while `lease` is held."""

    def __init__(self, policy: IdeasPolicy) -> None:
        self.policy, self.topics = policy, policy.topics
        self.ideas = Ideas(self.topics.partitions)
        self.positions = dict.fromkeys(self._inputs(), 0)
        """Next offset to fold, by topic partition."""
        self.starts: dict[TopicPartition, int] = {}
        """End offsets at start: nothing is published before they are reached."""
        self.lease = Lease()
        """Kept up to date by whoever runs this; each change of it is `told`."""
        self.turn, self.term = 0, NO_TERM
        """The turn that was claimed last, and the term that it began."""
        self.next_offset = 0
        """Where the results end, as long as nobody else writes them..."""
        self.disturbed_at: float | None = None
        """... and since when somebody did in this turn."""
        self.published: tuple[int, ...] = ()
        """Vector of the last publication, ours or a predecessor's."""
        self.ranked_at = 0.0
        self.producer: AIOKafkaProducer
        self.closing = asyncio.Event()
        self.folded = asyncio.Event()
        """Set by whatever is folded or told: there may be something to publish."""

    def _inputs(self) -> list[TopicPartition]:
        return [
            *(TopicPartition(self.topics.tallies, number)
              for number in range(self.topics.partitions)),
            TopicPartition(self.topics.catalogue, 0), TopicPartition(self.topics.participants, 0),
        ]

    def told(self) -> None:
        """Look at the lease: it has changed."""
        self.folded.set()

    def stop(self) -> None:
        """End in order; call it from the event loop."""
        self.closing.set()

    async def run(self) -> None:
        """Work until stopped; any error of it ends the process."""
        work = [asyncio.ensure_future(guarded(each, is_closing=self.closing.is_set)())
                for each in (self._read, self._publish)]
        await self.closing.wait()
        await self._close()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    # Folding

    async def _read(self) -> None:
        """Fold what comes of all inputs; raise Stalled where one goes on and nothing comes."""
        consumer = new_consumer(
            self.policy.kafka, max_partition_fetch_bytes=MAX_FETCH_BYTES,
            fetch_max_wait_ms=int(FETCH_SECONDS * 1000))
        clock = asyncio.get_running_loop().time
        standing = {place: Standing(f"{place.topic} partition {place.partition}")
                    for place in self.positions}
        look_at = clock() + LOOK_SECONDS
        try:
            await consumer.start()
            consumer.assign([*self.positions])
            for place, position in self.positions.items():
                consumer.seek(place, position)
            while True:
                batches = await consumer.getmany(
                    timeout_ms=int(FETCH_SECONDS * 1000), max_records=MAX_POLL_RECORDS)
                for place, records in batches.items():
                    self._fold(place, records)
                await asyncio.sleep(0)
                if clock() >= look_at:
                    await self._look(consumer, standing)
                    look_at = clock() + LOOK_SECONDS
        finally:
            await close_consumer(consumer)

    async def _look(
        self, consumer: AIOKafkaConsumer, standing: Mapping[TopicPartition, Standing]
    ) -> None:
        try:
            ends = await consumer.end_offsets([*self.positions])
        except KafkaError:  # The broker is away: what was folded stays.
            for each in standing.values():
                each.forget()
            return
        for place, end in ends.items():
            standing[place].see(await consumer.position(place), end,
                                asyncio.get_running_loop().time())

    def _fold(self, place: TopicPartition, records: list[Any]) -> None:
        began, before = traces.begin(), sum(self.ideas.set_aside.values())
        for record in records:
            if place.topic == self.topics.tallies:
                self.ideas.apply_tallies(place.partition, record.key, record.value)
            elif place.topic == self.topics.catalogue:
                self.ideas.apply_catalogue(record.value, record.offset)
            else:
                self.ideas.apply_participants(record.value, record.offset)
        first, self.positions[place] = self.positions[place], records[-1].offset + 1
        self.folded.set()
        traces.batch("fold", began, place.topic, place.partition, len(records))
        if set_aside := sum(self.ideas.set_aside.values()) - before:
            log.error("records set aside", topic=place.topic, partition=place.partition,
                      number=set_aside, first_offset=first, next_offset=self.positions[place],
                      remedy="nobody can read them and nothing waits for them: find out who wrote "
                             "them, and who else may write this topic")

    # Publishing

    async def _publish(self) -> None:
        self.producer = await connected_producer(self.policy.kafka)
        await self._look_up()  # last: after it the worker may say that it is ready
        loop = asyncio.get_running_loop()
        rest, refreshed_at = PUBLISH_SECONDS, loop.time()
        while True:
            await asyncio.sleep(rest)
            await self._due(refreshed_at + REFRESH_SECONDS - loop.time())
            rest = PUBLISH_SECONDS
            began = loop.time()
            if self.disturbed_at and began - self.disturbed_at >= CLAIM_AGAIN_SECONDS:
                self.disturbed_at = None
                self.lease.interrupted()
            if self._may_lead() and self.turn != self.lease.turn:
                await self._take_turn()
            ranked = began - self.ranked_at >= RANKING_SECONDS
            if began - refreshed_at >= REFRESH_SECONDS and self.leads():
                self.ideas.move_slice(REFRESH_SLICES)
                refreshed_at = began
            if not self.leads() or not self.ideas.moved(ranked=ranked):
                continue
            as_of = self.ideas.as_of()
            worked = time.thread_time()
            records = self.ideas.take(int(time.time() * 1000), ranked=ranked)
            rest = rest_seconds(time.thread_time() - worked)
            if ranked:
                self.ranked_at = began
            await self._write(records, as_of)
            self.published = as_of.votes

    async def _due(self, refresh_seconds: float) -> None:
        """Wait until something may be to publish: a turn, folded, ranked, or a slice again."""
        self.folded.clear()
        if not self._may_lead():
            await self.folded.wait()
            return
        if self.turn != self.lease.turn or self.ideas.moved(ranked=False):
            return
        if self.ideas.moved(ranked=True):
            left = self.ranked_at + RANKING_SECONDS - asyncio.get_running_loop().time()
            refresh_seconds = min(left, refresh_seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.folded.wait(), max(refresh_seconds, 0.0))

    async def _close(self) -> None:
        if hasattr(self, "producer"):
            await self.producer.stop()

    async def _look_up(self) -> None:
        """Learn the ends of the inputs."""
        consumer = await reader(self.policy.kafka)
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                self.starts = await consumer.end_offsets([*self.positions])
        finally:
            await consumer.stop()
        self.folded.set()

    async def _take_turn(self) -> None:
        """Claim the results, learn what was published before, and publish everything anew."""
        turn, results = self.lease.turn, TopicPartition(self.topics.results, 0)
        async with asyncio.timeout(WRITE_SECONDS):
            claimed = await self.producer.send_and_wait(
                results.topic, claim(self.policy.instance, int(time.time() * 1000)),
                key=LEASE_KEY, partition=results.partition)
        consumer = await reader(self.policy.kafka)
        try:
            self.published = await last_vector(
                consumer, results, self.topics.partitions, claimed.offset)
        finally:
            await consumer.stop()
        self.ideas.move_slice(1)
        self.disturbed_at = None
        self.turn, self.term, self.next_offset = turn, term_of(claimed.offset), claimed.offset + 1
        log.info("publishes from here on", term=self.term, published=list(self.published))

    def caught_up(self) -> bool:
        """Whether the ends known at the start are reached."""
        return reached(self.positions, self.starts)

    def _may_lead(self) -> bool:
        return self.lease.holds and self.caught_up()

    def leads(self) -> bool:
        """Whether it has claimed its turn, and never goes back by publishing."""
        return (self.lease.holds and self.turn == self.lease.turn
                and may_publish(self.positions, self.starts, self.ideas.as_of().votes,
                                self.published))

    def ready(self) -> bool:
        """Whether it leads, or could once it is given the lease that somebody else holds."""
        return self.leads() if self.lease.holds else self.lease.joined and self.caught_up()

    async def _write(self, records: list[Record], as_of: AsOf) -> None:
        """Write a publication and wait until the broker has it."""
        began = traces.begin()
        writer, futures = await self._sent(records, as_of)
        async with asyncio.timeout(WRITE_SECONDS):
            *_, last = [await future for future in futures]
        traces.batch("publish", began, self.topics.results, 0, len(records))
        expected = self.next_offset + len(records)
        self.next_offset = last.offset + writer.last_batch_records
        if self.next_offset != expected:
            log.warning("somebody else wrote results: who holds the lease claims them again",
                        expected_offset=expected, found_offset=self.next_offset)
            self.disturbed_at = self.disturbed_at or asyncio.get_running_loop().time()

    async def _sent(self, records: list[Record], as_of: AsOf) -> tuple[Batches, list[Any]]:
        """Send a publication; vector and term tell its records from strays of another worker."""
        writer = Batches(self.producer)
        writer.write((value for _, value in records), keys=(key for key, _ in records),
                     headers=headers(as_of, self.term))
        return writer, await writer.send(self.topics.results, 0)

    def status(self) -> dict[str, Any]:
        """Say where the worker stands, for health checks and operators."""
        return {
            "ready": self.ready(), "leads": self.leads(), "joined": self.lease.joined,
            "votes": list(self.ideas.as_of().votes),
            "catalogue": self.ideas.catalogue.offset, "published": list(self.published),
            "set_aside": dict(self.ideas.set_aside),
            "unendorsed": self.ideas.unendorsed,
        }


def claim(instance: str, taken_at: int) -> bytes:
    """Return the record by which a turn begins; the instant is in milliseconds."""
    return codec.encode("LeaseTaken", process="ideas", instance=instance, taken_at=taken_at)


async def last_vector(
    consumer: Any, results: TopicPartition, partitions: int, end: int
) -> tuple[int, ...]:
    """Return the vector of the last marker that counts before an offset: read backwards.

    One that readers pass by, for the term it bears, holds up nobody. Raises TimeoutError where a
    stretch cannot be read within LOOK_UP_SECONDS.
    """
    async with asyncio.timeout(LOOK_UP_SECONDS):
        first = (await consumer.beginning_offsets([results]))[results]
    consumer.assign([results])
    since, stretch = end, TAIL_RECORDS
    while since > first:
        since, stretch = max(first, end - stretch), 2 * stretch
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await _newest_vector(consumer, results, since, end, is_whole=since == first)
        if found is not None:
            return found
    return (-1,) * partitions


async def _newest_vector(
    consumer: Any, results: TopicPartition, since: int, until: int, *, is_whole: bool
) -> tuple[int, ...] | None:
    """Return the furthest vector of the markers that count between two offsets, or None.

    Those before the first term of a stretch may be of an earlier one, unless it is the whole log.
    """
    found: tuple[int, ...] | None = None
    terms = Terms()
    consumer.seek(results, since)
    while await consumer.position(results) < until:
        for record in (await consumer.getmany(results, timeout_ms=1000)).get(results, ()):
            if record.offset >= until:
                break
            if record.key == LEASE_KEY:
                terms.claimed(record.offset)
            takes = terms.takes(term_in(record.headers, record.offset))
            if record.key == FLUSH_KEY and takes and (is_whole or terms.newest != NO_TERM):
                _, marker = codec.decode(record.value)
                offsets = tuple(marker["offsets"])
                found = offsets if found is None else tuple(map(max, found, offsets))
    return found


def reached(positions: Mapping[Any, int], starts: Mapping[Any, int]) -> bool:
    """Whether the ends known at the start are reached; False before they are known."""
    return bool(starts) and all(positions[place] >= end for place, end in starts.items())


def may_publish(
    positions: Mapping[Any, int], starts: Mapping[Any, int],
    votes: tuple[int, ...], published: tuple[int, ...],
) -> bool:
    """Whether the ends known at the start are reached, and no published place would go back."""
    return reached(positions, starts) and all(map(int.__ge__, votes, published))


def rest_seconds(publication_seconds: float) -> float:
    """Say how long to rest after a publication that took so long."""
    return min(max(PUBLISH_SECONDS, REST_FACTOR * publication_seconds), MAX_REST_SECONDS)
