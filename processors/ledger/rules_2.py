"""The rules of version 2, as one pure table: what becomes of a ballot event in a situation.

Theory of operation: a situation is the byte kept of a vote (standing in bits 0 to 5, route in bits
6 and 7) with bit 8 for a suspended voter. What differs from version 1: a suspect vote that is
proven loses its qualifications, for nobody has shown that a person chose them; each pair of voter
and proposal has a route; refused ids have a memory of their own. The table is worked out as it is
asked: of its 67,584 entries a log meets some hundred.

A route says how the votes of a voter on a proposal came about, by the events that moved its
standing: asked where one of them was asked for, else unknown where one of them cannot tell, else
drawn. It outlives a withdrawal.
"""

import functools

from processors.ledger.decisions import NOTHING_MORE
from processors.ledger.rules import (
    ACCEPTED,
    COUNTED_SHIFT,
    FORGOTTEN,
    LIVE_SHIFT,
    OUTCOME,
    QUALIFICATION_ADDED,
    QUALIFICATION_WITHDRAWN,
    REASON,
    REFUSED,
    VOTE_CAST,
    VOTE_WITHDRAWN,
    PlainTransition,
    Transition,
    deltas,
    slot_of,
)
from processors.ledger.standing import (
    ENCODED,
    HELD_MASK,
    KEPT_BITS,
    SUSPECT,
    SUSPENDED,
    choice_of,
    contribution,
    held_of,
    set_aside_of,
    standing,
)
from schemas.words import (
    CHOICES,
    QUALIFICATIONS,
    QUALIFICATIONS_PER_CHOICE,
    ROUTES,
    SHOWN,
)


VERSION = 2
ROUTE_SHIFT = 6
UNKNOWN, NONE_YET, DRAWN, ASKED = (
    ROUTES.index(name) for name in ("unknown", "none", "drawn", "asked"))
NEW = NONE_YET << ROUTE_SHIFT
"""The situation of a voter on a proposal nothing is remembered of."""
SUSPENDED_BIT = 1 << 8
SITUATIONS = 1 << 9

_SHOWN_UNKNOWN, _ASKED_FOR = SHOWN.index("unknown"), SHOWN.index("asked")
_MOVES = frozenset(OUTCOME[name] for name in ("counted", "changed", "proven", "withdrawn"))
"""Outcomes that move the standing of a vote, and with it the route."""
_FORGOTTEN = frozenset(OUTCOME[name] for name in ("repeated", "late"))
_REFUSED = OUTCOME["refused"]


def standing_in(situation: int) -> int:
    """Return the standing of a situation, as decisions have it; 0 without a live vote."""
    if not situation & 3:
        return 0
    return situation & KEPT_BITS | (SUSPENDED if situation & SUSPENDED_BIT else 0)


def route_in(situation: int) -> int:
    """Return the route of a situation, by index in schemas.words."""
    return situation >> ROUTE_SHIFT & 3


def route_after(route: int, shown: int) -> int:
    """Return the route after an event moved the standing: asked > unknown > drawn."""
    if route == ASKED or shown == _ASKED_FOR:
        return ASKED
    if route == UNKNOWN or shown == _SHOWN_UNKNOWN:
        return UNKNOWN
    return DRAWN


def contribution_by_route(stands: int, route: int) -> list[str]:
    """Name the counts that one live vote raises; parts by cause belong to its voter."""
    names = contribution(stands)
    if not stands & 3 or set_aside_of(stands) is not None:
        return names
    if route == ASKED:
        return [*names, "counted_asked"]
    return [*names, *(f"drawn_{name}" for name in names)] if route == DRAWN else names


@functools.cache
def transition(
    kind: int, outcome: int, reason: int, before: int, after: int, route: int, new_route: int
) -> PlainTransition:
    """Work out a transition; `route` is the one before, which decisions do not record."""
    counted = [bool(each & 3) and set_aside_of(each) is None for each in (before, after)]
    remembered = ACCEPTED
    if outcome in _FORGOTTEN or reason == REASON["misplaced"]:
        remembered = FORGOTTEN
    elif outcome == _REFUSED:
        remembered = REFUSED
    live_delta = bool(after & 3) - bool(before & 3)
    counted_delta = counted[1] - counted[0]
    return Transition(
        codes=bytes((2 * kind, 2 * outcome, 2 * reason, 2 * VERSION)),
        tail=ENCODED[before] + ENCODED[after] + bytes((2 * new_route,)) + _END,
        slot=slot_of(outcome, reason),
        deltas=deltas(kind, outcome, reason, contribution_by_route(before, route),
                      contribution_by_route(after, new_route)),
        remembered=remembered,
        after=bytes((after & KEPT_BITS | new_route << ROUTE_SHIFT,)),
        received=kind == VOTE_CAST,
        live_delta=live_delta,
        counted_delta=counted_delta,
        record_delta=(live_delta << LIVE_SHIFT) + (counted_delta << COUNTED_SHIFT),
    )[:]


