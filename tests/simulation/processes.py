"""The processes of the simulation: the real ledger, ideas, reader and lanes between logs."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from processors.results.ideas import Ideas
from processors.results.vectors import headers
from processors.workers.batch_lane import BatchValue
from processors.workers.batches import Batches
from processors.workers.deciding import decide_batch, may_decide
from processors.workers.decision_store import Held
from processors.workers.ideas_worker import claim, may_publish
from schemas import codec
from schemas import leases as lease_terms
from schemas.topics import FLUSH_KEY, LEASE_KEY
from sinks.archive import resume
from sinks.lane import Lane
from sinks.logs import archived_logs
from sinks.store import Store
from sinks.writing import Patience
from tests.simulation.transport import Crashed, Log, Producer, SimulatedStore, Table, finished
from views.flushes import Flushes


Logs = dict[str, list[Log]]


@dataclass(frozen=True)
class Parts:
    """The real parts; a test plants a known fault by giving another one."""

    ledger: type[Ledger] = Ledger
    lane: type[Lane] = Lane
    reader: type[Flushes] = Flushes
    may_decide: Callable[[Held, int | None], bool] = may_decide
    ideas: type[Ideas] = Ideas


class LedgerProcess:
    """A ledger worker: what its Faust shell does, step by step."""

    def __init__(self, chance: random.Random, logs: Logs, parts: Parts) -> None:
        self.chance, self.logs, self.parts = chance, logs, parts
        self.producer = Producer(chance, logs)
        self.held: dict[int, Held] = {}
        self.positions: dict[int, int] = {}
        self.arrived: deque[tuple[int, BatchValue]] = deque()
        self.generation = 0

    def hear(self, generation: int, assigned: set[int]) -> None:
        """Rebalance: forget what was revoked; a batch that waits may stay, as in Faust."""
        for partition in set(self.held) - assigned:
            del self.held[partition]
        for held in self.held.values():
            held.generation, held.checked = None, False
        for partition in assigned - set(self.held):
            self.held[partition] = self.begun(partition)
        self.generation = generation
        if self.chance.random() < 0.3:
            self.arrived.clear()

    def begun(self, partition: int) -> Held:
        """Begin a partition from nothing; a start from a snapshot comes in here."""
        return Held(self.parts.ledger(partition, len(self.logs["votes"])))

    def recover(self) -> None:
        """Fold the decisions of what is not recovered, check the last vote, resume behind it."""
        for partition, held in self.held.items():
            if held.generation is not None:
                continue
            for record in self.logs["decisions"][partition].records:
                held.ledger.apply(record.value or b"")
            link = held.ledger.last_link()
            if link.offset >= 0:
                link.verify(self.logs["votes"][partition].records[link.offset].value)
            held.checked, held.generation = True, self.generation
            held.durable = held.ledger.last_offset
            self.positions[partition] = held.ledger.last_offset + 1

    def fetch(self, partition: int) -> None:
        """Fetch a batch of a recovered partition."""
        held = self.held.get(partition)
        if held is None or held.generation is None:
            return
        position = self.positions[partition]
        if records := self.logs["votes"][partition].read(position, self.chance.randint(1, 9)):
            self.positions[partition] = records[-1].offset + 1
            self.arrived.append((partition, BatchValue(list(records), self.generation, 0)))

    def decide(self) -> None:
        """Decide a batch that arrived; its decisions wait for the broker."""
        if not self.arrived:
            return
        partition, batch = self.arrived.popleft()
        held = self.held.get(partition)
        if held is None or not self.parts.may_decide(held, batch.generation):
            return
        writer = Batches(self.producer, self.producer.create_batch)
        _, alarm = decide_batch(held, batch.records, writer)
        finished(writer.send("decisions", partition))
        if alarm is not None:
            raise alarm

    def flush(self, partition: int, *, everything: bool) -> None:
        """Send the tallies of a partition."""
        held = self.held.get(partition)
        if held is None or held.generation is None or held.ledger.last_offset < 0:
            return
        writer = Batches(self.producer, self.producer.create_batch)
        records = tally_records.flush(held.ledger, everything=everything)
        writer.write((value for _, value in records), keys=(key for key, _ in records))
        finished(writer.send("tallies", partition))


class IdeasProcess:
    """An ideas worker, begun anew: it has taken the lease, and its predecessor has not heard."""

    def __init__(
        self, chance: random.Random, logs: Logs, parts: Parts, *, leases: bool
    ) -> None:
        self.chance, self.logs = chance, logs
        self.term = lease_terms.NO_TERM
        if leases:
            self.term = lease_terms.term_of(logs["results"][0].end)
            logs["results"][0].append(claim("", 0), LEASE_KEY)
        self.producer = Producer(chance, logs)
        self.ideas = parts.ideas(len(logs["votes"]))
        self.inputs = {("tallies", log.partition): log for log in logs["tallies"]}
        self.inputs["catalogue", 0] = logs["catalogue"][0]
        self.positions = dict.fromkeys(self.inputs, 0)
        self.starts = {place: log.end for place, log in self.inputs.items()}
        self.published: tuple[int, ...] = (-1,) * len(logs["votes"])
        for record in logs["results"][0].records:
            if record.key == FLUSH_KEY:
                _, marker = codec.decode(record.value)
                self.published = tuple(map(max, self.published, marker["offsets"]))

    def fold(self, place: tuple[str, int], most: int) -> None:
        """Fold the next records of one input; where compaction left none, its end is reached."""
        log = self.inputs[place]
        records = log.read(self.positions[place], most)
        for record in records:
            if place[0] == "tallies":
                self.ideas.apply_tallies(place[1], record.key or b"", record.value or b"")
            else:
                self.ideas.apply_catalogue(record.value or b"", record.offset)
        self.positions[place] = records[-1].offset + 1 if records else log.end

    def publish(self, now: int, *, everything: bool, ranked: bool) -> None:
        """Publish what moved, if that goes back nowhere."""
        votes = self.ideas.as_of().votes
        if not may_publish(self.positions, self.starts, votes, self.published):
            return
        if everything:
            self.ideas.move_slice(1)
        if not self.ideas.moved(ranked=ranked):
            return
        writer = Batches(self.producer, self.producer.create_batch)
        records = self.ideas.take(now, ranked=ranked)
        writer.write((value for _, value in records), keys=(key for key, _ in records),
                     headers=headers(self.ideas.as_of(), self.term))
        finished(writer.send("results", 0))
        self.published = votes


class VirtualPatience(Patience):
    """Pauses of virtual time: meanwhile running inserts may land, or the process may be lost."""

    def __init__(self, chance: random.Random, table: Table) -> None:
        self.chance, self.table = chance, table

    def renew(self) -> None:
        """Nothing is measured."""

    def pause(self, error: Exception) -> None:
        """Let the world go on."""
        if self.chance.random() < 0.15:
            raise Crashed(f"while waiting: {error}")
        if self.table.running and self.chance.random() < 0.6:
            self.table.land(self.chance.randrange(len(self.table.running)))


class ArchiveProcess:
    """An archive: real lanes and the real writer over the simulated table."""

    def __init__(
        self, chance: random.Random, logs: Logs, table: Table, parts: Parts, topics: Any,
        *, faults: bool = True,
    ) -> None:
        self.chance, self.table = chance, table
        self.store = cast("Store", SimulatedStore(chance, table, faults=faults))
        self.lanes: list[tuple[Lane, Log]] = []
        self.positions: dict[int, int] = {}
        for archived in archived_logs(topics):
            name = archived.topic.rpartition(".")[2]
            for partition in range(archived.partitions):
                lane = parts.lane(archived, partition)
                self.positions[len(self.lanes)] = resume(self.store, lane)
                self.lanes.append((lane, logs[name][partition]))

    def step(self, number: int, most: int) -> None:
        """Offer records to a lane and store what it takes off."""
        lane, log = self.lanes[number]
        if records := log.read(self.positions[number], most):
            self.positions[number] = records[-1].offset + 1
            lane.offer(records)
        while lane._values:
            if taken := lane.take_insert():
                lane.archive(self.store, taken, VirtualPatience(self.chance, self.table))
                lane.next_offset = taken.last + 1
