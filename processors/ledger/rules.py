"""The rules of version 1, as one pure table: what becomes of a ballot event in a situation.

Theory of operation: a situation and a ballot event's detail take few values, so every case is
worked out once, at import, into a `Transition`: the outcome, the counts it moves and the bytes it
leaves in the decision. Deciding is a lookup; folding a recorded decision finds the same
transition from its bytes. The live count and the recovery of a count are thereby one computation.
"""

import functools
from typing import NamedTuple

from processors.ledger.standing import (
    ENCODED,
    KEPT_BITS,
    STANDINGS,
    SUSPECT,
    SUSPENDED,
    choice_of,
    held_of,
    qualifications_of,
    set_aside_of,
    standing,
    valid,
)
from schemas.words import (
    CHOICES,
    COUNTS,
    KINDS,
    OUTCOMES,
    QUALIFICATIONS,
    QUALIFICATIONS_PER_CHOICE,
    REASONS,
)


VERSION = 1
MAX_LIVE_VOTES = 5_000
"""A voter holds at most so many live votes in a consultation: more is no person."""
REMEMBERED_EVENTS = 8
"""So many event ids are remembered per voter and proposal, to know a redelivered event."""

KIND = {name: index for index, name in enumerate(KINDS)}
OUTCOME = {name: index for index, name in enumerate(OUTCOMES)}
REASON = {name: index for index, name in enumerate(REASONS)}
COUNT = {name: index for index, name in enumerate(COUNTS)}

VOTE_CAST = KIND["vote_cast"]
VOTE_WITHDRAWN = KIND["vote_withdrawn"]
QUALIFICATION_ADDED = KIND["qualification_added"]
QUALIFICATION_WITHDRAWN = KIND["qualification_withdrawn"]


class Transition(NamedTuple):
    """Everything that follows from one decided ballot event, worked out beforehand."""

    codes: bytes
    """kind, outcome and reason as they stand in the decision."""
    tail: bytes
    """before, after and the end of the list of changes as they stand in the decision."""
    slot: int
    """Index of (outcome, reason) in the totals of a partition."""
    deltas: tuple[tuple[int, int], ...]
    """(index in COUNTS, what to add) for the counts of the proposal."""
    remembered: bool
    """Whether the event's id is remembered under its voter and proposal."""
    after: bytes
    """The situation after, as the one byte kept in the state (without suspension)."""
    received: bool
    """Whether the event is a VoteCast that makes its voter a received participant."""
    live_delta: int
    counted_delta: int
    record_delta: int
    """Both deltas where a voter's packed record keeps them."""


PlainTransition = tuple[
    bytes, bytes, int, tuple[tuple[int, int], ...], bool, bytes, bool, int, int, int]
"""The same without names: Python takes only plain tuples apart in one step, three times faster."""

LIVE_SHIFT, COUNTED_SHIFT = 2, 15
"""Where the counters of live and of counted votes lie in a voter's packed record."""


def slot_of(outcome: int, reason: int) -> int:
    """Give the place of an outcome and reason in a partition's totals."""
    return outcome * len(REASONS) + reason


def contribution(situation: int) -> list[str]:
    """Name the counts that one live vote raises."""
    if not situation & 3:
        return []
    reason = set_aside_of(situation)
    if reason:
        return [f"set_aside_{reason}"]
    held = [QUALIFICATIONS[index] for index in qualifications_of(situation)]
    return [CHOICES[choice_of(situation)], *held]


def _deltas(
    kind: int, outcome: int, reason: int, before: int, after: int
) -> tuple[tuple[int, int], ...]:
    moved = dict.fromkeys(range(len(COUNTS)), 0)
    for name in contribution(before):
        moved[COUNT[name]] -= 1
    for name in contribution(after):
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


@functools.cache
def transition(kind: int, outcome: int, reason: int, before: int, after: int) -> PlainTransition:
    """Work out a transition; the arguments are what a decision records of a ballot event."""
    counted_before = bool(before & 3) and set_aside_of(before) is None
    counted_after = bool(after & 3) and set_aside_of(after) is None
    forgotten = OUTCOMES[outcome] in ("repeated", "late") or REASONS[reason] == "misplaced"
    live_delta = bool(after & 3) - bool(before & 3)
    counted_delta = counted_after - counted_before
    return Transition(
        codes=bytes((2 * kind, 2 * outcome, 2 * reason)),
        tail=ENCODED[before] + ENCODED[after] + b"\0",
        slot=slot_of(outcome, reason),
        deltas=_deltas(kind, outcome, reason, before, after),
        remembered=not forgotten,
        after=bytes((after & KEPT_BITS,)),
        received=kind == VOTE_CAST,
        live_delta=live_delta,
        counted_delta=counted_delta,
        record_delta=(live_delta << LIVE_SHIFT) + (counted_delta << COUNTED_SHIFT),
    )[:]


