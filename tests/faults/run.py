"""One seed of the campaign: load, faults, recovery, evidence, verdict."""

import asyncio
import json
import math
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from clickhouse_connect.driver.client import Client

from deploy.local import services
from processors.workers.kafka_checks import connected_admin
from processors.workers.provisioning import provision
from schemas.genesis import FIRST_GENESIS
from schemas.topics import Topics
from sinks.logs import archived_logs
from sinks.store import Store, connect
from sinks.transparency.policy import place_of
from tests.e2e.running import end_offsets, read
from tests.faults import transparency
from tests.faults.booth import CATALOGUE, Voters
from tests.faults.checker import (
    ArchivedPartition,
    Attempt,
    Evidence,
    Outcome,
    check,
)
from tests.faults.cluster import EXPECTED_STATUS, Cluster
from tests.faults.load import Load, outcomes
from tests.faults.schedule import ADOPTION, GATEWAY, QUIET_SECONDS, Schedule, schedule
from tests.faults.violations import Log, Violation
from tests.harness import Stack, connected_producer, write
from tests.sinks.ballots import random_box
from tests.sinks.published import catalogue_log


PARTITIONS = 4
RECORDS_A_SECOND = 1_200
VOTERS, PROPOSALS = 400, 12
RECOVERY_SECONDS = 60.0
"""Everything is recovered within so long after the last fault, or that is a violation."""
REPORT_CHARACTERS = 2_000
"""What is quoted of the recount's report: its end says the verdict."""
POLL_SECONDS = 0.1
WARM_SECONDS = 15.0
"""Workers are waited for so long before the load begins."""


@dataclass(frozen=True)
class Setup:
    """A broker and a ClickHouse for all seeds, and where each seed keeps its files."""

    folder: Path
    broker: services.Broker
    clickhouse: services.ClickHouse


@dataclass
class Report:
    """What a seed did and found."""

    plan: Schedule
    violations: list[Violation] = field(default_factory=list)
    written: dict[Outcome, int] = field(default_factory=dict)
    decided: int = 0
    repeated: int = 0
    """Records of the decisions topic beyond one a vote: repeats and strays, skipped by readers."""
    receipts: int = 0
    """Votes over HTTP whose voters had a receipt in the end."""
    flushes: int = 0
    stale_flushes: int = 0
    recovery_seconds: float = 0.0
    seconds: float = 0.0
    ended: Counter[str] = field(default_factory=Counter)
    """Workers that ended unordered, by reason."""
    folder: Path | None = None
    """What is kept of a seed that failed."""


@contextmanager
def setup(folder: Path, cache_folder: Path) -> Iterator[Setup]:
    """Run a broker and a ClickHouse of the campaign's own: it kills them."""
    broker = services.start_broker(folder / "kafka", cache_folder)
    try:
        clickhouse = services.start_clickhouse(folder / "clickhouse")
        try:
            yield Setup(folder, broker, clickhouse)
        finally:
            clickhouse.stop()
    finally:
        broker.stop()


def run_seed(parts: Setup, seed: int) -> Report:
    """Run one seed and check what it left; its files stay only if something does not hold."""
    began = time.monotonic()
    report = Report(schedule(seed))
    stack = Stack(parts.broker.address, Topics(f"seed_{seed}", PARTITIONS),
                  parts.folder / f"seed-{seed}")
    stack.folder.mkdir(parents=True)
    try:
        evidence = _Seed(parts, stack, report).run()
    finally:
        stack.stop()
    report.violations += check(evidence)
    report.seconds = time.monotonic() - began
    if report.violations:
        _keep(stack.folder, report, evidence)
    else:
        _forget(parts, stack)
    return report


