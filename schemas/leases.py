"""Which one of several processes of a kind does the work of that kind. Pure.

Theory of operation: members of a consumer group share out one partition, and who is given it holds
the lease. That alone fences nobody: a holder that was frozen learns late that it lost the lease,
and may write before it does. So who publishes under a lease says it in the very log that it writes
to: it takes its turn by a claim there, a record whose offset no other record has. What is published
in that turn bears the turn's term, the claim's offset plus one, and a reader that has met a later
claim passes by what bears an earlier term. No record can bear a term whose claim lies behind it:
such a one is passed by, and ends nobody's term. The log's order decides, and no clock. A claim may
come late, too, of somebody who was frozen before writing it: the holder finds records of others
between its own, and claims again.

`Lease` is a process's side, `Terms` a reader's, `chosen` what the group agrees on.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple


NO_TERM = 0
"""Term of what was published before there were leases."""
IMPOSSIBLE = -1
"""Stands for what is no term, or one whose claim would lie behind it: what bears it never counts.
"""
NOBODY = -1
"""No generation of a group."""
TERM = "term"
"""Name of the header of each record published in a turn: its term, decimal."""
_DECIMAL = re.compile(rb"[0-9]{1,19}")
"""What a term is written as: an offset of Kafka has no more digits."""


class Standing(NamedTuple):
    """What a member says of itself when its group is balanced; the greatest is chosen."""

    held: int
    """Generation of the group in which it held the lease until now; NOBODY if it did not."""
    ready: bool
    """Whether it could go on at once."""

    def encoded(self) -> bytes:
        """Write it for the group."""
        return b"%d %d" % self

    @classmethod
    def of(cls, said: bytes) -> "Standing":
        """Read it; who says nothing that can be read comes last."""
        try:
            held, ready = map(int, said.split(b" "))
        except ValueError:
            return cls(NOBODY, ready=False)
        return cls(held, bool(ready))


def chosen(members: Mapping[str, bytes]) -> str:
    """Return the member that is to hold the lease, of some and what each says of itself.

    Who holds it keeps it, then who is ready is given it: a newcomer takes it from nobody.
    """
    return max(members, key=lambda member: (Standing.of(members[member]), member))


class Lease:
    """What a process knows of the lease of its kind."""

    def __init__(self) -> None:
        self.joined = False
        """Whether the group has said who holds the lease."""
        self.holds = False
        self.turn = 0
        """Counts the stretches of time in which it was held without a break."""
        self._generation = NOBODY

    def assigned(self, generation: int, *, holds: bool) -> None:
        """Take what the group has agreed on.

        A turn goes on where the generation before was held too: nobody can have held it between.
        """
        if holds and not (self.holds and generation == self._generation + 1):
            self.turn += 1
        self.joined, self.holds = True, holds
        self._generation = generation if holds else NOBODY

    def lost(self) -> None:
        """Know nothing of the group any more."""
        self.joined, self.holds, self._generation = False, False, NOBODY

    def interrupted(self) -> None:
        """End the turn, and begin another one if the lease is held: somebody else wrote."""
        self.turn += self.holds

    def standing(self, *, ready: bool) -> Standing:
        """Say where the process stands, for the group."""
        return Standing(self._generation, ready)


def term_of(claim_offset: int) -> int:
    """Return the term that a claim at an offset begins."""
    return claim_offset + 1


def headers(term: int) -> list[tuple[str, bytes]]:
    """Return the headers of what is published in a term."""
    return [(TERM, b"%d" % term)] if term != NO_TERM else []


def term_in(found: Iterable[tuple[str, bytes | None]], offset: int) -> int:
    """Read the term from the headers of a record at an offset; IMPOSSIBLE where it can be none."""
    for name, value in found:
        if name == TERM:
            term = int(value) if value and _DECIMAL.fullmatch(value) else IMPOSSIBLE
            return term if term <= offset else IMPOSSIBLE
    return NO_TERM


class Terms:
    """What a reader of a log has met of terms, in the log's order."""

    def __init__(self) -> None:
        self.newest = NO_TERM

    def claimed(self, offset: int) -> None:
        """Note a claim: earlier terms have ended."""
        self.newest = max(self.newest, term_of(offset))

    def takes(self, term: int) -> bool:
        """Whether a record of a term counts; its claim may be gone from a compacted log."""
        self.newest = max(self.newest, term)
        return term == self.newest
