"""Where things lie in the bytes that every vote passes: ballots read, decisions written. Pure.

Theory of operation: a decision on a ballot event is, in both versions,
    0   the header of DecisionMade           5    2: an event id follows
    6   the event id, 16 bytes               22   2: a voter follows
    23  the voter, 16 bytes                  39   the chain, 16 bytes
    55  kind, outcome, reason                58   the rules, 59 the offset of the vote
    ... 2, consultation, 2 (one change), proposal: `middle`, the same for each vote on a proposal
    ... standing before and after, (version 2: route), the end of the list, and in version 2 five
        empty fields and the version of the event: `tail`, the same for each vote that moves alike.
What is the same for many is encoded once. Offsets count up: their two lower bytes are looked up,
the others change every 8,192 records.
"""

from collections.abc import Callable, Mapping
from typing import Any

from processors.ledger.decisions import EVENT_VERSIONS, HEADERS
from processors.ledger.rules import (
    QUALIFICATION_ADDED,
    QUALIFICATION_WITHDRAWN,
    VOTE_CAST,
    VOTE_WITHDRAWN,
    PlainTransition,
)
from processors.ledger.rules_2 import TABLE
from schemas.chains import CHAIN_BYTES
from schemas.hot import decoder, long
from schemas.registry import versions


HEADS = [header + b"\x02" for header in HEADERS]
"""A decision begins so where its event has an id, by rules 1 and 2."""
EVENT_ID_AT = len(HEADS[0])
VOTER_AT = EVENT_ID_AT + 17
CHAIN_AT = VOTER_AT + 16
CODES_AT = CHAIN_AT + CHAIN_BYTES
OFFSET_AT = CODES_AT + 4
_LOW = [bytes((low << 1 & 127 | 128, low >> 6 | 128)) for low in range(1 << 13)]
"""The first two bytes of an offset of three or more; the rest changes every 8,192 offsets."""
_FIRST = [long(offset) for offset in range(1 << 13)]
"""The others, whole."""


class Offsets:
    """How offsets are encoded that share all but their lower 13 bits: those of one stretch."""

    __slots__ = ("high", "low", "stretch")

    def __init__(self) -> None:
        self.stretch = 0
        """What they have above these bits."""
        self.low = _FIRST
        """What their encodings begin with, by these bits..."""
        self.high = b""
        """... and what they all end with."""

    def move(self, offset: int) -> None:
        """Go on to the stretch of an offset."""
        self.stretch = offset >> 13
        self.low, self.high = (_LOW, long(offset)[2:]) if self.stretch else (_FIRST, b"")

    def encoded(self, offset: int) -> bytes:
        """Encode an offset; the ones that follow are looked up."""
        if offset >> 13 != self.stretch:
            self.move(offset)
        return self.low[offset & 8191] + self.high


_SPAN = ("consultation", "proposal")
_DETAILS = {
    "VoteCast": (VOTE_CAST, "choice"), "VoteWithdrawn": (VOTE_WITHDRAWN, None),
    "QualificationAdded": (QUALIFICATION_ADDED, "qualification"),
    "QualificationWithdrawn": (QUALIFICATION_WITHDRAWN, "qualification"),
}

Read = Callable[[bytes], Any]
Table = list[list[list[PlainTransition | None]]]


def _reader(event: str, version: int, *more: str) -> Read:
    """Make what reads id, voter, suspicion, names and detail of a ballot; 0 where it has none."""
    detail = _DETAILS[event][1]
    if detail:
        return decoder(event, "event_id", "voter", "trust", _SPAN, detail, *more, version=version)
    read = decoder(event, "event_id", "voter", "trust", _SPAN, *more, version=version)

    def without_detail(value: bytes) -> tuple[Any, ...]:
        event_id, voter, suspect, span, *rest = read(value)
        return event_id, voter, suspect, span, 0, *rest

    return without_detail


BALLOTS_1: dict[bytes, tuple[int, Read]] = {
    schema.header: (kind, _reader(event, schema.version))
    for event, (kind, _) in _DETAILS.items() for schema in versions(event)
}
"""For rules 1, by header: kind, and what reads a ballot of any version as one of the first."""
Ballots = dict[bytes, tuple[int, Read, bytes, Table]]


def ballots_by(table: Mapping[int, Table]) -> Ballots:
    """Make what reads ballots for rules from the second on, by header.

    That is: kind, what reads it with the route, its version as a decision ends with it, and its
    part of the table.
    """
    return {
        schema.header: (kind, _reader(event, schema.version, "shown"),
                        EVENT_VERSIONS[schema.version], table[kind])
        for event, (kind, _) in _DETAILS.items() for schema in versions(event)
    }


BALLOTS_2 = ballots_by(TABLE)
