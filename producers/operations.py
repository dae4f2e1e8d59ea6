"""What operators write: descriptions, groupings, closings; each safe to repeat.

Theory of operation: an operation first reads what the log already says. Where that is what the
operator wants, nothing is written; where a killed run left it half done, the rest is written.
Ids are made from what is said and from the event it follows, so that two operators who do the
same at once write the same event, which counts once.
"""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from producers import closing, consultation_file, cuts, signing
from producers.consultation_file import ConsultationFile
from producers.endorsing import FREE, Endorser, endorsed_events, endorser
from producers.errors import ChangesFinal, InvalidInput, Missing
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.signing import OwnKey
from producers.writer import BulkWriter
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.registry import HEADER_BYTES, headers, seed
from schemas.texts import fault, normalised
from schemas.topics import Topics


REASON_CHARACTERS_MOST = 10_000
"""A longer reason fits into no event; bringing it to one form may take the square of its time."""


@dataclass(frozen=True)
class Log:
    """Where operators write."""

    address: str
    topics: Topics
    after_closing: bool = False
    """Whether they may change figures of consultations that are closed."""
    own_keys: tuple[OwnKey, ...] = ()
    """Private keys at hand, with which controls are signed where the log asks for it."""


@dataclass(frozen=True)
class Closed:
    """A completed closing; `written` tells whether this run had to write anything."""

    consultation: str
    offsets: list[int]
    written: bool


async def apply(log: Log, file: ConsultationFile, *, now: int) -> int:
    """Bring the catalogue up to a file; return the number of events written.

    Raises InvalidInput where words or dates would change that people have voted on, ChangesFinal
    where those of a closed consultation would, or a proposal of it would be grouped anew.
    """
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    changed = await _reworded(log, file, known, now)
    events = [*changed, *consultation_file.needed_events(file, known, occurred_at=now)]
    if changed or any(value[:HEADER_BYTES] in headers("ProposalGrouped") for value in events):
        require_open(log, known, file.id)
    await write_catalogue(
        log, events, now, endorser(known, log.own_keys, endorsed_events(events)))
    return len(events)


async def _reworded(
    log: Log, file: ConsultationFile, known: KnownCatalogue, now: int
) -> list[bytes]:
    """Return the corrections that a file asks for, and have `known` say what they say."""
    wanted = cuts.rewordings(list(consultation_file.descriptions(file)), known)
    if not wanted:
        return []
    signer = signing.operators_key(known, log.own_keys)
    found = await cuts.cut(log.address, log.topics, file.id)
    cuts.require_unvoted(found, wanted)
    values = [cuts.encoded(each, found, cuts.UNVOTED, signer, occurred_at=now) for each in wanted]
    for value in values:
        known.apply(*codec.decode(value), value=value)
    return values


async def group(
    log: Log, proposal: str, idea: str | None, *, consultation: str | None, now: int
) -> tuple[str, bool]:
    """Group a proposal under an idea (None: take it out); return the consultation, and if written.

    Without a consultation the only one in the log is meant. Raises Missing for an unknown
    consultation, proposal or idea, ChangesFinal for one that is closed.
    """
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    consultation = known.require_consultation(consultation)
    require_known(known, "ProposalAccepted", consultation, proposal)
    if idea is not None:
        require_known(known, "IdeaDescribed", consultation, idea)
    newest = known.find("ProposalGrouped", consultation, proposal)
    if (newest or {}).get("idea") == idea:
        return consultation, False
    require_open(log, known, consultation)
    event = consultation_file.encoded(
        "ProposalGrouped", {"consultation": consultation, "proposal": proposal, "idea": idea},
        replaced=newest, occurred_at=now,
    )
    await write_catalogue(log, [event], now, endorser(known, log.own_keys, ("ProposalGrouped",)))
    return consultation, True


async def close(log: Log, consultation: str, *, now: int, salt: bytes) -> Closed:
    """Close a consultation, or finish a closing that was interrupted.

    Raises InvalidInput where the log takes none but signed closings, and no key at hand may sign.
    """
    async with closings(log, now=now) as found:
        return await found.close(consultation, salt)


@contextlib.asynccontextmanager
async def closings(
    log: Log, *, now: int, read: signing.Read | None = None
) -> AsyncIterator["Closings"]:
    """Get ready to close some consultations; `read` is what was read of the partitions before."""
    async with LogReader(log.address) as reader, BulkWriter(log.address) as writer:
        yield Closings(log, reader, writer, await read_catalogue(reader, log.topics), now, read)


