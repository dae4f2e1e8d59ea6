"""The archive: every record of the logs into ClickHouse, once.

Theory of operation: a plain Kafka consumer without a group reads all partitions; ClickHouse is
where the position is kept. At its start the archive becomes the owner of its tables, kills and
awaits the inserts of a predecessor, and resumes each topic partition behind the contiguous prefix
of what is stored. From there each partition has a `Lane`: one insert at a time, of one contiguous
stretch of offsets. The reader gives lanes records while they have room; a lane that waits for
ClickHouse thereby makes Kafka wait, and memory stays bounded.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any, TypeVar

import pyarrow as pa
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.kafka_clients import close_consumer
from schemas.topics import Topics
from sinks.addresses import Trust
from sinks.faults import LogTruncated
from sinks.gauge import NOTHING, Block
from sinks.kafka import (
    POLL_MILLISECONDS,
    KafkaPatience,
    Rests,
    fetched,
    log_consumer,
    start_consumer,
    watch_ends,
)
from sinks.lane import ROWS_MAX, Lane, gather_seconds_of
from sinks.logs import ArchivedLog, kept_logs
from sinks.store import CLIENT_ERRORS, NO_TRUST, Stopping, Store, connect
from sinks.stretches import Stretch
from sinks.writing import AWAY_SECONDS, Patience


THREADS = 4
"""Inserts in flight at most, of different table partitions; more would only share two cores."""
GAUGE_SECONDS = 60.0
"""Pause between two counts of what is stored: of some blocks of it, see `gauge`."""

log = structlog.get_logger()
Given = TypeVar("Given")


@dataclass(frozen=True)
class ArchivePolicy:
    """Where the archive reads and writes."""

    kafka: str
    clickhouse_url: str = field(repr=False)
    database: str
    topics: Topics
    away_seconds: float = AWAY_SECONDS
    trust: Trust = NO_TRUST


class Archive:
    """The archiving process; `run` ends when stopped, or raises SinkStopped."""

    def __init__(self, policy: ArchivePolicy) -> None:
        self._policy = policy
        gather_seconds = gather_seconds_of(
            sum(archived.partitions for archived in kept_logs(policy.topics)))
        self._lanes = {
            TopicPartition(archived.topic, partition): Lane(
                archived, partition, gather_seconds=gather_seconds)
            for archived in kept_logs(policy.topics)
            for partition in range(archived.partitions)
        }
        self._stopping = threading.Event()
        self._stop_asked = asyncio.Event()
        self._started = False
        self._measured_at: float | None = None
        """When all rows were last counted."""
        self._counted_blocks: set[tuple[int, int]] | None = None
        """Partition and first offset of blocks whose votes by day are kept; None: not asked yet."""

    def stop(self) -> None:
        """Finish the inserts in flight and end; call it from the event loop."""
        self._stopping.set()
        self._stop_asked.set()
        for lane in self._lanes.values():
            lane.close()

    def status(self) -> dict[str, Any]:
        """Say where every partition stands; `ready` is false while anything needs an operator."""
        lanes = self._lanes.values()
        stopped = [lane.stopped for lane in lanes if lane.stopped]
        duplicates = sum(lane.counted.duplicates for lane in lanes)
        missing = sum(lane.counted.missing for lane in lanes)
        return {
            "ready": self._started and not (stopped or duplicates or missing),
            "stopped": stopped,
            "duplicate_rows": duplicates,
            "missing_records": missing,
            "measured_at": self._measured_at,
            "archived_messages": sum(lane.next_offset for lane in lanes),
            "lag_messages": sum(
                lane.log_end - lane.next_offset for lane in lanes if lane.log_end is not None),
            "positions": [
                {"topic": lane.log.topic, "partition": lane.partition,
                 "next_offset": lane.next_offset, "log_end": lane.log_end,
                 "rows": lane.counted.rows, "offsets": lane.counted.offsets,
                 "missing_records": lane.counted.missing}
                for lane in lanes
            ],
        }

    async def run(self) -> None:
        """Archive until stopped."""
        executor = ThreadPoolExecutor(THREADS, thread_name_prefix="archive")
        try:
            store = await self._waiting_for_clickhouse(self._open_store)
        except Stopping:
            return
        consumer = log_consumer(self._policy.kafka)
        try:
            await self._start(store, consumer)
            await self._work(store, consumer, executor)
        except* Stopping:
            pass
        finally:
            await close_consumer(consumer)
            executor.shutdown()
            store.close()

    def _kafka_patience(self) -> KafkaPatience:
        return KafkaPatience(self._policy.kafka, self._policy.away_seconds)

    async def _waiting_for_clickhouse(self, ask: Callable[[], Given]) -> Given:
        """Ask ClickHouse from a thread, again and again within the bound."""
        patience = Patience(self._stopping, self._policy.away_seconds)

        def asking() -> Given:
            while True:
                try:
                    return ask()
                except CLIENT_ERRORS as error:
                    patience.pause(error)

        return await asyncio.to_thread(asking)

    def _open_store(self) -> Store:
        # Its first array makes pyarrow import pandas where that is installed: a second of work.
        pa.array([""])
        store = Store(connect(self._policy.clickhouse_url, self._policy.database,
                              trust=self._policy.trust), self._policy.topics.prefix)
        fenced = store.take_over(self._stopping)
        log.info("archive owns its tables", generation=store.generation, fenced_inserts=fenced)
        return store

    async def _start(self, store: Store, consumer: AIOKafkaConsumer) -> None:
        """Find every lane's place and begin to read there."""
        await start_consumer(consumer, self._kafka_patience())
        partitions = list(self._lanes)
        consumer.assign(partitions)
        begins = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        for place, lane in self._lanes.items():
            read_from = await self._waiting_for_clickhouse(partial(resume, store, lane))
            lane.log_end = ends[place]
            _require_within(lane, begins[place], ends[place])
            consumer.seek(place, read_from)
        self._started = True
        log.info("archive starts", archived_messages=self.status()["archived_messages"])

    async def _work(
        self, store: Store, consumer: AIOKafkaConsumer, executor: ThreadPoolExecutor
    ) -> None:
        """Read and write until stopped; the first fault ends everything."""
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(watch_ends(
                    consumer, list(self._lanes), self._kafka_patience(), self._note_ends,
                    lambda place: self._lanes[place].wanted)),
                tasks.create_task(self._measure(store)),
            ]
            for lane in self._lanes.values():
                patience = Patience(self._stopping, self._policy.away_seconds)
                tasks.create_task(lane.run(store, executor, patience))
            await self._read(consumer)
            for helper in helpers:
                helper.cancel()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        rests = Rests(consumer, self._stop_asked)
        while not self._stop_asked.is_set():
            places = [place for place, lane in self._lanes.items() if lane.has_room]
            if not places:
                await asyncio.sleep(POLL_MILLISECONDS / 1000)
                continue
            batches = await fetched(consumer, places, "archived")
            for place, records in batches.items():
                self._lanes[place].offer(records)
            await rests.after(batches)
            await asyncio.sleep(0)

    def _note_ends(self, ends: Mapping[TopicPartition, int]) -> None:
        for place, lane in self._lanes.items():
            lane.log_end = ends[place]
            _require_within(lane, 0, ends[place])

    async def _measure(self, store: Store) -> None:
        """Count what is stored of each contiguous prefix: all of it, and nothing twice."""
        while True:
            for archived in kept_logs(self._policy.topics):
                await self._measure_log(store, archived)
            self._measured_at = time.time()
            await asyncio.sleep(GAUGE_SECONDS)

    async def _count_days(
        self, store: Store, found: Mapping[int, tuple[int, int]], blocks: Sequence[Block]
    ) -> None:
        """Keep the votes by day of blocks that have become full, and hold each offset once."""
        topic = self._policy.topics.votes
        if self._counted_blocks is None:
            self._counted_blocks = await self._waiting_for_clickhouse(
                partial(store.counted_blocks, topic))
        for partition, block in enumerate(blocks):
            size = block.end - block.first
            if (block.full and found.get(partition) == (size, size)
                    and (partition, block.first) not in self._counted_blocks):
                await self._waiting_for_clickhouse(
                    partial(store.count_days, topic, partition, block))
                self._counted_blocks.add((partition, block.first))

    async def _measure_log(self, store: Store, archived: ArchivedLog) -> None:
        lanes = [lane for lane in self._lanes.values() if lane.log.topic == archived.topic]
        due = [lane.gauge.due(lane.next_offset) for lane in lanes]
        for blocks in zip_longest(*due, fillvalue=NOTHING):
            found = await self._waiting_for_clickhouse(
                partial(store.gauge, archived.table, archived.topic, blocks))
            for lane, block in zip(lanes, blocks, strict=True):
                if block is not NOTHING:
                    lane.gauge.tell(block, *found.get(lane.partition, (0, 0)))
            if archived.topic == self._policy.topics.votes:
                await self._count_days(store, found, blocks)
        for lane in lanes:
            lane.counted = lane.gauge.counted()
            place = {"topic": archived.topic, "partition": lane.partition}
            if lane.counted.duplicates:
                log.error("rows stored twice", rows=lane.counted.duplicates, **place, remedy=(
                    "readers see each once, through the views; find out which archive wrote them"))
            if lane.counted.missing:
                log.error("archived records are gone", records=lane.counted.missing, **place,
                          remedy="restart the archive: it stores what is missing again")


