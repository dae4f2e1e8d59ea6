"""What people decided about findings of the guard: each act, and what holds now. Pure.

Theory of operation: an act names the one on the same finding that it follows, so of two that follow
the same one the first counts, and one that comes again counts once. One that moves more than one in
a hundred of the consultation's votes, with those that the same key moved alone by other findings
before, waits until a second person writes the same: signed with another key. Where the log has no
keys nobody can tell who writes, and the act holds once it names a second person: by word alone. One
that waits from the time before keys is nobody's: two keys have to want it.

Whoever holds two keys is two people here, and the figures that an act states are those of who wrote
it; anybody with the log can count them again. A voter whom several findings name is counted with
each: the second person is asked for too early, never too late. Acts lie under their consultation as
well as their finding, so one that names another says nothing of this one.

Whether an act is signed is asked before: `schemas.corrections` says which records count. Without
keys in force it takes none that names one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.codec import ID_BYTES
from schemas.control_signatures import NOBODY
from schemas.corrections import ACTS, FINDING_CONFIRMED, FINDING_DISMISSED


REVIEW_ASKED = "ReviewAsked"
OPEN, WAITING = "open", "waiting"
CONFIRMED, DISMISSED, REINSTATED = "confirmed", "dismissed", "reinstated"
STATES = (OPEN, WAITING, CONFIRMED, DISMISSED, REINSTATED)
"""Nobody has acted; an act waits for a second person; its votes are set aside by a person; it is
held to be none of machines; and who was set aside by it counts again."""
ALONE_PERCENT = 1
"""Of the consultation's votes: so many one person may move."""
ANSWER_SECONDS = 72 * 3_600
"""A finding that nobody answered for so long is shown as such."""
FIRST = bytes(ID_BYTES)
"""Stands for the act before the first."""


class Act(NamedTuple):
    """What a person decided."""

    event: str
    """FindingConfirmed or FindingDismissed."""
    event_id: bytes
    consultation: str
    finding: bytes
    at: int
    """In milliseconds since 1970, by the writer's clock."""
    by: bytes
    """Key that signed; zeros where the log had none, and nobody can tell who it was."""
    second: str | None
    """A second person, as the first named them."""
    reason: str
    judgement: int
    """The last judgement whose names it covers."""
    marked_only: bool
    voters: int
    votes: int
    """Those that it moves, of `of` in all."""
    of: int
    catalogue: int
    """Offset of its record; -1 where nobody told it."""
    before: int
    """Votes of the consultation that its key moved alone already, by other findings."""

    @property
    def needs_two(self) -> bool:
        """Whether one person alone may not do it."""
        return needs_two(self.votes, self.of, self.before)

    @property
    def is_told_of_two(self) -> bool:
        """Whether it names a second person, where no key can tell who acts."""
        return bool(self.second) and self.by == NOBODY

    def seconds(self, first: "Act") -> bool:
        """Whether it is the same as an act that waits, by another person: each by a key."""
        return (NOBODY not in (self.by, first.by) and self.by != first.by
                and (self.event, self.judgement, self.marked_only) == (
                    first.event, first.judgement, first.marked_only))


class Standing(NamedTuple):
    """What holds of a finding."""

    state: str
    """One of STATES."""
    in_force: Act | None = None
    """The last act that holds."""
    waiting: Act | None = None
    """A later one that waits for a second person."""


def needs_two(votes: int, of: int, before: int = 0) -> bool:
    """Whether so many votes of all, with those moved before, are more than one person may move."""
    return votes > 0 and (votes + before) * 100 > of * ALONE_PERCENT


def standing(acts: Iterable[Act]) -> Standing:
    """Say what holds after acts on one finding, in their order."""
    in_force: Act | None = None
    waiting: Act | None = None
    for act in acts:
        if (not act.needs_two or act.is_told_of_two
                or (waiting is not None and act.seconds(waiting))):
            in_force, waiting = act, None
        else:
            waiting = act
    if waiting is not None:
        return Standing(WAITING, in_force, waiting)
    return Standing(state_after(in_force), in_force)


def state_after(act: Act | None) -> str:
    """Say what holds where an act is the last one in force, or there is none."""
    if act is None:
        return OPEN
    if act.event == FINDING_CONFIRMED:
        return CONFIRMED
    return REINSTATED if act.voters else DISMISSED


class Acts:
    """Every act by its finding; show it records of the catalogue that count, in order."""

    def __init__(self) -> None:
        self._by_finding: dict[tuple[str, bytes], list[Act]] = {}
        self._alone: dict[tuple[str, bytes], dict[bytes, int]] = {}

    def take(self, event: str, fields: Mapping[str, Any], offset: int = -1) -> bool:
        """Take a record, if it is an act that follows the last one on its finding."""
        if event not in ACTS:
            return False
        consultation, finding, by = fields["consultation"], fields["finding"], fields["by"]
        if fields["follows"] != self.newest(consultation, finding):
            return False
        act = Act(
            event, fields["event_id"], consultation, finding, fields["occurred_at"], by,
            fields["second"], fields["reason"], fields["judgement"],
            fields.get("marked_only", False), fields["voters"], fields["votes"], fields["of"],
            offset, self.alone(consultation, by, finding))
        first = self.standing(consultation, finding).waiting
        self._by_finding.setdefault((consultation, finding), []).append(act)
        if not act.needs_two and not (first and act.seconds(first)):
            moved = self._alone.setdefault((consultation, by), {})
            moved[finding] = max(moved.get(finding, 0), act.votes)
        return True

    def alone(self, consultation: str, by: bytes, finding: bytes) -> int:
        """Return how many votes acts of a key moved alone, by other findings than this one.

        However often by a finding, its votes are counted once; and where nobody can tell who acts,
        it is one person.
        """
        moved = self._alone.get((consultation, by), {})
        return sum(moved.values()) - moved.get(finding, 0)

    def of(self, consultation: str, finding: bytes) -> tuple[Act, ...]:
        """Return the acts on a finding, the first one first."""
        return tuple(self._by_finding.get((consultation, finding), ()))

    def newest(self, consultation: str, finding: bytes) -> bytes:
        """Return the event id that the next act on a finding follows."""
        acts = self._by_finding.get((consultation, finding))
        return acts[-1].event_id if acts else FIRST

    def standing(self, consultation: str, finding: bytes) -> Standing:
        """Say what holds of a finding."""
        return standing(self._by_finding.get((consultation, finding), ()))

    def lets_count(self, consultation: str, finding: bytes) -> bool:
        """Whether a person said that nobody is to be set aside by it."""
        found = self.standing(consultation, finding).in_force
        return found is not None and found.event == FINDING_DISMISSED


def review_id(consultation: str, voter: bytes) -> bytes:
    """Return the event id of a voter's ReviewAsked: one a consultation."""
    said = b"scrutin review 1\n" + consultation.encode() + b"\0" + voter
    return hashlib.sha256(said).digest()[:ID_BYTES]


def described(act: Act) -> dict[str, Any]:
    """Return an act as plain values: who, why, when, and what it moved."""
    return {
        "act": act.event, "at": act.at, "by": None if act.by == NOBODY else act.by.hex(),
        "second": act.second, "reason": act.reason, "judgement": act.judgement,
        "marked_only": act.marked_only, "voters": act.voters, "votes": act.votes, "of": act.of}