class Closings:
    """Closes one consultation after the other, by a catalogue and partitions that are read once."""

    def __init__(
        self, log: Log, reader: LogReader, writer: BulkWriter, known: KnownCatalogue, now: int,
        read: signing.Read | None,
    ) -> None:
        self._log, self._reader, self._writer = log, reader, writer
        self.known, self._now, self._read = known, now, read
        """The catalogue as it was at the beginning."""
        self._controls: signing.Controls | None = None

    async def close(self, consultation: str, salt: bytes) -> Closed:
        """Close one, as `close` does."""
        self.known.require_consultation(consultation)
        completed = closing.completion_of(self.known, consultation)
        if completed is not None:
            return Closed(consultation, completed["offsets"], written=False)
        topics, controls = self._log.topics, await self._signed()
        endorsed = endorser(self.known, self._log.own_keys, (closing.CLOSED, closing.COMPLETED))
        announced, present = closing.announcement_of(self.known, consultation), dict[int, int]()
        if announced is None:
            announced = self._fields(consultation, salt)
            await closing.announce(self._writer, topics, announced, endorsed)
        else:
            present = await closing.present_controls(self._reader, topics, announced, controls)
        offsets = await closing.carry_out(
            self._writer, topics, announced, controls, endorsed, present=present,
            completed_at=self._now)
        return Closed(consultation, offsets, written=True)

    async def _signed(self) -> signing.Controls:
        """Return what signs closings; raise InvalidInput where nothing at hand may."""
        if self._controls is None:
            controls = await signing.controls(
                self._reader, self._log.topics, self.known, self._log.own_keys, read=self._read)
            controls.require_signers(closing.CLOSED)
            await self._reader.require(self._log.topics.participants, 1)
            self._controls = controls
        return self._controls

    def _fields(self, consultation: str, salt: bytes) -> dict[str, Any]:
        described = self.known.find("ConsultationDescribed", consultation) or {}
        date = described.get("closes_at")
        return closing.closing_fields(
            consultation, closes_at=self._now if date is None else min(date, self._now),
            occurred_at=self._now, salt=salt, origin="operator")


async def accept_undecodable(
    log: Log, partition: int, until: int, reason: str, *, now: int, salt: bytes
) -> bool:
    """Let the ledger of a partition go on past undecodable votes; say if anything was written."""
    if partition >= log.topics.partitions:
        raise InvalidInput(
            f"there is no votes partition {partition}: they are 0 to {log.topics.partitions - 1}.")
    async with LogReader(log.address) as reader:
        await reader.require(log.topics.votes, log.topics.partitions)
        end = await reader.end(log.topics.votes, partition)
        known = await read_catalogue(reader, log.topics)
    if until >= end:
        raise InvalidInput(
            f"votes partition {partition} ends before offset {until}: give an offset below {end}, "
            "as the ledger named it.")
    name = f"{partition}:{until}".encode()
    event_id = hashlib.sha256(seed("UndecodableAccepted") + name).digest()[:ID_BYTES]
    if event_id in known.event_ids:
        return False
    value = require_reason(lambda form: codec.encode(
        "UndecodableAccepted", event_id=event_id, reason=form, partition=partition,
        until_offset=until, salt=salt, origin="operator", occurred_at=now), reason)
    await write_catalogue(
        log, [value], now, endorser(known, log.own_keys, ("UndecodableAccepted",)))
    return True


def require_reason(encode: Callable[[str], bytes], reason: str) -> bytes:
    """Encode an event with an operator's reason: a text as any other that people read.

    Raises InvalidInput where it is none that can stay in the log.
    """
    form = normalised(reason) if len(reason) <= REASON_CHARACTERS_MOST else reason
    found = fault(form)
    if found is not None:
        raise InvalidInput(f"the reason: {found}. Say why in plain text, it stays in the log.")
    try:
        return encode(form)
    except codec.OutOfBounds as error:
        raise InvalidInput(f"{error}. Give a shorter --reason.") from error


def require_open(log: Log, known: KnownCatalogue, consultation: str) -> None:
    """Raise ChangesFinal where a consultation is closed, unless that is meant."""
    if not log.after_closing and closing.announcement_of(known, consultation):
        raise ChangesFinal(
            f"consultation {consultation!r} is closed: this would change figures that were "
            "published as final. If it must be, add --after-closing: results and pages will say "
            "for ever that figures were changed after the closing. Nothing was written.")


_KINDS = {"ProposalAccepted": "proposal", "IdeaDescribed": "idea", "ThemeDescribed": "theme"}


def require_known(
    known: KnownCatalogue, event: str, consultation: str, subject: str
) -> dict[str, Any]:
    """Return what describes something; raise Missing where nothing does."""
    found = known.find(event, consultation, subject)
    if found is None:
        what = _KINDS[event]
        raise Missing(
            f"unknown {what} {subject!r} in consultation {consultation!r}. Look it up in the "
            f"results (`scrutin results {consultation} --json`), or describe it with `scrutin "
            "consultation apply FILE`."
        )
    return found


async def write_catalogue(
    log: Log, events: list[bytes], now: int, endorsed: Endorser = FREE
) -> None:
    """Write events to the catalogue, in their order; each of ENDORSED as `endorsed` says."""
    async with BulkWriter(log.address) as writer:
        for value in events:
            await endorsed.add(writer, log.topics, now, value)
