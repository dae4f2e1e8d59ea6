"""The catalogue's records in a bundle: held against their log, and folded within a bound. Pure.

Theory of operation: they are read three times. The first time each is held against its leaf and let
go, for the votes need the memory next; the second time, when the votes are done, they are folded;
the third time those without words are held against the retirements that were folded. What is folded
is measured, not estimated: a text may take more or less than its bytes.
"""

import sys
from collections.abc import Iterator
from hashlib import sha256
from heapq import merge
from operator import itemgetter
from typing import Any

from processors.results.catalogue import Catalogue, Consultation
from schemas import codec, corrections, endorsements, withheld
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from sinks.bundle import layout
from sinks.bundle.faults import BundleFault, Lacking, Unreadable, told
from sinks.bundle.layout import (
    CATALOGUE_HELD_BYTES_MAX,
    PROPOSALS_MAX,
    WITHHELD_SINCE,
    read_records,
)
from sinks.bundle.logs import Leaves, Log, entry_of_hash
from sinks.bundle.manifest import Manifest
from sinks.bundle.packing import Bundle
from sinks.bundle.withheld import hiding, is_said


Event = tuple[int, str, dict[str, Any], bytes | None, bytes | None]
"""Offset, name, fields, the record (None where its words are withheld), and then its digest."""
OF_AUTHORITY = frozenset((corrections.ANNOUNCED, endorsements.NAMED, endorsements.SIGNED))
"""Records of no consultation that say what counts in each."""


def require_catalogue(bundle: Bundle, manifest: Manifest, log: Log) -> None:
    """Raise unless the records are all of the consultation, and those signed."""
    last, name = manifest.catalogue, manifest.consultation
    if log.size <= last:
        raise Lacking(log.name, f"{log.size} entries are signed, the results rest on {last}")
    leaves = Leaves(layout.CATALOGUE, log.entries(last))
    number, before = 0, -1
    for offset, value in read_records(layout.CATALOGUE, bundle.pieces(layout.CATALOGUE)):
        if not before < offset <= last:
            raise BundleFault(_place(offset), "it stands here a second time, or does not belong "
                              "here")
        before = offset
        if not _is_withheld(value, manifest):
            # Before it is read: what was changed is told to be so, readable or not.
            leaves.require_entry(
                offset, entry_of_hash(name.encode(), sha256(value or b"").digest()))
        _, fields, digest = _decoded(offset, value, manifest)
        if _is_withheld(value, manifest):
            leaves.require_entry(offset, entry_of_hash(name.encode(), digest))
        require_own(_place(offset), fields, name)
        number += 1
    leaves.finish()
    if number != log.counts[name]:
        raise Lacking(layout.CATALOGUE, f"the log has {log.counts[name]} records of this "
                      f"consultation up to offset {last}, here are {number}")


def announced_closing(catalogue: Catalogue, consultation: str) -> int | None:
    """Return the time of the announced closing, in milliseconds since 1970, if there is one."""
    known = catalogue.consultations.get(consultation)
    return known.closing["occurred_at"] if known and known.closing else None


def folded(bundle: Bundle, manifest: Manifest) -> Catalogue:
    """Fold the records, which were checked; raise Unreadable where they hold too much."""
    catalogue, taken, measured = Catalogue(), 0, 0
    for offset, event, fields, value, digest in _events(bundle, manifest):
        catalogue.apply(event, fields, offset, value, digest)
        taken += held_bytes(fields)
        # What was taken may have been replaced since: it is measured, an eighth apart, so that
        # measuring costs no more than a few times what reading does.
        if taken > CATALOGUE_HELD_BYTES_MAX and taken - measured > CATALOGUE_HELD_BYTES_MAX // 8:
            taken = measured = _measured(catalogue, manifest.consultation, offset)
        _require_few(catalogue, manifest.consultation, offset)
    return catalogue


def require_own(place: str, fields: dict[str, Any], consultation: str) -> None:
    """Raise where an entry was signed under the name of another consultation."""
    if fields.get("consultation") != consultation:
        raise BundleFault(place, f"the log has it under {told(consultation)}, the "
                          f"record says {told(fields.get('consultation'))}")


