"""Commands and workers of scrutin as processes, and plain looks at the logs they leave."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.ports import HeldPorts


COMMAND_SECONDS = 120
WAIT_SECONDS = 120.0
POLL_SECONDS = 0.2


def scrutin(
    environment: dict[str, str], *arguments: str, expected: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and check its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "scrutin", *arguments], env={**os.environ, **environment},
        capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    assert done.returncode == expected, (arguments, done.returncode, done.stdout, done.stderr)
    return done


class Worker:
    """A long-running process of ours, with its health port."""

    def __init__(self, name: str, environment: dict[str, str], log: Path) -> None:
        self.name, self._log = name, log
        self._ports = HeldPorts()
        self._port = self._ports.find()
        self._environment = {**os.environ, **environment, "SCRUTIN_HEALTH_PORT": str(self._port)}
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "scrutin", self.name], env=self._environment, stdout=log,
                stderr=log)

    def kill_and_restart(self) -> None:
        """SIGKILL the process and start it again."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def status(self) -> dict[str, Any]:
        """Ask for /status; nothing where it does not answer."""
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self._port}/status", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, OSError):
            return {}

    def stop(self) -> None:
        """End it in order, and check that it could."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0, self._log.read_text()


@contextmanager
def workers(
    names: tuple[str, ...], environment: dict[str, str], folder: Path
) -> Iterator[dict[str, Worker]]:
    """Run workers and stop them in order; whatever happens, none is left."""
    running = {name: Worker(name, environment, folder / f"{name}.log") for name in names}
    try:
        yield running
        for worker in running.values():
            worker.stop()
    finally:
        for worker in running.values():
            worker.process.kill()
            worker.process.wait()


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds, within WAIT_SECONDS."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await asyncio.to_thread(condition):
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None


@asynccontextmanager
async def _consumer(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest", max_partition_fetch_bytes=4 << 20)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def end_offsets(kafka: str, topic: str, partitions: int) -> list[int]:
    """Return the end offset of each partition."""
    async with _consumer(kafka) as consumer:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        ends = await consumer.end_offsets(places)
        return [ends[place] for place in places]


async def read(kafka: str, topic: str, partitions: int) -> list[list[bytes]]:
    """Read the values of every partition from its beginning to its end."""
    async with _consumer(kafka) as consumer:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        values: list[list[bytes]] = [[] for _ in places]
        await consumer.seek_to_beginning(*places)
        async with asyncio.timeout(WAIT_SECONDS):
            while any([await consumer.position(place) < ends[place] for place in places]):
                for place, records in (await consumer.getmany(timeout_ms=500)).items():
                    values[place.partition] += [record.value for record in records]
        return values
