"""The bytes of a decision, read and written straight-line: every vote passes here twice. Pure.

Theory of operation: a decision by rules of version 1 is a DecisionMade of version 1, byte for byte
what release 0.1.0 wrote; later rules write version 2, which has a route in each change and five
fields at the end. Both are read for ever. The order of fields is that of the schemas; tests hold
this file equal to the generic codec on random decisions of both versions.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from processors.ledger import standing
from processors.ledger.standing import ENCODED
from schemas.chains import CHAIN_BYTES
from schemas.codec import Undecodable
from schemas.control_roles import KEYS_MOST, PUBLIC_BYTES
from schemas.findings import CAUSE_MOST, FINDING_BYTES, Finding
from schemas.hot import long, read_long, short_string
from schemas.named_keys import KEY_ID_BYTES
from schemas.registry import HEADER_BYTES, current
from schemas.words import CONTROL_ROLES, KINDS, OUTCOMES, REASONS, REFUSALS, ROUTES


HEADERS = [current("DecisionMade", version).header for version in (1, 2)]
"""What a decision begins with, by the version of its rules less one."""
MAX_CHANGES = 5_000
"""No more changes than a voter can hold live votes."""


MAX_FINDINGS, MAX_IMMUNE = 128, CAUSE_MOST
"""Bounds of the lists of version 2, as the schema has them."""


class Change(NamedTuple):
    """Standing of the voter on one proposal before and after, packed (see `standing`)."""

    proposal: str
    before: int
    after: int
    route: int = 0
    """Route after the event, by index in schemas.words; before rules 2 always unknown."""


class ControlKey(NamedTuple):
    """A key that may sign controls."""

    id: bytes
    role: int
    """By index in schemas.words.CONTROL_ROLES."""
    public: bytes


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
    refusal: int = 0
    """Why rules 2 refused, by index in schemas.words.REFUSALS; none where `reason` says it."""
    findings: tuple[Finding, ...] = ()
    """The finding of a suspension, or those that a reinstatement names."""
    immune: tuple[int, ...] = ()
    """Causes that a reinstatement makes the voter immune to."""
    edition: int = 0
    keys: tuple[ControlKey, ...] = ()
    """Keys that an adoption brought."""
    event_version: int = 1
    """Version of the event decided; 0 where nobody could read it."""

    def described(self) -> dict[str, Any]:
        """Return the decision in words, by the fields of the event, for messages and reports."""
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
                 "after": standing.fields(change.after), "route": ROUTES[change.route]}
                for change in self.changes
            ],
            "refusal": REFUSALS[self.refusal],
            "findings": [{"cause": cause, "finding": finding.hex()}
                         for cause, finding in self.findings],
            "immune": list(self.immune),
            "generation": self.edition,
            "keys": [{"id": key.id.hex(), "role": CONTROL_ROLES[key.role],
                      "public": key.public.hex()} for key in self.keys],
            "event_version": self.event_version,
        }


def encode(decision: Decision) -> bytes:
    """Encode any decision: in version 1 what rules 1 decided of an event of version 1."""
    if decision.ledger_version == 1 and decision.event_version == 1:
        return _encode(decision, HEADERS[0], _NO_ROUTES)
    return _encode(decision, HEADERS[1], _ROUTES) + _ending(decision)


def _ending(decision: Decision) -> bytes:
    """Encode what version 2 has more."""
    return b"".join((
        bytes((2 * decision.refusal,)),
        _list(bytes((2 * cause,)) + finding for cause, finding in decision.findings),
        _list(bytes((2 * cause,)) for cause in decision.immune),
        long(decision.edition),
        _list(key.id + bytes((2 * key.role,)) + key.public for key in decision.keys),
        EVENT_VERSIONS[decision.event_version],
    ))


def _list(items: Iterable[bytes]) -> bytes:
    found = list(items)
    return b"".join((long(len(found)), *found, b"\0")) if found else b"\0"


def _encode(decision: Decision, header: bytes, routes: Sequence[bytes]) -> bytes:
    changes = decision.changes
    return b"".join((
        header,
        optional(decision.event_id),
        optional(decision.voter),
        decision.chain,
        bytes((2 * decision.kind, 2 * decision.outcome, 2 * decision.reason)),
        long(decision.ledger_version),
        long(decision.source_offset),
        optional(None if decision.consultation is None else short_string(decision.consultation)),
        long(len(changes)) if changes else b"",
        *(part for proposal, before, after, route in changes
          for part in (short_string(proposal), ENCODED[before], ENCODED[after], routes[route])),
        b"\0",
    ))


_ROUTES = [bytes((2 * route,)) for route in range(len(ROUTES))]
_NO_ROUTES = (b"",)
"""Version 1 has none: a change of another route than unknown cannot be written in it."""

MAX_EVENT_VERSION = 63
EVENT_VERSIONS = [bytes((2 * version,)) for version in range(MAX_EVENT_VERSION + 1)]
"""The last byte of a decision of version 2: of which version the event was."""
NOTHING_MORE = b"\0\0\0\0\0"
"""What stands before it where a decision has nothing that version 1 could not say."""

UNDECODABLE = tuple(header + b"\0\0" for header in HEADERS)
"""A decision of a record that nobody could read begins so: it alone has no ids."""


def is_undecodable(value: bytes) -> bool:
    """Whether a decision of ours is that of a record nobody could read."""
    return value.startswith(UNDECODABLE)


def optional(encoded: bytes | None) -> bytes:
    """Encode the union of null and something encoded already."""
    return b"\0" if encoded is None else b"\x02" + encoded


def decode(value: bytes) -> Decision:
    """Decode any decision; raise Undecodable where the bytes are not one whole DecisionMade."""
    if value[:HEADER_BYTES] not in HEADERS:
        raise Undecodable(f"DecisionMade: the record begins with {value[:HEADER_BYTES].hex()}")
    try:
        decision, at = _decode(value, routes=value[:HEADER_BYTES] != HEADERS[0])
    except (IndexError, ValueError, KeyError) as error:
        raise Undecodable(f"DecisionMade: truncated or malformed body ({error})") from error
    if at != len(value):
        raise Undecodable(f"DecisionMade: {len(value) - at} trailing bytes")
    return decision


def _decode(value: bytes, *, routes: bool) -> tuple[Decision, int]:
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
    changes, at = _changes(value, at, routes=routes)
    decision = Decision(event_id, voter, chain, kind, outcome, reason, ledger_version,
                        source_offset, consultation, changes)
    return _decode_ending(value, at, decision) if routes else (decision, at)


def _decode_ending(value: bytes, at: int, decision: Decision) -> tuple[Decision, int]:
    """Read what version 2 has more."""
    refusal = _enum(value[at], len(REFUSALS))
    findings, at = _items(value, at + 1, 1 + FINDING_BYTES, MAX_FINDINGS)
    immune, at = _items(value, at, 1, MAX_IMMUNE)
    edition, at = read_long(value, at)
    keys, at = _items(value, at, KEY_ID_BYTES + 1 + PUBLIC_BYTES, KEYS_MOST)
    event_version = _enum(value[at], MAX_EVENT_VERSION + 1)
    causes = tuple(_enum(item[0], CAUSE_MOST + 1) for item in immune)
    if edition < 0 or 0 in causes or any(b <= a for a, b in pairwise(causes)):
        raise ValueError("edition or immunity out of range")
    return decision._replace(
        refusal=refusal, immune=causes, edition=edition,
        findings=tuple(Finding(_enum(item[0], CAUSE_MOST + 1), item[1:]) for item in findings),
        keys=tuple(ControlKey(item[:KEY_ID_BYTES], _enum(item[KEY_ID_BYTES], len(CONTROL_ROLES)),
                              item[KEY_ID_BYTES + 1:]) for item in keys),
        event_version=event_version,
    ), at + 1


def _items(value: bytes, at: int, size: int, most: int) -> tuple[list[bytes], int]:
    """Read a list of items of one size."""
    if not value[at]:
        return [], at + 1
    count, at = read_long(value, at)
    end = at + count * size
    if not 0 < count <= most or value[end]:
        raise ValueError("number of entries")
    return [value[place:place + size] for place in range(at, end, size)], end + 1


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


def _string(value: bytes, at: int) -> tuple[str, int]:
    size = value[at]
    if size & 1 or size > 126:
        raise ValueError("string length")
    end = at + 1 + (size >> 1)
    return value[at + 1:end].decode(), end


def _changes(value: bytes, at: int, *, routes: bool) -> tuple[tuple[Change, ...], int]:
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
        route = _enum(value[at], len(ROUTES)) if routes else 0
        changes.append(Change(proposal, before, after, route))
        at += routes
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
