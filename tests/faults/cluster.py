"""The processes of one seed: hit by faults, and started again as a supervisor would."""

import os
import re
import resource
import signal
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

from deploy.local.services import Broker, ClickHouse, Service
from schemas.exit_codes import EXIT_STOPPED
from tests.faults.schedule import (
    ADOPTION,
    BROKER,
    CLICKHOUSE,
    GATEWAY,
    LEDGERS,
    NOTARY,
    SECOND_GATEWAY,
    WORKERS,
    Clocks,
    Fault,
    Kind,
)
from tests.harness import Stack, Worker
from tests.sinks.ballots import CONSULTATION


DRAIN_SECONDS = 1.0
"""A gateway that is rolled is not ready for so long before it takes no more."""
STOP_SECONDS = 20.0
"""A worker that was told to stop has so long, as in the local stack."""
RESTART_SECONDS = 1.0
"""Pause between two starts of one worker."""
CHECKPOINT_SECONDS = 0.5
"""Checkpoints as often as that, so that faults meet them."""
FULL_BYTES = 4_096
"""On a full disk the log of a worker that keeps files may grow so much more, and no other file
beyond that size: a snapshot does, and so does a bundle of entries."""
KEEPING_FILES = (*LEDGERS, NOTARY)
"""Others keep none but their logs, which grow no more then."""
FULL_SERVICE_BYTES = {BROKER: 16_384, CLICKHOUSE: 4_096}
"""No file of a service's may grow beyond it."""
GATEWAYS = (GATEWAY, SECOND_GATEWAY)
SNAPSHOT_DECISIONS = 700
"""Snapshots as often as that, so that recoveries meet them."""
EXPECTED_STATUS = frozenset((0, 3, EXIT_STOPPED, -signal.SIGTERM))
"""How a worker may end: told to, services away at its start, stopped itself, told to before it
listened to signals."""
REASON = re.compile(r"reason=(?:'([^']*)'|\"([^\"]*)\"|(\S+))")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Ended(NamedTuple):
    """A worker that ended without being killed by us."""

    name: str
    status: int
    reason: str


def reason(said: str) -> str:
    """Return the reason a worker named last, or else its last line."""
    plain = COLOURS.sub("", said)
    named = [next(filter(None, found)) for found in REASON.findall(plain)]
    return (named or plain.strip().splitlines() or [""])[-1]


def _port_setting(name: str) -> str:
    """Name the setting of the port that says whether a worker is ready."""
    return "SCRUTIN_GATEWAY_PORT" if name in GATEWAYS else "SCRUTIN_HEALTH_PORT"


