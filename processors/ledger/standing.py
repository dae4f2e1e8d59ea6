"""What a voter holds on one proposal, as a small whole number, and how it stands in a record.

Theory of operation: a standing packs into seven bits, so the ledger keeps it in one byte and every
rule can be tabulated. 0 is "no live vote". Otherwise: bits 0-1 the choice's index plus one, bits
2-4 which of the choice's three qualifications are held, bit 5 the vote is suspect, bit 6 the voter
is suspended. `situation` is the same number, save that it keeps bit 6 without a live vote: a
suspended voter who has not voted yet.
"""

from typing import Any

from schemas.hot import long
from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE, SET_ASIDE, TRUSTS


SUSPECT = 1 << 5
SUSPENDED = 1 << 6
KEPT_BITS = SUSPENDED - 1
"""What the ledger stores per vote; suspension belongs to the voter."""
STANDINGS = 1 << 7
HELD_MASK = 7 << 2
"""The qualifications held."""


def standing(choice: int, *, held: int = 0, suspect: bool, suspended: bool) -> int:
    """Pack a live vote: choice by index, `held` one bit a qualification of that choice."""
    return choice + 1 | held << 2 | (SUSPECT if suspect else 0) | (SUSPENDED if suspended else 0)


def choice_of(situation: int) -> int:
    """Return the index of the choice, -1 without a live vote."""
    return (situation & 3) - 1


def held_of(situation: int) -> int:
    """Return the qualifications held, a bit each."""
    return situation >> 2 & 7


def qualifications_of(situation: int) -> list[int]:
    """Return the indexes of the qualifications held, in schema order."""
    first = choice_of(situation) * QUALIFICATIONS_PER_CHOICE
    return [first + i for i in range(QUALIFICATIONS_PER_CHOICE) if held_of(situation) >> i & 1]


def set_aside_of(situation: int) -> str | None:
    """Say why a live vote does not count; suspended is shown before unproven."""
    if not situation & 3:
        return None
    if situation & SUSPENDED:
        return "suspended"
    return "unproven" if situation & SUSPECT else None


def contribution(situation: int) -> list[str]:
    """Name the counts that one live vote raises."""
    if not situation & 3:
        return []
    reason = set_aside_of(situation)
    if reason:
        return [f"set_aside_{reason}"]
    held = [QUALIFICATIONS[index] for index in qualifications_of(situation)]
    return [CHOICES[choice_of(situation)], *held]


def valid(situation: int) -> bool:
    """Whether the number is a standing that rules can reach."""
    return 0 <= situation < STANDINGS and (bool(situation & 3) or situation in (0, SUSPENDED))


def fields(situation: int) -> dict[str, Any] | None:
    """Return a standing as the fields of the Avro record `Standing`; None without a live vote."""
    if not situation & 3:
        return None
    return {
        "choice": CHOICES[choice_of(situation)],
        "trust": TRUSTS[bool(situation & SUSPECT)],
        "set_aside": set_aside_of(situation),
        "qualifications": [QUALIFICATIONS[i] for i in qualifications_of(situation)],
    }


def from_fields(record: dict[str, Any] | None) -> int:
    """Pack the fields of an Avro `Standing`; the inverse of `fields`."""
    if record is None:
        return 0
    choice = CHOICES.index(record["choice"])
    first = choice * QUALIFICATIONS_PER_CHOICE
    held = sum(1 << QUALIFICATIONS.index(name) - first for name in record["qualifications"])
    return standing(
        choice, held=held, suspect=record["trust"] == "suspect",
        suspended=record["set_aside"] == "suspended",
    )


def encoded(situation: int) -> bytes:
    """Encode a standing as the Avro union of null and `Standing`."""
    if not situation & 3:
        return b"\0"
    reason = set_aside_of(situation)
    held = qualifications_of(situation)
    return b"".join((
        b"\x02", long(choice_of(situation)), long(int(bool(situation & SUSPECT))),
        b"\0" if reason is None else b"\x02" + long(SET_ASIDE.index(reason)),
        long(len(held)) + b"".join(map(long, held)) if held else b"", b"\0",
    ))


ENCODED = [encoded(situation) for situation in range(STANDINGS)]