_END = b"\0" + NOTHING_MORE
"""The end of the list of changes, and what follows it in a decision on a ballot."""

_Rule = tuple[str, int | None, str]
"""Outcome, standing after (None: as before) and reason."""


def _vote_cast(situation: int, choice: int, suspect: int) -> _Rule:
    stands = standing_in(situation)
    cast = standing(choice, suspect=bool(suspect), suspended=bool(situation & SUSPENDED_BIT))
    if choice_of(stands) < 0:
        return "counted", cast, "none"
    vote_suspect = bool(stands & SUSPECT)
    if choice_of(stands) == choice:
        if vote_suspect and not suspect:
            # Nobody has shown who chose the qualifications: the page sends them again.
            return "proven", stands & ~SUSPECT & ~HELD_MASK, "none"
        return "unchanged", None, "none"
    if suspect and not vote_suspect:
        return "refused", None, "unproven_change"
    return "changed", cast, "none"


def _vote_withdrawn(situation: int, _detail: int, suspect: int) -> _Rule:
    stands = standing_in(situation)
    if choice_of(stands) < 0:
        return "unchanged", None, "none"
    if suspect and not stands & SUSPECT:
        return "refused", None, "unproven_change"
    return "withdrawn", 0, "none"


def _qualification_added(situation: int, qualification: int, suspect: int) -> _Rule:
    stands = standing_in(situation)
    if choice_of(stands) < 0:
        return "refused", None, "no_vote"
    choice, place = divmod(qualification, QUALIFICATIONS_PER_CHOICE)
    if choice != choice_of(stands):
        return "refused", None, "wrong_choice"
    if held_of(stands) >> place & 1:
        return "unchanged", None, "none"
    if suspect and not stands & SUSPECT:
        return "refused", None, "unproven_change"
    return "qualified", stands | 4 << place, "none"


def _qualification_withdrawn(situation: int, qualification: int, suspect: int) -> _Rule:
    stands = standing_in(situation)
    choice, place = divmod(qualification, QUALIFICATIONS_PER_CHOICE)
    if choice != choice_of(stands) or not held_of(stands) >> place & 1:
        return "unchanged", None, "none"
    if suspect and not stands & SUSPECT:
        return "refused", None, "unproven_change"
    return "unqualified", stands & ~(4 << place), "none"


_RULES = {
    VOTE_CAST: (_vote_cast, len(CHOICES)),
    VOTE_WITHDRAWN: (_vote_withdrawn, 1),
    QUALIFICATION_ADDED: (_qualification_added, len(QUALIFICATIONS)),
    QUALIFICATION_WITHDRAWN: (_qualification_withdrawn, len(QUALIFICATIONS)),
}

TABLE: dict[int, list[list[list[PlainTransition | None]]]] = {
    kind: [[[None] * SITUATIONS for _ in range(2 * len(SHOWN))] for _ in range(details)]
    for kind, (_, details) in _RULES.items()
}
"""What is worked out so far: kind, detail, twice `shown` and suspect, situation."""


def looked_up(kind: int, detail: int, suspect: int, shown: int, situation: int) -> PlainTransition:
    """Work an entry of the table out, and keep it."""
    rule, _ = _RULES[kind]
    outcome, after, reason = rule(situation, detail, suspect)
    before, route = standing_in(situation), route_in(situation)
    moved = OUTCOME[outcome] in _MOVES
    found = transition(
        kind, OUTCOME[outcome], REASON[reason], before, before if after is None else after, route,
        route_after(route, shown) if moved else route)
    TABLE[kind][detail][2 * shown + suspect][situation] = found
    return found


def told() -> list[object]:
    """Return all rules as plain values: what becomes of events in each situation, and routes."""
    rules: list[object] = [
        [rule(situation, detail, suspect) for detail in range(details) for suspect in (0, 1)
         for situation in range(SITUATIONS)]
        for rule, details in _RULES.values()]
    routes = [[route_after(route, shown) for shown in range(len(SHOWN))]
              for route in range(len(ROUTES))]
    return [*rules, routes, sorted(_MOVES), sorted(_FORGOTTEN)]


def standing_still(
    kind: int, outcome: str, situation: int, reason: str = "none"
) -> PlainTransition:
    """The transition of an event that changes nothing, whatever the rules' table says."""
    before, route = standing_in(situation), route_in(situation)
    return transition(kind, OUTCOME[outcome], REASON[reason], before, before, route, route)
