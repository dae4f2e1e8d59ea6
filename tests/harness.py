"""Real workers on a real broker: start, kill and end them, write votes, read what they made."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local import child
from deploy.local.ports import HeldPorts
from deploy.local.services import Broker
from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from processors.results import published_records, rankings, results_document
from processors.results.catalogue import Catalogue
from processors.results.descriptions import Descriptions
from processors.results.results_document import AsOf, Figures
from processors.workers.provisioning import provision
from schemas import codec
from schemas.genesis import FIRST_GENESIS, Genesis
from schemas.leases import Terms, term_in
from schemas.topics import FLUSH_KEY, LEASE_KEY, Topics
from schemas.words import CHOICES, COUNTS, QUALIFICATIONS, TRUSTS
from tests.processors.ledger import logs
from tests.waiting import until


BEGAN_AT = 1_647_900_000_000
"""Time of the first vote; each later one comes a second after."""
ROOT = Path(__file__).parents[1]
WAIT_SECONDS = 90.0
"""So long anything awaited may take: far more than it does."""
Logs = list[list[bytes | None]]


def _catalogue_event(event: str, **fields: Any) -> bytes:
    return codec.encode(event, **{
        "event_id": bytes(16), "consultation": "jeunes", "origin": "operator",
        "occurred_at": BEGAN_AT, **fields})


CATALOGUE = [
    _catalogue_event("IdeaDescribed", idea="i1", theme=None, title={"fr": "Emploi"}),
    _catalogue_event("ProposalAccepted", proposal="p1", text={"fr": "Il faut"}, author=None),
    _catalogue_event("ProposalAccepted", proposal="p2", text={"fr": "Il faut"}, author=None),
    _catalogue_event("ProposalGrouped", proposal="p1", idea="i1"),
    _catalogue_event("ProposalGrouped", proposal="p2", idea="i1"),
]
"""What the tests' consultation is about."""


@dataclass
class Worker:
    """A process `scrutin ledger` or `scrutin ideas`."""

    command: str
    environment: dict[str, str]
    log_path: Path
    process: subprocess.Popen[bytes] | None = None
    program: list[str] = field(default_factory=list)
    """What to run instead of the command."""

    def start(self) -> None:
        """Start the process; its output goes to the end of the log. It dies with this program."""
        self.process = child.spawn(
            self.program or [sys.executable, "-m", "scrutin", self.command], self.log_path,
            environment={**os.environ, "PYTHONPATH": str(ROOT), **self.environment})

    def kill(self) -> None:
        """End the process like a lost machine."""
        self.send(signal.SIGKILL)
        self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def wait(self) -> int:
        """Wait for the process to end by itself; return its status."""
        assert self.process is not None
        return self.process.wait(WAIT_SECONDS)

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        """Read everything it wrote, once it has ended: until then more may come."""
        assert not self.running(), "it runs: wait for a sentence with says(), or read so_far()"
        return self.so_far()

    def so_far(self) -> str:
        """Read what it has written by now: for what must never be there, and for positions."""
        return self.log_path.read_text("utf-8", "replace")

    async def says(self, sentence: str, times: int = 1) -> None:
        """Wait until a running process has said something so often; it must live meanwhile."""
        def said() -> bool:
            found = self.so_far().count(sentence) >= times
            assert found or self.running(), f"ended without {sentence!r}: {self.so_far()}"
            return found
        await until(said)

    async def frozen(self) -> None:
        """Wait until it has frozen itself."""
        def stopped() -> bool:
            assert self.running(), self.so_far()
            return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        await until(stopped)


@dataclass
class Stack:
    """Topics of one generation on a broker, and the workers a test started on them."""

    kafka: str
    topics: Topics
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    ports: HeldPorts = field(default_factory=HeldPorts)
    """For workers that are started again: nobody else is given them meanwhile."""

    def settings(self) -> dict[str, str]:
        """Return what every process of this stack is told."""
        return {
            "SCRUTIN_KAFKA": self.kafka, "SCRUTIN_TOPIC_PREFIX": self.topics.prefix,
            "SCRUTIN_PARTITIONS": str(self.topics.partitions),
            "SCRUTIN_DATA_DIR": str(self.folder / "data"), "TMPDIR": str(self.folder),
        }

    def worker(self, command: str, instance: str = "1", **settings: str) -> Worker:
        """Name a worker; it is not started."""
        environment = {**self.settings(), "SCRUTIN_INSTANCE": instance, **settings}
        found = Worker(command, environment, self.folder / f"{command}-{instance}.log")
        self.workers.append(found)
        return found

    def started(self, command: str, instance: str = "1", **settings: str) -> Worker:
        """Start a worker."""
        found = self.worker(command, instance, **settings)
        found.start()
        return found

    def stop(self) -> None:
        """End whatever still runs."""
        for worker in self.workers:
            if worker.running():
                worker.kill()
        self.ports.close()


