"""The ledger as a Faust worker: votes in, decisions and tallies out.

Theory of operation:
- The decisions topic is the changelog of the table `ledger`. Recovery folds it in the batch lane
  and seeks the votes to the last source offset + 1; the group's committed offset is never read.
- Before deciding, the vote at `last` is read again and compared with the chain: votes that end
  before it (a truncated ballot box) stop the worker.
- State exists only for an assigned and recovered partition and carries the group generation under
  which it was recovered; a batch of another generation, or of a partition not held, is dropped.
- A batch is acknowledged only after the broker has its decisions. A worker whose decisions cannot
  be written ends and recovers: an idempotent producer that failed once refuses everything later.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from processors.ledger import undecodable_share
from processors.ledger.chain import ChainLink
from processors.ledger.rules import OUTCOME, REASON, slot_of
from processors.ledger.snapshots import Frozen, freeze
from processors.ledger.undecodable_share import WINDOW_RECORDS
from processors.workers.batch_lane import (
    SESSION_SECONDS,
    BatchValue,
    Seeks,
    application,
    closing,
    guarded,
    stop_process,
)
from processors.workers.batches import WRITE_SECONDS, Batches, connected_producer
from processors.workers.deciding import InFlight, begins_late, decide_batch, may_decide
from processors.workers.decision_store import DecisionTable, Held
from processors.workers.kafka_checks import check_topics
from processors.workers.looker import Looker
from processors.workers.membership import Membership
from processors.workers.progress import Progress
from processors.workers.read_ahead import ReadAhead
from processors.workers.sealings import Sealings
from processors.workers.snapshot_files import Snapshots
from processors.workers.snapshot_turns import SnapshotTurns
from processors.workers.tally_flushes import TallyFlushes
from schemas import traces
from schemas.topics import Topics


MAX_BATCHES_IN_FLIGHT = 8
"""Batches decided whose decisions the broker has not acknowledged yet."""
ENDS_SECONDS = 3.0
"""Longest pause between two looks at the ends of its partitions, and for a stall."""
SEALED_SLOT = slot_of(OUTCOME["sealed"], REASON["none"])

log = structlog.get_logger("scrutin.ledger")


@dataclass(frozen=True)
class LedgerPolicy:
    """What an operator can set."""

    kafka: str
    topics: Topics
    instance: str
    stall_seconds: float
    undecodable_ratio: float
    folder: Path
    """Of this process; the key of snapshots lies in its folder of keys."""
    snapshot_decisions: int
    """A snapshot of a partition is due after so many decisions, at the earliest."""
    first_keys: frozenset[bytes] = frozenset()
    """Digests of the adoptions by which a partition without keys may take its first."""
    session_seconds: float = SESSION_SECONDS  # of its group
    snapshots: str = ""
    """Where snapshots go, of several ledgers perhaps: a folder, or a store's address; empty: a
    folder below `folder`."""


class LedgerWorker:
    """Shared state of the Faust application, its store and its tasks."""

    def __init__(self, policy: LedgerPolicy) -> None:
        self.policy, self.topics = policy, policy.topics
        self.first_keys = policy.first_keys
        self.held: dict[int, Held] = {}
        self.decided = asyncio.Event()
        """Set by whatever is decided, for the flushes."""
        self.seeks = Seeks()
        self.closing = False
        """Whether the worker was told to stop: connections close under what still runs."""
        self.producer: AIOKafkaProducer
        self.looker = Looker(policy.kafka)
        self.snapshots = Snapshots.at(policy.snapshots, policy.folder, self.topics.decisions)
        self._turns = SnapshotTurns(policy.snapshot_decisions)
        self.connecting = asyncio.Lock()
        """Held while connecting: two producers at once could write decisions out of order."""
        self.in_flight: asyncio.Queue[InFlight] = asyncio.Queue(MAX_BATCHES_IN_FLIGHT)
        self._tally_flushes = TallyFlushes(self)
        self._sealings = Sealings(self.looker, self.topics.catalogue, self.snapshots)
        self.app = application(
            f"{self.topics.prefix}-ledger", policy.kafka, partitions=self.topics.partitions,
            instance=policy.instance, folder=policy.folder, positions=self,
            session_seconds=policy.session_seconds,
        )
        self.membership = Membership(
            policy.kafka, f"{self.topics.prefix}-ledger", self.topics.votes,
            self.topics.partitions, policy.instance, holds=lambda: bool(self.held),
            rebalances=lambda: self.app.rebalancing_count)
        self._define()

    def _define(self) -> None:
        app, partitions = self.app, self.topics.partitions
        decisions = app.topic(
            self.topics.decisions, partitions=partitions, key_type=bytes, value_type=bytes,
            key_serializer="raw", value_serializer="raw",
        )
        app.tables.add(DecisionTable(
            app, worker=self, name="ledger", partitions=partitions, changelog_topic=decisions,
            # Two batches wait at the most: each may hold megabytes.
            recovery_buffer_size=2,
        ))
        votes = app.topic(self.topics.votes, value_type=bytes, value_serializer="raw")
        app.agent(votes, name="decide")(self._decide_stream)
        app.task(guarded(self._open, is_closing=lambda: self.closing))
        app.watches.append(guarded(self._watch, is_closing=lambda: self.closing))
        closing(app, self._close)

    # The life of the worker

    async def _open(self) -> None:
        """Connect what writes, once partitions are recovered for the first time."""
        needed = (self.topics.votes, self.topics.decisions, self.topics.catalogue)
        await check_topics(self.policy.kafka, [
            topic for topic in self.topics.specifications() if topic.name in needed])
        await self.connected_producer()
        ahead = ReadAhead(
            self.snapshots, self.topics.partitions, holds=lambda: bool(self.held),
            rebalancing=lambda: self.app.rebalancing)
        for task in (self._acknowledge, self._tally_flushes.run, self._sealings.run, ahead.run):
            self.app.add_future(guarded(task, is_closing=lambda: self.closing)())

    async def _close(self) -> None:
        self.closing = True
        if hasattr(self, "producer"):
            await self.producer.stop()
        await self.looker.stop()

    async def connected_producer(self) -> AIOKafkaProducer:
        """Return the producer of decisions and tallies, started on first use."""
        async with self.connecting:
            if not hasattr(self, "producer"):
                self.producer = await connected_producer(self.policy.kafka)
        return self.producer

    # Positions, asked by the lane

    async def resume_offsets(self, partitions: set[TP]) -> Mapping[TP, int]:
        """Resume after the last recorded decision, checked against the ballot box."""
        offsets = {}
        for tp in partitions:
            held = self.held.get(tp.partition)
            if tp.topic == self.topics.votes and held is not None:
                if not held.checked:
                    try:
                        await self._check_last(held.ledger.last_link())
                        await self._recall_poison(held)
                    except Exception as error:  # noqa: BLE001 -- Faust's recovery would swallow it
                        stop_process(str(error) or "the last vote could not be read again", error)
                    held.checked = True
                offsets[tp] = held.ledger.last_offset + 1
        return offsets

    async def _recall_poison(self, held: Held) -> None:
        """A ledger that stopped among undecodable records does not go on by starting again."""
        if held.ledger.decided[held.ledger.undecodable_slot]:
            values = await self.looker.values(
                TopicPartition(self.topics.decisions, held.ledger.partition),
                -WINDOW_RECORDS)
            held.undecodable = undecodable_share.offsets(values)
            await self._check_poison(held)

    def durable_offset(self, partition: TP) -> int | None:
        """Commit what is durable, for lag monitoring."""
        held = self.held.get(partition.partition)
        if partition.topic != self.topics.votes or held is None or held.durable < 0:
            return None
        return held.durable + 1

    async def _check_last(self, link: ChainLink) -> None:
        """Read the vote at `last` again: it must be there, and be the one decided."""
        tp = TopicPartition(self.topics.votes, link.partition)
        offsets, value = await self.looker.record(tp, link.offset)
        if link.offset < 0 and not offsets.start:
            return
        if link.offset not in offsets:
            stop_process(
                f"votes partition {link.partition} holds offsets {offsets.start} to "
                f"{offsets.stop - 1}, but offset {link.offset} was decided last: the ballot box "
                "was truncated. Restore the topic before the ledger goes on; the archive has every "
                "record."
            )
        link.verify(value)

    async def read_decision(self, partition: int, offset: int) -> bytes | None:
        """Read one record of the decisions topic; None where there is none."""
        _, value = await self.looker.record(
            TopicPartition(self.topics.decisions, partition), offset)
        return value

    # Deciding

    async def _decide_stream(self, stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                await self._decide(event)
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except Exception as error:  # noqa: BLE001 -- Faust would log it and go on
                if self.closing:
                    return  # Not acknowledged: the next start decides it, from the log.
                stop_process(str(error), error)

    async def _decide(self, event: Any) -> None:
        batch: BatchValue = event.message.value
        began = traces.begin()
        producer = await self.connected_producer()
        held = await self._still(event.message.partition)
        tp = TP(self.topics.votes, event.message.partition)
        # Faust's consumer thread moves on first: the state may still have the last generation.
        current = self.app.consumer_generation_id
        if (held is None or not self.seeks.in_place(tp, batch)
                or batch.generation != current or not may_decide(held, current)
                or begins_late(held, batch.records[0].offset)):
            log.info("batch dropped: fetched before the last rebalance",
                     partition=tp.partition, records=len(batch.records))
            event.ack()
            if held is not None and may_decide(held, current):
                await self._seek_again(held)
            return
        writer = Batches(producer)
        sealed_before = held.ledger.decided[SEALED_SLOT]
        undecodable, alarm = decide_batch(held, batch.records, writer)
        self.decided.set()
        if held.ledger.decided[SEALED_SLOT] != sealed_before:
            # Not waited for: the place may be away, and the catalogue tells of it once more.
            self.app.add_future(self.snapshots.forget(tp.partition, held.ledger.last_offset))
            held.snapshot_offset = -1
        frozen = self._frozen_when_due(held)
        decided = InFlight(event, held, held.ledger.last_offset, frozen, began)
        # First the dead letters: once the decision is there, nobody writes them any more.
        letters = [await self._dead_letter(producer, held, record) for record in undecodable]
        if letters:
            await asyncio.wait_for(asyncio.gather(*letters), WRITE_SECONDS)
        decided.sent = await writer.send(self.topics.decisions, held.ledger.partition)
        decided.last_batch_records = writer.last_batch_records
        if alarm is not None or undecodable:
            # What came before the end is decided: nobody shall wait for that.
            await asyncio.wait_for(asyncio.gather(*decided.sent), WRITE_SECONDS)
        if alarm is not None:
            raise alarm
        if undecodable:
            undecodable_share.remember(held.undecodable, [record.offset for record in undecodable])
            await self._check_poison(held)
        await self.in_flight.put(decided)

    async def _still(self, partition: int) -> Held | None:
        """Return what is held of a partition, as soon as no flush is being taken of it."""
        held = self.held.get(partition)
        while held is not None and held.still.locked():
            async with held.still:
                held = self.held.get(partition)
        return held

    async def _seek_again(self, held: Held) -> None:
        """Read a partition on after the last decision: the batch dropped may have been the next."""
        await self.seeks.seek(self.app.consumer, TP(self.topics.votes, held.ledger.partition),
                              held.ledger.last_offset + 1)

    async def _dead_letter(self, producer: AIOKafkaProducer, held: Held, record: Any) -> Any:
        return await producer.send(
            # The producer takes no record without both key and value.
            self.topics.dead_letters, record.value, key=record.key or b"",
            timestamp_ms=record.timestamp, headers=[
                ("source_partition", str(held.ledger.partition).encode()),
                ("source_offset", str(record.offset).encode()),
                ("reason", b"undecodable"),
            ])

    async def _check_poison(self, held: Held) -> None:
        """Stop where too many records cannot be read, unless an operator let the ledger go on."""
        ledger, most = held.ledger, self.policy.undecodable_ratio * WINDOW_RECORDS
        if most >= WINDOW_RECORDS or undecodable_share.count(held.undecodable, ledger) <= most:
            return
        catalogue = await self.looker.values(TopicPartition(self.topics.catalogue, 0), 0)
        accepted = undecodable_share.accepted_until(catalogue, ledger.partition)
        held.undecodable = [offset for offset in held.undecodable if offset > accepted]
        found = undecodable_share.count(held.undecodable, ledger)
        if found > most:
            stop_process(
                f"votes partition {ledger.partition}: {found} of the last {WINDOW_RECORDS} "
                f"records up to offset {ledger.last_offset} are undecodable. Look at the "
                "dead-letters topic and mend what writes the votes. Where they may stay refused, "
                f"say so: `scrutin accept-undecodable {ledger.partition} --until "
                f"{ledger.last_offset} --reason TEXT`; then start the ledger again."
            )

    async def _acknowledge(self) -> None:
        """Acknowledge batches in order, each after the broker has its decisions."""
        while True:
            decided = await self.in_flight.get()
            held = decided.held
            async with asyncio.timeout(WRITE_SECONDS):
                written = [await future for future in decided.sent]
            held.durable = max(held.durable, decided.offset)
            # An idempotent producer may learn no offset of a batch it had to send again.
            if written and written[-1].offset >= 0:
                held.decisions_offset = written[-1].offset + decided.last_batch_records - 1
                if decided.frozen is not None:
                    held.snapshot_offset = decided.offset
                    self.app.add_future(
                        self._write_snapshot(decided.frozen, held.decisions_offset))
            elif decided.frozen is not None:
                self._turns.forgo()
            decided.event.ack()
            traces.batch("decide", decided.began, self.topics.votes, held.ledger.partition,
                         len(decided.event.message.value.records))
            self.in_flight.task_done()

    async def _write_snapshot(self, frozen: Frozen, decisions_offset: int) -> None:
        try:
            await self.snapshots.write(frozen, decisions_offset)
        finally:
            self._turns.end(asyncio.get_running_loop().time())

    def _frozen_when_due(self, held: Held) -> Frozen | None:
        """Copy the ledger once enough was decided since the last copy."""
        ledger, now = held.ledger, asyncio.get_running_loop().time()
        decided = ledger.last_offset - held.snapshot_offset
        if not self._turns.due(decided, ledger.live_votes, now):
            return None
        self._turns.begin(now)
        return freeze(ledger)

    # Watching

    async def _watch(self) -> None:
        """End the process when a partition with input makes no progress: Faust can stall."""
        loop, progress = asyncio.get_running_loop(), Progress(self.policy.stall_seconds)
        while True:
            await asyncio.sleep(min(ENDS_SECONDS, self.policy.stall_seconds / 4))
            try:
                await self._hear_ends()
            except (KafkaError, TimeoutError, OSError) as error:
                log.warning("end offsets unknown: the broker is away", error=repr(error))
                progress.forget()
            if stall := progress.stall(self.held, loop.time(), rebalancing=self.app.rebalancing,
                                       reading=self.snapshots.reading):
                stop_process(stall)

    async def _hear_ends(self) -> None:
        ends = await self.looker.ends(
            TopicPartition(self.topics.votes, number) for number in list(self.held))
        for tp, end in ends.items():
            if held := self.held.get(tp.partition):
                held.end = end

    def status(self) -> dict[str, Any]:
        """Say where each partition stands, for health checks and operators."""
        held_now, stands_by = dict(self.held), self.membership.others_hold.is_set()
        return {
            "ready": hasattr(self, "producer") and (all(
                held.generation is not None for held in held_now.values())
                if held_now else stands_by),
            "stands_by": not held_now and stands_by,
            "snapshots_failed": self.snapshots.failed,
            "partitions": {
                str(partition): {
                    "decided": held.ledger.last_offset, "durable": held.durable,
                    "end": held.end, "live_votes": held.ledger.live_votes,
                    "recovered": held.generation is not None,
                }
                for partition, held in sorted(held_now.items())
            },
        }
