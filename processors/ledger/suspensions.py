"""Why a voter is suspended: causes, their findings, and immunity. Pure.

Theory of operation: a pair of cause and finding is, in a voter's life, first not met, then
standing, then cleared, and cleared for ever. Clearing a pair that was not met yet clears it too. So
order and repetition of controls cannot hurt, and no ids need to be remembered. A cause stands while
one of its pairs does; a voter is suspended while any cause stands.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from processors.ledger.decisions import FINDING_BYTES, MAX_CAUSE, Finding


MAX_FINDINGS_A_CAUSE = 8
"""So many findings of a cause a voter may have, cleared ones counted."""
OPERATOR = 0
"""The cause of an operator; 1 to 15 are rules of the guard."""
BEFORE_RULES_2 = Finding(OPERATOR, bytes(FINDING_BYTES))
"""Stands for whatever a voter was suspended for under the first rules."""
SUSPENSION_BYTES, PAIR_BYTES = 400, 200
"""What a suspended voter, and a finding, take in memory (CPython, 64 bits), about."""


class Suspension:
    """The findings about one voter, and what the voter is immune to."""

    __slots__ = ("immune", "standing")

    def __init__(self) -> None:
        self.standing: dict[Finding, bool] = {}
        """Every pair met: whether it stands, else it was cleared."""
        self.immune = 0
        """Bit n: findings of cause n do not suspend any more."""

    def lowest(self) -> int | None:
        """Return the lowest cause that stands: the one that a vote set aside is counted under."""
        return min((pair.cause for pair, stands in self.standing.items() if stands), default=None)

    def is_immune(self, cause: int) -> bool:
        """Whether findings of a cause do not suspend this voter."""
        return bool(self.immune >> cause & 1)

    def is_full_for(self, pairs: Iterable[Finding]) -> bool:
        """Whether one of these pairs was not met yet and its cause has no room for it."""
        added = [0] * (MAX_CAUSE + 1)
        for pair in {*pairs} - self.standing.keys():
            added[pair.cause] += 1
        return any(more and more + self._met(cause) > MAX_FINDINGS_A_CAUSE
                   for cause, more in enumerate(added))

    def _met(self, cause: int) -> int:
        return sum(pair.cause == cause for pair in self.standing)

    def standing_of(self, cause: int) -> tuple[Finding, ...]:
        """Return the findings of a cause that stand, in the order they came in."""
        return tuple(pair for pair, stands in self.standing.items()
                     if stands and pair.cause == cause)

    def suspend(self, pair: Finding) -> None:
        """Let a pair stand; one that was cleared stays so."""
        self.standing.setdefault(pair, True)

    def reinstate(self, pairs: Iterable[Finding], immune: Iterable[int]) -> None:
        """Clear pairs for ever, and make the voter immune to causes."""
        self.standing.update(dict.fromkeys(pairs, False))
        for cause in immune:
            self.immune |= 1 << cause

    def knows(self, pairs: Iterable[Finding], immune: Iterable[int]) -> bool:
        """Whether a reinstatement would change nothing."""
        return (all(self.standing.get(pair) is False for pair in pairs)
                and all(map(self.is_immune, immune)))

    def copied(self) -> tuple[dict[tuple[int, bytes], bool], int]:
        """Copy as plain values."""
        return {(pair.cause, pair.finding): stands
                for pair, stands in self.standing.items()}, self.immune


def restored(copied: tuple[Mapping[Any, bool], int]) -> Suspension:
    """Become what was copied."""
    found = Suspension()
    found.standing = {Finding(*pair): stands for pair, stands in copied[0].items()}
    found.immune = copied[1]
    return found


NOBODY = Suspension()
"""Stands for a voter about whom nothing was found; never changed."""
