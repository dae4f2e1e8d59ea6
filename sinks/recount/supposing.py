"""What if? Suppositions of an auditor, and the ballot box as it would read under them. Pure.

Theory of operation: a rule of trust is taken away by rewriting what it acts on, never by another
ledger. Without `unproven` every event reads as trusted: one byte. Without `suspended` every
suspension reads as a reinstatement, which moves nothing of a voter who is not suspended: in version
1 both have the same fields, in version 2 it names no finding. Without a cause its suspensions alone
read so, and an immunity for it has nothing left to refuse. A reinstatement that names no finding
does nothing whether its signature is looked at or not, so no other record needs another signature.
Records that cannot be decoded stay as they are, so the very ledger that decided the log decides the
rewritten one, and every other rule holds as before.
"""

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial
from typing import Any

from processors.guard.parameters import NAMES
from processors.results.scores import SCORES_VERSION, SCORES_VERSION_BY_VOTERS
from schemas import codec
from schemas.codec import Undecodable
from schemas.findings import CAUSE_MOST
from schemas.registry import HEADER_BYTES, Schema, versions
from schemas.words import SET_ASIDE, TRUSTS
from sinks.ballots import BALLOT_VERSIONS


Rewrite = Callable[[bytes], bytes]
SCORES = (SCORES_VERSION, SCORES_VERSION_BY_VOTERS)
"""Versions of the scores that this version of scrutin can compute, each under its rules."""

_NUMBERS = {name: str(number) for number, name in NAMES.items()}
_IDENTIFIER_BYTES = 16
_VECTOR = re.compile(r"\d+:(-1|\d+)(,\d+:(-1|\d+))*")
_TRUSTED, _SUSPECT = (bytes((2 * TRUSTS.index(word),)) for word in ("trusted", "suspect"))


class BadSupposition(Exception):
    """What was asked cannot be supposed: the message says what can."""


@dataclass(frozen=True)
class Supposition:
    """What is to be supposed; everything left out stays as published."""

    until: datetime | None = None
    """The longest prefix of each partition without a later Kafka timestamp.

    Without an offset of its own it is meant in the consultation's time zone: see `placed`.
    """
    offsets: tuple[tuple[int, int], ...] = ()
    """Last votes offset of the partitions named."""
    without_rules: tuple[str, ...] = ()
    mapping_as_of: int | None = None
    """Catalogue offset up to which proposals are grouped into ideas."""
    scores: str | None = None

    def placed(self, zone: tzinfo) -> "Supposition":
        """Return the same with its instant in a time zone, where it names none."""
        if self.until is None or self.until.tzinfo:
            return self
        return replace(self, until=self.until.replace(tzinfo=zone))

    def described(self) -> dict[str, Any]:
        """Return it as plain values, in the order of the options."""
        return {
            "until": self.until.isoformat() if self.until else None,
            "offsets": dict(self.offsets), "without_rules": list(self.without_rules),
            "mapping_as_of": self.mapping_as_of, "scores": self.scores,
        }

    def sentences(self) -> list[str]:
        """Say it in words."""
        return [
            *([f"only votes up to {self.until.isoformat()}"] if self.until else []),
            *(f"only votes up to offset {offset} of partition {partition}"
              for partition, offset in self.offsets),
            *(f"no vote is set aside as {rule}" if rule in SET_ASIDE
              else f"no vote is set aside by rule {rule} of the guard{_named(rule)}"
              for rule in self.without_rules),
            *([f"proposals grouped as of catalogue offset {self.mapping_as_of}"]
              if self.mapping_as_of is not None else []),
            *([f"scores of version {self.scores}"] if self.scores else []),
        ]


def _named(rule: str) -> str:
    name = NAMES.get(int(rule))
    return f" ({name})" if name else ""