class _Seed:
    """The parts of one seed while it runs."""

    def __init__(self, parts: Setup, stack: Stack, report: Report) -> None:
        self.stack, self.report, self.plan = stack, report, report.plan
        self.cluster = Cluster(stack, parts.broker, parts.clickhouse, self.plan.clocks)
        self._pause = threading.Event()

    def run(self) -> Evidence:
        plan, topics = self.plan, self.stack.topics
        events = int(plan.load_seconds * RECORDS_A_SECOND)
        box = random_box(
            plan.seed, events, partitions=PARTITIONS, voters=VOTERS, proposals=PROPOSALS,
            rises_at=events if plan.adoption else None)  # Never: the command adopts.
        catalogue = [*catalogue_log(box), *CATALOGUE]
        adopted = asyncio.run(_prepare(self.stack, catalogue))
        ballots = [log[1:] for log in box.logs]
        voters = Voters(self.cluster.gateway_urls)
        with Load(self.stack.kafka, topics, ballots, RECORDS_A_SECOND, plan.seed, voters) as load:
            self.cluster.start(all_ledgers=not plan.joins_late)
            self._until(self._warm, WARM_SECONDS)
            load.start_writing()
            self._inject()
            load.stop_writing()
            self.cluster.join()
            self._until(load.stopped, RECOVERY_SECONDS)
            self.cluster.end_replaced()
            stopped_at = time.monotonic()
            recovered = self._until(lambda: self._recovered(load),
                RECOVERY_SECONDS)
            self.report.recovery_seconds = time.monotonic() - stopped_at
            if not recovered:
                self.report.violations.append(Violation("not recovered", (
                    f"{RECOVERY_SECONDS:.0f} s after the load had ended, results or archive did "
                    f"not hold every vote: {load.flushes.applied}, "
                    f"{dict(self.cluster.restarts())}")))
            evidence = self._evidence(load, adopted)
        self._account(load, evidence)
        return evidence

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Tend the workers until a condition holds; say whether it came to hold."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.cluster.tend()
            self._pause.wait(POLL_SECONDS)
        return True

    def _warm(self) -> bool:
        return ADOPTION not in self.cluster.wanted and all(
            self.cluster.ready(name) for name in self.cluster.wanted)

    def _actions(self) -> list[tuple[float, Callable[[], None]]]:
        """List what is done, by its moment."""
        cluster, adoption = self.cluster, self.plan.adoption
        found: list[tuple[float, Callable[[], None]]] = []
        for fault in self.plan.faults:
            found += [(fault.at_seconds, partial(cluster.begin, fault)),
                      (fault.end_seconds, partial(cluster.end, fault))]
        if adoption:
            found.append((adoption.at_seconds, cluster.adopt))
        if adoption and adoption.killed_after_seconds is not None:
            found.append((adoption.at_seconds + adoption.killed_after_seconds,
                          cluster.kill_adoption))
        return sorted(found, key=lambda action: action[0])

    def _inject(self) -> None:
        """Begin and end every fault at its moment, and the adoption of rules."""
        began = time.monotonic()
        joined = not self.plan.joins_late
        for at_seconds, act in self._actions():
            self._tend_until(began + at_seconds)
            act()
            if not joined:
                self.cluster.join_ledger()
                joined = True
        # A broker's start takes longer than planned: some load comes after it in any case.
        self._tend_until(max(began + self.plan.load_seconds, time.monotonic() + QUIET_SECONDS))

    def _tend_until(self, moment: float) -> None:
        self._until(lambda: time.monotonic() >= moment, math.inf)

    # Recovery

    def _recovered(self, load: Load) -> bool:
        """Whether every worker is ready, and results and their ranking hold every vote."""
        return self._warm() and self._complete(load)

    def _complete(self, load: Load) -> bool:
        """Whether results, their ranking and the notary's logs hold all that was written."""
        kafka, topics = self.stack.kafka, self.stack.topics
        ends = asyncio.run(end_offsets(kafka, topics.votes, PARTITIONS))
        [named] = asyncio.run(end_offsets(kafka, topics.catalogue, 1))
        applied, document = load.flushes.applied, load.document()
        if applied is None or document is None:
            return False
        vector = [end - 1 for end in ends]
        ranked: list[int] = document["as_of"]["ranking"]
        return (list(applied.offsets) == vector == ranked
                and document["as_of"]["catalogue"] == named - 1
                and all(transparency.size(self._logs, place) == end
                        for place, end in zip(self._places(), (*ends, named), strict=True)))

    @property
    def _logs(self) -> Path:
        """Where the notary keeps its logs."""
        return self.stack.folder / "data/transparency"

    def _places(self) -> list[str]:
        """Name the transparency logs of the votes, and of the catalogue."""
        topics = self.stack.topics
        return [*(place_of(topics, topics.votes, number) for number in range(PARTITIONS)),
                place_of(topics, topics.catalogue, 0)]

    def _evidence(self, load: Load, adopted: list[Attempt]) -> Evidence:
        """Stop the writers of the logs, then everything, and gather what is left."""
        kafka, topics = self.stack.kafka, self.stack.topics
        workers = [name for name in self.cluster.workers if name != "archive"]
        gateways = [name for name in workers if name.startswith(GATEWAY)]
        # A gateway may have written last: only once it has ended nothing more is to be read.
        self._end(gateways)
        self._until(lambda: self._complete(load), RECOVERY_SECONDS)
        self._end(workers)
        logs: dict[str, list[Log]] = {
            kept.topic: [list(log) for log in asyncio.run(read(kafka, kept.topic, kept.partitions))]
            for kept in archived_logs(topics)}
        client = connect(self.cluster.clickhouse.url, topics.prefix)
        try:
            self._until(lambda: _archived_rows(client, topics)
                        >= sum(len(log) for found in logs.values() for log in found),
                        RECOVERY_SECONDS)
            auditor = self.cluster.auditor()
            auditor.start()
            self.cluster.stop("archive")
            archive = list(_archive(client, topics, logs))
        finally:
            client.close()
        status = auditor.wait()
        self._until(lambda: self.cluster.stopped("archive"), RECOVERY_SECONDS)
        decisions = [[value for value in log if value is not None]
                     for log in logs[topics.decisions]]
        return Evidence(
            [*adopted, *load.attempts], logs[topics.votes], decisions, logs[topics.catalogue][0],
            list(load.observed), load.document(), status, auditor.log()[-REPORT_CHARACTERS:],
            archive, self.cluster.adoptions, load.voters.receipts(topics.votes),
            load.voters.strangers, [
                transparency.signed_log(self._logs, topics.prefix, place, log)
                for place, log in zip(
                    self._places(), (*logs[topics.votes], *logs[topics.catalogue]), strict=True)])

    def _end(self, names: list[str]) -> None:
        self.cluster.stop(*names)
        self._until(lambda: self.cluster.stopped(*names), RECOVERY_SECONDS)

    def _account(self, load: Load, evidence: Evidence) -> None:
        """Fill the report, and name the ends of workers that nobody may end with."""
        report = self.report
        report.written = outcomes(evidence.attempts)
        report.decided = sum(len(log) for log in evidence.votes)
        report.repeated = sum(len(log) for log in evidence.decisions) - report.decided
        report.receipts = sum(told.event is not None for told in evidence.receipts)
        report.flushes, report.stale_flushes = len(load.observed), load.stale_flushes
        report.ended = self.cluster.restarts()
        report.violations += [
            Violation("worker failed", f"{name} ended with status {status}: {reason}")
            for name, status, reason in self.cluster.ended if status not in EXPECTED_STATUS]


