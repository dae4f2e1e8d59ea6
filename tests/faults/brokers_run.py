"""Runs seeds of faults on a cluster of three brokers, and checks what they left."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from processors.workers.kafka_checks import connected_admin
from processors.workers.provisioning import provision
from schemas import codec
from schemas.topics import Topics
from scrutin.doctor.cluster import look
from tests.e2e.running import end_offsets, read
from tests.faults import brokers_plan, checker
from tests.faults.brokers_crowd import Crowd, attempts
from tests.faults.brokers_plan import BrokerFault, BrokerKind, Silence, Window
from tests.faults.violations import Log, Violation
from tests.harness import Stack, Worker, connected_producer, write
from tests.producers.gateway.booths import consultation, proposal
from tests.production.brokers import NODES, Brokers, three_brokers
from tests.waiting import until_answered


PARTITIONS = 6
"""So each broker leads two."""
VOTES_A_SECOND = 2_000
SESSION_SECONDS = 4.0
"""As docs/operate.md advises for a recovery within 8 s; Kafka's own is 9 s."""
GATEWAYS = ("1", "2")
TOWN, PROPOSALS = "town", ("p1", "p2", "p3")
QUIET_SECONDS = 3.0
"""Load without a fault before each, and at the end."""
STEADY_SECONDS = 120.0
"""The cluster is whole again within so long, and everything is decided."""
POLL_SECONDS = 0.2
ELECTED_SECONDS = 0.05
"""So often it is asked who leads what a lost broker led."""
SPOILT_STATUS = 70
AWAY = (KafkaError, OSError, RuntimeError, AttributeError)
"""What the client of administrators raises while the broker that it asks is away."""


@dataclass
class BrokersReport:
    """What a seed did and found."""

    seed: int
    faults: list[BrokerFault]
    violations: list[Violation] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    """How connections ended without an answer."""
    acknowledged: int = 0
    silences: list[tuple[BrokerFault, Silence]] = field(default_factory=list)
    """By fault, the longest time without a vote taken, of any partition at any gateway..."""
    late_seconds: list[float] = field(default_factory=list)
    """... how late the crowd was itself, at the most..."""
    elected_seconds: list[float | None] = field(default_factory=list)
    """... and how much of it the brokers took until all others knew new leaders; None: never."""
    seconds: float = 0.0


async def run_seed(
    brokers: Brokers, folder: Path, seed: int, votes_per_second: int
) -> BrokersReport:
    """Run one seed on a cluster, in topics of its own."""
    began, report = time.monotonic(), BrokersReport(seed, brokers_plan.plan(seed))
    stack = Stack(brokers.address, Topics(f"brokers_{seed}", PARTITIONS), folder / f"seed-{seed}")
    stack.folder.mkdir(parents=True)
    try:
        await _Seed(brokers, stack, report, votes_per_second).run()
    finally:
        stack.stop()
    report.seconds = time.monotonic() - began
    return report


def line(report: BrokersReport) -> str:
    """Say in a line what a seed did and found."""
    done = ", ".join(
        f"{fault.kind} {fault.broker}"
        + (f" for {fault.seconds:.1f} s" if fault.seconds else "")
        + f" (silent {silence.seconds:.1f} s from {silence.after:.1f} s on"
        + (f", new leaders after {elected:.1f} s" if elected is not None else "")
        + f", the crowd late by {late:.1f} s)"
        for (fault, silence), elected, late in zip(
            report.silences, report.elected_seconds, report.late_seconds, strict=True))
    others = {status: count for status, count in sorted(report.statuses.items()) if status != 202}
    verdict = "held" if not report.violations else "; ".join(
        f"{found.kind}: {found.said}" for found in report.violations)
    return (f"seed {report.seed}: {done}; {report.acknowledged} acknowledged, other answers "
            f"{others or 'none'}{dict(report.endings) or ''}; {report.seconds:.0f} s; {verdict}")


async def campaign(
    folder: Path, cache_folder: Path, seeds: Iterable[int], *, votes_per_second: int,
    session_seconds: float,
) -> bool:
    """Run seeds on one cluster, and print a line for each; return whether every one held."""
    held = True
    async with three_brokers(
            folder / "cluster", cache_folder, wired=True, session_seconds=session_seconds) as found:
        for seed in seeds:
            report = await run_seed(found, folder, seed, votes_per_second)
            print(line(report), flush=True)
            held = held and not report.violations
    return held


