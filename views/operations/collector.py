"""Looks at every process, the logs, the results and the recounts: each second for who watches.

Theory of operation: one task, one look after the other. Each question has a bound well below the
pace, and a process that does not answer is simply asked again with the next look: what it said
last is kept, with since when it is silent. Nothing here can end the process that shows results.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaError

from schemas.figures import Reading, Sample, exposition, read
from schemas.kafka_clients import new_consumer
from schemas.topics import Topics
from schemas.words import SET_ASIDE
from views.operations import recounts
from views.operations.hottest import LOOK_SECONDS, Hottest, totals
from views.operations.watch import Ends, Look, Places, Watch
from views.source import Source


COLLECT_SECONDS = 1.0
"""Pause between two looks while somebody watches: what eyes follow..."""
UNWATCHED_SECONDS = 4.0
"""... and while nobody does: a look costs every process some milliseconds. A place that one look
missed is not stale at the next."""
ANSWER_SECONDS = 0.8
"""A process that takes longer is busy or hangs: it counts as silent for this look."""
BROKER_SECONDS = 2.0
"""Longest wait for the ends of the logs; a look takes no longer than this."""
ANSWER_BYTES_MAX = 4 * 1_048_576
"""Longest answer that is read: a thousand partitions take a quarter of it."""
RECOUNTS_SECONDS = 10.0
"""Pause between two looks into the folder of recounts."""
RETRY_MILLISECONDS = 250
"""Wait before the broker is asked again; shorter leaves more lines in the log, longer makes the
first look late: it learns topic after topic."""

PLACES_MILLISECONDS = 30_000
"""So often brokers are asked where partitions lie."""

ITSELF = "views"
"""Name of this process among the others."""
ASIDE = tuple(f"set_aside_{reason}" for reason in SET_ASIDE)
COUNTED = ("agree", "disagree", "neutral")

log = structlog.get_logger("views.operations")


class Collector:
    """Keeps a watch up to date; `on_look` is called after every look."""

    def __init__(
        self, kafka: str, topics: Topics, source: Source, *, processes: Mapping[str, str],
        token: str, data_folder: Path, itself: Callable[[], Iterable[Sample]],
    ) -> None:
        self.watch = Watch(topics, [*processes, ITSELF])
        self.itself = itself
        """Gives the samples that every process has, of this one."""
        self.hottest = Hottest(source.flushes)
        self.on_look: Callable[[], None] = lambda: None
        self._topics, self._source, self._flushes = topics, source, source.flushes
        self.flushes = self._flushes
        self._addresses, self._token = dict(processes), token
        self._data_folder = data_folder
        self._logs = _Logs(kafka, topics)
        self._began_at = time.time()
        self._flushes.watch(self._flushed)
        self._watched = asyncio.Event()

    def watched(self) -> None:
        """Say that somebody watches: the next look comes soon."""
        self._watched.set()

    async def collect(self) -> None:
        """Look until cancelled."""
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            try:
                await asyncio.gather(
                    _again(lambda: self._watch(session), COLLECT_SECONDS),
                    _again(self._look_for_hottest, LOOK_SECONDS),
                    _again(self._look_for_recounts, RECOUNTS_SECONDS))
            finally:
                await self._logs.stop()

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        """Look, and rest until somebody watches."""
        await self.look(session)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watched.wait(), UNWATCHED_SECONDS - COLLECT_SECONDS)
        self._watched.clear()

    async def look(self, session: aiohttp.ClientSession) -> None:
        """Take one look at everything."""
        names = list(self._addresses)
        ends, answers = await asyncio.gather(
            self._logs.ends(),
            asyncio.gather(*(_asked(session, self._addresses[name]) for name in names)))
        at, clock = time.time(), time.monotonic()
        watch = self.watch
        watch.see_ends(ends, at, clock)
        watch.places = self._logs.places()
        for name, reading in zip(names, answers, strict=True):
            watch.see_process(name, reading, at, clock)
        watch.see_gateways(clock)
        watch.see_process(ITSELF, read(exposition(self.itself()).decode()), at, clock)
        applied = self._flushes.applied
        if applied:
            watch.see_page(applied.offsets, clock)
        # Before everything was read, totals would grow by what is old.
        if self._source.ready.is_set() and ends is not None:
            watch.looks.append(self._totals(clock, applied.decided if applied else {}))
        watch.looked_at, watch.clock = at, clock
        self.on_look()

    def _totals(self, clock: float, decided: Mapping[str, int]) -> Look:
        sums = totals(self._flushes, ["received", *COUNTED, *ASIDE])
        watch = self.watch
        watch.set_aside = {
            reason: sums[name] for reason, name in zip(SET_ASIDE, ASIDE, strict=True)}
        return Look(
            at=clock, arrived=watch.end_of(self._topics.votes), received=sums["received"],
            counted=sum(sums[name] for name in COUNTED),
            set_aside=sum(watch.set_aside.values()),
            dead_letters=watch.end_of(self._topics.dead_letters), decided=decided)

    def _flushed(self) -> None:
        """Note how long the last flush took to come; one made before our start says nothing."""
        applied = self._flushes.applied
        if applied and applied.published_at / 1_000 >= self._began_at:
            self.watch.page_delay_seconds = max(time.time() - applied.published_at / 1_000, 0.0)

    async def _look_for_hottest(self) -> None:
        if self._source.ready.is_set():
            for _piece in self.hottest.look():
                await asyncio.sleep(0)

    async def _look_for_recounts(self) -> None:
        self.watch.recounts = await asyncio.to_thread(recounts.kept, self._data_folder)


async def _again(look: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
    """Look again and again; a look that fails is told, and the next one tried at its time."""
    while True:
        try:
            await look()
        except Exception:
            log.exception("a look failed: the operators' page stands still until one succeeds")
        await asyncio.sleep(pause_seconds)


async def _asked(session: aiohttp.ClientSession, address: str) -> Reading | None:
    """Ask a process for its figures, none where it has none; None where it does not answer."""
    try:
        async with session.get(f"{address}/metrics") as answer:
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    return None
            return read(body.decode()) if answer.status == 200 else Reading()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


class _Logs:
    """Asks the broker for the ends of the logs, connecting anew after a failure."""

    def __init__(self, kafka: str, topics: Topics) -> None:
        self._kafka = kafka
        numbers = range(topics.partitions)
        self._partitions = [
            *(TopicPartition(topics.votes, number) for number in numbers),
            *(TopicPartition(topics.decisions, number) for number in numbers),
            *(TopicPartition(name, 0)
              for name in (topics.catalogue, topics.sequences, topics.dead_letters)),
        ]
        self._consumer: Any = None

    async def ends(self) -> Ends | None:
        """Return the end of every partition; None where the broker does not say in time."""
        try:
            ends = await asyncio.wait_for(self._ask(), BROKER_SECONDS)
        except (KafkaError, TimeoutError, OSError) as error:
            log.debug("ends of the logs unknown", error=repr(error))
            return None
        return {(place.topic, place.partition): end for place, end in ends.items()}

    def places(self) -> dict[str, Places]:
        """Return how partitions lie, as brokers told last."""
        if self._consumer is None:
            return {}
        return places_in(self._consumer._client.cluster,  # noqa: SLF001 -- it has no other door
                         {place.topic for place in self._partitions})

    async def stop(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _ask(self) -> dict[TopicPartition, int]:
        if self._consumer is None:
            consumer = new_consumer(
                self._kafka, retry_backoff_ms=RETRY_MILLISECONDS,
                metadata_max_age_ms=PLACES_MILLISECONDS)
            await _started(consumer)
            self._consumer = consumer
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(self._partitions)
        return ends


async def _started(consumer: Any) -> None:
    """Start a consumer; one that cannot start is closed."""
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise


def places_in(cluster: ClusterMetadata, topics: Iterable[str]) -> dict[str, Places]:
    """Count, by topic, the partitions nobody leads and those of which a replica is behind."""
    known = cluster._partitions  # noqa: SLF001 -- its own questions leave replicas out
    return {topic: Places(
        sum(each.leader < 0 for each in known[topic].values()),
        sum(len(each.isr) < len(each.replicas) for each in known[topic].values()))
        for topic in topics if topic in known}
