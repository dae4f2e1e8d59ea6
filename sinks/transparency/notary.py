"""The notary: transparency logs of the ballot box and the catalogue, fed from Kafka.

Theory of operation: one log for each partition of votes and one for the catalogue; the entry at an
index is made of the record at that offset, so the size of a tree is the next offset to read, and
nothing else is remembered. At the start the newest record under the last checkpoint is read again
and must give the newest entry: a log that was cut or made anew is not signed. Checkpoints are
signed on a schedule and right behind each record that ends a consultation, so that a final result
has a checkpoint of exactly what it counts. Each commits to the service's keys that the catalogue
names up to there: of these the catalogue is read from its beginning at the start.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import codec, named_keys
from schemas.kafka_clients import close_consumer
from schemas.named_keys import KeyList, NamedKey
from schemas.topics import Topics
from sinks.ballots import decode_ballot
from sinks.faults import LogDiffers, LogTruncated, TreeRefused
from sinks.kafka import (
    POLL_MILLISECONDS,
    KafkaPatience,
    Rests,
    fetched,
    log_consumer,
    start_consumer,
    watch_ends,
)
from sinks.transparency.book import Book, Decode
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.key_commitments import commitment, committed, require_committed
from sinks.transparency.keys import load_signer, make_key
from sinks.transparency.notes import Refused, Signer
from sinks.transparency.policy import place_of
from sinks.transparency.policy_file import known_keys, publish_keys, publish_policy
from sinks.transparency.quorum import Quorum
from sinks.writing import AWAY_SECONDS


log = structlog.get_logger()


@dataclass(frozen=True)
class NotaryPolicy:
    """What is logged, where, under which names."""

    kafka: str
    topics: Topics
    folder: Path
    """Of all transparency logs: below it lie a folder a topic generation, in it one a log."""
    keys: Path
    origin: str
    """First part of every log's name: the address it is served under, without its scheme."""
    checkpoint_seconds: float
    """Longest time between two checkpoints of a log that grows."""
    away_seconds: float = AWAY_SECONDS
    quorum: Quorum | None = None
    """Of the witnesses that countersign, if any do."""

    def logs(self) -> Iterator[tuple[str, int, Decode]]:
        """Yield every log to be kept: topic, partition, and how its records are read."""
        for partition in range(self.topics.partitions):
            yield self.topics.votes, partition, decode_ballot
        yield self.topics.catalogue, 0, codec.decode
        yield self.topics.patrol, 0, codec.decode


