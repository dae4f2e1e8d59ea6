"""One topic partition on its way into its table: received, gathered, decoded, stored."""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

import structlog

from schemas import traces
from sinks.columns.records import Headers, Records, UnreadableRecord
from sinks.faults import LogDiffers, LogHasHole
from sinks.gauge import Counted, Gauge
from sinks.logs import ArchivedLog
from sinks.store import Store
from sinks.stretches import Stretch, beyond, cut, next_offset
from sinks.writing import Patience, write


ROWS_MAX = 65_536
"""Rows of one insert at most: large parts, and 20 MB of memory for a lane at most."""
BYTES_MAX = 16 * 1_048_576
"""Bytes of values of one insert at most, should records be large."""
GATHER_SECONDS = 0.5
"""Longest wait for more records before an insert, with few lanes: what a record is archived late
by..."""
INSERTS_PER_SECOND = 32
"""... and all lanes together begin no more inserts than this: with many each gathers longer, ..."""
GATHER_SECONDS_MAX = 10.0
"""... up to this."""
TRICKLE_FIRST_SECONDS = 1.5
"""... and so long where the last insert was small and not longer ago, ..."""
TRICKLE_SECONDS = 30.0
"""... twice as long after each further one, up to this: each costs ClickHouse the same, and a few
votes a second would keep it busy with inserts of one. After a pause of that length it begins anew.
Views that ask once more find all there was.
"""
TRICKLE_ROWS = 100
"""A small insert."""

log = structlog.get_logger()
Given = TypeVar("Given")


def gather_seconds_of(lanes: int) -> float:
    """Return how long each of so many lanes gathers, so that ClickHouse is not asked too often."""
    return min(max(GATHER_SECONDS, lanes / INSERTS_PER_SECOND), GATHER_SECONDS_MAX)


