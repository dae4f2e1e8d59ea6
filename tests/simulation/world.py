"""A whole scrutin of one seed: arrivals, faults and interleavings, step by step, in virtual time.

Theory of operation: one `random.Random(seed)` chooses every step, so a seed is a whole history and
repeats exactly. The parts that decide are the real ones (tests/simulation/processes.py); logs, the
broker's answers and ClickHouse's table are simulated (transport.py). An alarm of a real part
(LedgerStopped, LogDiffers, ...) has no cause here: it is a failure like a broken oracle.
"""

import random
from typing import Any

from schemas.topics import Topics
from schemas.words import CHOICES, QUALIFICATIONS, TRUSTS
from sinks.faults import ArchiveSuperseded, InsertIncomplete
from tests.harness import CATALOGUE
from tests.processors.ledger import logs as events
from tests.simulation.processes import (
    ArchiveProcess,
    IdeasProcess,
    LedgerProcess,
    Parts,
)
from tests.simulation.transport import Crashed, Log, Table
from views.reader import receive


PARTITIONS = 2
STEPS = 260
"""Steps of one history: some 60 records, a dozen lost processes."""
VOTERS = 4
"""Voters of a partition: few, so that they change their minds."""
ZOMBIES = 2
"""So many ledgers that did not hear of a rebalance at once."""
STEP_MILLISECONDS = 7
"""Virtual time of a step."""