def _limit(pid: int, size_bytes: int) -> None:
    """Let no file of a process grow beyond a size; it may be lifted again."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def _begin_of_service(kind: Kind, service: Service) -> None:
    """Let a fault of the broker or of ClickHouse begin."""
    if kind is Kind.KILL:
        service.kill()
    elif kind is Kind.STOP:
        service.stop()
    elif kind is Kind.FULL:
        _limit(service.pid, FULL_SERVICE_BYTES[BROKER if isinstance(service, Broker)
                                               else CLICKHOUSE])
    else:
        os.kill(service.pid, signal.SIGSTOP)


def _end_of_service(kind: Kind, service: Service) -> None:
    """Let it end."""
    if kind is Kind.PAUSE:
        os.kill(service.pid, signal.SIGCONT)
        return
    if kind is Kind.FULL and isinstance(service, ClickHouse):
        _limit(service.pid, resource.RLIM_INFINITY)
        return
    if kind is Kind.FULL:
        service.kill()  # It ends by itself, or has given its logs up.
    service.start()


@dataclass
class Cluster:
    """Two ledgers, ideas, archive, notary and gateways on a broker and a ClickHouse."""

    stack: Stack
    broker: Broker
    clickhouse: ClickHouse
    clocks: Clocks = field(default_factory=Clocks)
    ended: list[Ended] = field(default_factory=list)
    workers: dict[str, Worker] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    """Workers that are started again when they end."""
    _stopping: dict[str, float] = field(default_factory=dict)
    """When a worker that was told to stop is killed."""
    _started_at: dict[str, float] = field(default_factory=dict)
    _said_before: dict[str, int] = field(default_factory=dict)
    """Characters a worker's log held when it was started last."""
    _replaced: list[Worker] = field(default_factory=list)
    """Frozen workers whose successors run under the same instance."""
    _full: set[str] = field(default_factory=set)
    """Workers for which the disk is full."""
    adoptions: int = 0
    """How often the command that adopts rules 2 was started."""

    def __post_init__(self) -> None:
        second = () if self.clocks.second is None else (SECOND_GATEWAY,)
        self.names = (*WORKERS, *second)
        """All of this seed's workers."""
        for name in self.names:
            self.workers[name] = self._made(name)

    def _made(self, name: str) -> Worker:
        command, _, instance = name.partition("-")
        made = self.stack.worker(
            command, instance or "1", SCRUTIN_CLICKHOUSE_URL=self.clickhouse.url,
            SCRUTIN_CLICKHOUSE_DATABASE=self.stack.topics.prefix,
            SCRUTIN_SNAPSHOT_DECISIONS=str(SNAPSHOT_DECISIONS),
            SCRUTIN_CHECKPOINT_SECONDS=str(CHECKPOINT_SECONDS),
            SCRUTIN_GATEWAY_VOTER_RATE="1000000", SCRUTIN_DRAIN_SECONDS=str(DRAIN_SECONDS),
            **{_port_setting(name): str(self.stack.ports.find())})
        made.log_path = self.stack.folder / f"{name}.{len(self.stack.workers)}.log"
        if wrong_by := self._wrong_by(name):
            made.program = [sys.executable, "-m", "tests.faults.clock", str(wrong_by), command]
        return made

    def _wrong_by(self, name: str) -> float:
        """Say by how many seconds the clock of a worker's machine is ahead."""
        return {GATEWAY: self.clocks.gateway, SECOND_GATEWAY: self.clocks.second}.get(name) or 0.0

    # Supervision

    def tend(self) -> None:
        """Start what should run and does not; kill what does not stop in time."""
        now = time.monotonic()
        for name, worker in self.workers.items():
            if name in self._stopping:
                self._tend_stopping(name, worker, now)
                continue
            if name not in self.wanted or worker.running():
                continue
            if worker.process is not None and worker.process.returncode != -signal.SIGKILL:
                done = name == ADOPTION and worker.process.returncode == 0
                self._note(name, worker)
                if done:
                    self.wanted.discard(name)
                    continue
            if now - self._started_at.get(name, -RESTART_SECONDS) >= RESTART_SECONDS:
                self._said_before[name] = len(worker.log()) if worker.log_path.exists() else 0
                worker.start()
                self._started_at[name] = now
                if name in self._full:
                    self._fill(name)
                self.adoptions += name == ADOPTION

    def _tend_stopping(self, name: str, worker: Worker, now: float) -> None:
        if not worker.running():
            del self._stopping[name]
            self._note(name, worker)
        elif now > self._stopping[name]:
            worker.kill()
            del self._stopping[name]
            self.ended.append(Ended(name, -signal.SIGKILL, "did not stop in order in time"))
        if name not in self._stopping:
            worker.process = None

    def _note(self, name: str, worker: Worker) -> None:
        """Remember how a worker ended, and why, once."""
        assert worker.process is not None
        status = worker.process.returncode
        said = worker.log()[self._said_before[name]:]
        self.ended.append(Ended(name, status, reason(said) if status else ""))
        worker.process = None

    def restarts(self) -> Counter[str]:
        """Count ends that were not ordered, by their reason."""
        return Counter(f"{ended.name.partition('-')[0]}: {ended.reason or ended.status}"
                       for ended in self.ended if ended.status)

    # Faults

    def begin(self, fault: Fault) -> None:
        """Let a fault begin."""
        if fault.target in (BROKER, CLICKHOUSE):
            _begin_of_service(fault.kind, self._service(fault.target))
            return
        worker = self.workers[fault.target]
        if fault.kind in (Kind.KILL, Kind.STOP, Kind.LEAVE):
            self.wanted.discard(fault.target)
        if fault.kind is Kind.FULL:
            self._full.add(fault.target)
        if not worker.running():
            return
        if fault.kind is Kind.FULL:
            self._fill(fault.target)
        elif fault.kind is Kind.KILL:
            self._stopping.pop(fault.target, None)
            worker.kill()
        elif fault.kind in (Kind.STOP, Kind.LEAVE):
            self._tell_to_stop(fault.target)
        else:
            worker.send(signal.SIGSTOP)
        if fault.kind is Kind.REPLACE:
            self._replaced.append(worker)
            # It may still be stopping: its successor is not.
            self._stopping.pop(fault.target, None)
            self.workers[fault.target] = self._made(fault.target)
            self.tend()

    def end(self, fault: Fault) -> None:
        """Let a fault end."""
        if fault.target in (BROKER, CLICKHOUSE):
            _end_of_service(fault.kind, self._service(fault.target))
        elif fault.kind is Kind.REPLACE:
            for worker in self._replaced:
                worker.send(signal.SIGCONT)
        elif fault.kind in (Kind.PAUSE, Kind.ZOMBIE):
            self._wake(self.workers[fault.target])
        elif fault.kind is Kind.FULL:
            self._full.discard(fault.target)
            if self.workers[fault.target].running():
                _limit(self.workers[fault.target].pid, resource.RLIM_INFINITY)
        else:
            self.wanted.add(fault.target)
            self.tend()

    def _fill(self, name: str) -> None:
        """Let the disk be full for a worker."""
        worker = self.workers[name]
        more = FULL_BYTES if name in KEEPING_FILES else 0
        _limit(worker.pid, worker.log_path.stat().st_size + more)

    def _wake(self, worker: Worker) -> None:
        if worker.running():
            worker.send(signal.SIGCONT)

    def _tell_to_stop(self, name: str) -> None:
        self.workers[name].send(signal.SIGTERM)
        self._stopping[name] = time.monotonic() + STOP_SECONDS

    def _service(self, name: str) -> Service:
        return self.broker if name == BROKER else self.clickhouse

    # Beginning and end

    def start(self, *, all_ledgers: bool) -> None:
        """Start every worker; the second ledger only if it does not join later."""
        self.wanted = {name for name in self.names if all_ledgers or name != LEDGERS[1]}
        self.tend()

    def ready(self, name: str) -> bool:
        """Whether a worker says so itself."""
        port = self.workers[name].environment[_port_setting(name)]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False

    @property
    def gateway_urls(self) -> list[str]:
        """Where people vote."""
        ports = [self.workers[name].environment[_port_setting(name)]
                 for name in GATEWAYS if name in self.names]
        return [f"http://127.0.0.1:{port}" for port in ports]

    def join_ledger(self) -> None:
        """Have the second ledger join the first."""
        self.wanted.add(LEDGERS[1])
        self.tend()

    def adopt(self) -> None:
        """Have rules 2 adopted: the command runs until it has ended in order."""
        made = self.workers[ADOPTION] = self._made(ADOPTION)
        made.program = [sys.executable, "-m", "scrutin", "rules", "adopt", "2"]
        self.wanted.add(ADOPTION)
        self.tend()

    def kill_adoption(self) -> None:
        """Kill the command that adopts, if it still runs; it is started again."""
        if self.workers[ADOPTION].running():
            self.workers[ADOPTION].kill()

    def auditor(self) -> Worker:
        """Make the process that recounts."""
        made = self._made("audit")
        made.program = [
            sys.executable, "-m", "scrutin", "audit", "recount", CONSULTATION]
        return made

    def join(self) -> None:
        """Have every worker run."""
        self.wanted |= set(self.names)
        self.tend()

    def end_replaced(self) -> None:
        """End those who were replaced: a supervisor gives them up, and their successors get in."""
        for worker in self._replaced:
            if worker.running():
                worker.kill()
        self._replaced.clear()

    def stop(self, *names: str) -> None:
        """Tell workers to stop; `stopped` says when they have."""
        for name in names:
            self.wanted.discard(name)
            if self.workers[name].running() and name not in self._stopping:
                self._tell_to_stop(name)

    def stopped(self, *names: str) -> bool:
        """Whether none of these runs any more."""
        self.tend()
        return not any(self.workers[name].running() for name in names)