@contextmanager
def stack_on(broker: Broker, prefix: str, partitions: int, folder: Path) -> Iterator[Stack]:
    """Name topics on a broker; end the workers of the test afterwards."""
    found = Stack(broker.address, Topics(prefix, partitions), folder)
    try:
        yield found
    finally:
        found.stop()


# Writing


@asynccontextmanager
async def connected_producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    """Connect an idempotent producer."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(
    producer: AIOKafkaProducer, topic: str, partition: int, values: Iterable[bytes | None], *,
    first_offset: int = 0,
) -> None:
    """Write values in order and wait until the broker has them; the time follows the offset."""
    sent = [
        await producer.send(topic, value, key=None if value is not None else b"empty",
                            partition=partition, timestamp_ms=BEGAN_AT + 1_000 * offset)
        for offset, value in enumerate(values, first_offset)
    ]
    await asyncio.gather(*sent)


async def prepared(
    stack: Stack, seed: int, *, size: int, voters: int = 40, genesis: Genesis | None = None
) -> Logs:
    """Provision, describe the consultation, and make a ballot box of `size` records a partition.

    The rules are written already, the rest is for the test to write: every kind of record,
    oddities included, from the seed.
    """
    await provision(stack.kafka, stack.topics, replication=1, genesis=genesis)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, CATALOGUE)
    adopted = await read_to_end(stack.kafka, stack.topics.votes, stack.topics.partitions)
    randomness, partitions = random.Random(seed), stack.topics.partitions
    return [
        [record.value, *(_random_record(randomness, record.partition, partitions, voters)
                         for _ in range(size))]
        for record in sorted(adopted, key=lambda record: int(record.partition))
    ]


def _random_record(
    randomness: random.Random, partition: int, partitions: int, voters: int
) -> bytes | None:
    kind = randomness.random()
    voter = (partition + partitions * randomness.randrange(voters)).to_bytes(4, "big") + bytes(12)
    if kind < 0.01:
        return randomness.choice((None, b"{}", _random_ballot(randomness, voter)[:40]))
    if kind < 0.02:
        voter = (partition + 1).to_bytes(4, "big") + bytes(12)
    if kind < 0.04:
        control = randomness.choice((logs.suspended, logs.reinstated))
        return control(randomness.getrandbits(32), voter=voter)
    return _random_ballot(randomness, voter)


def _random_ballot(randomness: random.Random, voter: bytes) -> bytes:
    event = randomness.choice((*logs.BALLOT_EVENTS, "VoteCast", "VoteCast", "VoteCast"))
    fields: dict[str, Any] = {
        "event_id": logs.identifier(randomness.getrandbits(7)), "voter": voter,
        "proposal": f"p{randomness.randrange(6)}", "trust": randomness.choice(TRUSTS),
    }
    if event == "VoteCast":
        fields["choice"] = randomness.choice(CHOICES)
    if event.startswith("Qualification"):
        fields["qualification"] = randomness.choice(QUALIFICATIONS)
    return logs.ballot(event, **fields)


# What an undisturbed run makes


def decided(
    box: Logs, first_keys: frozenset[bytes] = frozenset()
) -> tuple[list[Ledger], list[list[bytes]]]:
    """Decide a ballot box with the pure ledger."""
    ledgers = [Ledger(partition, len(box), first_keys) for partition in range(len(box))]
    decisions = []
    for ledger, log in zip(ledgers, box, strict=True):
        made = [ledger.decide(offset, value) for offset, value in enumerate(log)]
        decisions.append([decision for decision in made if decision is not None])
    return ledgers, decisions


def described(genesis: Genesis | None = None) -> Catalogue:
    """Fold CATALOGUE, behind the announcement with which a log under later rules begins."""
    found = Catalogue()
    for offset, value in enumerate(CATALOGUE, 0 if genesis == FIRST_GENESIS else 1):
        found.apply(*codec.decode(value), offset)
    return found


def expected_document(
    ledgers: list[Ledger], genesis: Genesis | None = None
) -> dict[str, Any]:
    """Compute the document of consultation `jeunes` from pure ledgers."""
    name, catalogue = logs.CONSULTATIONS[0], described(genesis)
    every: dict[str, Sequence[int]] = {}
    decided_by_outcome: dict[str, int] = {}
    for ledger in ledgers:
        for (consultation, proposal), counts in ledger.every_count().items():
            if consultation == name:
                every[proposal] = results_document.pooled(
                    [counts, every.get(proposal, [0] * len(counts))])
        for outcome, number in ledger.decided_by_outcome().items():
            decided_by_outcome[outcome] = decided_by_outcome.get(outcome, 0) + number
    voters = [ledger.participation(name) for ledger in ledgers]
    figures = Figures(
        {proposal: counts[:len(COUNTS)] for proposal, counts in every.items()},
        rules=max(ledger.ledger_version for ledger in ledgers),
        routes={proposal: counts[len(COUNTS):] for proposal, counts in every.items()},
        participants=sum(found.participants for found in voters),
        participants_received=sum(found.participants_received for found in voters),
        suspended=sum(found.suspended for found in voters),
        controls_after_closing=sum(found.controls_after_closing for found in voters),
        closed=all(found.closed for found in voters),
        descriptions=Descriptions().published(closed=all(found.closed for found in voters)))
    as_of = AsOf(tuple(ledger.last_offset for ledger in ledgers), catalogue.offset, -1)
    return results_document.document(results_document.compute(
        name, figures, catalogue, as_of, decided=decided_by_outcome,
        undecodable=decided_by_outcome.get("refused_undecodable", 0)), catalogue)


# Reading


@asynccontextmanager
async def reading(kafka: str, topic: str, partitions: int) -> AsyncIterator[AIOKafkaConsumer]:
    """Read every partition of a topic from its beginning."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
        yield consumer
    finally:
        await consumer.stop()


