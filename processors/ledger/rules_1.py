"""The rules of version 1, as one pure table: what becomes of a ballot event in a situation.

Frozen: logs were decided by it. What shall be otherwise is a rule of another version.
"""

import functools

from processors.ledger.rules import (
    ACCEPTED,
    COUNTED_SHIFT,
    FORGOTTEN,
    LIVE_SHIFT,
    OUTCOME,
    QUALIFICATION_ADDED,
    QUALIFICATION_WITHDRAWN,
    REASON,
    VOTE_CAST,
    VOTE_WITHDRAWN,
    PlainTransition,
    Transition,
    deltas,
    slot_of,
)
from processors.ledger.standing import (
    ENCODED,
    KEPT_BITS,
    STANDINGS,
    SUSPECT,
    SUSPENDED,
    choice_of,
    contribution,
    held_of,
    set_aside_of,
    standing,
    valid,
)
from schemas.words import CHOICES, OUTCOMES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE, REASONS


VERSION = 1


@functools.cache
def transition(kind: int, outcome: int, reason: int, before: int, after: int) -> PlainTransition:
    """Work out a transition; the arguments are what a decision records of a ballot event."""
    counted_before = bool(before & 3) and set_aside_of(before) is None
    counted_after = bool(after & 3) and set_aside_of(after) is None
    forgotten = OUTCOMES[outcome] in ("repeated", "late") or REASONS[reason] == "misplaced"
    live_delta = bool(after & 3) - bool(before & 3)
    counted_delta = counted_after - counted_before
    return Transition(
        codes=bytes((2 * kind, 2 * outcome, 2 * reason, 2 * VERSION)),
        tail=ENCODED[before] + ENCODED[after] + b"\0",
        slot=slot_of(outcome, reason),
        deltas=deltas(kind, outcome, reason, contribution(before), contribution(after)),
        remembered=FORGOTTEN if forgotten else ACCEPTED,
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
