"""The live counters of the demo: what the log, the results and the workers say right now."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiokafka import TopicPartition

from schemas import codec
from schemas.kafka_clients import new_consumer
from schemas.topics import FLUSH_KEY, Topics
from sinks.logs import kept_logs


RATE_WINDOW_SECONDS = 5.0
"""Votes per second are taken over so long."""
HOTTEST_IDEAS = 3
POLL_SECONDS = 0.5
HTTP_SECONDS = 2.0
"""A worker that does not answer by then shows its last figures."""


@dataclass
class Counters:
    """One look at everything."""

    received: int = 0
    counted: int = 0
    set_aside: int = 0
    votes_per_second: float = 0.0
    """Records the ledger decides: results come in strides while it catches up."""
    records: int = 0
    """Records in the votes topic."""
    lag: int = 0
    """Records not decided yet."""
    archived: int = 0
    to_archive: int = 0
    """Records the archive is to hold."""
    published: bool = False
    """Whether the results hold the whole log."""
    hottest: list[tuple[str, int]] = field(default_factory=list)
    """Ideas with the most new votes, and how many."""


def awaited(topics: Topics) -> list[TopicPartition]:
    """Name every partition that the archive keeps: so many records it is to hold, and no fewer."""
    return [TopicPartition(log.topic, number)
            for log in kept_logs(topics) for number in range(log.partitions)]


class Watch:
    """Follow the logs and workers of a running stack."""

    def __init__(self, kafka: str, topics: Topics, health: dict[str, str]) -> None:
        self._topics, self._health = topics, health
        self._consumer = new_consumer(kafka, max_partition_fetch_bytes=4 << 20)
        self._results = TopicPartition(topics.results, 0)
        self._totals: dict[str, int] = {}
        self._vector: list[int] = []
        self._ideas: dict[str, int] = {}
        self._ideas_before: deque[tuple[float, dict[str, int]]] = deque(maxlen=20)
        self._decided_before: deque[tuple[float, int]] = deque(maxlen=60)
        self._decided = 0
        self.counters = Counters()

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign([self._results])
        await self._consumer.seek_to_beginning(self._results)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_SECONDS))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()
        await self._consumer.stop()

    async def look(self) -> Counters:
        """Take one look."""
        await self._read_results()
        ends = await self._ends()
        votes = {tp.partition: end for tp, end in ends.items() if tp.topic == self._topics.votes}
        await self._read_workers()
        now = time.monotonic()
        self._decided_before.append((now, self._decided))
        self.counters = Counters(
            received=self._totals.get("received", 0),
            counted=sum(self._totals.get(name, 0) for name in ("agree", "disagree", "neutral")),
            set_aside=sum(number for name, number in self._totals.items()
                          if name.startswith("set_aside_")),
            votes_per_second=self._rate(now),
            records=sum(votes.values()),
            lag=max(sum(votes.values()) - self._decided, 0),
            archived=self.counters.archived,
            to_archive=sum(ends.values()),
            published=bool(self._vector) and all(
                self._vector[partition] + 1 >= end for partition, end in votes.items()),
            hottest=self._hottest(now),
        )
        await self._read_archive()
        return self.counters

    async def _read_results(self) -> None:
        """Read the new results; only totals and ideas are decoded."""
        fetched = await self._consumer.getmany(self._results, timeout_ms=50, max_records=20_000)
        for record in fetched.get(self._results, ()):
            if record.key == FLUSH_KEY:
                self._vector = codec.decode(record.value)[1]["offsets"]
            elif record.key.endswith(b"\0totals"):
                self._totals = codec.decode(record.value)[1]["counts"]
            elif b"\0idea\0" in record.key:
                fields = codec.decode(record.value)[1]
                self._ideas[fields["idea"]] = fields["entry"]["counts"]["received"]

    async def _ends(self) -> dict[TopicPartition, int]:
        places = awaited(self._topics)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(places)
        return ends

    async def _read_workers(self) -> None:
        status = await self._status("ledger")
        if status is not None:
            self._decided = sum(p["durable"] + 1 for p in status["partitions"].values())

    async def _read_archive(self) -> None:
        status = await self._status("archive")
        if status is not None:
            self.counters.archived = status["archived_messages"]

    async def _status(self, worker: str) -> dict[str, Any] | None:
        try:
            async with self._session.get(f"{self._health[worker]}/status") as answer:
                status: dict[str, Any] = await answer.json()
                return status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    def _rate(self, now: float) -> float:
        past = [(at, decided) for at, decided in self._decided_before
                if now - at <= RATE_WINDOW_SECONDS]
        if len(past) < 2 or past[-1][0] == past[0][0]:
            return 0.0
        return (past[-1][1] - past[0][1]) / (past[-1][0] - past[0][0])

    def _hottest(self, now: float) -> list[tuple[str, int]]:
        self._ideas_before.append((now, dict(self._ideas)))
        before = self._ideas_before[0][1]
        grown = {idea: votes - before.get(idea, 0) for idea, votes in self._ideas.items()}
        order = sorted(grown, key=lambda idea: (-grown[idea], idea))
        return [(idea, grown[idea]) for idea in order[:HOTTEST_IDEAS] if grown[idea]]


async def until(watch: Watch, done: Any, show: Any, *, seconds: float) -> Counters:
    """Look again and again, showing each look, until `done`; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            counters = await watch.look()
            show(counters)
            if done(counters):
                return counters
            await asyncio.sleep(POLL_SECONDS)
