"""Gives a log its control keys, or other ones; safe to repeat.

Theory of operation: an adoption of keys is a record in each partition, signed by an operator's key
of the ones before. A log without keys takes its first from a record that every ledger was told of
beforehand: it follows from the keys and from when the rules were announced, so whoever makes it
makes the same bytes, and its digest can be told before it is written. So first keys take two runs:
one announces the digests and says what ledgers are to be started with, the next one writes. The
announcement of the keys comes last, once every partition has adopted them, signed by an operator's
key of those announced before; a run that finds some partitions behind finishes them, by what each
of them takes.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from producers import signing
from producers.errors import InvalidInput, Missing
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.writer import BulkWriter
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.control_roles import PublicKey
from schemas.control_signatures import unsigned_digest
from schemas.genesis import announced
from schemas.keys_in_force import KeysInForce
from schemas.registry import FIRST_RULES, HEADER_BYTES, headers


DECIDED_SECONDS = 60.0
"""Ledgers that run decide at once; the command waits no longer for those that do not."""
LOOK_SECONDS = 0.2
EVENT = "RulesAdopted"
EDITION_MOST = 2**63 - 1
"""As large as the field."""
_DECISIONS = headers("DecisionMade")


@dataclass(frozen=True)
class KeysAdopted:
    """What became of an adoption of keys."""

    edition: int
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
    async with LogReader(log.address) as reader, BulkWriter(log.address) as writer:
        await reader.require(log.topics.votes, log.topics.partitions)
        known = await read_catalogue(reader, log.topics)
        if known.rules == FIRST_RULES:
            raise InvalidInput("keys are of rules 2, which this log has not adopted: run `scrutin "
                               "rules adopt 2` first.")
        adoption = _Adoption(log, known, keys, now)
        await adoption.read(reader)
        rules = adoption.require_rules()
        behind, edition = adoption.behind(), adoption.edition
        is_said = (known.edition, known.control_keys) == (edition, keys)
        records = {partition: adoption.record(partition) for partition in behind}
        await adoption.require_told(writer, records)
        for partition in behind:
            offset = await writer.write(
                log.topics.votes, partition, adoption.occurred_at(partition), records[partition])
            await adoption.require_adopted(reader, partition, offset)
        if not is_said:
            await writer.write(log.topics.catalogue, 0, now, signing.announcement(
                known, log.own_keys, rules, edition, keys, occurred_at=now))
    return KeysAdopted(
        edition, tuple(key.text() for key in keys), behind, announced=not is_said)


async def read_keys(log: Log) -> list[KeysInForce]:
    """Read what is in force in each votes partition, the one with the newest keys first."""
    async with LogReader(log.address) as reader:
        await reader.require(log.topics.votes, log.topics.partitions)
        known = await read_catalogue(reader, log.topics)
        found = [await signing.keys_in_force(reader, log.topics, known, partition)
                 for partition in range(log.topics.partitions)]
    return sorted(found, key=lambda each: -each.edition)


class _Adoption:
    """One adoption of keys, by all partitions of a log."""

    def __init__(
        self, log: Log, known: KnownCatalogue, keys: Sequence[PublicKey], now: int
    ) -> None:
        self._log, self._topics, self._known, self._now = log, log.topics, known, now
        self.keys = tuple(keys)
        self._controls = signing.FIRST

    async def read(self, reader: LogReader) -> None:
        """Read what is in force in each partition."""
        self._controls = await signing.controls(
            reader, self._topics, self._known, self._log.own_keys)

    def require_rules(self) -> int:
        """Return the rules that all partitions have; raise InvalidInput where one knows no keys.

        Announced rules are no more than what the catalogue says, to which others may write.
        """
        behind = [partition for partition, each in self._controls.partitions.items()
                  if each.rules <= FIRST_RULES]
        if behind:
            raise InvalidInput(
                f"keys are of rules 2, which votes partitions {', '.join(map(str, behind))} have "
                "not adopted, though the catalogue announces them: run `scrutin rules adopt 2` "
                "first.")
        return min(each.rules for each in self._controls.partitions.values())

    @property
    def edition(self) -> int:
        """That of the keys, where a partition has them; the next one where none has."""
        in_force = self._controls.partitions.values()
        adopted = [each.edition for each in in_force if each.keys == self.keys]
        found = max(adopted, default=1 + max(each.edition for each in in_force))
        if found > EDITION_MOST:
            raise InvalidInput(
                f"this log has adopted keys of edition {found - 1}, the last there is: they "
                "stay. Begin another topic generation for other keys.")
        return found

    def behind(self) -> list[int]:
        """Name the partitions that have not adopted the keys."""
        return [partition for partition, each in self._controls.partitions.items()
                if each.keys != self.keys]

    def _is_first(self, partition: int) -> bool:
        return not self._controls.partitions[partition].keys

    def occurred_at(self, partition: int) -> int:
        """Return when an adoption happens: a first one always at the same moment."""
        return self._known.announced_at if self._is_first(partition) else self._now

    def record(self, partition: int) -> bytes:
        """Make the record of a partition; a first one is the same whoever makes it."""
        event_id, salt = secrets.token_bytes(ID_BYTES), secrets.token_bytes(ID_BYTES)
        if self._is_first(partition):
            said = f"{EVENT}/{self._topics.votes}/{partition}/{self.edition}/" + ",".join(
                key.text() for key in self.keys)
            digest = hashlib.sha256(said.encode()).digest()
            event_id, salt = digest[:ID_BYTES], digest[ID_BYTES:]
        return self._controls.encoded(
            EVENT, partition, event_id=event_id, salt=salt, origin="operator",
            occurred_at=self.occurred_at(partition), partition=partition,
            ledger_version=self._controls.partitions[partition].rules,
            partitions=self._topics.partitions, generation=self.edition,
            keys=[key.fields() for key in self.keys])

    async def require_told(self, writer: BulkWriter, records: Mapping[int, bytes]) -> None:
        """Announce the digests of first adoptions; raise Missing where that was not done before."""
        digests = [unsigned_digest(record) for partition, record in records.items()
                   if self._is_first(partition)]
        if self._known.first_keys.issuperset(digests):
            return
        await writer.write(self._topics.catalogue, 0, self._now, announced(
            self.require_rules(), self._known.edition, (), occurred_at=self._now,
            first_keys=digests))
        raise Missing(
            "this log has no keys yet, and takes its first only by a record that every ledger was "
            f"told of. Start each ledger with this setting, for ever:\n{_setting(digests)}\n"
            "and repeat this command when all of them run with it, not before.")

    async def require_adopted(self, reader: LogReader, partition: int, offset: int) -> None:
        """Wait for the decision of a record; raise Missing unless the partition has the keys."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DECIDED_SECONDS
        while (decision := await self._decision_of(reader, partition, offset)) is None:
            if loop.time() > deadline:
                raise Missing(
                    f"the adoption in votes partition {partition} lies at offset {offset} and was "
                    f"not decided within {DECIDED_SECONDS:.0f} s: start its ledger, then repeat "
                    "this command.")
            await asyncio.sleep(LOOK_SECONDS)
        is_first = self._is_first(partition)
        in_force = await signing.keys_in_force(reader, self._topics, self._known, partition)
        if in_force.keys == self.keys:
            return
        remedy = ("another adoption was begun there. Repeat that one with its keys: it is "
                  "finished, and may be followed by this one.")
        if is_first and decision["refusal"] == "unsigned":
            digest = unsigned_digest(self.record(partition)).hex()
            remedy = ("it was not started with the SCRUTIN_FIRST_KEYS that belongs to them, in "
                      f"which {digest} stands. Start it so, then repeat this command.")
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


def _setting(digests: Iterable[bytes]) -> str:
    return f"SCRUTIN_FIRST_KEYS={','.join(digest.hex() for digest in digests)}"


def _decision(value: bytes) -> dict[str, Any] | None:
    if value[:HEADER_BYTES] not in _DECISIONS:
        return None
    return codec.decode(value)[1]