class Notary:
    """The process that keeps all logs; `run` ends when stopped, or raises SinkStopped."""

    def __init__(self, policy: NotaryPolicy) -> None:
        self._policy = policy
        self._books: dict[TopicPartition, Book] = {}
        self._keys = KeyList()
        """The service's keys, as far as the catalogue was read."""
        self._published_keys = ""
        self._stopping = asyncio.Event()
        self.started = asyncio.Event()
        """Set once every log has found its place."""
        self._signers: list[Signer] = []

    def stop(self) -> None:
        """Sign what was taken and end; call it from the event loop."""
        self._stopping.set()

    def status(self) -> dict[str, Any]:
        """Say where every log stands; `ready` is false while anything needs an operator."""
        books = self._books.values()
        stopped = [book.stopped for book in books if book.stopped]
        return {
            "ready": self.started.is_set() and not stopped, "stopped": stopped,
            "logs": [
                {"origin": book.keeper.origin, "topic": book.topic,
                 "partition": book.partition, "size": book.keeper.size,
                 "checkpoint": book.keeper.checkpoint.size, "log_end": book.log_end}
                for book in books
            ],
        }

    def books(self) -> list[Book]:
        """Return the logs that were opened."""
        return list(self._books.values())

    def covers(self, votes: Sequence[int], catalogue: int) -> bool:
        """Whether checkpoints hold these offsets, the last ones that a result counts."""
        topics = self._policy.topics
        wanted = {TopicPartition(topics.votes, number): offset
                  for number, offset in enumerate(votes)}
        wanted[TopicPartition(topics.catalogue, 0)] = catalogue
        return all(place in self._books and offset < self._books[place].keeper.checkpoint.size
                   for place, offset in wanted.items())

    def named_keys(self) -> list[NamedKey]:
        """Return the keys that sign the logs, to be named in the catalogue."""
        return [NamedKey("log", signer.verifier.name, public, named_keys.IN_USE)
                for signer in self._signers for public in signer.signing]

    def sign_note(self, text: str) -> str:
        """Sign the note of a result, by the catalogue's key."""
        return self._books[TopicPartition(self._policy.topics.catalogue, 0)].keeper.sign_note(text)

    async def run(self) -> None:
        """Keep the logs until stopped."""
        self._books = await asyncio.to_thread(self._open)
        consumer = log_consumer(self._policy.kafka)
        try:
            if not await self._start(consumer):
                return
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch_ends(
                    consumer, list(self._books), self._patience(), self._note_ends,
                    lambda place: None if (book := self._books[place]).stopped else book.read_from))
                rests = Rests(consumer, self._stopping)
                while not self._stopping.is_set():
                    await self._turn(consumer, rests)
                await asyncio.to_thread(self._sign, list(self._books.values()))
                watching.cancel()
        finally:
            await close_consumer(consumer)

    def _patience(self) -> KafkaPatience:
        return KafkaPatience(self._policy.kafka, self._policy.away_seconds)

    def _open(self) -> dict[TopicPartition, Book]:
        """Open every log, making what is not there yet; publish the keys."""
        books = {}
        for topic, partition, decode in self._policy.logs():
            place = place_of(self._policy.topics, topic, partition)
            signer = self._signer(place)
            catalogue = topic == self._policy.topics.catalogue
            keeper = Keeper(LogFolder(self._policy.folder / place), signer,
                            self._own_commitment if catalogue else self._commitment)
            keeper.open()
            books[TopicPartition(topic, partition)] = Book(
                topic, partition, decode, keeper, self._keys if catalogue else None)
            self._signers.append(signer)
            log.info("transparency log", key=signer.verifier.vkey, size=keeper.size)
        self._publish_policy()
        return books

    @property
    def _public(self) -> Path:
        """Where policy and keys are published."""
        return self._policy.folder / self._policy.topics.prefix

    def _signer(self, place: str) -> Signer:
        keys, name = self._policy.keys, f"{self._policy.origin}/{place}"
        published = known_keys(self._public, name)
        signer = load_signer(keys, place, name, published)
        if signer is not None:
            return signer
        if LogFolder(self._policy.folder / place).checkpoint() is not None:
            raise TreeRefused(
                f"the key {keys / place}.key is missing, but the log has checkpoints by it: "
                "restore the key from its copy; another one would begin another log.")
        return Signer(name, make_key(keys / f"{place}.key"))

    @property
    def _catalogue(self) -> Book:
        return self._books[TopicPartition(self._policy.topics.catalogue, 0)]

    def _commitment(self) -> tuple[str, ...]:
        """Write what a checkpoint of votes says of keys: as far as the catalogue is signed.

        It is signed first. Of records that a death takes back this one would say more than those
        after it, which no auditor lets pass.
        """
        self._catalogue.sign()
        return self._own_commitment()

    def _own_commitment(self) -> tuple[str, ...]:
        """Write what a checkpoint of the catalogue says of keys: those in its records."""
        self._publish_keys()
        return (commitment(self._keys, self._catalogue.keeper.size),)

    async def _read_keys(self, consumer: AIOKafkaConsumer) -> bool:
        """Take the keys named in the part of the catalogue that is logged already.

        Returns False where it was told to stop before it had all: nothing may be signed then.
        """
        place, size = TopicPartition(self._policy.topics.catalogue, 0), self._catalogue.keeper.size
        consumer.assign([place])
        consumer.seek(place, 0)
        at, patience = 0, self._patience()
        while at < size and not self._stopping.is_set():
            found = (await fetched(consumer, [place], "read for its keys")).get(place, ())
            for record in found:
                at = record.offset + 1
                if at <= size:
                    self._catalogue.name_key(record.value, record.offset)
            if found:
                patience.renew()
            else:
                patience.away(TimeoutError(f"no record from offset {at} of {place.topic} on"))
        if at < size:
            return False
        self._require_kept_to(size)
        await asyncio.to_thread(self._publish_keys)
        return True

    def _require_kept_to(self, size: int) -> None:
        """Raise LogDiffers where a checkpoint commits to other keys than those just read."""
        for book in self._books.values():
            said = committed(book.keeper.checkpoint)
            try:
                if said and said.size <= size:
                    require_committed(book.keeper.checkpoint, self._keys)
            except Refused as error:
                raise LogDiffers(
                    f"{self._policy.topics.catalogue} is not the catalogue that was signed: "
                    f"{error}. The topic was made anew or changed: restore it, or use another "
                    "SCRUTIN_TOPIC_PREFIX for a new log.") from error

    def _publish_keys(self) -> None:
        """Publish the list of keys, where it is another one than before."""
        if (text := self._keys.text()) != self._published_keys:
            publish_keys(self._public, self._keys)
            self._publish_policy()
            self._published_keys = text

    def _publish_policy(self) -> None:
        publish_policy(self._public, [each.verifier for each in self._signers], self._keys,
                       self._policy.quorum)

    async def _start(self, consumer: AIOKafkaConsumer) -> bool:
        """Find every log's place; give False where it was told to stop before a broker answered."""
        starting = asyncio.create_task(start_consumer(consumer, self._patience()))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
            return False
        starting.result()
        self._note_ends(await consumer.end_offsets(list(self._books)))
        if not await self._read_keys(consumer):
            return False
        consumer.assign(list(self._books))
        for partition, book in self._books.items():
            consumer.seek(partition, book.read_from)
        self.started.set()
        return True

    def _note_ends(self, ends: Mapping[TopicPartition, int]) -> None:
        """Take the ends of the logs; raise LogTruncated where one is behind what is signed."""
        for partition, book in self._books.items():
            book.log_end = ends[partition]
            if book.log_end < book.keeper.checkpoint.size:
                raise LogTruncated(
                    f"{partition.topic} partition {partition.partition} ends at offset "
                    f"{book.log_end}, but {book.keeper.checkpoint.size} records of it are signed "
                    f"in {book.keeper.origin}: the log was truncated or made anew. Restore it from "
                    "a replica, or begin a new generation with another SCRUTIN_TOPIC_PREFIX; what "
                    "was signed stays signed.")

    async def _turn(self, consumer: AIOKafkaConsumer, rests: Rests) -> None:
        """Take what is there, sign what is due."""
        wanted = [partition for partition, book in self._books.items() if not book.stopped]
        if wanted:
            batches = await fetched(consumer, wanted, "signed")
            for partition, found in batches.items():
                await asyncio.to_thread(self._books[partition].take, found)
            await rests.after(batches)
        else:
            await asyncio.sleep(POLL_MILLISECONDS / 1000)
        due = time.monotonic() - self._policy.checkpoint_seconds
        if books := [book for book in self._books.values() if book.signed_at <= due]:
            await asyncio.to_thread(self._sign, books)

    @staticmethod
    def _sign(books: Sequence[Book]) -> None:
        for book in books:
            book.sign()