def resume(store: Store, lane: Lane) -> int:
    """Ask the table where a lane goes on; return the offset to read from."""
    archived = store.archived(lane.log.table, lane.log.topic, lane.partition)
    if len(archived) > 1:
        log.warning("archive has a hole", topic=lane.log.topic, partition=lane.partition,
                    archived=[tuple(stretch) for stretch in archived])
    last_value = None
    if archived and archived[0].first == 0:
        # What was cut when it was stored is said at every start, until somebody has mended it.
        last = archived[0].last
        store.read_back(lane.log.table, lane.log.topic, lane.partition,
                        Stretch(max(0, last - ROWS_MAX), last))
        last_value = store.value(
            lane.log.table, lane.log.topic, lane.partition, offset=last)
    return lane.begin(archived, last_value)


def _require_within(lane: Lane, begin: int, end: int) -> None:
    """Raise where the log lost records the archive needs, or had when they were archived."""
    if end < lane.next_offset:
        raise LogTruncated(
            f"{lane.log.topic} partition {lane.partition} ends at offset {end}, but "
            f"{lane.next_offset} records of it are archived: the log was truncated or made anew. "
            "Restore it from a replica, or begin a new generation with another "
            "SCRUTIN_TOPIC_PREFIX; the archived records are kept."
        )
    if begin > lane.next_offset:
        raise LogTruncated(
            f"{lane.log.topic} partition {lane.partition} begins at offset {begin}, but offsets "
            f"from {lane.next_offset} on are not archived yet: they were deleted. Set "
            "retention.ms and retention.bytes to -1 and restore the topic from a replica."
        )
