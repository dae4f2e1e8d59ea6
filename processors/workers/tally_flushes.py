"""When a ledger writes its tallies: what moved at once, everything again within a minute.

Theory of operation: a flush holds one state of its partition, and is made in slices, between which
other partitions, and whatever else the worker does, have their turn. Its own partition decides
nothing meanwhile. Everything is written at once only by a ledger that begins; later a slice at a
time, so that no vote waits for all proposals of a large catalogue.
"""

import asyncio
import contextlib
from typing import Protocol

import faust
from aiokafka import AIOKafkaProducer
from faust.types import TP

from processors.ledger import tally_records
from processors.workers.batches import WRITE_SECONDS, Batches
from processors.workers.decision_store import Held
from schemas.topics import Topics


FLUSH_SECONDS = 0.02
"""Touched tallies are written so often when caught up..."""
CATCH_UP_FLUSH_SECONDS = 2.0
"""... and so often while catching up: then they all move, and nobody watches single votes."""
CATCH_UP_RECORDS = 20_000
"""A partition so far behind is catching up; under load there is always something undecided."""
FULL_FLUSH_SECONDS = 60.0
"""All tallies again within so long: a zombie's stale snapshot, kept by compaction, never stays."""


LOOK_SECONDS = 1.0
"""Without anything decided, what else may be due is looked at so often."""


class Worker(Protocol):
    """What the flushes need of a ledger's worker."""

    app: faust.App
    topics: Topics
    held: dict[int, Held]
    decided: asyncio.Event
    """Set by whatever is decided."""

    async def connected_producer(self) -> AIOKafkaProducer:
        """Return the producer of decisions and tallies."""


class TallyFlushes:
    """The flushes of every partition that a worker holds."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def run(self) -> None:
        """Write touched tallies of all partitions in one request: none waits for another."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._worker.decided.wait(), LOOK_SECONDS)
            self._worker.decided.clear()
            await asyncio.gather(*map(self._flush_when_due, list(self._worker.held.values())))

    async def _flush_when_due(self, held: Held) -> None:
        now, last = asyncio.get_running_loop().time(), held.ledger.last_offset
        if held.generation is None or last < 0:
            return
        everything = held.flushed_offset < 0
        again = now - held.touched_again_at >= _slice_seconds(held)
        behind = self._end(held) - last > CATCH_UP_RECORDS
        due = CATCH_UP_FLUSH_SECONDS if behind else FLUSH_SECONDS
        # Records that moved no count are flushed too: what is published reaches the end.
        if everything or again or (last > held.flushed_offset and now - held.flushed_at >= due):
            held.flushed_offset, held.flushed_at = last, now
            if everything or again:
                held.touched_again_at = now
                held.turn = tally_records.touch_again(held.ledger, held.turn)
            await self._write_tallies(held, everything=everything)
        if held.ledger.last_offset > held.flushed_offset:
            self._worker.decided.set()  # Due soon, or decided meanwhile: look again.

    def _end(self, held: Held) -> int:
        tp = TP(self._worker.topics.votes, held.ledger.partition)
        # While a rebalance moves the partition away aiokafka knows no end, and asserts so.
        with contextlib.suppress(AssertionError):
            return max(held.end, self._worker.app.consumer.highwater(tp) or 0)
        return held.end

    async def _write_tallies(self, held: Held, *, everything: bool) -> None:
        writer = Batches(await self._worker.connected_producer())
        async with held.still:
            for records in tally_records.flush_slices(held.ledger, everything=everything):
                writer.write((value for _, value in records), keys=(key for key, _ in records))
                await asyncio.sleep(0)
        topic, partition = self._worker.topics.tallies, held.ledger.partition
        async with asyncio.timeout(WRITE_SECONDS):
            await asyncio.gather(*await writer.send(topic, partition))


def _slice_seconds(held: Held) -> float:
    """Say how long after a slice the next one is due, so that all of them take a minute."""
    slices = -(-len(held.ledger.by_number) // tally_records.SLICE_PROPOSALS)
    return FULL_FLUSH_SECONDS / max(slices, 1)
