"""What lies where in a bundle, and how records lie in a file. Pure.

A record is its offset (8 bytes), its size (4 bytes, big-endian, 2^32 - 1 for a record without a
value) and its bytes. A log's entries lie in one file as the log's entry bundles hold them, each
behind its size in two bytes.
"""

import re
import struct
from collections.abc import Iterable, Iterator

from schemas import named_keys
from sinks.bundle.faults import Unreadable
from sinks.transparency.tiles import WIDTH


FORMATS = {f"scrutin-bundle/{version}": version for version in range(1, 5)}
"""Every format that is read, and its version; the last one is written."""
VERSION = 4
KEYS_SINCE = 2
"""From this version on a bundle has the records that name the service's keys..."""
WITHHELD_SINCE = 3
"""... and those that announce keys of controls, and hidden words are withheld."""
CAUSES_SINCE = 4
"""From this version on the public table withholds what few voters share."""
NAMELESS_SINCE = 4
"""... and every record of the catalogue that names no consultation is there: none that announces
keys can be left out unseen."""
PUBLIC, AUDITOR = "public", "auditor"

MANIFEST, MANIFEST_NOTE = "manifest.json", "manifest.note"
RESULTS, RESULTS_NOTE = "results/results.json", "results/results.note"
POLICY = "logs/policy"
CATALOGUE = "records/catalogue"
KEYS = "records/keys"
LEAVES = "leaves.json"
BALLOTS = "ballots.csv"
CATALOGUE_LOG = "logs/catalogue/0"

KEY_EVENTS = (named_keys.EVENT, "RulesAnnounced")
"""What lies among the records of keys: names of the service's own, and announcements of those
that sign controls."""

PAGES = ("README.md", "LISEZMOI.md")
_SCHEMA = re.compile(r"schemas/([A-Za-z]{1,64}/[0-9]{1,6}\.avsc|ids\.json|results\.schema\.json)")

_MEBIBYTE = 1 << 20
WHOLE_BYTES_MAX = {
    MANIFEST: 4 * _MEBIBYTE,
    MANIFEST_NOTE: _MEBIBYTE, RESULTS_NOTE: _MEBIBYTE, POLICY: _MEBIBYTE,
    LEAVES: 8 * _MEBIBYTE,
    RESULTS: 32 * _MEBIBYTE,
}
"""Largest sizes of files that are read whole: a list of all files that there can be, one note or
as many keys as logs, as many consultations and proposals as the bounds below. Every other file is
read in pieces."""
HELD_BYTES_MAX = {MANIFEST: 32 * _MEBIBYTE, LEAVES: 64 * _MEBIBYTE, RESULTS: 180_000_000}
"""What a document may take in memory, at most, once it is read (sinks.bundle.bounded_json)."""
CHECKPOINTS_BYTES_MAX = 256 * _MEBIBYTE
"""Of one log: a checkpoint every 15 seconds for half a year. They are read one by one; the bound
is on the work, for each has a signature."""
PROPOSALS_MAX = 10_000
"""Proposals of one consultation, and ideas: more than three times as many as the largest one that
there was. The results document of so many fits its bounds, and so does what is computed anew."""
CONSULTATIONS_MAX = 20_000
"""Consultations that the logs of a bundle name: their names are held."""
CONSULTATION_BYTES_MAX = 63
"""The longest name that an event can give a consultation (`maxLength` of its schemas)."""
CATALOGUE_HELD_BYTES_MAX = 48 * _MEBIBYTE
"""What the words of a consultation may take in memory: 2.5 KB for each of the proposals and ideas,
in all its languages."""

Record = tuple[int, bytes | None]

_HEAD = struct.Struct(">QI")
_NO_VALUE = 0xFFFFFFFF
RECORD_BYTES_MAX = 2 << 20
"""Twice what Kafka takes as one record unless told otherwise, and no record of ours comes near it:
a larger size is damage, not a reason to take memory."""


def votes(partition: int) -> str:
    """Name the file of a partition's votes: all of them for auditors, else what ended voting."""
    return f"records/votes/{partition}"


