"""Suspensions that judgements ask for: which are owed, and how they are written.

Theory of operation: a suspension is owed from the moment its judgement is recorded until the ballot
box has it. Its event id follows from finding and voter, so one written twice is a repeat to the
ledger. Who starts anew learns from the recorded judgements what is owed, and from the ballot box
what was written: it lies behind what its judgement read.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer

from processors.guard.findings import Finding, suspension_id
from processors.workers.batches import WRITE_SECONDS, Batches
from schemas import codec
from schemas.codec import Undecodable
from schemas.keys_in_force import ADOPTIONS
from schemas.registry import HEADER_BYTES, UnknownSchema, headers
from schemas.topics import Topics, partition_of


WRITTEN_AT_ONCE = 1_000
"""Suspensions that are signed and written before others are."""
_SUSPENSIONS = headers("VoterSuspended")


class Owed(NamedTuple):
    """A suspension to be written."""

    event_id: bytes
    voter: bytes
    consultation: str
    rule: int
    version: int
    finding: bytes


class CannotSuspend(Exception):
    """No suspension can be written: the message says why, and what to do."""


class Encoder(Protocol):
    """Makes the controls of suspensions, as the log takes them."""

    async def encoded(self, owed: Sequence[Owed]) -> list[bytes]:
        """Return a control for each; raise CannotSuspend."""

    def forget(self) -> None:
        """Look again at the rules and keys of the log: they have changed."""


class Suspensions:
    """Suspensions that are owed, by event id in the order of their judgements."""

    def __init__(self, topics: Topics, encoder: Encoder) -> None:
        self._topics, self._encoder = topics, encoder
        self._owed: dict[bytes, Owed] = {}
        self.reason = ""
        """Why nothing can be written; empty where it can."""

    def __len__(self) -> int:
        return len(self._owed)

    def owe(self, findings: Iterable[Finding]) -> None:
        """Take what a recorded judgement asks for."""
        for finding in findings:
            for voter in finding.voters if finding.suspends else ():
                event_id = suspension_id(finding.finding, voter)
                self._owed[event_id] = Owed(event_id, voter, finding.consultation, finding.rule,
                                            finding.version, finding.finding)

    def drop(self, consultation: str) -> None:
        """Owe nothing any more in a consultation: its figures are final."""
        self._owed = {event_id: owed for event_id, owed in self._owed.items()
                      if owed.consultation != consultation}

    def let_count(self, consultation: str, finding: bytes) -> None:
        """Owe nothing by a finding: a person said that nobody is to be set aside by it."""
        self._owed = {event_id: owed for event_id, owed in self._owed.items()
                      if (owed.consultation, owed.finding) != (consultation, finding)}

    def met(self, records: Iterable[tuple[int, bytes | None]]) -> None:
        """Look at records of the ballot box: what is there is not owed."""
        for _, value in records:
            header = value[:HEADER_BYTES] if value else b""
            if header in _SUSPENSIONS:
                self._is_written(value or b"")
            elif header in ADOPTIONS:
                self._encoder.forget()

    def _is_written(self, value: bytes) -> None:
        try:
            fields: dict[str, Any] = codec.decode(value)[1]
        except (Undecodable, UnknownSchema):
            return
        self._owed.pop(fields["event_id"], None)

    async def write(self, producer: AIOKafkaProducer, now: int) -> int:
        """Write what is owed; return how many. CannotSuspend leaves all of it owed.

        `now` is the timestamp of the records, in milliseconds since 1970.
        """
        count = 0
        while self._owed:
            owed = list(islice(self._owed.values(), WRITTEN_AT_ONCE))
            try:
                values = await self._encoder.encoded(owed)
            except CannotSuspend as error:
                self.reason = str(error)
                raise
            self.reason = ""
            await self._send(producer, owed, values, now)
            for each in owed:
                self._owed.pop(each.event_id, None)
            count += len(owed)
        return count

    async def _send(
        self, producer: AIOKafkaProducer, owed: Sequence[Owed], values: list[bytes], now: int
    ) -> None:
        by_partition: dict[int, list[bytes]] = {}
        for each, value in zip(owed, values, strict=True):
            partition = partition_of(each.voter, self._topics.partitions)
            by_partition.setdefault(partition, []).append(value)
        async with asyncio.timeout(WRITE_SECONDS):
            for partition, controls in by_partition.items():
                writer = Batches(producer)
                writer.write(controls, timestamps=[now] * len(controls))
                await asyncio.gather(*await writer.send(self._topics.votes, partition))
