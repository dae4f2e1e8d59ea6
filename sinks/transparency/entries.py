"""What a leaf of the log says of a record. Pure.

An entry is consultation ‖ 0x00 ‖ SHA-256(record). So anybody can count a consultation's records in
the whole tree, while the salt in an event keeps what it says hidden. The consultation is empty
where the record cannot be decoded or names none.
"""

import hashlib
from typing import NamedTuple

from sinks.transparency.hashing import HASH_BYTES


class Entry(NamedTuple):
    """A leaf, read."""

    consultation: str
    digest: bytes


def entry_of(consultation: str, value: bytes | None) -> bytes:
    """Write the entry of a record; a tombstone's is that of an empty record."""
    return consultation.encode() + b"\0" + hashlib.sha256(value or b"").digest()


def parse_entry(entry: bytes) -> Entry | None:
    """Read an entry; None where it is none."""
    consultation, digest = entry[:-HASH_BYTES - 1], entry[-HASH_BYTES:]
    if len(entry) <= HASH_BYTES or entry[-HASH_BYTES - 1]:
        return None
    try:
        return Entry(consultation.decode(), digest)
    except UnicodeDecodeError:
        return None
