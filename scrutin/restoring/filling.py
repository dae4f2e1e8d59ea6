"""Write what the archive keeps into empty topics, so that every record lies where it lay.

Theory of operation: an idempotent producer writes each partition from offset 0 on, in the order of
the archive, so a record has the offset that it had. Each acknowledgement is held against it. Each
piece is compared with the checkpoints before it is written. A filling that was ended is taken up
again only if that is asked for: then everything that is there must be, byte for byte, what the
archive has, and nothing else may be there.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from processors.workers import provisioning
from processors.workers.batches import WRITE_SECONDS, Batch, connected_producer
from processors.workers.kafka_checks import (
    BrokerUnreachable,
    check_topics,
    connected_admin,
    described_settings,
)
from producers.errors import Unreachable
from producers.log_reader import LogReader
from producers.writer import abandon
from schemas.kafka_clients import close_consumer, new_consumer
from schemas.topics import Topics
from scrutin.restoring.parts import Part, Parts
from sinks.kept import KeptLogs, KeptRecord


PARTS_AT_ONCE = 4
"""Partitions filled side by side: each holds a piece of the archive, and its batches."""
BEFORE_MOST = 2**63 - 1
"""How much older than the broker's clock a record may be: Kafka's own default is without end."""
CREATE_TIME = {"message.timestamp.type": "CreateTime",
               "message.timestamp.before.max.ms": str(BEFORE_MOST)}
"""Settings without which the broker would change a record's time, or refuse old records."""

Say = Callable[[str], None]


class Taken(Exception):
    """The topics to be filled are not empty, or not as they must be; nothing was written."""


class FillingFailed(Exception):
    """It ended on the way: what was written is the beginning of the logs, and no more."""