def suppose(
    *, as_of: str | None, without_rules: Iterable[str], mapping_as_of: int | None,
    scores: str | None, partitions: int,
) -> Supposition | None:
    """Read the options of a what-if; None where none is given. Raises BadSupposition."""
    rules = tuple(dict.fromkeys(_NUMBERS.get(rule, rule) for rule in without_rules))
    for rule in rules:
        if rule not in REWRITES:
            raise BadSupposition(
                f"there is no rule {rule!r}. Votes are set aside as {' and '.join(SET_ASIDE)}, "
                f"and by rules 1 to {CAUSE_MOST} of the guard: {', '.join(_NUMBERS)}.")
    if scores is not None and scores not in SCORES:
        raise BadSupposition(f"scores {scores!r} are not known here, only {', '.join(SCORES)}.")
    if mapping_as_of is not None and mapping_as_of < -1:
        raise BadSupposition(f"{mapping_as_of} is no catalogue offset: the first is 0, and -1 "
                             "stands for a catalogue without any record.")
    if as_of is None:
        found = Supposition(None, (), rules, mapping_as_of, scores)
        return None if found == Supposition() else found
    if _VECTOR.fullmatch(as_of):
        return Supposition(
            None, _offsets(as_of, partitions), rules, mapping_as_of, scores)
    return Supposition(_instant(as_of), (), rules, mapping_as_of, scores)


def _offsets(text: str, partitions: int) -> tuple[tuple[int, int], ...]:
    pairs = [(int(partition), int(offset)) for partition, _, offset in
             (pair.partition(":") for pair in text.split(","))]
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadSupposition(f"--as-of {text} names a partition twice.")
    if max(found) >= partitions:
        raise BadSupposition(f"--as-of {text}: there is no partition {max(found)}, the log has "
                             f"{partitions}, the first is 0.")
    return tuple(sorted(found.items()))


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadSupposition(
            f"--as-of {text!r} is neither an instant, as 2022-03-22T18:00 (in the consultation's "
            "time zone) or 2022-03-22T17:00:00Z, nor offsets by partition, as 0:123,1:456."
        ) from None


def vector(supposed: Supposition, published: Sequence[int], until: Sequence[int]) -> list[int]:
    """Return the votes offsets a what-if ends at; `until` are those of its instant, if any."""
    held = list(until) if supposed.until else list(published)
    for partition, offset in supposed.offsets:
        held[partition] = offset
    return held


def rewrite(supposed: Supposition) -> Rewrite | None:
    """Return what makes the ballot box read as supposed; None where it stays as it is."""
    steps = [REWRITES[rule] for rule in supposed.without_rules]
    if not steps:
        return None

    def rewritten(value: bytes) -> bytes:
        for step in steps:
            value = step(value)
        return value

    return rewritten


def _place_of_trust(schema: Schema) -> int:
    """Find the byte of `trust`: before it lie identifiers and enums of one byte."""
    at = HEADER_BYTES
    for field in schema.fields:
        if field["name"] == "trust":
            return at
        is_identifier = field["name"] in ("event_id", "voter", "salt")
        at += _IDENTIFIER_BYTES if is_identifier else 1
    raise AssertionError(f"{schema.event} has no trust")


_TRUST_AT = {schema.header: _place_of_trust(schema) for schema in BALLOT_VERSIONS}
_SUSPENDED, _REINSTATED = (
    versions(event) for event in ("VoterSuspended", "VoterReinstated"))


def _trusted(value: bytes) -> bytes:
    at = _TRUST_AT.get(value[:HEADER_BYTES])
    if at is None or value[at:at + 1] != _SUSPECT:
        return value
    return value[:at] + _TRUSTED + value[at + 1:]


def _never_suspended(value: bytes) -> bytes:
    if value[:HEADER_BYTES] == _SUSPENDED[0].header:
        return _REINSTATED[0].header + value[HEADER_BYTES:]
    return _without_causes(range(CAUSE_MOST + 1), value)


def _without_causes(causes: Container[int], value: bytes) -> bytes:
    """Let a suspension for one of these causes read as a reinstatement that names nothing."""
    if value[:HEADER_BYTES] != _SUSPENDED[1].header:
        return value
    try:
        _, fields = codec.decode(value)
    except Undecodable:
        return value
    if fields["cause"] not in causes:
        return value
    del fields["cause"], fields["finding"]
    return codec.encode_as(_REINSTATED[1], **fields)


REWRITES: dict[str, Rewrite] = {
    "unproven": _trusted, "suspended": _never_suspended,
    **{str(cause): partial(_without_causes, (cause,)) for cause in range(1, CAUSE_MOST + 1)},
}
"""How the ballot box reads without each rule by which votes are set aside, or without a cause."""
assert REWRITES.keys() >= {*SET_ASIDE}, "every reason to set aside can be taken away"