def decisions(partition: int) -> str:
    """Name the file of a partition's decisions, by the offsets of the votes."""
    return f"records/decisions/{partition}"


def votes_log(partition: int) -> str:
    """Name the folder of a partition's log."""
    return f"logs/votes/{partition}"


def names(kind: str, partitions: int, version: int = VERSION) -> set[str]:
    """Name every file that a bundle has, but for the schemas of its version."""
    logs = (CATALOGUE_LOG, *map(votes_log, range(partitions)))
    return {
        *PAGES, MANIFEST, MANIFEST_NOTE, RESULTS, RESULTS_NOTE, POLICY, CATALOGUE, LEAVES,
        *(f"{log}/{name}" for log in logs for name in ("checkpoints", "entries")),
        *((KEYS,) if version >= KEYS_SINCE else ()), *map(votes, range(partitions)),
        *(map(decisions, range(partitions)) if kind == AUDITOR else (BALLOTS,)),
    }


def is_schema(name: str) -> bool:
    """Whether a name is one that a schema has, in this version or another."""
    return _SCHEMA.fullmatch(name) is not None


def write_record(offset: int, value: bytes | None) -> bytes:
    """Write a record."""
    if value is None:
        return _HEAD.pack(offset, _NO_VALUE)
    return _HEAD.pack(offset, len(value)) + value


def read_records(name: str, pieces: Iterable[bytes]) -> Iterator[Record]:
    """Read the records of a file; raise Unreadable where it is not whole."""
    for offsets, values in read_batches(name, pieces):
        yield from zip(offsets, values, strict=True)


def read_batches(
    name: str, pieces: Iterable[bytes]
) -> Iterator[tuple[list[int], list[bytes | None]]]:
    """Read offsets and values of records, some thousands at a time, straight-line."""
    unpack, head_bytes = _HEAD.unpack_from, _HEAD.size
    rest, done = b"", 0
    for piece in pieces:
        held, at = rest + piece, 0
        size_held = len(held)
        last = size_held - head_bytes
        offsets: list[int] = []
        values: list[bytes | None] = []
        while at <= last:
            offset, size = unpack(held, at)
            begin = at + head_bytes
            if size == _NO_VALUE:
                value, end = None, begin
            else:
                end = begin + size
                if end > size_held:
                    if size > RECORD_BYTES_MAX:
                        raise Unreadable(name, f"no record begins at byte {done + at}")
                    break
                value = held[begin:end]
            offsets.append(offset)
            values.append(value)
            at = end
        rest, done = held[at:], done + at
        yield offsets, values
    if rest:
        raise Unreadable(name, f"it is cut short within the record at byte {done}")


def read_entries(name: str, pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Read the entries of a log, 256 at a time; raise Unreadable where they are not whole."""
    entries: list[bytes] = []
    rest = b""
    for piece in pieces:
        held, at = rest + piece, 0
        while at + 2 <= len(held):
            if not entries and (alike := _entries_alike(held, at)):
                yield alike
                at += WIDTH * (len(alike[0]) + 2)
                continue
            begin = at + 2
            end = begin + (held[at] << 8 | held[at + 1])
            if end > len(held):
                break
            entries.append(held[begin:end])
            at = end
            if len(entries) == WIDTH:
                yield entries
                entries = []
        rest = held[at:]
    if rest:
        raise Unreadable(name, "it is cut short within an entry")
    if entries:
        yield entries


def _entries_alike(held: bytes, at: int) -> list[bytes] | None:
    """Read 256 entries of one size, as those of one consultation are; None where they are not."""
    high, low = held[at:at + 1], held[at + 1:at + 2]
    step = (high[0] << 8 | low[0]) + 2
    end = at + WIDTH * step
    if end > len(held) or held[at:end:step] != WIDTH * high or held[at + 1:end:step] != WIDTH * low:
        return None
    return [held[begin:begin + step - 2] for begin in range(at + 2, end + 2, step)]