class Filling:
    """One filling of the topics of a generation."""

    def __init__(
        self, kafka: str, into: Topics, kept: KeptLogs, parts: Parts, *, resume: bool, say: Say
    ) -> None:
        self._kafka, self._into, self._kept, self._parts = kafka, into, kept, parts.parts
        self._resume, self._say = resume, say
        self.found = 0
        """Records that lay there already and are those of the archive."""
        self.written = 0
        self._room = asyncio.Semaphore(PARTS_AT_ONCE)

    async def run(self, *, replication: int) -> None:
        """Make the topics and fill them.

        Raises Taken, FillingFailed, BrokerUnreachable, WrongTopic, ArchiveUnfit, Refused.
        """
        ends = await self._ends()
        await provisioning.create(
            self._kafka, self._into.specifications(), replication=replication)
        await check_topics(self._kafka, self._into.specifications())
        await self._require_times_kept()
        producer = await connected_producer(self._kafka)
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in self._parts:
                    tasks.create_task(self._fill(
                        producer, part, ends.get((part.into, part.partition), 0)))
        except ExceptionGroup as errors:
            raise _cause(errors) from errors
        finally:
            await abandon(producer)
        await self._require_ends()

    async def _ends(self) -> dict[tuple[str, int], int]:
        """Return how many records lie in each partition; raise Taken where none may lie there."""
        admin = await connected_admin(self._kafka)
        try:
            present = set(await admin.list_topics())
        except (KafkaError, OSError) as error:
            raise BrokerUnreachable(self._kafka, error) from error
        finally:
            await admin.close()
        places = [TopicPartition(topic.name, partition)
                  for topic in self._into.specifications() if topic.name in present
                  for partition in range(topic.partitions)]
        begins, ends = await self._offsets(places)
        wanted = {(part.into, part.partition): part.end for part in self._parts}
        for place, end in ends.items():
            most = wanted.get((place.topic, place.partition), 0) if self._resume else 0
            if begins[place] or end > most:
                raise Taken(_taken(place, begins[place], end, resume=self._resume))
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def _offsets(
        self, places: Sequence[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        consumer: AIOKafkaConsumer = new_consumer(self._kafka)
        await consumer.start()
        try:
            return (await consumer.beginning_offsets(places) if places else {},
                    await consumer.end_offsets(places) if places else {})
        finally:
            await close_consumer(consumer)

    async def _require_times_kept(self) -> None:
        """Raise Taken where the broker would not take records with the times that they have."""
        admin = await connected_admin(self._kafka)
        try:
            for topic in sorted({part.into for part in self._parts}):
                settings = await described_settings(admin, topic)
                for name, value in CREATE_TIME.items():
                    found = settings[name].value if name in settings else value
                    if found != value:
                        raise Taken(
                            f"topic {topic} has {name}={found}: the broker would give records "
                            f"another time than they had, or refuse them. Set {name}={value} on it "
                            "with `kafka-configs.sh --alter` until they are there, and begin "
                            "again.")
        finally:
            await admin.close()

    async def _fill(self, producer: AIOKafkaProducer, part: Part, there: int) -> None:
        async with self._room:
            await self._compare(part, there)
            first = there
            while first < part.end:
                piece = await asyncio.to_thread(
                    self._kept.piece, part.log, part.partition, first, part.end)
                await asyncio.to_thread(
                    part.witnessed.take, [record.value for record in piece])
                await self._write(producer, part, piece)
                first = piece[-1].offset + 1
                self.written += len(piece)
            if part.end:
                self._say(f"{part.place}: {part.end} records, {part.witnessed.met} checkpoints met")

    async def _compare(self, part: Part, there: int) -> None:
        """Hold what lies there already against the archive, record by record."""
        if not there:
            return
        held: list[KeptRecord] = []
        async with LogReader(self._kafka) as reader:
            async for records in reader.read(part.into, part.partition):
                for record in records:
                    if not held:
                        held = (await asyncio.to_thread(
                            self._kept.piece, part.log, part.partition, record.offset,
                            there))[::-1]
                        await asyncio.to_thread(
                            part.witnessed.take, [one.value for one in reversed(held)])
                    _require_same(part, record, held.pop())
        self.found += there

    async def _write(
        self, producer: AIOKafkaProducer, part: Part, piece: Sequence[KeptRecord]
    ) -> None:
        """Write a piece and wait until the broker has it, each batch where it belongs."""
        async with asyncio.timeout(WRITE_SECONDS):
            sent = [(first, await producer.send_batch(
                batch, part.into, partition=part.partition)) for first, batch in _batches(piece)]
            for first, future in sent:
                found = (await future).offset
                # A batch that was sent twice is acknowledged without an offset: see _require_ends.
                if found not in (first, -1):
                    raise FillingFailed(
                        f"{part.place}: what belongs to offset {first} was written to {found}. "
                        "Somebody else writes to these topics: stop them, delete the topics, and "
                        "begin again.")

    async def _require_ends(self) -> None:
        """Raise FillingFailed unless every partition ends where it is to end."""
        places = {TopicPartition(part.into, part.partition): part for part in self._parts}
        _, ends = await self._offsets(list(places))
        for place, part in places.items():
            if ends[place] != part.end:
                raise FillingFailed(
                    f"{part.place} ends at offset {ends[place]}, it is to end at {part.end}. "
                    "Somebody else writes to these topics: stop them, delete the topics, and begin "
                    "again.")


def _batches(piece: Sequence[KeptRecord]) -> Iterator[tuple[int, Batch]]:
    """Put records into batches as large as a producer takes; give each its first offset."""
    batch = Batch()
    for record in piece:
        told = {"timestamp": record.milliseconds, "key": record.key, "value": record.value,
                "headers": list(record.headers)}
        if not batch.append(**told):
            yield record.offset - batch.record_count(), batch
            batch = Batch()
            batch.append(**told)
    yield piece[-1].offset + 1 - batch.record_count(), batch


def _cause(errors: ExceptionGroup) -> Exception:
    """Say why a filling ended: what went wrong first, in its own words where it has some."""
    error: Exception = errors
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MessageSizeTooLargeError):
        return FillingFailed(
            "the broker refused a record for its size. Where a topic's max.message.bytes is "
            "smaller than `scrutin provision` sets it, set it so and go on with --resume; "
            "otherwise the archive has a row that never was a record: somebody else wrote it.")
    if isinstance(error, (KafkaError, OSError, Unreachable)):
        return FillingFailed(
            f"Kafka stopped answering ({type(error).__name__}: {error}). Start it, then run the "
            "same command with --resume.")
    return error


def _require_same(part: Part, record: Any, kept: KeptRecord) -> None:
    """Raise Taken where a record that lies there is not the archive's."""
    found = KeptRecord(record.offset, record.timestamp, record.key, record.value,
                       [(name, value) for name, value in record.headers])
    if found != kept:
        raise Taken(
            f"{part.place} offset {record.offset} is not the archive's record: these topics were "
            "not filled from this archive, or others have written to them. Name another prefix, "
            "or delete them and begin again.")


def _taken(place: TopicPartition, begin: int, end: int, *, resume: bool) -> str:
    said = f"{place.topic} partition {place.partition} has offsets from {begin} to {end - 1}"
    if not resume:
        return (f"{said}, and only empty topics are filled. Name another prefix, or delete the "
                "topics; if a filling was ended half-way, go on with --resume.")
    return (f"{said}, and a filling has not written all of that. Somebody has worked with these "
            "topics: name another prefix, or delete them and begin again.")
