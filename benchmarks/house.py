"""A broker of the benchmarks' own, topics filled with votes, and processes on them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.votes import votes
from deploy.local import child, services
from deploy.local.ports import find_free
from processors.workers.provisioning import provision
from producers.writer import BulkWriter
from schemas.genesis import Genesis
from schemas.topics import Topics
from scrutin.settings import load


PARTITIONS = 4
READY_SECONDS = 300.0
"""Nothing measured takes longer to begin, or to end."""
POLL_SECONDS = 0.01


class Unmeasurable(Exception):
    """A figure cannot be had on this machine; the message says why, `found` holds the others."""

    def __init__(self, reason: str, found: dict[str, float] | None = None) -> None:
        super().__init__(reason)
        self.found = found or {}


@dataclass
class Process:
    """A program under measurement."""

    argv: list[str]
    environment: dict[str, str]
    log: Path
    health_port: int = 0
    popen: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        self.popen = child.spawn(
            self.argv, self.log, environment={**os.environ, **self.environment})

    def cpu_seconds(self) -> float:
        """Return the CPU time it has used: user and system."""
        times = psutil.Process(self.popen.pid).cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        return int(psutil.Process(self.popen.pid).memory_info().rss)

    def status(self) -> dict[str, Any]:
        """Ask a worker for /status; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.health_port}/status", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, OSError, ValueError):
            return {}

    async def ready(self) -> None:
        """Wait until a worker says that it is ready."""
        async with asyncio.timeout(READY_SECONDS):
            while not (await asyncio.to_thread(self.status)).get("ready"):
                self.check_running()
                await asyncio.sleep(POLL_SECONDS)

    def check_running(self) -> None:
        """Raise if it has ended: its log says why."""
        if self.popen.poll() is not None:
            raise RuntimeError(f"{' '.join(self.argv)} ended: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()

    def stop(self) -> None:
        """End it in order, or not: a peer may not know how."""
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


class House:
    """A folder, a broker, and names that no two measurements share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = services.start_broker(folder / "kafka", load().cache_dir.expanduser())
        self._numbers = iter(range(1_000_000))
        self.processes: list[Process] = []

    @property
    def kafka(self) -> str:
        return self.broker.address

    def close(self) -> None:
        """End everything that was started."""
        for process in self.processes:
            process.kill()
        self.broker.stop()

    def topics(self) -> Topics:
        """Name topics nobody has used."""
        return Topics(f"bench{next(self._numbers)}", PARTITIONS)

    async def filled(self, count: int, *, rules: int = 1) -> Topics:
        """Provision topics and write `count` votes, of the version of the rules they have."""
        topics = self.topics()
        await provision(self.kafka, topics, replication=1, genesis=Genesis(rules))
        async with BulkWriter(self.kafka) as writer:
            for number, (partition, timestamp, value) in enumerate(
                    votes(count, PARTITIONS, version=rules)):
                writer.add(topics.votes, partition, timestamp, value)
                if number % 2_000 == 0:
                    await writer.ready()
        return topics

    def worker(
        self, command: str, topics: Topics, program: str = "scrutin", **settings: str
    ) -> Process:
        """Start a worker of ours."""
        port = find_free(1)[0]
        return self.started([sys.executable, "-m", program, command], {
            "SCRUTIN_KAFKA": self.kafka, "SCRUTIN_TOPIC_PREFIX": topics.prefix,
            "SCRUTIN_PARTITIONS": str(PARTITIONS), "SCRUTIN_HEALTH_PORT": str(port),
            "SCRUTIN_DATA_DIR": str(self.folder / topics.prefix), "SCRUTIN_LOG_FORMAT": "json",
            "SCRUTIN_CLICKHOUSE_DATABASE": topics.prefix, **settings,
        }, port)

    def started(
        self, argv: list[str], environment: dict[str, str], health_port: int = 0
    ) -> Process:
        """Start any program."""
        process = Process(argv, environment,
                          self.folder / f"process-{len(self.processes)}.log", health_port)
        process.start()
        self.processes.append(process)
        return process


@asynccontextmanager
async def reading(kafka: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """Connect a consumer without a group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest", max_partition_fetch_bytes=2 << 20, **options)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@dataclass
class Passage:
    """How a count went from its first look above nothing to its end."""

    seen: list[tuple[float, int]]
    """(time, count) of each look that saw progress."""
    cpu: list[float]
    """CPU seconds of the process at the first and the last."""

    @property
    def per_second(self) -> float:
        """The rate between the first and the last look."""
        return self._rate(0)

    @property
    def per_second_warm(self) -> float:
        """The rate of the second half."""
        half = self.seen[-1][1] / 2
        return self._rate(next(i for i, (_, count) in enumerate(self.seen) if count >= half))

    def _rate(self, begin: int) -> float:
        (began, first), (ended, last) = self.seen[begin], self.seen[-1]
        if ended <= began:
            raise Unmeasurable("all of it was there at the first look: measure more votes")
        return (last - first) / (ended - began)

    @property
    def cpu_microseconds_each(self) -> float:
        return (self.cpu[1] - self.cpu[0]) * 1e6 / (self.seen[-1][1] - self.seen[0][1])


async def passage(process: Process, count: Callable[[], Any], target: int) -> Passage:
    """Watch an awaitable count until it reaches the target."""
    found = Passage([], [])
    async with asyncio.timeout(READY_SECONDS):
        while not found.seen or found.seen[-1][1] < target:
            process.check_running()
            number = await count()
            if number and (not found.seen or number > found.seen[-1][1]):
                if not found.seen:
                    found.cpu.append(process.cpu_seconds())
                found.seen.append((time.monotonic(), number))
            await asyncio.sleep(POLL_SECONDS)
    found.cpu.append(process.cpu_seconds())
    return found


def counting_ends(consumer: AIOKafkaConsumer, topic: str) -> Callable[[], Any]:
    """Make a count of the records a topic holds."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    async def count() -> int:
        return sum((await consumer.end_offsets(partitions)).values())

    return count


async def told_by(module: str, *arguments: str) -> dict[str, Any]:
    """Run a program of ours beside what is measured; return what it says, or raise Unmeasurable."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ)
    said, why = await program.communicate()
    if program.returncode:
        raise Unmeasurable(f"{module} ended: {why.decode()[-500:]}")
    found: dict[str, Any] = json.loads(said)
    return found
