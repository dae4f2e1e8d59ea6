"""Reads what lies between two cuts of the log, for the patrol.

Theory of operation: a judgement names the offsets it read, so the patrol reads by offsets and in no
group. Fetches give more than was asked for; what lies beyond a cut waits here for the next one. A
backlog is cut by time: of a partition that is far ahead of others no more is read than up to the
instant at which the one that is furthest behind stands after its share.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from processors.guard.inputs import Batch, Cut
from processors.guard.judgements import VOTES_MOST, judged_in
from processors.workers.kafka_checks import reader
from processors.workers.looker import Looker
from schemas.topics import Topics


ANSWER_SECONDS = 20.0
"""Longest wait for the broker's answer, and for the next records of a stretch."""
NETWORKS_AFTER_MS = 5_000
"""Of a backlog networks are read so much further than the votes, for they are written later."""
_POLL_MS = 200

Records = list[tuple[int, bytes | None]]


class RecordsGone(Exception):
    """The log does not hold any more what a judgement has to read; the message says which."""


class Overtaken(Exception):
    """Another patrol wrote a judgement before this one; nothing of what is known holds."""


async def newest(looker: Looker, judgements: TopicPartition, end: int) -> dict[str, Any] | None:
    """Return the last judgement before the end of its topic, which may end with what is none."""
    back, told = 1, judged_in(await looker.values(judgements, -1))
    while not told and back < end:
        back *= 2
        told = judged_in(await looker.values(judgements, -back))
    return told[-1] if told else None