async def folded_decisions(
    stack: Stack, ends: list[int], *, spaced: bool = True
) -> list[list[bytes]]:
    """Read until each partition has `ends` decisions: in order, repeats equal, strays skipped.

    `spaced`: the votes are those of `write`, whose times each decision bears.
    """
    found: list[list[bytes]] = [[] for _ in ends]
    topic, partitions = stack.topics.decisions, stack.topics.partitions
    async with asyncio.timeout(WAIT_SECONDS), reading(stack.kafka, topic, partitions) as consumer:
        while any(len(decisions) < end for decisions, end in zip(found, ends, strict=True)):
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    _fold(found[tp.partition], record, spaced=spaced)
    return found


def _fold(decisions: list[bytes], record: Any, *, spaced: bool) -> None:
    offset = decode(record.value).source_offset
    if offset < len(decisions):
        assert decisions[offset] == record.value, f"two decisions of offset {offset}"
    elif offset == len(decisions):
        assert not spaced or not offset or record.timestamp == BEGAN_AT + 1_000 * offset
        decisions.append(record.value)


async def published_document(
    stack: Stack, vector: list[int], genesis: Genesis | None = None
) -> dict[str, Any]:
    """Read results, as readers do, until all is published at a vector; fail where one goes back."""
    catalogue = described(genesis)
    applied: dict[bytes, bytes] = {}
    waiting: dict[bytes, bytes] = {}
    last, terms = [-1] * len(vector), Terms()
    async with asyncio.timeout(WAIT_SECONDS), reading(
            stack.kafka, stack.topics.results, 1) as consumer:
        while True:
            record = await consumer.getone()
            if record.key == LEASE_KEY:
                terms.claimed(record.offset)
                waiting.clear()
                continue
            if not terms.takes(term_in(record.headers, record.offset)):
                continue
            waiting[record.key] = record.value
            if record.key != FLUSH_KEY:
                continue
            _, marker = codec.decode(record.value)
            offsets = marker["offsets"]
            assert all(map(int.__ge__, offsets, last)), f"{offsets} after {last}"
            last, applied, waiting = offsets, {**applied, **waiting}, {}
            found = {kind: {"": codec.decode(value)[1]} for kind in ("ranking", "rankings_held")
                     if (value := applied.get(b"jeunes\0" + kind.encode()))}
            if last == rankings.hold(found, last) == vector and (
                    marker["catalogue_offset"] == catalogue.offset):
                return document_of(applied, catalogue)


def document_of(applied: Mapping[bytes, bytes], catalogue: Catalogue) -> dict[str, Any]:
    """Put the records of whole flushes together as the document of `jeunes`."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in applied.items():
        name, *kind = key.decode().split("\0")
        if name == "jeunes":
            found.setdefault(kind[0], {})["".join(kind[1:])] = published_records.read(value)
    return results_document.document(published_records.published(
        "jeunes", found, codec.decode(applied[FLUSH_KEY])[1]), catalogue)


async def read_to_end(kafka: str, topic: str, partitions: int) -> list[Any]:
    """Read every record there is now."""
    found: list[Any] = []
    async with asyncio.timeout(WAIT_SECONDS), reading(kafka, topic, partitions) as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
    return found
