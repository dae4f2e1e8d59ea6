"""What all versions of the rules share: names by index, and what a decided ballot moves. Pure.

Theory of operation: a situation and a ballot event's detail take few values, so every case is
worked out once into a `Transition`: the outcome, the counts it moves and the bytes it leaves in the
decision. Deciding is a lookup; folding a recorded decision finds the same transition from its
bytes. The live count and the recovery of a count are thereby one computation. Each version of the
rules has a table of its own (`rules_1`, `rules_2`), which never changes once a log was decided by
it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from schemas.words import EVERY_COUNT, KINDS, OUTCOMES, REASONS


VERSIONS = (1, 2)
"""Rules known here; each stretch of a log is decided by its own."""
MAX_LIVE_VOTES = 5_000
"""A voter holds at most so many live votes in a consultation: more is no person."""
REMEMBERED_EVENTS = 8
"""So many event ids are remembered per voter and proposal, to know a redelivered event."""

KIND = {name: index for index, name in enumerate(KINDS)}
OUTCOME = {name: index for index, name in enumerate(OUTCOMES)}
REASON = {name: index for index, name in enumerate(REASONS)}
COUNT = {name: index for index, name in enumerate(EVERY_COUNT)}

VOTE_CAST = KIND["vote_cast"]
VOTE_WITHDRAWN = KIND["vote_withdrawn"]
QUALIFICATION_ADDED = KIND["qualification_added"]
QUALIFICATION_WITHDRAWN = KIND["qualification_withdrawn"]
BALLOT_KINDS = frozenset((
    VOTE_CAST, VOTE_WITHDRAWN, QUALIFICATION_ADDED, QUALIFICATION_WITHDRAWN))


FORGOTTEN, ACCEPTED, REFUSED = 0, 1, 2
"""Which memory of a voter and proposal keeps the id of an event."""


class Transition(NamedTuple):
    """Everything that follows from one decided ballot event, worked out beforehand."""

    codes: bytes
    """kind, outcome, reason and the version of the rules as they stand in the decision."""
    tail: bytes
    """before, after and the end of the list of changes as they stand in the decision."""
    slot: int
    """Index of (outcome, reason) in the totals of a partition."""
    deltas: tuple[tuple[int, int], ...]
    """(index in EVERY_COUNT, what to add) for the counts of the proposal."""
    remembered: int
    """Which memory of its voter and proposal keeps the event's id; rules 1 have one memory."""
    after: bytes
    """The situation after, as the one byte kept in the state (without suspension)."""
    received: bool
    """Whether the event is a VoteCast that makes its voter a received participant."""
    live_delta: int
    counted_delta: int
    record_delta: int
    """Both deltas where a voter's bits keep them."""


PlainTransition = tuple[
    bytes, bytes, int, tuple[tuple[int, int], ...], int, bytes, bool, int, int, int]
"""The same without names: Python takes only plain tuples apart in one step, three times faster."""


class LaterRules(Protocol):
    """What a version of the rules is asked from the second on: its module has it."""

    @property
    def transition(self) -> Callable[..., PlainTransition]:
        """Work out a transition from what a decision records."""

    def looked_up(
        self, kind: int, detail: int, suspect: int, shown: int, situation: int
    ) -> PlainTransition:
        """Work an entry of the table out, and keep it."""

    def standing_still(
        self, kind: int, outcome: str, situation: int, reason: str = "none"
    ) -> PlainTransition:
        """The transition of an event that changes nothing."""


LIVE_SHIFT, COUNTED_SHIFT = 2, 15
"""Where the counters of live and of counted votes lie in a voter's bits."""


def slot_of(outcome: int, reason: int, refusal: int = 0) -> int:
    """Return the place of an outcome and reason, or refusal, in a partition's totals.

    It is that of their name in words.DECIDED.
    """
    return len(OUTCOMES) * len(REASONS) + refusal - 1 if refusal else (
        outcome * len(REASONS) + reason)


def deltas(
    kind: int, outcome: int, reason: int, lowers: Iterable[str], raises: Iterable[str]
) -> tuple[tuple[int, int], ...]:
    """Say what a ballot event adds to which count: (index in EVERY_COUNT, number).

    `lowers` and `raises` name the counts of the vote as it was and as it is.
    """
    moved = dict.fromkeys(range(len(EVERY_COUNT)), 0)
    for name in lowers:
        moved[COUNT[name]] -= 1
    for name in raises:
        moved[COUNT[name]] += 1
    outcome_name = OUTCOMES[outcome]
    if outcome_name == "changed":
        moved[COUNT["superseded"]] += 1
    elif outcome_name == "withdrawn":
        moved[COUNT["withdrawn"]] += 1
    if kind == VOTE_CAST:
        moved[COUNT["received"]] += 1
        if outcome_name in ("unchanged", "repeated", "proven", "late"):
            moved[COUNT[outcome_name]] += 1
        elif outcome_name == "refused":
            moved[COUNT[f"refused_{REASONS[reason]}"]] += 1
    return tuple((index, delta) for index, delta in moved.items() if delta)