async def _prepare(stack: Stack, catalogue: Log) -> list[Attempt]:
    """Make the topics and describe the consultation; return the rules adopted as written."""
    topics = stack.topics
    await provision(stack.kafka, topics, replication=1, genesis=FIRST_GENESIS)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, topics.catalogue, 0, catalogue)
    adopted = await read(stack.kafka, topics.votes, PARTITIONS)
    return [Attempt(partition, log[0], Outcome.ACKNOWLEDGED, 0)
            for partition, log in enumerate(adopted)]


def _archived_rows(client: Client, topics: Topics) -> int:
    return sum(int(client.query(
        f"SELECT uniqExact(topic, partition, offset) FROM {log.table}").result_rows[0][0])
        for log in archived_logs(topics))


def _archive(
    client: Client, topics: Topics, logs: dict[str, list[Log]]
) -> Iterator[ArchivedPartition]:
    """Read what the archive holds of every partition."""
    store = Store(client, topics.prefix)
    for log in archived_logs(topics):
        view = log.table.removesuffix("_log")
        for partition in range(log.partitions):
            place = {"topic": log.topic, "partition": partition}
            where = "WHERE topic = {topic:String} AND partition = {partition:UInt32}"
            rows = client.query(f"SELECT count() FROM {log.table} {where}", place).result_rows
            held = client.query(
                f"SELECT hex(value), isNull(value) FROM {view} {where} ORDER BY offset", place)
            yield ArchivedPartition(
                log.topic, partition, store.archived(log.table, log.topic, partition),
                int(rows[0][0]),
                [None if is_null else bytes.fromhex(text) for text, is_null in held.result_rows],
                logs[log.topic][partition])


# What stays


def _keep(folder: Path, report: Report, evidence: Evidence) -> None:
    """Write down what a failed seed left, beside the logs of its workers."""
    report.folder = folder

    def texts(log: Log) -> list[str | None]:
        return [None if value is None else value.hex() for value in log]

    (folder / "violations.txt").write_text(
        "".join(f"{kind}: {said}\n" for kind, said in report.violations), "utf-8")
    (folder / "evidence.json").write_text(json.dumps({
        "faults": report.plan.faults, "adoption": report.plan.adoption,
        "attempts": [(one.partition, *texts([one.value]), one.outcome, one.offset)
                     for one in evidence.attempts],
        "votes": [texts(log) for log in evidence.votes],
        "decisions": [texts(list(log)) for log in evidence.decisions],
        "observed": evidence.observed, "document": evidence.document,
        "recount": [evidence.recount_status, evidence.recount_report],
    }), "utf-8")


def _forget(parts: Setup, stack: Stack) -> None:
    """Delete topics, tables and files of a seed that held."""
    asyncio.run(_delete_topics(stack))
    client = connect(parts.clickhouse.url, "default", create=False)
    client.command(f"DROP DATABASE IF EXISTS {stack.topics.prefix}")
    client.close()
    shutil.rmtree(stack.folder)


async def _delete_topics(stack: Stack) -> None:
    admin = await connected_admin(stack.kafka)
    try:
        await admin.delete_topics([topic.name for topic in stack.topics.specifications()])
    finally:
        await admin.close()