class World:
    """One history."""

    def __init__(self, seed: int, parts: Parts | None = None) -> None:
        self.chance = random.Random(seed)
        self.parts = parts or Parts()
        self.topics = Topics("simulated", PARTITIONS)
        self.trace: list[str] = []
        self.now = events_began = 1_647_900_000_000
        many = ("votes", "decisions", "tallies")
        self.logs = {name: [Log(number) for number in range(PARTITIONS)] for name in many}
        self.logs |= {name: [Log()] for name in ("results", "catalogue", "sequences",
                                                 "patrol")}
        for value in CATALOGUE:
            self.logs["catalogue"][0].append(value, None, events_began)
        for partition, log in enumerate(self.logs["votes"]):
            log.append(events.adopted(partition=partition, partitions=PARTITIONS), None, self.now)
        self.generation, self.table = 0, Table()
        self.ledgers = [self._ledger(), self._ledger()]
        self.leases = self.chance.random() < 0.5
        """Whether ideas take leases: what those of before wrote is read as ever."""
        self.ideas = [self._ideas()]
        self.archives = [self._archive()]
        self.reader, self.read = self.parts.reader(), 0
        for record in self.logs["catalogue"][0].records:
            self.reader.receive_catalogue(record.offset, record.value)
        self.vectors: list[tuple[int, ...]] = []
        """What the reader showed, in order."""
        self.rebalance()

    def _ledger(self) -> LedgerProcess:
        return LedgerProcess(self.chance, self.logs, self.parts)

    def _ideas(self) -> IdeasProcess:
        return IdeasProcess(self.chance, self.logs, self.parts, leases=self.leases)

    def _archive(self, *, faults: bool = True) -> ArchiveProcess:
        return ArchiveProcess(
            self.chance, self.logs, self.table, self.parts, self.topics, faults=faults)

    def run(self) -> None:
        """Let everything happen, then let the faults end and everybody finish."""
        actions = (self.arrive, self.decide, self.deliver, self.flush, self.rebalance, self.recover,
                   self.lose_ledger, self.fold, self.publish, self.lose_ideas, self.look,
                   self.archive, self.lose_archive, self.lose_rows, self.compact)
        weights = (20, 28, 28, 8, 4, 24, 1, 12, 6, 1, 8, 8, 1, 1, 2)
        for action in self.chance.choices(actions, weights, k=STEPS):
            self.now += STEP_MILLISECONDS
            self.note(action.__name__)
            action()
        self.finish()

    def note(self, what: str) -> None:
        """Add a line to the trace."""
        ends = " ".join(f"{name}:{','.join(str(log.end) for log in logs)}"
                        for name, logs in self.logs.items())
        self.trace.append(f"{len(self.trace):4} {what:14} {ends}")

    # Arrivals

    def arrive(self) -> None:
        """Write some events of voters, controls, nonsense or a record once more."""
        for _ in range(self.chance.randint(1, 3)):
            log = self.chance.choice(self.logs["votes"])
            other = self.chance.choice(self.logs["votes"]) if self.chance.random() < 0.1 else log
            if self.chance.random() < 0.1 and other.end > 1:
                # Not the rules at the start: they are alarming anywhere but in their partition.
                log.append(self.chance.choice(other.records[1:]).value, None, self.now)
            else:
                log.append(self.event(other.partition), None, self.now)

    def event(self, partition: int) -> bytes | None:
        """Draw an event of a voter of a partition."""
        chance = self.chance
        number = chance.randrange(events.IDS)
        shared: dict[str, Any] = {
            "voter": (chance.randrange(VOTERS) * PARTITIONS + partition).to_bytes(4, "big")
            + b"voter-------",
            "consultation": chance.choice((*events.CONSULTATIONS, events.CONSULTATIONS[0]))}
        fate = chance.random()
        if fate < 0.02:
            return chance.choice((None, b"", b"{}", events.vote(number)[:-3]))
        if fate < 0.025:
            return events.closed(number, consultation=shared["consultation"])
        if fate < 0.028:
            return events.sealed(number, consultation=shared["consultation"])
        if fate < 0.10:
            return chance.choice((events.suspended, events.reinstated))(number, **shared)
        kind = chance.choice((*events.BALLOT_EVENTS, "VoteCast", "VoteCast"))
        if kind == "VoteCast":
            shared["choice"] = chance.choice(CHOICES)
        if kind.startswith("Qualification"):
            shared["qualification"] = chance.choice(QUALIFICATIONS)
        return events.ballot(kind, event_id=events.identifier(number),
                             proposal=chance.choice(events.PROPOSALS),
                             trust=chance.choice(TRUSTS), **shared)

    # Ledgers: [0] and [1] are members of the group, later ones are zombies

    def rebalance(self) -> None:
        """Give the partitions out anew; whoever does not hear of it becomes a zombie."""
        self.generation += 1
        if self.chance.random() < 0.3:
            slept = self.chance.randrange(2)
            self.ledgers.append(self.ledgers[slept])
            self.ledgers[slept] = self._ledger()
            del self.ledgers[2:max(2, len(self.ledgers) - ZOMBIES)]
        self._assign()
        while self.chance.random() < 0.5:  # One join or leave seldom comes alone.
            self.generation += 1
            self._assign()

    def _assign(self) -> None:
        owners = [self.chance.randrange(2) for _ in range(PARTITIONS)]
        for number, ledger in enumerate(self.ledgers[:2]):
            ledger.hear(self.generation, {p for p in range(PARTITIONS) if owners[p] == number})

    def recover(self) -> None:
        """Have a member recover what it was given."""
        self.chance.choice(self.ledgers[:2]).recover()

    def decide(self) -> None:
        """Have a ledger, or a zombie, fetch and decide."""
        ledger = self.chance.choice([*self.ledgers[:2], self.chance.choice(self.ledgers)])
        for partition in sorted(ledger.held):
            if self.chance.random() < 0.8:
                ledger.fetch(partition)
        for _ in range(self.chance.randint(0, 2)):
            ledger.decide()

    def deliver(self) -> None:
        """Have the broker take some batches, of any producer."""
        for _ in range(self.chance.randint(1, 4)):
            producers = [worker.producer for worker in self.ledgers]
            producers += [worker.producer for worker in self.ideas]
            self.chance.choice(producers).deliver()

    def flush(self) -> None:
        """Have a ledger send tallies."""
        self.chance.choice(self.ledgers).flush(
            self.chance.randrange(PARTITIONS), everything=self.chance.random() < 0.3)

    def lose_ledger(self) -> None:
        """Kill a ledger with everything it had not written; a zombie ends for good."""
        number = self.chance.randrange(len(self.ledgers))
        if number < 2:
            self.ledgers[number] = self._ledger()
            self.rebalance()
        else:
            del self.ledgers[number]

    # Ideas: the last one is the owner

    def fold(self) -> None:
        """Have an ideas worker fold some records."""
        ideas = self.chance.choice(self.ideas)
        for place in ideas.inputs:
            ideas.fold(place, self.chance.randint(1, 12))

    def publish(self) -> None:
        """Have an ideas worker publish."""
        self.chance.choice(self.ideas).publish(
            self.now, everything=self.chance.random() < 0.2, ranked=self.chance.random() < 0.3)

    def lose_ideas(self) -> None:
        """Kill the ideas worker, or let it go on as a zombie beside its successor."""
        if self.chance.random() < 0.6:
            self.ideas.clear()
        self.ideas.append(self._ideas())

    def look(self) -> None:
        """Have the reader of results take the next records; a new reader begins anew."""
        for record in self.logs["results"][0].read(self.read, self.chance.randint(1, 15)):
            receive(self.reader, record)
            self.read = record.offset + 1
            if self.reader.applied is not None:
                self.vectors.append(self.reader.applied.vector)

    # The archive: the last one is the owner

    def archive(self) -> None:
        """Have an archive take records; predecessors still write, and learn it afterwards."""
        archive = self.chance.choice(self.archives)
        try:
            for number in range(len(archive.lanes)):
                archive.step(number, self.chance.randint(1, 12))
        except (Crashed, ArchiveSuperseded, InsertIncomplete) as lost:
            self.note(f"  archive ends: {lost}"[:90])
            self.archives.remove(archive)
            if not self.archives or archive.store.generation == self.table.generation:
                self.archives.append(self._archive())

    def lose_archive(self) -> None:
        """Start another archive, beside the one that runs or in its place."""
        if self.chance.random() < 0.5:
            self.archives.clear()
        self.archives.append(self._archive())

    def lose_rows(self) -> None:
        """Take a stretch of rows out of the table, as when a part of it is lost."""
        if self.table.rows:
            rows = self.table.rows[self.chance.choice(sorted(self.table.rows))]
            first = self.chance.randrange(len(rows) + 1)
            del rows[first:first + self.chance.randint(1, 6)]

    def compact(self) -> None:
        """Compact tallies and results up to somewhere."""
        for name in ("tallies", "results"):
            for log in self.logs[name]:
                log.compact(self.chance.randint(0, log.end))

    # The end

    def finish(self) -> None:
        """End the faults: zombies write what they hold, then one of each kind does everything."""
        for ledger in self.ledgers:
            while ledger.producer.waiting:
                ledger.producer.deliver()
        self.generation += 1
        last = self._ledger()
        last.hear(self.generation, set(range(PARTITIONS)))
        last.recover()
        for partition, log in enumerate(self.logs["votes"]):
            while last.positions[partition] < log.end:
                last.fetch(partition)
                last.decide()
            last.flush(partition, everything=True)
        self._write_all(last)
        for worker in self.ideas:
            self._write_all(worker)
        ideas = self._ideas()
        for place, log in ideas.inputs.items():
            ideas.fold(place, log.end)
            ideas.positions[place] = log.end
        ideas.publish(self.now, everything=True, ranked=True)
        self._write_all(ideas)
        while self.read < self.logs["results"][0].end:
            self.look()
        archive = self._archive(faults=False)
        for number, (_, log) in enumerate(archive.lanes):
            archive.step(number, log.end)

    @staticmethod
    def _write_all(worker: LedgerProcess | IdeasProcess) -> None:
        while worker.producer.waiting:
            worker.producer.deliver()
