"""Seals a closed consultation: announced, its keys destroyed, then a control in every partition.

Theory of operation: as with a closing, the announcement in the catalogue fixes the control's bytes.
The controls are written after the keys are gone, so what a partition says was done. Whoever finds
an announcement goes on where the last run ended: keys that are left, partitions that lack the
control. No event is touched: counts, proofs and recounts are what they were.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from producers import closing, signing
from producers.endorsing import endorser
from producers.errors import InvalidInput, Missing
from producers.gateway.keys import KeyFolder
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.writer import BulkWriter
from schemas.moments import moment, zone_of


EVENT = "ConsultationSealed"


@dataclass(frozen=True)
class Sealed:
    """A completed sealing; `destroyed` lists what this run deleted."""

    consultation: str
    offsets: list[int]
    destroyed: list[Path]
    written: bool
    """Whether this run had to write or delete anything."""
    network_key_kept: str | None = None
    """Today, where its network key stays: another consultation is open and uses it."""


async def closed_at(log: Log, consultation: str) -> int:
    """Say when a consultation's closing was completed (ms); raise InvalidInput where it is open."""
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
    known.require_consultation(consultation)
    completed = closing.completion_of(known, consultation)
    if completed is None:
        raise InvalidInput(
            f"consultation {consultation!r} is not closed: its voters could not vote any more. "
            f"Close it first with `scrutin close {consultation}`.")
    return int(completed["occurred_at"])


async def seal(
    log: Log, consultation: str, folders: Sequence[KeyFolder], *, keyless: bool, now: int,
    salt: bytes,
) -> Sealed:
    """Seal a closed consultation, or finish a sealing that was interrupted.

    Destroys its keys, and the network keys of all days up to its closing, in each of the folders.
    While another consultation is open today's network key stays, until it expires like every day's.
    Raises Missing where a folder has no keys of it, unless it is `keyless`: nobody ever voted
    through a gateway; InvalidInput where the log takes none but signed controls, and no key at hand
    may sign.
    """
    ended_at = await closed_at(log, consultation)
    if not keyless:
        _require_keys(consultation, folders)
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
        announced = known.find(EVENT, consultation)
        controls = await signing.controls(reader, log.topics, known, log.own_keys)
        controls.require_signers(EVENT)
        endorsed = endorser(known, log.own_keys, (EVENT,))
        present = (await closing.present_controls(
            reader, log.topics, announced, controls, event=EVENT) if announced else {})
    async with BulkWriter(log.address) as writer:
        if announced is None:
            announced = {
                "event_id": closing.event_id_of(EVENT, consultation),
                "consultation": consultation, "salt": salt, "origin": "operator",
                "occurred_at": now,
            }
            await closing.announce(writer, log.topics, announced, endorsed, event=EVENT)
        before = _day_of(ended_at) + dt.timedelta(days=1)
        kept = None
        if before > _day_of(now) and _another_is_open(known, consultation):
            before = _day_of(now)
            kept = before.isoformat()
        destroyed = _destroyed(consultation, folders, before)
        offsets = await closing.put(
            writer, log.topics, announced, controls, present=present, now=now, event=EVENT)
    written = bool(destroyed) or len(present) < log.topics.partitions
    return Sealed(consultation, offsets, destroyed, written, kept)


def _another_is_open(known: KnownCatalogue, consultation: str) -> bool:
    return any(closing.completion_of(known, other) is None
               for other in known.consultations() if other != consultation)


def _day_of(milliseconds: int) -> dt.date:
    return moment(milliseconds, zone_of("UTC")).date()


def _require_keys(consultation: str, folders: Sequence[KeyFolder]) -> None:
    for folder in folders:
        place = folder.folder_of(consultation)
        if not folder.knows(consultation):
            raise Missing(
                f"{place}: no keys of consultation {consultation!r} lie here, so nothing would be "
                "destroyed. Run this where the gateway runs, with its SCRUTIN_DATA_DIR; where no "
                "vote ever came through a gateway (an import, a simulation) add --keyless.")


def _destroyed(consultation: str, folders: Sequence[KeyFolder], before: dt.date) -> list[Path]:
    """Delete what joins devices, and networks of days before a date, to votes; return the files."""
    gone: list[Path] = []
    for folder in folders:
        gone += folder.seal(consultation)
        gone += folder.destroy_networks(before=before.isoformat())
    return gone
