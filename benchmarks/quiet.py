"""What a local stack costs at three votes a second: CPU of every process, beside release 0.1.0."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.figures import IDLE_PROCESSES
from benchmarks.gateway import consultation
from benchmarks.house import READY_SECONDS, House, Unmeasurable
from benchmarks.ledger import Measured
from benchmarks.release import own_environment, unpacked
from benchmarks.votes import votes
from producers.operations import Log, apply
from schemas.kafka_clients import new_producer
from schemas.topics import Topics


VOTES_PER_SECOND = 3
SETTLING_SECONDS, SECONDS = 15, 60
PARTITIONS = 4


MARKS = {"kafka.Kafka": "kafka", "clickhouse_process": "clickhouse"}
"""What the command lines of processes that are not ours bear."""


async def quiet(house: House, _count: int) -> Measured:
    """Run both stacks one after the other; return CPU of the tree's processes, and the ratio."""
    older = await _stack(house, "release", own_environment(unpacked(house)), rules=1)
    newer = await _stack(house, "tree", {}, rules=2)
    return {
        "idle_cpu_against_0_1_0": sum(newer.values()) / sum(older.values()),
        **{f"idle_cpu_percent_{name}": newer.get(name, 0.0) for name in IDLE_PROCESSES},
    }


async def _stack(
    house: House, name: str, environment: dict[str, str], rules: int
) -> dict[str, float]:
    """Return percent of a core by process."""
    folder = house.folder / f"quiet-{name}"
    command = [sys.executable, "-m", "scrutin", "up"]
    settings = {**os.environ, "SCRUTIN_DATA_DIR": str(folder), "SCRUTIN_PARTITIONS":
                str(PARTITIONS), **environment}
    with (house.folder / f"quiet-{name}.log").open("w+") as log:
        stack = await asyncio.to_thread(
            subprocess.Popen, command, env=settings, stdout=log, stderr=subprocess.STDOUT,
            cwd=house.folder)
        try:
            address = await _kafka_of(stack, Path(log.name))
            return await _measured(stack.pid, address, rules)
        finally:
            stack.terminate()
            await asyncio.to_thread(stack.wait)


async def _kafka_of(stack: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait until a stack has told its addresses; return the broker's."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            said = await asyncio.to_thread(log.read_text)
            told = [line.split() for line in said.splitlines()]
            names = {words[0]: words[1] for words in told if len(words) == 2}
            if "kafka" in names and "views" in names:
                return names["kafka"].removeprefix("kafka://")
            if stack.poll() is not None:
                raise Unmeasurable(f"a stack ended: {said[-500:]}")
            await asyncio.sleep(0.2)


async def _measured(pid: int, kafka: str, rules: int) -> dict[str, float]:
    topics = Topics("scrutin", PARTITIONS)
    await apply(Log(kafka, topics), consultation(), now=int(time.time() * 1000))
    producer, before, began = new_producer(kafka), dict[str, float](), 0.0
    await producer.start()
    try:
        made = votes((SETTLING_SECONDS + SECONDS) * VOTES_PER_SECOND, PARTITIONS, version=rules)
        for number, (partition, _, value) in enumerate(made):
            if number == SETTLING_SECONDS * VOTES_PER_SECOND:
                began, before = time.monotonic(), _cpu_seconds(pid)
            await producer.send_and_wait(topics.votes, value, partition=partition)
            await asyncio.sleep(1 / VOTES_PER_SECOND)
        after, seconds = _cpu_seconds(pid), time.monotonic() - began
    finally:
        await producer.stop()
    return {name: 100 * (after[name] - before.get(name, 0.0)) / seconds for name in after}


def _cpu_seconds(pid: int) -> dict[str, float]:
    """Return CPU seconds of a stack by process."""
    found: dict[str, float] = {}
    supervisor = psutil.Process(pid)
    for process in (supervisor, *supervisor.children(recursive=True)):
        line = process.cmdline()
        times = process.cpu_times()
        name = "supervisor" if process.pid == pid else next(
            (MARKS[mark] for mark in MARKS if any(mark in part for part in line)), line[-1])
        found[name] = found.get(name, 0.0) + times.user + times.system
    return found
