"""A flush holds one state of its partition: the ledger decides nothing while it is taken."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from processors.workers.batch_lane import Batch, BatchValue
from processors.workers.decision_store import Held
from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from schemas.topics import Topics
from tests.processors.ledger.logs import PARTITION, PARTITIONS, adopted, vote


PROPOSALS = 5
TOPICS = Topics("still", PARTITIONS)


class Written:
    """What a broker would have been given, by topic; it takes everything at once."""

    def __init__(self) -> None:
        self.records: dict[str, list[tuple[bytes, bytes]]] = {}

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        assert partition == PARTITION
        held = MemoryRecords(bytes(batch._build()))
        while held.has_next():
            self.records.setdefault(topic, []).extend(
                (record.key, record.value) for record in held.next_batch())
        taken: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        taken.set_result(SimpleNamespace(offset=0))
        return taken


def votes(first: int, number: int) -> list[bytes]:
    """Make votes by turns on each proposal."""
    return [vote(event, proposal=f"p{event % PROPOSALS}") for event in range(first, first + number)]


def decided(values: list[bytes]) -> Ledger:
    """Decide a log."""
    found = Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate(values):
        found.decide(offset, value)
    return found


def batch_of(worker: LedgerWorker, values: list[bytes], first_offset: int) -> Any:
    """Make what the lane hands to the agent."""
    records = [SimpleNamespace(offset=offset, value=value, key=None, timestamp=0)
               for offset, value in enumerate(values, first_offset)]
    tp = TP(TOPICS.votes, PARTITION)
    batch = Batch(tp, records, worker.app.consumer_generation_id, worker.seeks.counts[tp])
    assert isinstance(batch.value, BatchValue)
    return SimpleNamespace(message=batch, ack=lambda: None)


async def test_nothing_is_decided_while_a_flush_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that comes between two slices waits: every tally is that of the marker's offset."""
    monkeypatch.setattr(tally_records, "SLICE_PROPOSALS", 1)
    before, after = [adopted(), *votes(1, 20)], votes(21, 20)
    worker = LedgerWorker(LedgerPolicy("nowhere:9", TOPICS, "1", 60.0, 1.0, tmp_path, 10**9))
    worker.producer = written = Written()
    worker.held[PARTITION] = held = Held(decided(before), worker.app.consumer_generation_id)

    flush = asyncio.create_task(worker._tally_flushes._write_tallies(held, everything=True))
    while not held.still.locked():
        await asyncio.sleep(0)
    await worker._decide(batch_of(worker, after, len(before)))
    await flush

    assert sorted(written.records[TOPICS.tallies]) == sorted(
        tally_records.flush(decided(before), everything=True))
    assert held.ledger.last_offset == len(before) + len(after) - 1
    assert len(written.records[TOPICS.decisions]) == len(after)
