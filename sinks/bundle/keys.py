"""The service's public keys in a bundle: named in the catalogue, and committed to. Pure.

Theory of operation: the records that name keys lie in the bundle, each of them the entry at its
offset in the catalogue's log. Each checkpoint, of every log, says how many records of the catalogue
were read when it was signed, and the hash of the list of keys that these name: it is made again
from the records, up to the end of the catalogue's log in the bundle. So a key that was left out, or
put in, is found; and who has the bundle can show by whom a receipt was signed. The log must have
grown into its tree before: that the entries are those signed is not looked at here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas import codec, named_keys
from schemas.codec import Undecodable
from schemas.named_keys import KeyList, NamedKey, key_id
from schemas.registry import UnknownSchema
from sinks.bundle import layout
from sinks.bundle.claims import RECOMPUTED, TRUSTED, Claim
from sinks.bundle.faults import BundleFault, Lacking, Unreadable, shortened
from sinks.bundle.layout import read_entries, read_records
from sinks.bundle.logs import Leaves
from sinks.bundle.manifest import Manifest
from sinks.bundle.packing import Bundle
from sinks.transparency.checkpoints import Checkpoint, parse_checkpoint, read_checkpoints
from sinks.transparency.hashing import HASH_BYTES
from sinks.transparency.key_commitments import WORD, committed, require_committed
from sinks.transparency.notes import Refused, text_of


NAMED_KEYS_MAX = 20_000
"""Keys that are named and retired, each change of one: 1,024 logs may change theirs eight times."""


NAMELESS_BYTES = 1 + HASH_BYTES
"""Of the entry of a record that names no consultation."""


@dataclass
class Named:
    """The keys of a bundle, and how many checkpoints commit to them."""

    keys: list[NamedKey] = field(default_factory=list)
    checkpoints: int = 0
    """Whose line was made again."""
    beyond: int = 0
    """Whose line is of more of the catalogue than the bundle has."""
    before: int = 0
    """Without a line: release 0.1.0 wrote none, and none stands in that of an empty log."""
    uncommitted: list[str] = field(default_factory=list)
    """Logs with entries of which no checkpoint commits to keys."""


def require_named(bundle: Bundle, manifest: Manifest) -> Named:
    """Make every commitment to keys again; raise a fault where one does not hold."""
    logs = (layout.CATALOGUE_LOG, *map(layout.votes_log, range(manifest.partitions)))
    if manifest.version < layout.KEYS_SINCE:
        _require_none_committed(bundle, logs)
        return Named()
    keys, size, left_out = _keys(bundle, manifest.version)
    found = Named([*keys.of("receipt"), *keys.of("log")])
    for folder in logs:
        try:
            _require_log(bundle, folder, keys, size, found)
        except Refused as error:
            raise BundleFault(f"{folder}/checkpoints", str(error)) from error
    if left_out and manifest.version >= layout.NAMELESS_SINCE:
        raise Lacking(layout.KEYS, f"{left_out:,} records of the catalogue's log that name no "
                      "consultation are not here: one may announce keys of controls")
    return found


def _require_none_committed(bundle: Bundle, logs: Iterable[str]) -> None:
    """Raise where a bundle of the first format keeps back the keys that a checkpoint commits to."""
    for folder in logs:
        for checkpoint in _checkpoints(bundle, folder):
            if any(line.startswith(WORD) for line in checkpoint.extensions):
                raise Lacking(layout.KEYS, f"the checkpoint of {checkpoint.origin} of size "
                              f"{checkpoint.size} commits to keys, and a bundle of this format "
                              "has no records of them: get one that a later release exports")


def _keys(bundle: Bundle, version: int) -> tuple[KeyList, int, int]:
    """Fold the records that name keys, each held against its leaf.

    Returns the catalogue's size, too, and how many records without a name are not here.

    That no key is left out, the checkpoints say; that no announcement is, the number of records.
    """
    name = f"{layout.CATALOGUE_LOG}/entries"
    counted = _Counted(read_entries(name, bundle.pieces(name)))
    leaves, keys, before = Leaves(layout.KEYS, counted), KeyList(), -1
    number = changes = 0
    for offset, value in read_records(layout.KEYS, bundle.pieces(layout.KEYS)):
        place = f"{layout.KEYS}, offset {offset}"
        if offset <= before:
            raise BundleFault(place, "it stands here a second time, or does not belong here")
        before, number = offset, number + 1
        leaves.require(offset, value, b"")
        changes += _takes(place, value, offset, keys, version)
        if changes > NAMED_KEYS_MAX:
            raise Unreadable(place, f"there are more than {NAMED_KEYS_MAX:,} changes of keys")
    leaves.finish()
    return keys, counted.size, counted.nameless - number


def _takes(
    place: str, value: bytes | None, offset: int, keys: KeyList, version: int
) -> bool:
    """Take a record that names no consultation; say whether it is about keys."""
    try:
        event, fields = codec.decode(value)
    except Undecodable as error:
        if version >= layout.NAMELESS_SINCE:
            return False  # It lies in the log, and nobody reads it.
        raise Unreadable(place, str(error)) from error
    except UnknownSchema as error:
        raise Unreadable(place, str(error)) from error
    if event == named_keys.EVENT:
        keys.apply(fields, offset)
    elif version < layout.NAMELESS_SINCE and (
            event not in layout.KEY_EVENTS or version < layout.WITHHELD_SINCE):
        raise BundleFault(place, f"{event} does not belong here")
    return event in layout.KEY_EVENTS


class _Counted:
    """Entries as they come, counted."""

    def __init__(self, entries: Iterator[list[bytes]]) -> None:
        self._entries = entries
        self.size = self.nameless = 0

    def __iter__(self) -> Iterator[list[bytes]]:
        for entries in self._entries:
            self.size += len(entries)
            self.nameless += sum(len(entry) == NAMELESS_BYTES for entry in entries)
            yield entries


def _require_log(
    bundle: Bundle, folder: str, keys: KeyList, size: int, found: Named
) -> None:
    """Hold the checkpoints of a log against the list of keys, in their order."""
    known, largest = -1, 0
    for checkpoint in _checkpoints(bundle, folder):
        largest = checkpoint.size
        said = committed(checkpoint)
        if (-1 if said is None else said.size) < known:
            raise Refused(f"the checkpoint of {checkpoint.origin} of size {checkpoint.size} "
                          "commits to fewer keys than one before it")
        if said is None:
            found.before += 1
            continue
        known = said.size
        if said.size > size:
            found.beyond += 1
        else:
            require_committed(checkpoint, keys)
            found.checkpoints += 1
    if known < 0 < largest:
        found.uncommitted.append(folder)
    if known < 0 and found.keys and folder == layout.CATALOGUE_LOG:
        raise Lacking(f"{folder}/checkpoints", "keys are named, and no checkpoint commits to them")


def _checkpoints(bundle: Bundle, folder: str) -> Iterator[Checkpoint]:
    """Yield the checkpoints of a log, which were checked, one by one."""
    for note in read_checkpoints(bundle.pieces(f"{folder}/checkpoints")):
        yield parse_checkpoint(text_of(note))


def claims_of(found: Named) -> list[Claim]:
    """Say of the keys how they were checked."""
    said = ", ".join(f"{key_id(key.public)} {key.state.replace('_', ' ')}"
                     for key in found.keys if key.kind == "receipt") or "none is named"
    what = shortened(f"keys of receipts: {said}")
    if not found.checkpoints:
        return [Claim(what, TRUSTED, "no checkpoint in this bundle commits to the keys: it was "
                      "signed before keys were named in the log")]
    claims = [Claim(what, RECOMPUTED, "from the catalogue's records; "
                    f"{found.checkpoints:,} checkpoints commit to them")]
    if found.uncommitted:
        claims.append(Claim(
            shortened(f"keys under the checkpoints of {', '.join(found.uncommitted)}"), TRUSTED,
            "none of them commits to the keys: a proof from there shows no key of receipts"))
    if found.beyond:
        claims.append(Claim(
            "what keys were named later", TRUSTED, f"{found.beyond:,} checkpoints commit to the "
            "keys of more of the catalogue than is in this bundle"))
    return claims