def held_bytes(value: Any) -> int:
    """Measure what fields take in memory."""
    total, left = 0, [value]
    while left:
        one = left.pop()
        total += sys.getsizeof(one)
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
    return total


def _events(bundle: Bundle, manifest: Manifest) -> Iterator[Event]:
    """Yield the consultation's records and those that say which of them count, in order."""
    announced = _announcements(bundle, manifest) if manifest.version >= WITHHELD_SINCE else ()
    own = ((offset, *_read(offset, value, manifest)) for offset, value in read_records(
        layout.CATALOGUE, bundle.pieces(layout.CATALOGUE)))
    yield from merge(own, announced, key=itemgetter(0))


def _announcements(bundle: Bundle, manifest: Manifest) -> Iterator[Event]:
    """Yield the records of OF_AUTHORITY up to the result; they were held against their leaves."""
    for offset, value in read_records(layout.KEYS, bundle.pieces(layout.KEYS)):
        try:
            event, fields = codec.decode(value)
        except Undecodable:
            continue
        if event in OF_AUTHORITY and offset <= manifest.catalogue:
            yield offset, event, fields, value, None


def unbound_records(bundle: Bundle, manifest: Manifest, catalogue: Catalogue) -> tuple[int, int]:
    """Count the records whose words are withheld, and those of them that no retirement names.

    Raises BundleFault where one is not what the retirement that hides its words says.
    """
    number, unbound = 0, 0
    known = catalogue.consultations.get(manifest.consultation)
    for offset, value in read_records(layout.CATALOGUE, bundle.pieces(layout.CATALOGUE)):
        if value is not None and _is_withheld(value, manifest):
            proposal = _decoded(offset, value, manifest)[1]["proposal"]
            found = hiding(known, proposal)
            if found is None:
                raise BundleFault(_place(offset), f"the words of {told(proposal)} are withheld, "
                                  "and the catalogue does not hide them")
            if not is_said(known, proposal, offset, value):
                raise BundleFault(_place(offset), "it is not a record of which the retirement of "
                                  f"{told(proposal)} says that it holds its words")
            number, unbound = number + 1, unbound + (not found.records)
    return number, unbound


def _read(
    offset: int, value: bytes | None, manifest: Manifest
) -> tuple[str, dict[str, Any], bytes | None, bytes]:
    """Read a record; give its bytes, but of one whose words are withheld, and its digest."""
    event, fields, digest = _decoded(offset, value, manifest)
    return event, fields, value if digest == sha256(value or b"").digest() else None, digest


def _is_withheld(value: bytes | None, manifest: Manifest) -> bool:
    return (manifest.version >= WITHHELD_SINCE and value is not None
            and value.startswith(withheld.MARK))


def _decoded(
    offset: int, value: bytes | None, manifest: Manifest
) -> tuple[str, dict[str, Any], bytes]:
    """Read a record, and the hash by which its leaf commits to it."""
    try:
        found = withheld.read(value) if manifest.version >= WITHHELD_SINCE else None
        if found is not None:
            return found.event, found.fields, found.hash
        return *codec.decode(value), sha256(value or b"").digest()
    except (Undecodable, UnknownSchema) as error:
        raise Unreadable(_place(offset), str(error)) from error


def _measured(catalogue: Catalogue, consultation: str, offset: int) -> int:
    """Measure what is folded; raise where it is too much."""
    held = held_bytes(vars(catalogue.consultations[consultation]))
    if held > CATALOGUE_HELD_BYTES_MAX:
        raise Unreadable(_place(offset), f"the words of the consultation take more than "
                         f"{CATALOGUE_HELD_BYTES_MAX:,} bytes of memory")
    return held


def _require_few(catalogue: Catalogue, consultation: str, offset: int) -> None:
    """Raise where there are more ideas or proposals than a results document can have."""
    known = catalogue.consultations.get(consultation) or Consultation(consultation)
    for what, held in (("themes", known.themes), ("ideas", known.ideas),
                       ("proposals", known.proposals), ("groupings", known.mapping)):
        if len(held) > PROPOSALS_MAX:
            raise Unreadable(_place(offset), f"the consultation has more than {PROPOSALS_MAX:,} "
                             f"{what}")


def _place(offset: int) -> str:
    return f"{layout.CATALOGUE}, offset {offset}"
