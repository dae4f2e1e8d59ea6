"""Rules 6 to 9 tell people something, and name nobody."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from processors.guard.findings import Finding
from processors.guard.parameters import ASKED as ASKED_RULE
from processors.guard.parameters import BURST, EARLY, LEANING, MODES, Rules
from tests.processors.guard.traffic import (
    AGREE,
    ASKED,
    BEGAN_AT,
    DISAGREE,
    FIRST_CHANGE,
    SERVED,
    Crowds,
    Vote,
    judged,
    log_of,
)


SPAN_MS = 600_000


def told(votes: Sequence[Vote], rule: int, every: int = 30_000, version: int = 1
         ) -> list[Finding]:
    """Judge votes, and one that comes ten minutes after them; return what a rule says."""
    last = max(vote.time for vote in votes)
    rules = Rules()
    for one in (EARLY, ASKED_RULE, LEANING, BURST):
        rules.apply("GuardRuleChanged", {"consultation": None, "rule": one,
                                         "version": version if one == rule else 1,
                                         "mode": MODES[2], "parameters": [], **FIRST_CHANGE})
    crowds = Crowds(77)
    later = Vote(last + SPAN_MS, crowds.voter(b"last"), None, 39, shown=SERVED)
    log = log_of([*votes, later])
    _, judgements = judged(log, rules, cuts=log.cuts(every=every))
    found = [each for one in judgements for each in one.findings if each.rule == rule]
    assert not [each for each in found if each.voters or each.suspends]
    return found


def first_votes(crowds: Crowds, own: int, *, then: int = 100, choices: tuple[int, int] = (0, 0),
                proposal: int = 20) -> list[Vote]:
    """Make a proposal's first thirty votes, some from one network, and its next ones."""
    network = crowds.network(b"own")
    return [Vote(BEGAN_AT + number * 1_000, crowds.voter(b"new"),
                 network if number < own else crowds.network(b"home"), proposal,
                 choices[number >= 30], SERVED) for number in range(30 + then)]


@pytest.mark.parametrize(("own", "then", "choices", "found"), [
    (5, 0, (AGREE, AGREE), 1), (4, 100, (AGREE, AGREE), 0),
    (0, 100, (DISAGREE, AGREE), 1), (0, 99, (DISAGREE, AGREE), 0)])
def test_first_votes_of_one_network_or_unlike_the_next_are_told(
        own: int, then: int, choices: tuple[int, int], found: int) -> None:
    """Five of thirty, or a hundred that differ: the proposal, and both counts."""
    findings = told(first_votes(Crowds(1), own, then=then, choices=choices), EARLY)

    assert [(each.proposal, each.choice) for each in findings] == [("p20", -1)] * found
    for each in findings:
        assert dict(each.numbers)["network_voters"] == max(1, own)


def test_a_proposal_that_had_votes_yesterday_has_no_first_votes_today() -> None:
    """Its early life is judged on the day it begins, or never."""
    crowds = Crowds(2)
    yesterday = Vote(BEGAN_AT - 86_400_000, crowds.voter(b"old"), None, 20, shown=SERVED)

    assert told([*first_votes(crowds, 9)], EARLY)
    assert not told([yesterday, *first_votes(crowds, 9)], EARLY)


def by_route(served: tuple[int, int], asked: tuple[int, int]) -> list[Vote]:
    """Make votes that agree and disagree with a proposal, by the way they came."""
    crowds = Crowds(3)
    return [Vote(BEGAN_AT + crowds.chance.randrange(60_000), crowds.voter(b"any"),
                 crowds.network(b"home"), 12, choice, route)
            for route, counts in ((SERVED, served), (ASKED, asked))
            for choice, count in enumerate(counts) for _ in range(count)]


@pytest.mark.parametrize(("served", "asked", "found"), [
    ((54, 46), (95, 5), 1), ((54, 46), (54, 46), 0), ((30, 19), (95, 5), 0)])
def test_links_that_bring_another_opinion_are_told(
        served: tuple[int, int], asked: tuple[int, int], found: int) -> None:
    """From fifty votes of each route on; counts by route and choice say the rest."""
    findings = told(by_route(served, asked), ASKED_RULE)

    assert [each.proposal for each in findings] == ["p12"] * found
    for each in findings:
        numbers = dict(each.numbers)
        assert (numbers["served_agree"], numbers["served_disagree"]) == served
        assert (numbers["asked_agree"], numbers["asked_disagree"]) == asked


