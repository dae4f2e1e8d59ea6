"""Findings as the recorded judgements tell them, each put together over all that name it."""

from dataclasses import dataclass, field
from typing import Any

from processors.guard.findings import Finding
from processors.guard.judgements import findings_of
from processors.guard.parameters import MODES, NAMES
from processors.guard.recorded import Sequence
from producers.log_reader import LogReader
from schemas.topics import Topics
from schemas.words import CHOICES


MARKS = {1: "even arrivals", 2: "one ballot", 3: "one pace", 4: "no hands", 5: "hurry",
         6: "flood", 7: "one place"}


@dataclass
class Recorded:
    """A finding: when, what it is about, its evidence, and who is named."""

    first: Finding
    judged_at: int
    """Of the judgement that said it first, in milliseconds since 1970."""
    last: Finding
    """As it was said last: its numbers are the newest."""
    judgement: int = 0
    """Number of the last judgement that says it."""
    members: dict[bytes, int] = field(default_factory=dict)
    """Who is named, each with the number of the judgement that did it first."""
    marked: dict[bytes, int] = field(default_factory=dict)
    """Who bears a mark, likewise."""
    to_suspend: set[bytes] = field(default_factory=set)
    """Who is suspended by it, the rule setting aside."""

    def take(self, found: Finding, judgement: int) -> None:
        """Add what a judgement says of it."""
        self.last, self.judgement = found, judgement
        for voter in found.voters:
            self.members.setdefault(voter, judgement)
            if found.marks:
                self.marked.setdefault(voter, judgement)
        self.to_suspend.update(found.voters if found.suspends else ())

    def covered(self, judgement: int, *, marked_only: bool) -> set[bytes]:
        """Return who was named up to a judgement, or of these those who bear a mark."""
        named = self.marked if marked_only else self.members
        return {voter for voter, number in named.items() if number <= judgement}

    def described(self) -> dict[str, Any]:
        """Return it as plain values; voters are counted, not named."""
        return {
            "finding": self.first.finding.hex(), "rule": NAMES[self.first.rule],
            "version": self.first.version, "mode": MODES[self.last.mode],
            "consultation": self.first.consultation, "proposal": self.first.proposal or None,
            "choice": None if self.first.choice < 0 else CHOICES[self.first.choice],
            "judged_at": self.judged_at, "voters": len(self.members),
            "marks": sorted({MARKS[mark] for mark in self.last.marks}),
            "marked": len(self.marked), "suspended": len(self.to_suspend),
            "numbers": dict(self.last.numbers)}


async def recorded_findings(address: str, topics: Topics) -> list[Recorded]:
    """Read every finding, the oldest first; strays of a judgement's number are passed over.

    Raises Missing, Unreachable.
    """
    found: dict[bytes, Recorded] = {}
    sequence = Sequence()
    async with LogReader(address) as reader:
        await reader.require(topics.patrol, 1)
        async for records in reader.read(topics.patrol, 0):
            for record in records:
                fields = sequence.next_of(record.value)
                if fields is None:
                    continue
                for each in findings_of(fields):
                    found.setdefault(each.finding, Recorded(
                        each, fields["judged_at"], each)).take(
                            each, sequence.number)
    return list(found.values())
