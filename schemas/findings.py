"""What controls come to for a voter: causes, their findings, and immunity. Pure.

Theory of operation: a pair of cause and finding is, in a voter's life, first not met, then
standing, then cleared, and cleared for ever. Clearing a pair that was not met yet clears it too. So
order and repetition of controls cannot hurt, and no ids need to be remembered. A cause stands while
one of its pairs does; a voter is suspended while any cause stands. Controls of version 1 name no
pair: a suspension is cause 0 with its own id as finding, a reinstatement clears what stands of
cause 0; of these the last ids are remembered. The ledger decides by it, and who writes controls
knows by it what will be decided; the recounts tell the same rules a second time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.codec import ID_BYTES


OPERATOR = 0
"""The cause of an operator; 1 to 15 are rules of the guard."""
CAUSE_MOST = 15
FINDING_BYTES = ID_BYTES
FINDINGS_A_CAUSE_MOST = 8
"""So many findings of a cause a voter may have, cleared ones counted."""
CONTROLS_REMEMBERED, ID_END_BYTES = 8, 8
"""So many controls of version 1 are known again, by the last bytes of their ids."""


class Finding(NamedTuple):
    """What a suspension rests on: a cause, and one finding of it."""

    cause: int
    finding: bytes

    def __str__(self) -> str:
        return f"{self.cause}:{self.finding.hex()}"


BEFORE_RULES_2 = Finding(OPERATOR, bytes(FINDING_BYTES))
"""Stands for whatever a voter was suspended for under the first rules."""


class Effect(NamedTuple):
    """What a control came to."""

    outcome: str
    """As a decision says it: suspended, reinstated, unchanged or refused."""
    why: str
    """Of what is refused: immune or too_many; else none."""
    findings: tuple[Finding, ...]
    """Those that the control names, each once."""
    immune: tuple[int, ...] = ()


class Suspension:
    """The findings about one voter, and what the voter is immune to."""

    __slots__ = ("immune", "standing")

    def __init__(self) -> None:
        self.standing: dict[Finding, bool] = {}
        """Every pair met: whether it stands, else it was cleared."""
        self.immune = 0
        """Bit n: findings of cause n do not suspend any more."""

    def follow(self, event: str, fields: Mapping[str, Any], *, version: int) -> Effect:
        """Take a control of a version under rules 2; say what it came to."""
        if event == "VoterSuspended":
            pair = Finding(OPERATOR, fields["event_id"]) if version == 1 else Finding(
                fields["cause"], fields["finding"])
            return self._suspended(pair)
        pairs = self.standing_of(OPERATOR) if version == 1 else tuple(dict.fromkeys(
            Finding(each["cause"], each["finding"]) for each in fields["findings"]))
        return self._reinstated(pairs, tuple(fields["immune"]))

    def _suspended(self, pair: Finding) -> Effect:
        if pair in self.standing:
            return Effect("unchanged", "none", (pair,))
        if self.is_immune(pair.cause):
            return Effect("refused", "immune", (pair,))
        if self.is_full_for((pair,)):
            return Effect("refused", "too_many", (pair,))
        self.suspend(pair)
        return Effect("suspended", "none", (pair,))

    def _reinstated(self, pairs: tuple[Finding, ...], immune: tuple[int, ...]) -> Effect:
        if self.knows(pairs, immune):
            return Effect("unchanged", "none", pairs, immune)
        if self.is_full_for(pairs):
            return Effect("refused", "too_many", pairs, immune)
        self.reinstate(pairs, immune)
        return Effect("reinstated", "none", pairs, immune)

    def lowest(self) -> int | None:
        """Return the lowest cause that stands: the one that a vote set aside is counted under."""
        return min((pair.cause for pair, stands in self.standing.items() if stands), default=None)

    def is_immune(self, cause: int) -> bool:
        """Whether findings of a cause do not suspend this voter."""
        return bool(self.immune >> cause & 1)

    def is_full_for(self, pairs: Iterable[Finding]) -> bool:
        """Whether one of these pairs was not met yet and its cause has no room for it."""
        added = Counter(pair.cause for pair in {*pairs} - self.standing.keys())
        return any(more + self._met(cause) > FINDINGS_A_CAUSE_MOST
                   for cause, more in added.items())

    def is_full(self, cause: int) -> bool:
        """Whether there is room for no other finding of a cause."""
        return self._met(cause) >= FINDINGS_A_CAUSE_MOST

    def _met(self, cause: int) -> int:
        return sum(pair.cause == cause for pair in self.standing)

    def standing_of(self, *causes: int) -> tuple[Finding, ...]:
        """Return the findings of causes, or of all, that stand, in the order they came in."""
        return tuple(pair for pair, stands in self.standing.items()
                     if stands and (not causes or pair.cause in causes))

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


def known(ids: bytes, event_id: bytes) -> bool:
    """Whether the id of a control of version 1 is among those remembered."""
    end = event_id[-ID_END_BYTES:]
    return any(ids[at:at + ID_END_BYTES] == end for at in range(0, len(ids), ID_END_BYTES))


def remembering(ids: bytes, event_id: bytes) -> bytes:
    """Remember the id of a control as the newest."""
    return (event_id[-ID_END_BYTES:] + ids)[:CONTROLS_REMEMBERED * ID_END_BYTES]