class Lane:
    """The state of one topic partition; the event loop owns it."""

    def __init__(
        self, archived_log: ArchivedLog, partition: int, *, gather_seconds: float = GATHER_SECONDS
    ) -> None:
        self.log, self.partition = archived_log, partition
        self._least_gather_seconds = gather_seconds
        self.next_offset = 0
        """First offset not archived."""
        self.log_end: int | None = None
        """First offset not written yet, when last asked."""
        self.stopped: str | None = None
        """Why nothing more of this partition is archived, if so."""
        self.gauge = Gauge()
        self.counted = Counted()
        """What is stored, as it was last counted."""
        self._ahead: list[Stretch] = []
        self._received = 0
        self._known_value: tuple[int, bytes | None] | None = None
        self._timestamps: list[int] = []
        self._values: list[bytes | None] = []
        self._keys: dict[int, bytes] = {}
        self._headers: dict[int, Headers] = {}
        self._bytes = 0
        self._arrived, self._full = asyncio.Event(), asyncio.Event()
        self._closing = False
        self._trickle_until = 0.0
        """Until then there is time to gather more..."""
        self._trickle_seconds = 0.0
        """... as it was given so much; 0 where the last insert was large, or long ago."""

    @property
    def has_room(self) -> bool:
        """Whether records may be offered."""
        return not (self._full.is_set() or self.stopped or self._closing)

    @property
    def wanted(self) -> int | None:
        """The offset that is to come next; None where nothing is taken."""
        return self._received if self.has_room else None

    def begin(self, archived: Sequence[Stretch], last_value: bytes | None) -> int:
        """Resume behind the contiguous prefix; return the offset to read from.

        That is the last one archived, if any: its record must read as it was archived.
        """
        self.next_offset = self._received = next_offset(archived)
        self._ahead = beyond(archived, self.next_offset)
        if not self.next_offset:
            return 0
        self._received = self.next_offset - 1
        self._known_value = (self._received, last_value)
        return self._received

    def offer(self, records: Sequence[Any]) -> None:
        """Take records as Kafka gave them; raise LogHasHole or LogDiffers."""
        if self._known_value:
            records = self._checked(records)
        if not records:
            return
        first, last = records[0].offset, records[-1].offset
        if first != self._received or last != first + len(records) - 1:
            raise LogHasHole(
                f"{self.log.topic} partition {self.partition}: offset {self._received} or one "
                f"up to {last} is missing. Records of this log are never deleted or compacted: "
                "check the topic's cleanup.policy and retention, and restore it from a replica.")
        self._received = last + 1
        self._timestamps += [record.timestamp for record in records]
        values = [record.value for record in records]
        self._values += values
        self._bytes += sum(len(value) for value in values if value)
        self._carry(records)
        self._arrived.set()
        if len(self._values) >= ROWS_MAX or self._bytes >= BYTES_MAX:
            self._full.set()

    def _carry(self, records: Sequence[Any]) -> None:
        """Take the keys and headers of those that have some."""
        for record in records:
            if record.key is not None:
                self._keys[record.offset] = record.key
                self._bytes += len(record.key)
            if record.headers:
                self._headers[record.offset] = record.headers
                self._bytes += _headers_bytes(record.headers)

    def _checked(self, records: Sequence[Any]) -> Sequence[Any]:
        """Compare the last record archived with the log, and leave it out."""
        assert self._known_value
        offset, value = self._known_value
        found = records[0]
        if (found.offset, found.value) != (offset, value):
            raise LogDiffers(
                f"{self.log.topic} partition {self.partition} offset {offset} reads differently in "
                f"the log and in {self.log.table}: the topic was made anew, or one of them was "
                "changed. Use another SCRUTIN_TOPIC_PREFIX for a new log; else restore the right "
                "one.")
        self._known_value = None
        self._received = self.next_offset
        return records[1:]

    def close(self) -> None:
        """End after the insert in flight; what is gathered is read again at the next start."""
        self._closing = True
        self._arrived.set()
        self._full.set()

    async def run(self, store: Store, executor: Executor, patience: Patience) -> None:
        """Archive what is offered until closed, or until a record stops the partition."""
        loop = asyncio.get_running_loop()
        while records := await self._gathered():
            began = traces.begin()
            try:
                await loop.run_in_executor(executor, self.archive, store, records, patience)
            except UnreadableRecord as stop:
                self.next_offset = stop.offset
                self.stopped = str(stop)
                log.error("partition stopped", reason=str(stop))  # noqa: TRY400 -- said, not traced
                return
            self.next_offset = records.last + 1
            traces.batch("archive", began, self.log.topic, self.partition, len(records))
            self._trickle(len(records), loop.time())

    def _trickle(self, rows: int, now: float) -> None:
        """Give the records after an insert time to gather where it was small."""
        before = self._trickle_seconds
        lasts = before > 0 and now <= self._trickle_until + before
        longer = min(2 * before, TRICKLE_SECONDS) if lasts else TRICKLE_FIRST_SECONDS
        self._trickle_seconds = longer if rows < TRICKLE_ROWS else 0.0
        self._trickle_until = now + self._trickle_seconds

    def archive(self, store: Store, records: Records, patience: Patience) -> None:
        """Decode and store; records before an unreadable one are stored first."""
        unreadable: UnreadableRecord | None = None
        try:
            rows = self.log.columns(records)
        except UnreadableRecord as error:
            unreadable = error
            records = records.until(error.offset)
            rows = self.log.columns(records) if len(records) else None
        if rows is not None:
            write(store, self.log, records, rows=rows, patience=patience)
        if unreadable:
            raise unreadable

    async def _gathered(self) -> Records | None:
        """Wait for records worth an insert; None when closed."""
        while True:
            await self._arrived.wait()
            if not self._full.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._full.wait(), self._gather_seconds())
            if self._closing:
                return None
            if records := self.take_insert():
                return records

    def _gather_seconds(self) -> float:
        left = self._trickle_until - asyncio.get_running_loop().time()
        least = self._least_gather_seconds
        return max(least, left) if len(self._values) < TRICKLE_ROWS else least

    def take_insert(self) -> Records | None:
        """Take the records of the next insert, leaving out what is archived; None if all is."""
        first = self._received - len(self._values)
        skipped, size = cut(first, min(len(self._values), ROWS_MAX), self._ahead)
        if skipped:
            self._take(first, skipped)
            self.next_offset = first + skipped
        return self._take(first + skipped, size) if size else None

    @staticmethod
    def _taken(carried: dict[int, Given], end: int) -> dict[int, Given]:
        """Take what belongs to offsets before an end."""
        taken = [offset for offset in carried if offset < end]
        return {offset: carried.pop(offset) for offset in taken}

    def _take(self, first: int, size: int) -> Records:
        """Take the first records off what is gathered."""
        taken = Records(self.log.topic, self.partition, first, self._timestamps[:size],
                        self._values[:size], self._taken(self._keys, first + size),
                        self._taken(self._headers, first + size))
        del self._timestamps[:size]
        del self._values[:size]
        self._bytes = (sum(len(value) for value in self._values if value)
                       + sum(map(len, self._keys.values()))
                       + sum(map(_headers_bytes, self._headers.values())))
        if not self._values:
            self._arrived.clear()
        if len(self._values) < ROWS_MAX and self._bytes < BYTES_MAX and not self._closing:
            self._full.clear()
        return taken


def _headers_bytes(headers: Headers) -> int:
    return sum(len(name) + len(value or b"") for name, value in headers)