def _decided(
    kind: int, outcome: str, situation: int, *, after: int | None = None, reason: str = "none"
) -> PlainTransition:
    before = situation if situation & 3 else 0
    return transition(
        kind, OUTCOME[outcome], REASON[reason], before, before if after is None else after
    )


def _vote_cast(situation: int, choice: int, *, suspect: bool) -> PlainTransition:
    cast = standing(choice, suspect=suspect, suspended=bool(situation & SUSPENDED))
    if choice_of(situation) < 0:
        return _decided(VOTE_CAST, "counted", situation, after=cast)
    vote_suspect = bool(situation & SUSPECT)
    if choice_of(situation) == choice:
        if vote_suspect and not suspect:
            return _decided(VOTE_CAST, "proven", situation, after=situation & ~SUSPECT)
        return _decided(VOTE_CAST, "unchanged", situation)
    if suspect and not vote_suspect:
        return _decided(VOTE_CAST, "refused", situation, reason="unproven_change")
    return _decided(VOTE_CAST, "changed", situation, after=cast)


def _vote_withdrawn(situation: int, _detail: int, *, suspect: bool) -> PlainTransition:
    if choice_of(situation) < 0:
        return _decided(VOTE_WITHDRAWN, "unchanged", situation)
    if suspect and not situation & SUSPECT:
        return _decided(VOTE_WITHDRAWN, "refused", situation, reason="unproven_change")
    return _decided(VOTE_WITHDRAWN, "withdrawn", situation, after=0)


def _qualification_added(situation: int, qualification: int, *, suspect: bool) -> PlainTransition:
    kind = QUALIFICATION_ADDED
    if choice_of(situation) < 0:
        return _decided(kind, "refused", situation, reason="no_vote")
    choice, place = divmod(qualification, QUALIFICATIONS_PER_CHOICE)
    if choice != choice_of(situation):
        return _decided(kind, "refused", situation, reason="wrong_choice")
    if held_of(situation) >> place & 1:
        return _decided(kind, "unchanged", situation)
    if suspect and not situation & SUSPECT:
        return _decided(kind, "refused", situation, reason="unproven_change")
    return _decided(kind, "qualified", situation, after=situation | 4 << place)


def _qualification_withdrawn(
    situation: int, qualification: int, *, suspect: bool
) -> PlainTransition:
    kind = QUALIFICATION_WITHDRAWN
    choice, place = divmod(qualification, QUALIFICATIONS_PER_CHOICE)
    if choice != choice_of(situation) or not held_of(situation) >> place & 1:
        return _decided(kind, "unchanged", situation)
    if suspect and not situation & SUSPECT:
        return _decided(kind, "refused", situation, reason="unproven_change")
    return _decided(kind, "unqualified", situation, after=situation & ~(4 << place))


_RULES = {
    VOTE_CAST: (_vote_cast, len(CHOICES)),
    VOTE_WITHDRAWN: (_vote_withdrawn, 1),
    QUALIFICATION_ADDED: (_qualification_added, len(QUALIFICATIONS)),
    QUALIFICATION_WITHDRAWN: (_qualification_withdrawn, len(QUALIFICATIONS)),
}

TRANSITIONS: dict[int, list[list[list[PlainTransition]]]] = {
    kind: [
        [
            [rule(situation if valid(situation) else 0, detail, suspect=suspect)
             for situation in range(STANDINGS)]
            for suspect in (False, True)
        ]
        for detail in range(details)
    ]
    for kind, (rule, details) in _RULES.items()
}
"""The rules: kind, detail (choice or qualification by index), suspect, situation."""


def standing_still(
    kind: int, outcome: str, situation: int, reason: str = "none"
) -> PlainTransition:
    """The transition of an event that changes nothing, whatever the rules' table says."""
    return _decided(kind, outcome, situation, reason=reason)
