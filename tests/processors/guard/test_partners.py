"""Rule 5: a partner's site that brings far more votes than it used to, or quite other ones."""

from collections.abc import Sequence

import pytest

from processors.guard.findings import Finding
from processors.guard.marks import FLOOD
from processors.guard.parameters import MODES, PARTNER, Rules
from tests.processors.guard.traffic import (
    AGREE,
    BEGAN_AT,
    DISAGREE,
    FIRST_CHANGE,
    SERVED,
    Crowds,
    Vote,
    judged,
)
from tests.processors.guard.traffic import log_of as written


SPAN_MS = 600_000
BEGINS = BEGAN_AT - BEGAN_AT % SPAN_MS
VIA = 7


def by_partner(sizes: Sequence[int], *, choice: int | None = None) -> list[Vote]:
    """Make so many votes by a partner in each ten minutes; all alike, or as people choose."""
    crowds = Crowds(1)
    return [Vote(BEGINS + span * SPAN_MS + crowds.chance.randrange(SPAN_MS - 60_000),
                 crowds.voter(b"part"), crowds.network(b"home"), crowds.chance.randrange(9),
                 crowds.choice() if choice is None else choice, SERVED, crowds.pause(), via=VIA)
            for span, size in enumerate(sizes) for _ in range(size)]


def others(count: int) -> list[Vote]:
    """Make votes of others, over an hour."""
    crowds = Crowds(2)
    return [Vote(BEGINS + crowds.chance.randrange(6 * SPAN_MS), crowds.voter(b"any"),
                 crowds.network(b"home"), crowds.chance.randrange(9), crowds.choice(), SERVED)
            for _ in range(count)]


def found(votes: Sequence[Vote]) -> list[Finding]:
    """Judge votes, the rule setting aside."""
    rules = Rules()
    rules.apply("GuardRuleChanged", {"consultation": None, "rule": PARTNER, "version": 1,
                                     "mode": MODES[2], "parameters": [], **FIRST_CHANGE})
    log = written(votes)
    _, judgements = judged(log, rules, cuts=log.cuts(every=30_000))
    return [each for one in judgements for each in one.findings if each.rule == PARTNER]


@pytest.mark.parametrize(("sizes", "told"), [
    ((40, 50, 40, 600), True), ((40, 50, 40, 480), False), ((80, 70, 75, 600), False),
    ((600,), False)])
def test_ten_times_as_many_as_usual_are_told(sizes: tuple[int, ...], *, told: bool) -> None:
    """From 500 in ten minutes on; without a past there is nothing to compare them with."""
    findings = found([*by_partner(sizes), *others(6_000)])

    assert bool(findings) == told
    assert not any(each.suspends for each in findings)


def test_other_choices_than_all_others_are_told() -> None:
    """Five hundred that agree to everything, where others do not."""
    assert found([*by_partner((600,), choice=AGREE), *others(6_000)])
    assert found([*by_partner((600,), choice=DISAGREE), *others(6_000)])


def test_a_flood_is_set_aside_voter_by_voter() -> None:
    """More than a fifth of the hour's votes: each of its voters is named, once."""
    votes = by_partner((40, 50, 40, 900), choice=AGREE)
    findings = found([*votes, *others(1_200)])
    named = [voter for each in findings for voter in each.voters if each.suspends]

    assert {each.marks for each in findings if each.suspends} == {(FLOOD,)}
    assert {dict(each.numbers)["partner"] for each in findings} == {VIA}
    assert len(named) == len(set(named)) > 800
    assert set(named) <= {vote.voter for vote in votes}


def test_partners_beyond_those_told_apart_are_none() -> None:
    """They are as many as a byte holds; their votes are looked at as everybody's."""
    votes = [Vote(BEGINS + number, bytes((number % 251,)) * 15 + bytes((number // 251,)), None, 1,
                  shown=SERVED, via=number + 1) for number in range(300)]
    state, _ = judged(written(votes))
    [today] = state.days()

    assert len(today.partner_numbers) == 255
    assert len(today.voters) == 300
