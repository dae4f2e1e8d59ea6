"""Follows the votes, so that every gateway remembers what the others took, and what came before it.

Theory of operation: what people did is in the log, and any gateway may be asked next. So each reads
on there what all of them write, a bounded number of records back when it starts, without a group:
what is not to be shown again, and who holds a proven vote, is then known alike, a moment after the
record is there. One that has no others reads once, up to where the log ends at its start: what
comes later it takes itself. What this gateway is just writing it passes over; the booth notes it,
once. So it does votes of consultations that are closed: nobody is shown anything there, and who
voted what is to be forgotten one day. And votes on what the catalogue does not have: the names that
are remembered are numbered, and nobody's invented ones use them up. As all that is remembered
(`producers.gateway.memory`) it decides nothing: while no broker answers, or for what lies too far
back, less is known, and no vote is lost.
"""

import asyncio
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from producers.gateway.follower import Follower
from producers.gateway.memory import Memory
from schemas.codec import Undecodable
from schemas.hot import decoders
from schemas.kafka_clients import close_consumer, new_consumer
from schemas.registry import HEADER_BYTES
from schemas.stalls import LOOK_SECONDS, Standing
from schemas.topics import Topics
from schemas.words import CHOICES, TRUSTS


RECORDS_BACK = 200_000
"""Records of all partitions together that are read at the start: two seconds of work, an hour and
more of a large consultation."""
RECORDS_AT_ONCE = 100
"""Records taken before other tasks get their turn: a millisecond of work at most."""
POLL_MILLISECONDS = 5_000
FETCH_WAIT_MILLISECONDS = 5_000
"""Longest the broker holds an empty fetch."""
FETCH_BYTES = 256 << 10
"""Of a partition at once: two thousand votes."""
RETRY_SECONDS = 1.0
"""Pause before a broker that does not answer is asked again."""
ANSWER_SECONDS = 20.0
"""Longest wait for the broker's answer about where to begin."""
_TRUSTED = TRUSTS.index("trusted")
_CAST = decoders("VoteCast", "event_id", "voter", "trust", "choice", "consultation", "proposal")
_WITHDRAWN = decoders("VoteWithdrawn", "event_id", "voter", "trust", "consultation", "proposal")


class History:
    """Reads the votes for as long as the gateway lives, or once where it is the only one."""

    def __init__(
        self, address: str, topics: Topics, memory: Memory, follower: Follower, *, gateways: int
    ) -> None:
        self.ready = asyncio.Event()
        """Set once it has read to the ends that the log had at the start."""
        self._address = address
        self._memory = memory
        self._is_alone = gateways == 1
        self._follower = follower
        self._next = {TopicPartition(topics.votes, number): -1
                      for number in range(topics.partitions)}
        """Offset of the next record of each partition; -1 before the first look."""
        self._logger = structlog.get_logger("gateway")

    async def follow(self) -> None:
        """Read over whatever becomes of the broker, until cancelled or, alone, once to the ends."""
        await self._follower.ready.wait()
        while not (self._is_alone and self.ready.is_set()):
            consumer = new_consumer(
                self._address, fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS,
                max_partition_fetch_bytes=FETCH_BYTES)
            try:
                await self._read(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                self._logger.warning("what other gateways take cannot be read",
                                     kafka=self._address,
                                     reason=f"{type(error).__name__}: {error}")
            finally:
                await close_consumer(consumer)
            await asyncio.sleep(RETRY_SECONDS)

    def take(self, value: bytes | None) -> None:
        """Remember what a record of the votes says, if it is a vote that was cast or withdrawn."""
        if value is None:
            return
        header = value[:HEADER_BYTES]
        try:
            if header in _CAST:
                event_id, voter, trust, choice, consultation, proposal = _CAST[header](value)
                said: str | None = CHOICES[choice]
            elif header in _WITHDRAWN:
                event_id, voter, trust, consultation, proposal = _WITHDRAWN[header](value)
                said = None
            else:
                return
        except Undecodable:
            return
        known = self._follower.known
        if (known.find("ConsultationClosed", consultation) is None
                and known.find("ProposalAccepted", consultation, proposal) is not None
                and event_id not in self._memory.under_way):
            self._memory.choose(voter, proposal, said, trusted=trust == _TRUSTED)

    async def _read(self, consumer: Any) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            await consumer.start()
            ends = await self._begin(consumer)
        consumer.assign([*self._next])
        for place, offset in self._next.items():
            consumer.seek(place, offset)
        clock = asyncio.get_running_loop().time
        looked_at = clock()
        standing = {place: Standing(f"{place.topic}/{place.partition}") for place in self._next}
        while True:
            if all(self._next[place] >= end for place, end in ends.items()):
                self.ready.set()
                if self._is_alone:
                    return
            if clock() - looked_at > LOOK_SECONDS:
                looked_at = clock()
                async with asyncio.timeout(ANSWER_SECONDS):
                    newest = await consumer.end_offsets([*self._next])
                for place, end in newest.items():
                    standing[place].see(self._next[place], end, looked_at)
            found = await consumer.getmany(
                timeout_ms=POLL_MILLISECONDS, max_records=RECORDS_AT_ONCE)
            for place, records in found.items():
                for record in records:
                    self.take(record.value)
                self._next[place] = records[-1].offset + 1
            await asyncio.sleep(0)

    async def _begin(self, consumer: Any) -> dict[TopicPartition, int]:
        """Find where to read on: behind the last record, but no further back than the bound."""
        firsts = await consumer.beginning_offsets([*self._next])
        ends: dict[TopicPartition, int] = await consumer.end_offsets([*self._next])
        back = RECORDS_BACK // len(self._next)
        for place, end in ends.items():
            self._next[place] = min(end, max(self._next[place], firsts[place], end - back))
        return ends