class _Seed:
    """The parts of one seed while it runs."""

    def __init__(
        self, brokers: Brokers, stack: Stack, report: BrokersReport, votes_per_second: int
    ) -> None:
        self._brokers, self._stack, self._report = brokers, stack, report
        self._rate = votes_per_second
        self._ledger: Worker | None = None
        self._windows: list[Window] = []

    async def run(self) -> None:
        stack, topics = self._stack, self._stack.topics
        await provision(stack.kafka, topics, replication=NODES)
        async with connected_producer(stack.kafka) as producer:
            await write(producer, topics.catalogue, 0, [
                consultation(TOWN), *(proposal(name, TOWN) for name in PROPOSALS)])
        hosts = [self._gateway(instance) for instance in GATEWAYS]
        self._ledger = stack.started("ledger")
        crowd = Crowd(hosts, f"/v1/consultations/{TOWN}", PROPOSALS, self._rate)
        for host in hosts:
            await until_answered(f"http://{host}/readyz")

        async def everybody_has_voted() -> bool:
            return len(crowd.known) == crowd.size

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(crowd.vote())
            try:
                await _until(everybody_has_voted, "everybody has voted")
                await self._faults(crowd)
            finally:
                crowd.ended.set()
        await self._check(crowd)

    def _gateway(self, instance: str) -> str:
        port = self._stack.ports.find()
        self._stack.started(
            "gateway", instance, SCRUTIN_GATEWAY_PORT=str(port), SCRUTIN_DOOR="false",
            SCRUTIN_GATEWAY_VOTER_RATE="1000000", SCRUTIN_GATEWAY_NETWORK_RATE="100000000")
        return f"127.0.0.1:{port}"

    async def _faults(self, crowd: Crowd) -> None:
        admin = await connected_admin(self._stack.kafka)
        try:
            await self._steady(admin, crowd)
            for fault in self._report.faults:
                led = await self._led(admin, fault.broker)
                began = time.monotonic()
                electing = asyncio.create_task(self._elected(fault.broker, led))
                await self._hit(fault)
                elected = await _ended(electing)
                self._report.elected_seconds.append(elected)
                await self._steady(admin, crowd)
                self._windows.append(Window(fault, began, time.monotonic(), led, elected))
        finally:
            await admin.close()

    async def _hit(self, fault: BrokerFault) -> None:
        """Let a broker be lost, for as long as the fault says."""
        brokers, number = self._brokers, fault.broker
        begin, end = {
            BrokerKind.KILL: (brokers.kill, brokers.restart),
            BrokerKind.FREEZE: (brokers.freeze, brokers.thaw),
            BrokerKind.CUT: (brokers.cut, brokers.mend),
            BrokerKind.ROLL: (brokers.leave, brokers.restart),
        }[fault.kind]
        if fault.kind is BrokerKind.ROLL:
            await asyncio.to_thread(begin, number)
        else:
            begin(number)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            end(number)

    async def _elected(self, number: int, led: frozenset[int]) -> float:
        """Wait until all other brokers know new leaders for what one led; return the seconds."""
        began, topic = time.monotonic(), self._stack.topics.votes
        while True:
            told = await asyncio.to_thread(self._brokers.leaders, topic, but=number)
            if len(told) == NODES - 1 and all(
                    each in found and found[each].leader not in (number, -1)
                    for found in told for each in led):
                return time.monotonic() - began
            await asyncio.sleep(ELECTED_SECONDS)

    async def _led(self, admin: AIOKafkaAdminClient, number: int) -> frozenset[int]:
        """Return the partitions of the votes that a broker leads."""
        [votes] = await admin.describe_topics([self._stack.topics.votes])
        return frozenset(each["partition"] for each in votes["partitions"]
                         if each["leader"] == number)

    async def _steady(self, admin: AIOKafkaAdminClient, crowd: Crowd) -> None:
        """Wait until all replicas are in sync, each broker leads its votes again, and takes them.
        """
        topics = self._stack.topics

        async def whole() -> bool:
            self._tend()
            try:
                found = await look(admin, [each.name for each in topics.specifications()])
                return found.brokers == NODES and not any(
                    seen.error or seen.behind or seen.leaderless for seen in found.topics.values()
                ) and await asyncio.to_thread(self._agreed)
            except AWAY:
                return False

        await _until(whole, "all replicas are in sync")
        since = time.monotonic() + QUIET_SECONDS

        async def taken() -> bool:
            return all(at > since for at in crowd.places.values())

        await _until(taken, "votes are taken in all partitions")

    def _agreed(self) -> bool:
        """Whether all brokers say the same, and that each is in sync and leads: asked one by one,
        for whoever comes back from a freeze takes itself for a leader yet, and others for lost."""
        told = self._brokers.leaders(self._stack.topics.votes)
        return len(told) == NODES and told == NODES * told[:1] and all(
            len(each.in_sync) == NODES for each in told[0].values()
        ) and len({each.leader for each in told[0].values()}) == NODES

    def _tend(self) -> None:
        """Start the ledger again where it ended, as a supervisor does."""
        ledger = self._ledger
        if ledger is not None and not ledger.running():
            assert ledger.process is not None
            if ledger.process.returncode == SPOILT_STATUS:
                self._report.violations.append(Violation("worker failed", ledger.log()[-500:]))
            ledger.start()

    # What is left

    async def _check(self, crowd: Crowd) -> None:
        kafka, topics, report = self._stack.kafka, self._stack.topics, self._report
        ends = await end_offsets(kafka, topics.votes, PARTITIONS)

        async def decided() -> bool:
            self._tend()
            found = await end_offsets(kafka, topics.decisions, PARTITIONS)
            return all(map(int.__ge__, found, ends))

        await _until(decided, "all votes are decided")
        votes: list[Log] = [list(log) for log in await read(kafka, topics.votes, PARTITIONS)]
        decisions = [[value for value in log if value is not None]
                     for log in await read(kafka, topics.decisions, PARTITIONS)]
        report.statuses = Counter(told.status for told in crowd.told)
        report.endings = Counter(told.ended for told in crowd.told if told.ended)
        report.acknowledged = report.statuses[202]
        report.violations += checker.few(
            *checker.lost(attempts(crowd.ballots), votes),
            *_phantoms(crowd, votes), *_decided(votes, decisions),
            *(found for window in self._windows
              for found in brokers_plan.broken(
                  window, crowd.told, crowd.places,
                  session_seconds=self._brokers.session_seconds)))
        for window in self._windows:
            taken = [told for told in crowd.told if told.status == 202]
            report.silences.append((window.fault, max(
                brokers_plan.silences(window, taken).values(), default=Silence(0.0, 0.0))))
            report.late_seconds.append(max((
                late for at, late in crowd.late if window.began_at <= at <= window.ended_at),
                default=0.0))


