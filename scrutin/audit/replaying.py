"""Rebuild decisions, tallies and results into fresh topics, from the archive, and compare.

Theory of operation: all of it is a function of the archived votes and catalogue, and of the
participants' log, which is archived apart and read from the broker; so every replay writes the same
bytes, and needs no notes to be taken up again. A killed one left a prefix of each log: of decisions
and catalogue the next one skips what is there; tallies and results are absolute, so it writes them
again, the results' marker last, and topics with that marker are finished. Each stage reads the one
before it back from the broker. Whether a prefix found there was this replay's shows then: the
decisions read back must hash to those computed.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from processors.results.ideas import Ideas
from processors.results.vectors import headers
from processors.workers import provisioning
from processors.workers.batches import WRITE_SECONDS, Batches, Headers, connected_producer
from processors.workers.kafka_checks import check_topics, connected_admin
from schemas.stalls import Standing
from schemas.topics import FLUSH_KEY, Topics, TopicSpecification
from scrutin.audit import people
from sinks.catching_up import Say
from sinks.kafka import log_consumer
from sinks.recount import pure
from sinks.recount.audit import check_decisions
from sinks.recount.checks import Check, check, verdict
from sinks.recount.comparing import check_document
from sinks.recount.people import check_people, taken_over
from sinks.recount.pure import PureRecount
from sinks.recount.reading import Reading
from sinks.recount.recomputing import Document
from views.documents import Documents
from views.reader import ResultsReader


READ_MILLISECONDS = 500
"""Longest wait for records that are being read back."""
LENGTH_BYTES = 4
"""Before each decision its length goes into the hash: a boundary that moves is a difference."""


class IntoTaken(Exception):
    """The topics to write to hold something else; the message says what."""


@dataclass
class Replayed:
    """What was rebuilt, and how it compares."""

    consultation: str
    into: Topics
    vector: list[int]
    resumed: list[int]
    """Decisions that lay there already, by partition."""
    recount: PureRecount
    checks: list[Check] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def events(self) -> int:
        return sum(last + 1 for last in self.vector)

    @property
    def verdict(self) -> str:
        return verdict(self.checks)


class Replay:
    """One replay: a consumer and a producer on the fresh topics, the archive beside them."""

    def __init__(
        self, reading: Reading, into: Topics, consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer, say: Say,
    ) -> None:
        self.reading, self.into, self.say = reading, into, say
        self.consumer, self.producer = consumer, producer
        self.recount = PureRecount(
            [Ledger(partition, into.partitions, reading.first_adoptions(partition))
             for partition in range(into.partitions)])

    async def rebuild(self, catalogue_offset: int, ideas: Ideas) -> list[Check]:
        """Write every topic, each from the one before it as the broker holds it.

        `ideas` know the participants already.
        """
        computed = [await self._decide(ledger) for ledger in self.recount.ledgers]
        self.say("replay: reading the decisions back")
        held = [await self._hash(partition) for partition in range(self.into.partitions)]
        for ledger in self.recount.ledgers:
            await self._tally(ledger, ideas)
        await self._copy_catalogue(catalogue_offset, ideas)
        self.say("replay: writing the results")
        records = ideas.take(int(time.time() * 1000), ranked=True)
        await self._write(self.into.results, 0, [value for _, value in records],
                          keys=[key for key, _ in records], headers=headers(ideas.as_of()))
        return [*check_decisions(self.recount), check("decisions.topic", computed, held)]

    async def _decide(self, ledger: Ledger) -> str:
        """Decide a partition and write what is not there yet; return the hash of all decisions."""
        there = await self.end(self.into.decisions, ledger.partition)
        digest, done = hashlib.sha256(), 0
        for made in pure.decisions(self.reading, ledger, self.recount, self.say):
            for decision in made:
                digest.update(len(decision).to_bytes(LENGTH_BYTES, "big") + decision)
            await self._write(self.into.decisions, ledger.partition, made[max(0, there - done):])
            done += len(made)
        return digest.hexdigest()

    async def _hash(self, partition: int) -> str:
        digest = hashlib.sha256()
        async for record in self.read(self.into.decisions, partition):
            digest.update(len(record.value).to_bytes(LENGTH_BYTES, "big") + record.value)
        return digest.hexdigest()

    async def _tally(self, ledger: Ledger, ideas: Ideas) -> None:
        """Write all counts of a partition, and fold what the broker then holds of them."""
        records = tally_records.flush(ledger, everything=True)
        await self._write(self.into.tallies, ledger.partition, [value for _, value in records],
                          keys=[key for key, _ in records])
        async for record in self.read(self.into.tallies, ledger.partition):
            ideas.apply_tallies(ledger.partition, record.key, record.value)

    async def _copy_catalogue(self, offset: int, ideas: Ideas) -> None:
        """Copy the catalogue, for results are read with it."""
        there = await self.end(self.into.catalogue, 0)
        records = list(self.reading.catalogue_records(offset))
        await self._write(self.into.catalogue, 0, [value for _, value in records[there:]])
        async for record in self.read(self.into.catalogue, 0):
            ideas.apply_catalogue(record.value, record.offset)

    async def _write(
        self, topic: str, partition: int, values: Sequence[bytes], *,
        keys: Iterable[bytes | None] = repeat(None),
        headers: Headers = [],  # noqa: B006 -- nobody adds to it
    ) -> None:
        batches = Batches(self.producer)
        batches.write(values, keys=keys, headers=headers)
        futures = await batches.send(topic, partition)
        async with asyncio.timeout(WRITE_SECONDS):
            for acknowledged in futures:
                await acknowledged

    async def end(self, topic: str, partition: int) -> int:
        """Return the end offset of a partition."""
        place = TopicPartition(topic, partition)
        end: int = (await self.consumer.end_offsets([place]))[place]
        return end

    async def read(self, topic: str, partition: int) -> AsyncIterator[Any]:
        """Yield the records of a partition up to the end it has now."""
        place, end = TopicPartition(topic, partition), await self.end(topic, partition)
        self.consumer.assign([place])
        self.consumer.seek(place, 0)
        standing, clock = Standing(topic), asyncio.get_running_loop().time
        while (offset := await self.consumer.position(place)) < end:
            standing.see(offset, end, clock())
            batch = await self.consumer.getmany(place, timeout_ms=READ_MILLISECONDS)
            for record in batch.get(place, ()):
                yield record


async def replay(
    consultation: str, document: Document, reading: Reading, kafka: str, into: Topics, *,
    replication: int, say: Say,
) -> Replayed:
    """Rebuild what was published into fresh topics and compare; raise IntoTaken."""
    began = time.monotonic()
    await _prepare(kafka, into, replication)
    consumer = log_consumer(kafka)
    await consumer.start()
    producer = await connected_producer(kafka)
    try:
        work = Replay(reading, into, consumer, producer, say)
        resumed = await _lying_there(work)
        found = Replayed(consultation, into, reading.vector, resumed, work.recount)
        say("reading the participants' log")
        ideas = Ideas(into.partitions)
        unread = await people.read(
            kafka, reading.topics, document["as_of"]["participants"], ideas.apply_participants)
        found.checks += await work.rebuild(
            document["as_of"]["catalogue"], Ideas(into.partitions) if unread else ideas)
    finally:
        await producer.stop()
        await consumer.stop()
    results = ResultsReader(kafka, into)
    await results.read(until_ready=True)
    found.checks += compared(
        document, Documents(results.flushes).whole_document(consultation), unread)
    found.seconds = round(time.monotonic() - began, 3)
    return found


async def _prepare(kafka: str, into: Topics, replication: int) -> None:
    """Create the topics of a replay; raise IntoTaken where others are there."""
    wanted = _written(into)
    names = {topic.name for topic in wanted}
    admin = await connected_admin(kafka)
    try:
        present = {topic.name for topic in into.specifications()} & set(await admin.list_topics())
    finally:
        await admin.close()
    if other := present - names:
        raise IntoTaken(f"{', '.join(sorted(other))} exists: {into.prefix} is a topic generation "
                        "of its own, no replay. Choose another name.")
    await provisioning.create(kafka, wanted, replication=replication)
    await check_topics(kafka, wanted)


def _written(into: Topics) -> list[TopicSpecification]:
    names = (into.decisions, into.tallies, into.results, into.catalogue)
    return [topic for topic in into.specifications() if topic.name in names]


async def _lying_there(work: Replay) -> list[int]:
    """Count the decisions an unfinished replay left; raise IntoTaken where it is another's."""
    into = work.into
    ends = [await work.end(into.decisions, partition) for partition in range(into.partitions)]
    async for record in work.read(into.results, 0):
        if record.key == FLUSH_KEY:
            raise IntoTaken(
                f"{into.prefix} holds a finished replay. Choose another name, or delete the "
                f"topics {', '.join(topic.name for topic in _written(into))}.")
    if any(end > last + 1 for end, last in zip(ends, work.reading.vector, strict=True)):
        raise IntoTaken(f"{into.decisions} holds more decisions than were published: another "
                        "replay wrote it. Choose another name.")
    return ends


def compared(document: Document, made: Document | None, unread: str) -> Iterable[Check]:
    """Compare what was published with what the rebuilt results say; nothing, if they lack it."""
    if made is None:
        yield check("results.document", "the consultation", "not among the rebuilt results")
        return
    if unread:
        # Their log cannot be read: what is told of participants is taken over.
        made["as_of"]["participants"] = document["as_of"]["participants"]
        made["participation"] = {
            **document["participation"], "base": made["participation"]["base"]}
    yield from check_document("results", document, made)
    yield taken_over(unread) if unread else check_people(document, made)
