"""The bytes of a decision, read and written straight-line: every vote passes here twice. Pure.

The order of fields is that of schemas/events/DecisionMade.avsc; tests hold this file equal to the
generic codec on random decisions.
"""

from typing import Any, NamedTuple

from processors.ledger import standing
from processors.ledger.standing import ENCODED
from schemas.codec import Undecodable
from schemas.hot import long, short_string
from schemas.registry import HEADER_BYTES, current
from schemas.words import KINDS, OUTCOMES, REASONS


HEADER = current("DecisionMade").header
CHAIN_BYTES = 16
NO_CHAIN = bytes(CHAIN_BYTES)
"""What stands for "previous chain" before the first decision."""
MAX_CHANGES = 5_000
"""No more changes than a voter can hold live votes."""


class Change(NamedTuple):
    """Standing of the voter on one proposal before and after, packed (see `standing`)."""

    proposal: str
    before: int
    after: int


class Decision(NamedTuple):
    """A decision as plain values; kind, outcome and reason by index in schemas.words."""

    event_id: bytes | None
    voter: bytes | None
    chain: bytes
    kind: int
    outcome: int
    reason: int
    ledger_version: int
    source_offset: int
    consultation: str | None
    changes: tuple[Change, ...]

    def described(self) -> dict[str, Any]:
        """Give the decision in words, for messages and reports."""
        return {
            "source_offset": self.source_offset,
            "event_id": self.event_id.hex() if self.event_id else None,
            "voter": self.voter.hex() if self.voter else None,
            "chain": self.chain.hex(),
            "kind": KINDS[self.kind],
            "outcome": OUTCOMES[self.outcome],
            "reason": REASONS[self.reason],
            "ledger_version": self.ledger_version,
            "consultation": self.consultation,
            "changes": [
                {"proposal": change.proposal, "before": standing.fields(change.before),
                 "after": standing.fields(change.after)}
                for change in self.changes
            ],
        }


def encode(decision: Decision) -> bytes:
    """Encode any decision."""
    changes = decision.changes
    return b"".join((
        HEADER,
        optional(decision.event_id),
        optional(decision.voter),
        decision.chain,
        bytes((2 * decision.kind, 2 * decision.outcome, 2 * decision.reason)),
        long(decision.ledger_version),
        long(decision.source_offset),
        optional(None if decision.consultation is None else short_string(decision.consultation)),
        long(len(changes)) if changes else b"",
        *(part for proposal, before, after in changes
          for part in (short_string(proposal), ENCODED[before], ENCODED[after])),
        b"\0",
    ))


UNDECODABLE = HEADER + b"\0\0"
"""A decision of a record that nobody could read begins so: it alone has no ids."""


def is_undecodable(value: bytes) -> bool:
    """Whether a decision of ours is that of a record nobody could read."""
    return value.startswith(UNDECODABLE)


def optional(encoded: bytes | None) -> bytes:
    """Encode the union of null and something encoded already."""
    return b"\0" if encoded is None else b"\x02" + encoded


def decode(value: bytes) -> Decision:
    """Decode any decision; raise Undecodable where the bytes are not one whole DecisionMade."""
    if value[:HEADER_BYTES] != HEADER:
        raise Undecodable(f"DecisionMade: the record begins with {value[:HEADER_BYTES].hex()}")
    try:
        decision, at = _decode(value)
    except (IndexError, ValueError, KeyError) as error:
        raise Undecodable(f"DecisionMade: truncated or malformed body ({error})") from error
    if at != len(value):
        raise Undecodable(f"DecisionMade: {len(value) - at} trailing bytes")
    return decision


def _decode(value: bytes) -> tuple[Decision, int]:
    event_id, at = _optional_identifier(value, HEADER_BYTES)
    voter, at = _optional_identifier(value, at)
    chain = value[at:at + CHAIN_BYTES]
    at += CHAIN_BYTES
    kind, outcome, reason = (_enum(value[at + i], n) for i, n in enumerate(_ENUM_SIZES))
    ledger_version, at = read_long(value, at + 3)
    source_offset, at = read_long(value, at)
    consultation = None
    if _tag(value[at]):
        consultation, at = _string(value, at + 1)
    else:
        at += 1
    changes, at = _changes(value, at)
    return Decision(event_id, voter, chain, kind, outcome, reason, ledger_version, source_offset,
                    consultation, changes), at


_ENUM_SIZES = (len(KINDS), len(OUTCOMES), len(REASONS))


def _enum(byte: int, symbols: int) -> int:
    if byte & 1 or byte >= 2 * symbols:
        raise ValueError("enum out of range")
    return byte >> 1


def _tag(byte: int) -> bool:
    """Read the branch of a union of null and something."""
    if byte not in (0, 2):
        raise ValueError("union branch out of range")
    return byte == 2


def _optional_identifier(value: bytes, at: int) -> tuple[bytes | None, int]:
    if not _tag(value[at]):
        return None, at + 1
    return value[at + 1:at + 17], at + 17


def read_long(value: bytes, at: int) -> tuple[int, int]:
    """Read an Avro int or long in its shortest form: (number, place after it)."""
    start = at
    while value[at] > 127:
        at += 1
    size = at - start
    if size > 9 or (size and not value[at]) or (size == 9 and value[at] > 1):
        raise ValueError("number too long")
    number = 0
    for byte in value[start:at + 1][::-1]:
        number = number << 7 | byte & 127
    return number >> 1 ^ -(number & 1), at + 1


def _string(value: bytes, at: int) -> tuple[str, int]:
    size = value[at]
    if size & 1 or size > 126:
        raise ValueError("string length")
    end = at + 1 + (size >> 1)
    return value[at + 1:end].decode(), end


def _changes(value: bytes, at: int) -> tuple[tuple[Change, ...], int]:
    if not value[at]:
        return (), at + 1
    count, at = read_long(value, at)
    if not 0 < count <= MAX_CHANGES:
        raise ValueError("number of changes")
    changes = []
    for _ in range(count):
        proposal, at = _string(value, at)
        before, at = _standing(value, at)
        after, at = _standing(value, at)
        changes.append(Change(proposal, before, after))
    if value[at]:
        raise ValueError("more than one block of changes")
    return tuple(changes), at + 1


_STANDING_OF = {ENCODED[packed]: packed for packed in range(standing.STANDINGS)
                if standing.valid(packed) and packed != standing.SUSPENDED}


def _standing(value: bytes, at: int) -> tuple[int, int]:
    """Read a standing: its encodings are few, so they are looked up whole."""
    if not value[at]:
        return 0, at + 1
    end = at + 3
    end += 2 if value[end] else 1
    end += value[end] // 2 + 2 if value[end] else 1
    return _STANDING_OF[value[at:end]], end


TRANSITION_OF_TAIL: dict[bytes, tuple[int, int]] = {
    ENCODED[before] + ENCODED[after] + b"\0": (before, after)
    for before in _STANDING_OF.values() for after in _STANDING_OF.values()
}
"""(before, after) by the last bytes of a decision with one change."""
