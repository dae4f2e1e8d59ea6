"""Gives a log its control keys, or other ones; safe to repeat.

Theory of operation: an adoption of keys is a record in each partition, signed by an operator's key
of the ones before. A log without keys takes its first from a record that every ledger was told of
beforehand: it follows from the keys and from when the rules were announced, so whoever makes it
makes the same bytes, and its digest can be told before it is written. So first keys take two runs:
one announces the digests and says what ledgers are to be started with, the next one writes. The
announcement of the keys comes last, once every partition has adopted them; a run that finds some
partitions behind finishes them.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from producers import signing
from producers.errors import InvalidInput, Missing
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.signing import Controls, OwnKey
from producers.writer import BulkWriter
from schemas import codec
from schemas.control_roles import PublicKey, keys_in
from schemas.control_signatures import unsigned_digest
from schemas.genesis import announced
from schemas.registry import FIRST_RULES, HEADER_BYTES, headers


DECIDED_SECONDS = 60.0
"""Ledgers that run decide at once; the command waits no longer for those that do not."""
LOOK_SECONDS = 0.2
ID_BYTES = 16
EVENT = "RulesAdopted"
_DECISIONS = headers("DecisionMade")


@dataclass(frozen=True)
class KeysAdopted:
    """What became of an adoption of keys."""

    generation: int
    keys: tuple[str, ...]
    """Each as ROLE:PUBLIC."""
    partitions: list[int]
    """Those in which it was written now."""
    announced: bool
    """Whether the catalogue was told now."""


async def adopt_keys(log: Log, keys: tuple[PublicKey, ...], *, now: int) -> KeysAdopted:
    """Let every partition take the signatures of these keys, and of no others.

    Raises InvalidInput where the log does not follow rules 2 or no operator's key at hand may sign
    it, Missing where ledgers are still to be told, or have not decided in time.
    """
    texts = tuple(key.text() for key in keys)
    async with LogReader(log.address) as reader, BulkWriter(log.address) as writer:
        await reader.require(log.topics.votes, log.topics.partitions)
        known = await read_catalogue(reader, log.topics)
        if known.rules == FIRST_RULES:
            raise InvalidInput("keys are of rules 2, which this log has not adopted: run `scrutin "
                               "rules adopt 2` first.")
        if known.control_keys == keys:
            return KeysAdopted(known.generation, texts, [], announced=False)
        controls = await signing.controls(reader, log.topics, known, log.own_keys)
        signer = controls.signer(EVENT)
        adoption = _Adoption(log, known, controls, keys, now)
        records = [adoption.record(partition, signer)
                   for partition in range(log.topics.partitions)]
        if signer is None:
            await adoption.require_told(writer, records)
        behind = await adoption.behind(reader)
        for partition in behind:
            offset = await writer.write(
                log.topics.votes, partition, adoption.occurred_at, records[partition])
            await adoption.require_adopted(reader, partition, offset)
        await writer.write(log.topics.catalogue, 0, now, announced(
            known.rules, adoption.generation, keys, occurred_at=now))
    return KeysAdopted(adoption.generation, texts, behind, announced=True)


class _Adoption:
    """One adoption of keys, by all partitions of a log."""

    def __init__(
        self, log: Log, known: KnownCatalogue, controls: Controls, keys: Sequence[PublicKey],
        now: int,
    ) -> None:
        self._topics, self._known, self._controls = log.topics, known, controls
        self.keys = tuple(keys)
        self.generation = known.generation + 1
        self.occurred_at = now if known.control_keys else known.announced_at

    def record(self, partition: int, signer: OwnKey | None) -> bytes:
        """Make the record of a partition; a first one is the same whoever makes it."""
        event_id, salt = secrets.token_bytes(ID_BYTES), secrets.token_bytes(ID_BYTES)
        if signer is None:
            said = f"{EVENT}/{self._topics.votes}/{partition}/{self.generation}/" + ",".join(
                key.text() for key in self.keys)
            digest = hashlib.sha256(said.encode()).digest()
            event_id, salt = digest[:ID_BYTES], digest[ID_BYTES:]
        return self._controls.signed(
            EVENT, partition, signer, event_id=event_id, salt=salt, origin="operator",
            occurred_at=self.occurred_at, ledger_version=self._known.rules, partition=partition,
            partitions=self._topics.partitions, generation=self.generation,
            keys=[key.fields() for key in self.keys])

    async def require_told(self, writer: BulkWriter, records: Sequence[bytes]) -> None:
        """Announce the digests of first adoptions; raise Missing where that was not done before."""
        digests = [unsigned_digest(record) for record in records]
        if self._known.first_keys.issuperset(digests):
            return
        await writer.write(self._topics.catalogue, 0, self.occurred_at, announced(
            self._known.rules, self._known.generation, (), occurred_at=self.occurred_at,
            first_keys=digests))
        raise Missing(
            "this log has no keys yet, and takes its first only by a record that every ledger was "
            "told of. Start each ledger with the following setting, for ever, then repeat this "
            f"command:\nSCRUTIN_FIRST_KEYS={','.join(digest.hex() for digest in digests)}")

    async def behind(self, reader: LogReader) -> list[int]:
        """Name the partitions that have not adopted the keys."""
        return [partition for partition in range(self._topics.partitions)
                if not await self._has_adopted(reader, partition)]

    async def _has_adopted(self, reader: LogReader, partition: int) -> bool:
        public = self.keys[0].public
        async for records in reader.read(self._topics.decisions, partition):
            for record in records:
                value = record.value or b""
                if public in value and self._adopts(_decision(value)):
                    return True
        return False

    def _adopts(self, decision: dict[str, Any] | None) -> bool:
        return bool(decision and decision["outcome"] == "adopted"
                    and decision["generation"] == self.generation
                    and keys_in(decision) == self.keys)

    async def require_adopted(self, reader: LogReader, partition: int, offset: int) -> None:
        """Wait for the decision of a record; raise Missing unless it adopts the keys."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DECIDED_SECONDS
        while (decision := await self._decision_of(reader, partition, offset)) is None:
            if loop.time() > deadline:
                raise Missing(
                    f"the adoption in votes partition {partition} lies at offset {offset} and was "
                    f"not decided within {DECIDED_SECONDS:.0f} s: start its ledger, then repeat "
                    "this command. Until it is announced, controls are signed as before.")
            await asyncio.sleep(LOOK_SECONDS)
        if not self._adopts(decision):
            remedy = ("another adoption was begun there. Repeat that one with its keys: it is "
                      "finished, and may be followed by this one.")
            if not self._known.control_keys and decision["refusal"] == "unsigned":
                remedy = ("it was not started with the SCRUTIN_FIRST_KEYS that belongs to them. "
                          "Start it so, then repeat this command.")
            raise Missing(f"the ledger of votes partition {partition} refused the keys "
                          f"({decision['refusal']}): {remedy}")

    async def _decision_of(
        self, reader: LogReader, partition: int, offset: int
    ) -> dict[str, Any] | None:
        """Find the decision of a votes offset: each has one or more, in the order of offsets."""
        async for records in reader.read(self._topics.decisions, partition, first=offset):
            for record in records:
                decision = _decision(record.value or b"")
                if decision and decision["source_offset"] == offset:
                    return decision
        return None


def _decision(value: bytes) -> dict[str, Any] | None:
    if value[:HEADER_BYTES] not in _DECISIONS:
        return None
    return codec.decode(value)[1]
