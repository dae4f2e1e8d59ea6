"""Reads partitions from an offset or an instant up to where they end, within bounded time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from producers.errors import Missing, Unreachable
from schemas.brokers import no_broker
from schemas.kafka_clients import new_admin, new_consumer


CONNECT_SECONDS = 10.0
"""So long a command waits for the broker: one that starts is up in five."""
STALL_SECONDS = 30.0
"""Reading ends with an error after so long without a record."""
POLL_MS = 500
FETCH_BYTES = 4 << 20
"""One fetch of a partition: tens of thousands of votes."""
RECORDS_MOST = 10_000
"""Records given out at once."""


class LogReader:
    """A reader without a consumer group; use as an asynchronous context manager."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._consumer = new_consumer(
            address, max_partition_fetch_bytes=FETCH_BYTES, fetch_max_wait_ms=POLL_MS)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._start()
        except TimeoutError as error:
            await self._consumer.stop()
            raise Unreachable(no_broker(self._address)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def _start(self) -> None:
        while True:
            try:
                await self._consumer.start()
            except (KafkaError, OSError):
                await asyncio.sleep(0.3)
            else:
                return

    async def require(self, topic: str, partitions: int) -> None:
        """Raise Missing unless the topic is there with so many partitions."""
        admin = new_admin(self._address)
        await admin.start()
        try:
            known = len((await admin.describe_topics([topic]))[0]["partitions"])
        finally:
            await admin.close()
        if known != partitions:
            found = f"{known} partitions" if known else "no such topic"
            raise Missing(
                f"topic {topic}: {found}, {partitions} partitions are expected. Run `scrutin "
                "provision` once, and check SCRUTIN_TOPIC_PREFIX and SCRUTIN_PARTITIONS."
            )

    async def end(self, topic: str, partition: int) -> int:
        """Return the offset at which the next record of a partition will lie."""
        place = TopicPartition(topic, partition)
        return int((await self._consumer.end_offsets([place]))[place])

    async def read(
        self, topic: str, partition: int, *, since: int | None = None, first: int = 0
    ) -> AsyncIterator[Sequence[ConsumerRecord]]:
        """Yield the records of a partition up to its present end, from the start or a place.

        `since` skips to the first record whose Kafka timestamp is at or after the instant (ms),
        `first` to an offset.
        """
        place = TopicPartition(topic, partition)
        self._consumer.assign([place])
        end = (await self._consumer.end_offsets([place]))[place]
        at = max(first, await self._first_offset(place, since, end))
        if at < end:
            self._consumer.seek(place, at)
        while at < end:
            records = await self._fetch(place)
            kept = [record for record in records if record.offset < end]
            if kept:
                yield kept
            at = records[-1].offset + 1

    async def _first_offset(self, place: TopicPartition, since: int | None, end: int) -> int:
        if since is None:
            first: int = (await self._consumer.beginning_offsets([place]))[place]
            return first
        found = (await self._consumer.offsets_for_times({place: since}))[place]
        return end if found is None else int(found.offset)

    async def _fetch(self, place: TopicPartition) -> Sequence[ConsumerRecord]:
        deadline = asyncio.get_running_loop().time() + STALL_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            fetched = await self._consumer.getmany(
                place, timeout_ms=POLL_MS, max_records=RECORDS_MOST
            )
            records: Sequence[ConsumerRecord] = fetched.get(place, ())
            if records:
                return records
        raise Unreachable(
            f"{place.topic}, partition {place.partition}: nothing could be read from Kafka at "
            f"{self._address} for {STALL_SECONDS:.0f} s. Check the broker and repeat the command."
        )
