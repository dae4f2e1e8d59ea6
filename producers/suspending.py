"""Sets every vote of a voter aside, and lets them count again; each safe to repeat.

Theory of operation: what the voter's partition says of the voter is read first, as far as the
partition takes it. Under the first rules the last control counts. Under the second a voter is
suspended while a finding stands: an operator's suspension draws a finding of its own, and a
reinstatement names one by one those that it clears, for what is cleared stays so.
"""

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from producers import signing
from producers.errors import InvalidInput
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log, require_open, require_reason
from producers.signing import Controls
from producers.writer import BulkWriter
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.findings import (
    BEFORE_RULES_2,
    CAUSE_MOST,
    FINDING_BYTES,
    FINDINGS_A_CAUSE_MOST,
    OPERATOR,
    Finding,
    Suspension,
    known,
    remembering,
)
from schemas.keys_in_force import KeysInForce
from schemas.registry import HEADER_BYTES, headers, seed
from schemas.topics import partition_of


SUSPENDED, REINSTATED = "VoterSuspended", "VoterReinstated"

@dataclass(frozen=True)
class Suspended:
    """How a voter stands; `written` tells whether this run had to write anything."""

    consultation: str
    partition: int
    offset: int | None
    """Offset of the control; None where a voter who never was suspended is reinstated."""
    written: bool
    findings: tuple[str, ...] = ()
    """Under rules 2: those that stand, or were cleared, each as cause:finding."""
    causes: tuple[int, ...] = ()
    """Under rules 2: causes that stand afterwards, for which votes stay set aside."""
    immune: tuple[int, ...] = ()
    """Under rules 2: causes that suspend the voter no more."""


@dataclass
class Record:
    """What the controls of a voter come to; fold them with `take`, in the order of the log."""

    newest: tuple[str, bytes, int] | None = None
    """Event, event id and offset of the newest control."""
    found: Suspension = field(default_factory=Suspension)
    """Findings met under rules 2."""
    has_risen: bool = False
    ids: bytes = b""
    """The controls of version 1 that the ledger knows again."""

    @property
    def is_suspended(self) -> bool:
        """Whether votes are set aside."""
        if self.has_risen:
            return self.found.lowest() is not None
        return self.newest is not None and self.newest[0] == SUSPENDED

    def rise(self) -> None:
        """Take what the first rules left into the terms of the second."""
        if self.is_suspended and not self.has_risen:
            self.found.suspend(BEFORE_RULES_2)
        self.has_risen = True

    def take(self, event: str, fields: dict[str, Any], offset: int, *, version: int) -> None:
        """Fold a control that the partition takes."""
        if version == 1 and known(self.ids, fields["event_id"]):
            return
        self.newest, outcome = (event, fields["event_id"], offset), ""
        if self.has_risen:
            outcome = self.found.follow(event, fields, version=version).outcome
        if version == 1 and outcome != "refused":
            self.ids = remembering(self.ids, fields["event_id"])

    def causes(self) -> tuple[int, ...]:
        """Name the causes that stand, in order."""
        return tuple(sorted({pair.cause for pair in self.found.standing_of()}))

    def immune(self) -> tuple[int, ...]:
        """Name the causes that suspend the voter no more, in order."""
        return tuple(filter(self.found.is_immune, range(CAUSE_MOST + 1)))


async def suspend(
    log: Log, voter: str, reason: str, *, consultation: str | None, now: int,
) -> Suspended:
    """Suspend a voter (32 hexadecimal digits), unless the log already says so.

    Raises ChangesFinal where the consultation is closed, InvalidInput where it is sealed, the voter
    was suspended too often, or the log takes none but signed controls and no key at hand may sign.
    """
    pseudonym = parse_voter(voter)
    partition, known, consultation, record, controls = await _read(log, pseudonym, consultation)
    standing = tuple(map(str, record.found.standing_of(OPERATOR)))
    if record.newest and record.is_suspended and (standing or not record.has_risen):
        return Suspended(consultation, partition, record.newest[2], written=False,
                         findings=standing)
    if record.found.is_full(OPERATOR):
        raise InvalidInput(
            f"voter {voter} was suspended and reinstated {FINDINGS_A_CAUSE_MOST} times in "
            f"consultation {consultation!r}, and the rules take no more. Nothing was written.")
    finding = Finding(OPERATOR, secrets.token_bytes(FINDING_BYTES))
    offset = await _write(
        log, known, controls, SUSPENDED, reason, record, now=now, voter=pseudonym,
        consultation=consultation, **finding._asdict())
    named = (str(finding),) if controls.rules > 1 else ()
    return Suspended(consultation, partition, offset, written=True, findings=named)