def _phantoms(crowd: Crowd, votes: list[Log]) -> Iterator[Violation]:
    """No vote lies in the log that nobody sent, or more often than it was sent."""
    possible: Counter[bytes] = Counter()
    unnamed = crowd.strangers
    for each in crowd.ballots:
        if each.event:
            possible[_event_id(each.event)] += each.possible
        else:
            unnamed += each.possible
            yield Violation("vote not answered", "a vote never had a receipt")
    there = Counter(_event_id(value) for log in votes for value in log[1:] if value is not None)
    for event, times in there.items():
        if event in possible and times > possible[event]:
            yield Violation("phantom", f"{event.hex()} is there {times} times, {possible[event]} "
                            "were sent at most")
    strangers = sum(times for event, times in there.items() if event not in possible)
    if strangers > unnamed:
        yield Violation("phantom", f"{strangers} votes are there that nobody sent")


def _event_id(value: bytes) -> bytes:
    found: bytes = codec.decode(value)[1]["event_id"]
    return found


def _decided(votes: list[Log], decisions: list[list[bytes]]) -> Iterator[Violation]:
    """Every vote was decided as the pure ledger does, and none counts twice."""
    accepted, found = checker.accepted(decisions)
    yield from found
    yield from checker.counted_twice(accepted)
    pure, _ = checker.undisturbed(votes)
    yield from checker.compared(accepted, pure)


# Waiting


async def _until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until a condition holds; raise TimeoutError that says which."""
    try:
        async with asyncio.timeout(STEADY_SECONDS):
            while not await condition():
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise TimeoutError(f"{STEADY_SECONDS:.0f} s passed before {what}") from error


async def _ended(task: asyncio.Task[float]) -> float | None:
    """Return what a task found until now; None where it looks for it yet."""
    if task.done():
        return task.result()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return None
