"""What must not be, and how records are named in it."""

from typing import NamedTuple


Log = list[bytes | None]


class Violation(NamedTuple):
    """Something that must not be."""

    kind: str
    said: str


def in_hex(value: bytes | None) -> str:
    """Name a record by its first bytes."""
    return "a tombstone" if value is None else value.hex()[:48]