async def reinstate(
    log: Log, voter: str, reason: str, *, consultation: str | None, now: int,
    causes: Collection[int] = (), immune: Collection[int] | None = (),
) -> Suspended:
    """Clear the findings about a voter, of some causes or all, and make it immune to causes.

    `immune` None means the causes that are cleared. Under the first rules there are no causes.
    Raises as `suspend`.
    """
    pseudonym = parse_voter(voter)
    partition, known, consultation, record, controls = await _read(log, pseudonym, consultation)
    if controls.rules == 1 and (causes or immune):
        raise InvalidInput("causes and immunity are of rules 2, which this log has not adopted: "
                           "leave --cause and --immune out.")
    cleared = record.found.standing_of(*causes)
    if immune is None:
        immune = {pair.cause for pair in cleared}
    adds = not record.found.knows(cleared, immune)
    if not (adds if record.has_risen else record.is_suspended):
        return Suspended(consultation, partition, record.newest[2] if record.newest else None,
                         written=False, causes=record.causes(), immune=record.immune())
    offset = await _write(
        log, known, controls, REINSTATED, reason, record, now=now, voter=pseudonym,
        consultation=consultation, immune=sorted({*immune}),
        findings=[pair._asdict() for pair in cleared])
    record.found.reinstate(cleared, immune)
    return Suspended(consultation, partition, offset, written=True,
                     findings=tuple(map(str, cleared)), causes=record.causes(),
                     immune=record.immune())


async def _read(
    log: Log, voter: bytes, consultation: str | None
) -> tuple[int, KnownCatalogue, str, Record, Controls]:
    """Read what the log says of a voter, and get ready to write a control."""
    partition = partition_of(voter, log.topics.partitions)
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
        consultation = known.require_consultation(consultation)
        await reader.require(log.topics.votes, log.topics.partitions)
        controls = await signing.controls(reader, log.topics, known, log.own_keys, [partition])
        record = Record()
        in_force = (controls.partitions[partition].begun_again()
                    if partition in controls.partitions else KeysInForce(partition))
        async for records in reader.read(log.topics.votes, partition):
            for each in records:
                follow(record, each.value or b"", each.offset, (voter, consultation), in_force)
    return partition, known, consultation, record, controls


_CONTROLS = headers(SUSPENDED) | headers(REINSTATED)


def follow(
    record: Record, value: bytes, offset: int, whom: tuple[bytes, str], in_force: KeysInForce
) -> None:
    """Follow a partition: fold what concerns a voter in a consultation, where it is taken."""
    in_force.follow(offset, value)
    if in_force.rules > 1:
        record.rise()
    if value[:HEADER_BYTES] not in _CONTROLS or whom[0] not in value:
        return
    try:
        event, fields = codec.decode(value)
    except codec.Undecodable:
        return
    if (fields["voter"], fields["consultation"]) == whom and in_force.takes(value):
        record.take(event, fields, offset, version=codec.schema_of(value).version)


async def _write(
    log: Log, known: KnownCatalogue, controls: Controls, event: str, reason: str, record: Record,
    *, now: int, **fields: Any,
) -> int:
    """Write a control about a voter; return its offset."""
    consultation, voter = fields["consultation"], fields["voter"]
    if known.find("ConsultationSealed", consultation):
        raise InvalidInput(
            f"consultation {consultation!r} is sealed: it is not known any more whose votes are "
            "whose, so none can be set aside or counted again. Its figures stay.")
    require_open(log, known, consultation)
    followed = record.newest[1] if record.newest else b""
    event_id = hashlib.sha256(seed(event) + consultation.encode() + b"\0"
                              + voter + followed + fields.get("finding", b"")).digest()[:ID_BYTES]
    partition = partition_of(voter, log.topics.partitions)
    value = require_reason(lambda form: controls.encoded(
        event, partition, event_id=event_id, reason=form,
        salt=secrets.token_bytes(ID_BYTES), origin="operator", occurred_at=now,
        **fields), reason)
    async with BulkWriter(log.address) as writer:
        return await writer.write(log.topics.votes, partition, now, value)


def parse_voter(text: str) -> bytes:
    """Read a pseudonym of 32 hexadecimal digits; raise InvalidInput."""
    if not re.fullmatch(r"[0-9a-fA-F]{32}", text):
        raise InvalidInput(f"{text!r} is no voter: a pseudonym has 32 hexadecimal digits.")
    return bytes.fromhex(text)
