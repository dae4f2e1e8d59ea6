"""Memory of each process over minutes of steady load that holds no more live votes in the end.

Theory of operation: a ledger grows with its live votes, which says nothing of leaks. So a fixed
population votes on a fixed set of proposals, and goes on changing its mind: after the first round
no process has more to hold than before. The slope of resident memory, fitted by least squares over
the later part, is what leaks, plus what an allocator has not given back.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator

from benchmarks.gateway import answers
from benchmarks.house import PARTITIONS, READY_SECONDS, House, Process
from benchmarks.latency import TICK_SECONDS
from benchmarks.ledger import Measured
from benchmarks.votes import BEGAN_AT, CONSULTATION, PROPOSALS
from deploy.local import services
from deploy.local.ports import find_free
from producers.writer import BulkWriter
from schemas.hot import encoder
from schemas.topics import Topics, partition_of
from schemas.words import CHOICES, ORIGINS, TRUSTS


RATE = 20_000
"""Votes a second: about half of what ledger, ideas, archive and broker reach together on two
cores."""
SECONDS = 600.0
POPULATION = 100_000
"""Live votes: each is changed every five seconds."""
SAMPLE_SECONDS = 5.0
SETTLED_SHARE = 0.3
"""The slope is taken after this share of the time: caches are full by then."""
WORKERS = ("ledger", "ideas", "archive")
VIEWS = "views"


def minds_changing() -> Iterator[tuple[int, int, bytes]]:
    """Yield (partition, timestamp, value) of votes without end, by a fixed population."""
    encode = encoder("VoteCast")
    origin, trusted = ORIGINS.index("simulation"), TRUSTS.index("trusted")
    for number in itertools.count():
        turn, place = divmod(number, POPULATION)
        voter = (place * 2_654_435_761 % 2**32).to_bytes(4, "big") + bytes(12)
        yield partition_of(voter, PARTITIONS), BEGAN_AT + number // 20, encode(
            number.to_bytes(16, "big"), voter, bytes(16), turn % len(CHOICES), trusted, origin,
            CONSULTATION, f"p{place % PROPOSALS:04}", BEGAN_AT + number // 20)


async def soaked(house: House, _count: int) -> Measured:
    """Return megabytes a minute of each process."""
    topics = await house.filled(0)
    clickhouse = services.start_clickhouse(house.folder / topics.prefix / "clickhouse")
    try:
        port = find_free(1)[0]
        workers = {name: house.worker(
            name, topics, SCRUTIN_CLICKHOUSE_URL=clickhouse.configuration.url,
            SCRUTIN_VIEWS_PORT=str(port)) for name in (*WORKERS, VIEWS)}
        for name in WORKERS:
            await workers[name].ready()
        await answers(workers[VIEWS], f"http://127.0.0.1:{port}/readyz")
        sampling = asyncio.create_task(sampled(workers, SECONDS, SAMPLE_SECONDS))
        await _send(house, topics)
        samples = await sampling
        for worker in workers.values():
            worker.stop()
    finally:
        clickhouse.stop()
    return {f"soak_megabytes_per_minute_{name}": slope(found)
            for name, found in samples.items()}


async def _send(house: House, topics: Topics) -> None:
    stream = minds_changing()
    async with BulkWriter(house.kafka) as writer:
        began, done = time.monotonic(), 0
        while (passed := time.monotonic() - began) < SECONDS:
            due = int(passed * RATE)
            for partition, timestamp, value in itertools.islice(stream, due - done):
                writer.add(topics.votes, partition, timestamp, value)
            done = due
            await writer.ready()
            await asyncio.sleep(TICK_SECONDS)


async def sampled(
    workers: dict[str, Process], seconds: float, pause_seconds: float
) -> dict[str, list[tuple[float, float]]]:
    """Return (minutes, resident megabytes) of each process, all along."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in workers}
    began = time.monotonic()
    async with asyncio.timeout(seconds + READY_SECONDS):
        while (passed := time.monotonic() - began) < seconds:
            for name, worker in workers.items():
                worker.check_running()
                samples[name].append((passed / 60, worker.resident_bytes() / 1e6))
            await asyncio.sleep(pause_seconds)
    return samples


def slope(samples: list[tuple[float, float]]) -> float:
    """Fit megabytes a minute to what came after SETTLED_SHARE of the samples."""
    settled = samples[int(len(samples) * SETTLED_SHARE):]
    return statistics.linear_regression(*zip(*settled, strict=True)).slope