def leaning_network(
    agree_percent: int, votes: int = 100, others_percent: int = 20
) -> list[Vote]:
    """Make a network that answers an idea in its own way; so many of all others agree to it."""
    crowds = Crowds(4)
    network = crowds.network(b"lean")
    others = [Vote(BEGAN_AT + number * 100, crowds.voter(b"any"), crowds.network(b"home"),
                   8 + number % 4,
                   AGREE if number // 4 * 31 % 50 * 2 < others_percent else DISAGREE, SERVED)
              for number in range(800)]
    return others + [
        Vote(BEGAN_AT + number * 100, crowds.voter(b"own"), network, 8 + number % 4,
             AGREE if number * 100 < agree_percent * votes else DISAGREE, SERVED)
        for number in range(votes)]


@pytest.mark.parametrize(("agree_percent", "votes", "found"), [
    (90, 100, True), (60, 100, False), (100, 48, False), (0, 100, False)])
def test_a_network_that_answers_otherwise_is_told(
        agree_percent: int, votes: int, *, found: bool) -> None:
    """From fifty served votes on an idea on, far beyond chance and people being alike."""
    findings = told(leaning_network(agree_percent, votes), LEANING)

    assert bool(findings) == found
    assert {each.proposal for each in findings} <= {"p8"}


@pytest.mark.parametrize(("agree_percent", "votes", "others", "first", "second"), [
    (90, 100, 20, True, True), (60, 100, 20, False, False), (0, 100, 20, False, False),
    (100, 48, 20, False, False), (100, 400, 62, False, True), (0, 100, 62, False, True),
    (95, 200, 62, False, False), (100, 48, 62, False, False), (100, 900, 80, False, False),
    (20, 200, 80, True, True)])
def test_a_network_of_one_mind_is_told_where_others_are_of_two(
        agree_percent: int, votes: int, others: int, *, first: bool, second: bool) -> None:
    """Version 1 cannot tell of one that agrees where most do; version 2 can, either way."""
    network = leaning_network(agree_percent, votes, others)

    assert bool(told(network, LEANING)) == first
    findings = told(network, LEANING, version=2)
    assert bool(findings) == second
    assert all(dict(each.numbers)["score"] >= 13_815_511 for each in findings)


def test_networks_that_are_alike_as_networks_are_lean_nowhere() -> None:
    """300 of a hundred voters, each with a share of its own: a Beta with a correlation of 0.02."""
    crowds, votes = Crowds(21), []
    for _ in range(300):
        network, share = crowds.network(b"any"), crowds.chance.betavariate(0.62 * 49, 0.38 * 49)
        votes += [Vote(BEGAN_AT + number * 1_000, crowds.voter(b"any"), network, 8 + number % 4,
                       AGREE if crowds.chance.random() < share else DISAGREE, SERVED)
                  for number in range(100)]

    assert told(votes, LEANING, every=300_000, version=2) == []


def test_proposals_without_an_idea_lean_nowhere() -> None:
    """There is nothing to compare them on."""
    votes = [replace(vote, proposal=vote.proposal + 28) for vote in leaning_network(100)]

    assert told(votes, LEANING) == []


def arriving(sizes: Sequence[int]) -> list[Vote]:
    """Make a network with so many fresh voters in each ten minutes, among steady others."""
    crowds = Crowds(5)
    network, begins = crowds.network(b"net"), BEGAN_AT - BEGAN_AT % SPAN_MS
    votes = []
    for span, size in enumerate(sizes):
        for count, place in ((size, network), (300, None)):
            votes += [Vote(begins + span * SPAN_MS + crowds.chance.randrange(SPAN_MS),
                           crowds.voter(b"any"), place or crowds.network(b"home"),
                           crowds.chance.randrange(30), shown=SERVED) for _ in range(count)]
    return votes


@pytest.mark.parametrize(("sizes", "found"), [
    ((3, 3, 3, 3, 3, 3, 120), 1), ((3, 3, 3, 3, 3, 3, 99), 0), ((3, 3, 3, 3, 3, 120), 0),
    ((100, 110, 90, 100, 100, 100, 120), 0)])
def test_a_network_that_brings_far_more_than_it_used_to_is_told(
        sizes: tuple[int, ...], found: int) -> None:
    """A hundred at least, and a past of an hour."""
    findings = told(arriving(sizes), BURST, every=60_000)

    assert len(findings) == found
    assert all(dict(each.numbers)["voters"] == 120 for each in findings)