class Stretches:
    """A consumer of votes, networks and catalogue that gives out stretches of them.

    Raises TimeoutError where the broker does not answer, RecordsGone, KafkaError.
    """

    def __init__(self, kafka: str, topics: Topics, seen: Callable[[Records], None]) -> None:
        """`seen` is given all records of votes that are read."""
        self._kafka, self._seen = kafka, seen
        self._votes = [TopicPartition(topics.votes, number) for number in range(topics.partitions)]
        self._networks = TopicPartition(topics.networks, 0)
        self._catalogue = TopicPartition(topics.catalogue, 0)
        self._at: Cut | None = None
        """Up to where everything was given out; None before the first stretch."""
        self._left: dict[TopicPartition, Records] = {}
        """Fetched, and beyond what was asked for."""
        self._ends: Cut | None = None
        """Where the log ended when that was last asked."""
        self._consumer: AIOKafkaConsumer
        self._looker: AIOKafkaConsumer
        self._open: list[AIOKafkaConsumer] = []

    async def stop(self) -> None:
        """Close the connections, if there are any."""
        for consumer in self._open:
            await consumer.stop()

    async def _connect(self) -> None:
        """Connect at the first question; whoever asks holds the patrol's state meanwhile."""
        if not self._open:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._open = [await reader(self._kafka), await reader(self._kafka)]
            self._consumer, self._looker = self._open
            places = [*self._votes, self._networks, self._catalogue]
            self._consumer.assign(places)
            self._consumer.pause(*places)

    # Cuts

    async def cut_after(self, cut: Cut) -> tuple[Cut, int]:
        """Return where the log ends, or a cut before that where so much lies between.

        With it comes the number of votes that are left after it.
        """
        await self._connect()
        async with asyncio.timeout(ANSWER_SECONDS):
            ends = await self._looker.end_offsets([*self._votes, self._networks])
            # After those of the votes: no vote is read without the proposal it is about.
            ends |= await self._looker.end_offsets([self._catalogue])
            whole = Cut(tuple(max(ends[each] - 1, read) for each, read in zip(
                self._votes, cut.votes, strict=True)),
                max(ends[self._networks] - 1, cut.networks),
                max(ends[self._catalogue] - 1, cut.catalogue))
            if sum(whole.votes) - sum(cut.votes) <= VOTES_MOST:
                return whole, 0
            found = await self._cut_by_time(cut, whole)
            return found, sum(whole.votes) - sum(found.votes)

    async def holds(self, cut: Cut) -> bool:
        """Whether the log reaches a cut."""
        ends = (*self._ends.votes, self._ends.networks, self._ends.catalogue) if self._ends else ()
        wanted = (*cut.votes, cut.networks, cut.catalogue)
        if not ends or any(map(int.__gt__, wanted, ends)):
            await self._connect()
            places = [*self._votes, self._networks, self._catalogue]
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await self._looker.end_offsets(places)
            *votes, networks, catalogue = (found[place] - 1 for place in places)
            self._ends = Cut(tuple(votes), networks, catalogue)
            ends = (*votes, networks, catalogue)
        return all(map(int.__le__, wanted, ends))

    async def networks_begin(self) -> int:
        """Return the first offset of the networks topic that is still there."""
        await self._connect()
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await self._looker.beginning_offsets([self._networks])
        return int(found[self._networks])

    async def _cut_by_time(self, cut: Cut, whole: Cut) -> Cut:
        share = VOTES_MOST // len(self._votes)
        behind = {number: cut.votes[number] + share for number, end in enumerate(whole.votes)
                  if end > cut.votes[number] + share}
        instants = {number: await self._instant(number, offset)
                    for number, offset in behind.items()}
        first = min(instants, key=lambda number: instants[number])
        until = await self._looker.offsets_for_times({
            **dict.fromkeys(self._votes, instants[first] + 1),
            self._networks: instants[first] + NETWORKS_AFTER_MS})

        def before(partition: TopicPartition, read: int, end: int) -> int:
            found = until.get(partition)
            return end if found is None else min(max(found.offset - 1, read), end)

        votes = [min(before(each, read, end), read + share) for each, read, end in zip(
            self._votes, cut.votes, whole.votes, strict=True)]
        votes[first] = behind[first]
        return Cut(tuple(votes), before(self._networks, cut.networks, whole.networks),
                   whole.catalogue)

    async def _instant(self, number: int, offset: int) -> int:
        """Return the timestamp of a vote."""
        self._looker.assign([self._votes[number]])
        self._looker.seek(self._votes[number], offset)
        return int((await self._looker.getone(self._votes[number])).timestamp)

    # Stretches

    async def batch(self, after: Cut, until: Cut, *, networks: bool = True) -> Batch:
        """Read everything between two cuts; networks only where they are wanted."""
        await self._connect()
        if after != self._at:
            await self._seek(after)
        batch = Batch(after, until)
        ends = dict(zip([*self._votes, self._catalogue], (*until.votes, until.catalogue),
                        strict=True))
        if networks:
            ends[self._networks] = until.networks
        for place, end in ends.items():
            self._add(batch, place, self._left.pop(place, []), end)
        missing = {place for place, end in ends.items()
                   if place not in self._left and await self._consumer.position(place) <= end}
        while missing:
            for place, fetched in (await self._fetched(missing)).items():
                records = [(record.offset, record.value) for record in fetched]
                self._add(batch, place, records, ends[place])
            missing = {place for place in missing if place not in self._left
                       and await self._consumer.position(place) <= ends[place]}
        self._at = until if networks else None
        return batch

    async def _fetched(self, places: set[TopicPartition]) -> dict[TopicPartition, Any]:
        self._consumer.resume(*places)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    found: dict[TopicPartition, Any] = await self._consumer.getmany(
                        *places, timeout_ms=_POLL_MS)
                    if found:
                        return found
        finally:
            # Until a stretch is asked for nothing is: each record would end a fetch of its own.
            self._consumer.pause(*places)

    def _add(self, batch: Batch, place: TopicPartition, records: Records, end: int) -> None:
        """Add records up to an offset; keep those beyond."""
        count = next((number for number, record in enumerate(records) if record[0] > end),
                     len(records))
        taken = records[:count]
        if count < len(records):
            self._left[place] = records[count:]
        if place == self._networks:
            batch.add_networks(taken)
        elif place == self._catalogue:
            batch.add_catalogue(taken)
        elif taken:
            batch.add_votes(place.partition, taken)
            self._seen(taken)

    async def _seek(self, after: Cut) -> None:
        """Read everything on after a cut."""
        self._left.clear()
        places: Sequence[TopicPartition] = [*self._votes, self._networks, self._catalogue]
        async with asyncio.timeout(ANSWER_SECONDS):
            held = await self._consumer.beginning_offsets(places)
        for place, read in zip(places, (*after.votes, after.networks, after.catalogue),
                               strict=True):
            if held[place] > read + 1 and place != self._networks:
                raise RecordsGone(
                    f"{place.topic} {place.partition} begins at offset {held[place]}, and the "
                    f"patrol reads on at {read + 1}: records are missing. Restore the topic; the "
                    "archive has every record.")
            self._consumer.seek(place, max(held[place], read + 1))
