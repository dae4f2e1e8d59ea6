"""What the simulation puts in the place of Kafka and ClickHouse: logs, a producer, a table."""

import random
from collections import Counter, deque
from collections.abc import Coroutine, Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from processors.workers.batches import Headers
from processors.workers.batches import Record as Written
from sinks.columns.records import Records
from sinks.store import Stored
from sinks.stretches import Stretch


class Crashed(Exception):
    """The process that was about to act is lost here."""


class Record(NamedTuple):
    """A record as a consumer gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    partition: int
    headers: Headers = []  # noqa: RUF012 -- nobody adds to it


class Log:
    """One topic partition."""

    def __init__(self, partition: int = 0) -> None:
        self.partition, self.end = partition, 0
        self.records: list[Record] = []

    def append(
        self, value: bytes | None, key: bytes | None = None, timestamp: int = 0,
        headers: Headers = [],  # noqa: B006 -- nobody adds to it
    ) -> None:
        """Write a record at the end."""
        self.records.append(Record(self.end, timestamp, key, value, self.partition, headers))
        self.end += 1

    def read(self, position: int, most: int) -> list[Record]:
        """Return the next records from a position on."""
        first = len(self.records)
        while first and self.records[first - 1].offset >= position:
            first -= 1
        return self.records[first:first + most]

    def compact(self, below: int) -> None:
        """Keep of the records below an offset the newest of each key."""
        newest = {r.key: r.offset for r in self.records if r.offset < below}
        self.records = [r for r in self.records
                        if r.offset >= below or newest[r.key] == r.offset]


class OutputBatch:
    """Records that reach the log together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.records: list[tuple[bytes | None, bytes | None, int, Headers]] = []

    def fill(self, records: Iterator[Written], headers: Headers) -> Written | None:
        """Take records until there is no room for one, which is given."""
        for record in records:
            if len(self.records) >= self.most:
                return record
            value, key, timestamp = record
            self.records.append((value, key, timestamp or 0, headers))
        return None

    def record_count(self) -> int:
        """Count the records."""
        return len(self.records)


class Producer:
    """Batches on their way into the logs, in order; they are lost with their process."""

    def __init__(self, chance: random.Random, logs: dict[str, list[Log]]) -> None:
        self.chance, self.logs = chance, logs
        self.waiting: deque[tuple[OutputBatch, Log]] = deque()

    def create_batch(self) -> OutputBatch:
        """Begin a batch of random room."""
        return OutputBatch(self.chance.randint(1, 6))

    async def send_batch(self, batch: OutputBatch, topic: str, *, partition: int) -> None:
        """Put a batch at the end of those that wait."""
        self.waiting.append((batch, self.logs[topic][partition]))

    def deliver(self) -> None:
        """Have one batch reach its log."""
        if self.waiting:
            batch, log = self.waiting.popleft()
            for record in batch.records:
                log.append(*record)


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing outside the simulation."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a simulated step waited for something real")


Place = tuple[str, int]


class Table:
    """The rows ClickHouse holds, its deduplication window, and inserts still running."""

    def __init__(self) -> None:
        self.rows: dict[Place, list[tuple[int, bytes | None]]] = {}
        self.tokens: set[str] = set()
        self.running: list[tuple[str, Place, list[tuple[int, bytes | None]]]] = []
        self.generation = 0

    def land(self, number: int) -> None:
        """End a running insert: its block is stored, unless its token was seen."""
        token, place, rows = self.running.pop(number)
        if token not in self.tokens:
            self.tokens.add(token)
            self.rows.setdefault(place, []).extend(rows)


class SimulatedStore:
    """sinks.store.Store as an archive sees it, over the simulated table."""

    def __init__(self, chance: random.Random, table: Table, *, faults: bool) -> None:
        self.chance, self.table, self.faults = chance, table, faults
        table.generation += 1
        self.generation = table.generation
        while table.running:  # Killed and awaited: each was stored whole, or not at all.
            if chance.random() < 0.5:
                table.land(0)
            else:
                table.running.pop(0)

    def archived(self, _table: str, topic: str, partition: int) -> list[Stretch]:
        """Return the stretches held."""
        stretches: list[Stretch] = []
        for offset in sorted({o for o, _ in self.table.rows.get((topic, partition), [])}):
            if stretches and stretches[-1].last == offset - 1:
                stretches[-1] = Stretch(stretches[-1].first, offset)
            else:
                stretches.append(Stretch(offset, offset))
        return stretches

    def value(self, _table: str, topic: str, partition: int, *, offset: int) -> bytes | None:
        """Read one record back."""
        return dict(self.table.rows[topic, partition])[offset]

    def insert(
        self, _table: str, rows: pa.Table, records: Records, *, token_suffix: str = ""
    ) -> None:
        """Store a block; or lose the block, the answer or the process."""
        fate = self.chance.random() if self.faults else 1.0
        if fate < 0.04:
            raise Crashed("before an insert")
        if fate < 0.10:
            raise OSError("the insert was lost")
        token = f"{records.topic}:{records.partition}:{records.first}-{records.last}{token_suffix}"
        block = list(zip(rows["offset"].to_pylist(), rows["value"].to_pylist(), strict=True))
        self.table.running.append((token, (records.topic, records.partition), block))
        if fate < 0.16:
            raise OSError("the insert runs on, unanswered")
        if fate < 0.22:
            raise Crashed("while an insert ran")
        self.table.land(-1)
        if fate < 0.28:
            raise OSError("the answer was lost")
        if fate < 0.32:
            raise Crashed("after an insert")

    def owner(self) -> int:
        """Return the generation of the archive that owns the table now."""
        return self.table.generation

    def insert_running(self, records: Records) -> bool:
        """Whether an insert of these records runs."""
        token = f"{records.topic}:{records.partition}:{records.first}-{records.last}"
        return any(running.startswith(token) for running, _, _ in self.table.running)

    def stored(self, table: str, records: Records) -> Stored:
        """Count what is held of some records."""
        return self.read_back(table, records.topic, records.partition,
                              Stretch(records.first, records.last))

    def read_back(self, _table: str, topic: str, partition: int, stretch: Stretch) -> Stored:
        """Count what is held of some offsets."""
        held = [o for o, _ in self.table.rows.get((topic, partition), [])
                if stretch.first <= o <= stretch.last]
        return Stored(len(held), len(Counter(held)), self.table.generation)
