"""Endorses what an operator's command writes to the catalogue, where the log asks for that.

Theory of operation: an endorsement names the offset that the broker gave a record, so it is written
when the record is acknowledged. A command that ends between the two leaves a record that counts for
nobody: run again, it finds it missing and writes it anew.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from producers.errors import InvalidInput
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.signing import CatalogueKey, OwnKey, operators_key
from producers.writer import BulkWriter
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.control_signatures import UNSIGNED, key_id
from schemas.endorsements import (
    ENDORSED,
    NAMED,
    SIGNED,
    Endorsements,
    endorsement_signed,
    named_signed,
)
from schemas.registry import HEADER_BYTES, headers
from schemas.topics import Topics


_ENDORSED = {header: event for event in ENDORSED for header in headers(event)}


@dataclass(frozen=True)
class Endorser:
    """Writes records to the catalogue, each with its endorsement."""

    keys: Mapping[str, CatalogueKey] = field(default_factory=dict)
    """By the event that each endorses; none: the log asks for none."""

    async def write(
        self, writer: BulkWriter, topics: Topics, occurred_at: int, value: bytes
    ) -> None:
        """Write a record behind all others; return once the broker has what makes it count."""
        offset = await writer.write(topics.catalogue, 0, occurred_at, value)
        if self.keys and (event := _ENDORSED.get(value[:HEADER_BYTES])):
            await writer.write(topics.catalogue, 0, occurred_at, endorsement(
                self.keys[event], offset, value, occurred_at=occurred_at))

    async def add(
        self, writer: BulkWriter, topics: Topics, occurred_at: int, value: bytes
    ) -> None:
        """Write a record; without an endorsement do not wait for the broker."""
        if self.keys:
            await self.write(writer, topics, occurred_at, value)
        else:
            writer.add(topics.catalogue, 0, occurred_at, value)


FREE = Endorser()
"""Of a log that asks for none."""


def endorser(
    known: KnownCatalogue, own: Sequence[OwnKey], events: Iterable[str] = ENDORSED
) -> Endorser:
    """Choose the keys that endorse such events, the least powerful at hand that may.

    Raises InvalidInput where one must, and none lies here.
    """
    if not known.endorsements.wanted:
        return FREE
    return Endorser({event: _key(known, own, event) for event in sorted(events)})


def endorsed_events(values: Iterable[bytes]) -> set[str]:
    """Name those events among records that must be endorsed where the log asks for that."""
    return {event for value in values if (event := _ENDORSED.get(value[:HEADER_BYTES]))}


def _key(known: KnownCatalogue, own: Sequence[OwnKey], event: str) -> CatalogueKey:
    by_id = {each.id: each.private for each in own}
    may = known.endorsements.keys(event)
    for key in may:
        if key in by_id:
            return CatalogueKey(key, by_id[key], known.endorsements.in_force)
    raise InvalidInput(
        f"the catalogue takes {event} only with an endorsement, and no key that may endorse it "
        f"lies here. Those that may: {', '.join(key.hex() for key in may)}. Put the private "
        "key into the folder that SCRUTIN_CONTROL_KEYS names, or ask whoever has it.")


def endorsement(key: CatalogueKey, offset: int, value: bytes, *, occurred_at: int) -> bytes:
    """Encode the endorsement of a record at its offset."""
    record = codec.encode(
        SIGNED, event_id=secrets.token_bytes(ID_BYTES), offset=offset,
        digest=sha256(value).digest(), salt=secrets.token_bytes(ID_BYTES), origin="operator",
        occurred_at=occurred_at, by=key.id, signature=UNSIGNED)
    return endorsement_signed(key.private, key.in_force, record)


def naming(
    known: KnownCatalogue, own: Sequence[OwnKey], publics: Sequence[bytes], *, occurred_at: int
) -> bytes:
    """Encode the record that names keys; raise InvalidInput where no operator's key lies here."""
    signer = operators_key(known, own)
    if signer is None:
        raise InvalidInput(
            "this log has no keys of controls, so nobody can say whose records count. Adopt some "
            "with `scrutin keys adopt` first.")
    record = codec.encode(
        NAMED, event_id=secrets.token_bytes(ID_BYTES),
        generation=known.endorsements.generation + 1,
        keys=[{"id": key_id(public), "public": public} for public in publics],
        salt=secrets.token_bytes(ID_BYTES), origin="operator", occurred_at=occurred_at,
        by=signer.id, signature=UNSIGNED)
    return named_signed(signer.private, signer.in_force, record)


async def read_endorsements(address: str, topics: Topics) -> Endorsements:
    """Read who endorses what is said in the catalogue."""
    async with LogReader(address) as reader:
        return (await read_catalogue(reader, topics)).endorsements


async def read_named(address: str, topics: Topics) -> frozenset[bytes] | None:
    """Read which public keys endorse besides those of controls; None: no endorsement is asked."""
    found = await read_endorsements(address, topics)
    return found.named if found.wanted else None


async def name_keys(
    address: str, topics: Topics, own: Sequence[OwnKey], publics: Sequence[bytes], *, now: int
) -> int:
    """Have the log name who endorses; return how often it has done so, now included.

    0 where these keys are in force already. Raises InvalidInput where nobody at hand may.
    """
    async with LogReader(address) as reader:
        known = await read_catalogue(reader, topics)
    if known.endorsements.wanted and known.endorsements.named == {*publics}:
        return 0
    value = naming(known, own, publics, occurred_at=now)
    async with BulkWriter(address) as writer:
        await writer.write(topics.catalogue, 0, now, value)
    return known.endorsements.generation + 1
