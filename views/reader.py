"""Read the results and the catalogue from the broker, from their beginning, for as long as asked.

Without a consumer group: every process that shows results reads all of them, and nothing has to
be remembered between two starts. Results are read to their end first, then the catalogue, so
that at the start too the catalogue is applied no further than the last flush knew it. Each topic
has a consumer of its own: a fetch that waits for one never holds up the other, and may wait long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from processors.results.vectors import vector_of
from schemas.brokers import no_broker
from schemas.codec import Undecodable
from schemas.kafka_clients import close_consumer, new_consumer
from schemas.leases import term_in
from schemas.registry import UnknownSchema
from schemas.stalls import LOOK_SECONDS, Stalled, Standing
from schemas.topics import LEASE_KEY, Topics
from views.flushes import Flushes, ResultsUnreadable


BATCH_RECORDS = 2_000
"""Records applied before other tasks get their turn: a few milliseconds of work."""

FETCH_BYTES = 4 * 1_048_576
"""Bytes of a topic fetched at once and held in memory, at most; four times the largest record."""

POLL_MILLISECONDS = 500
"""Longest wait for records: what a stop has to wait at most."""

FETCH_WAIT_MILLISECONDS = 5_000
"""Longest the broker holds an empty fetch; records end the wait at once, and a stop needs none."""

RETRY_MILLISECONDS = 1_000
"""Wait before a broker that does not answer is asked again: each try leaves lines in the log."""

START_SECONDS = 30.0
"""Longest wait for a broker and its topics at the start."""


class BrokerUnreachable(Exception):
    """The broker, or a topic of ours on it, is not there; the message says what to do."""


def receive(flushes: Flushes, record: Any) -> None:
    """Give flushes a record of the results topic as a consumer gave it."""
    if record.key == LEASE_KEY:
        flushes.receive_claim(record.offset)
    else:
        flushes.receive_result(
            record.key, record.value, vector_of(record.headers),
            term_in(record.headers, record.offset))


class ResultsReader:
    """Keep `flushes` up to date with the topics.

    `ready` is set once both topics have been read to the end they had at the start. Who shows
    nothing to anybody, or to nobody just now, rests after what it was given, and is given more at
    once.
    """

    def __init__(
        self, address: str, topics: Topics, *, rest: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.flushes = Flushes(topics.prefix)
        self.ready = asyncio.Event()
        self._address, self._rest = address, rest
        self._results = TopicPartition(topics.results, 0)
        self._catalogue = TopicPartition(topics.catalogue, 0)
        self._standing = {place: Standing(place.topic)
                          for place in (self._results, self._catalogue)}

    async def read(self, *, until_ready: bool = False) -> None:
        """Read until cancelled, or only to the end the topics have now.

        Raise BrokerUnreachable where the broker or a topic is missing, ResultsUnreadable where
        a record cannot be understood.
        """
        consumers = {place: self._consumer() for place in self._standing}
        for standing in self._standing.values():
            standing.forget()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._start(consumers)
            for place, consumer in consumers.items():
                await self._read_to_end(consumer, place)
            self.ready.set()
            if not until_ready:
                await self._follow(consumers)
        except (UnknownSchema, Undecodable) as error:
            raise ResultsUnreadable(str(error)) from error
        except OffsetOutOfRangeError as error:
            raise ResultsUnreadable(
                f"the topics at {self._address} lost records that were read before ({error}): "
                "restore them, then start the views again"
            ) from error
        except Stalled as error:
            raise BrokerUnreachable(str(error)) from error
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerUnreachable(self._unreachable(error)) from error
        finally:
            for consumer in consumers.values():
                await close_consumer(consumer)

    def _consumer(self) -> Any:
        return new_consumer(
            self._address, fetch_max_bytes=FETCH_BYTES, max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS, retry_backoff_ms=RETRY_MILLISECONDS)

    async def _start(self, consumers: Mapping[TopicPartition, Any]) -> None:
        for consumer in consumers.values():
            await consumer.start()
            topics = set(await consumer.topics())
        missing = sorted({partition.topic for partition in consumers} - topics)
        if missing:
            raise BrokerUnreachable(
                f"no topic {' nor '.join(missing)} at {self._address}: check "
                "SCRUTIN_TOPIC_PREFIX, or create the topics with `scrutin provision`"
            )

    async def _read_to_end(self, consumer: Any, partition: TopicPartition) -> None:
        """Read one topic from its beginning to the end it has now."""
        # Before the first fetch, behind which the broker would let the question wait.
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.assign([partition])
        consumer.seek(partition, 0)
        while (offset := await consumer.position(partition)) < end:
            self._standing[partition].see(offset, end, asyncio.get_running_loop().time())
            await self._apply_next_batch(consumer)

    async def _follow(self, consumers: Mapping[TopicPartition, Any]) -> None:
        """Apply what comes of both topics until cancelled; the first fault ends both."""
        following = [asyncio.create_task(self._follow_one(consumer, place))
                     for place, consumer in consumers.items()]
        try:
            await asyncio.gather(*following)
        finally:
            for each in following:
                each.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    async def _follow_one(self, consumer: Any, partition: TopicPartition) -> None:
        """Raise Stalled where the topic goes on and nothing comes of it; ask only now and then."""
        clock, standing = asyncio.get_running_loop().time, self._standing[partition]
        look_at = clock() + LOOK_SECONDS
        while True:
            if await self._apply_next_batch(consumer) < BATCH_RECORDS and self._rest:
                await self._rest()
            if clock() < look_at:
                continue
            look_at = clock() + LOOK_SECONDS
            try:
                end = (await consumer.end_offsets([partition]))[partition]
            except KafkaError:  # The broker is away: what is shown stays, and others say so.
                standing.forget()
            else:
                standing.see(await consumer.position(partition), end, clock())

    async def _apply_next_batch(self, consumer: Any) -> int:
        """Apply what is there, and return how many records that were."""
        batches: dict[TopicPartition, list[Any]] = await consumer.getmany(
            timeout_ms=POLL_MILLISECONDS, max_records=BATCH_RECORDS
        )
        for record in batches.get(self._results, ()):
            receive(self.flushes, record)
        for record in batches.get(self._catalogue, ()):
            self.flushes.receive_catalogue(record.offset, record.value)
        await asyncio.sleep(0)
        return sum(map(len, batches.values()))

    def _unreachable(self, error: BaseException) -> str:
        return no_broker(self._address, type(error).__name__)
