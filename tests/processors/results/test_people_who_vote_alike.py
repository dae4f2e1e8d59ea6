"""Intervals and rank ranges of ideas hold when a voter votes alike on an idea's proposals.

Simulated consultations with known shares, published as documents. Each vote is, with probability
the root of the correlation, the voter's own answer to the idea, else one drawn anew: so any two
votes of one voter on one idea have that correlation.
"""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import results_document, routes, scores
from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf, Figures
from schemas.words import COUNTS
from tests.processors.ledger.logs import property_test


CORRELATIONS = (0.0, 0.2, 0.4, 0.8)
LEAST_COVERAGE = 0.93
CONSULTATIONS = 800
"""Simulated for each correlation and shape..."""
RANKED_CONSULTATIONS = 160
"""... and to look at ranks."""
IDEAS = 6
ANSWERS = (("agree", "like_it"), ("agree", ""), ("disagree", ""), ("neutral", ""))
"""What a vote may be: its choice and qualification."""
WORDS = ("agree", "disagree", "neutral", "like_it")
EVEN, UNEVEN, FEW = (100,) * 5, (150, 40, 10, 2, 0), (12,) * 4
"""Votes by proposal of an idea."""


def chances(idea: int) -> tuple[float, ...]:
    """How probable each answer is: ideas are liked more and more, by one hundredth each."""
    return 0.15, 0.35 + idea / 100, 0.3 - idea / 100, 0.2


def truth(idea: int) -> dict[str, float]:
    """The true share of each word."""
    liked, agreed, *others = chances(idea)
    return dict(zip(WORDS, (liked + agreed, *others, liked), strict=True))


def counted(
    rng: random.Random, idea: int, sizes: Sequence[int], correlation: float
) -> Iterator[dict[str, int]]:
    """Counts of an idea's proposals; who votes on the smaller ones votes on the larger ones, too.
    """
    weights, people = chances(idea), max(sizes)
    own = rng.choices(ANSWERS, weights, k=people)
    alike = math.sqrt(correlation)
    for size in sizes:
        found = dict.fromkeys(COUNTS, 0) | {"received": size}
        drawn = rng.choices(ANSWERS, weights, k=size)
        for answer, other in zip(own, drawn, strict=False):
            choice, qualification = answer if rng.random() < alike else other
            found[choice] += 1
            if qualification:
                found[qualification] += 1
        yield found


def published(
    rng: random.Random, sizes: Sequence[int], correlation: float, *, ideas: int, rules: int
) -> list[dict[str, Any]]:
    """The ideas of a simulated consultation as its document has them; all votes are drawn ones."""
    catalogue, found = Catalogue(), Figures({}, rules=rules)
    offset = 0
    for idea in range(ideas):
        catalogue.apply("IdeaDescribed", {
            "consultation": "c", "idea": f"i{idea}", "theme": "t", "title": {}}, offset)
        for place, counts in enumerate(counted(rng, idea, sizes, correlation)):
            offset += 1
            name = f"i{idea}-{place}"
            catalogue.apply("ProposalGrouped", {
                "consultation": "c", "proposal": name, "idea": f"i{idea}"}, offset)
            found.proposals[name] = [counts[each] for each in COUNTS]
            if rules >= routes.RULES:
                found.routes[name] = [
                    counts.get(each.removeprefix("drawn_"), 0) if each.startswith("drawn_") else 0
                    for each in routes.ROUTE_COUNTS]
        offset += 1
    as_of = AsOf((0,), offset, -1)
    made = results_document.compute("c", found, catalogue, as_of, decided={}, undecodable=0)
    listed: list[dict[str, Any]] = results_document.document(made, catalogue)["ideas"]
    return listed


def coverage(sizes: Sequence[int], correlation: float, rules: int) -> float:
    """How often the interval of the word that is covered least often holds the true share."""
    rng, held = random.Random(f"{sizes} {correlation}"), dict.fromkeys(WORDS, 0)
    for _ in range(CONSULTATIONS):
        [idea] = published(rng, sizes, correlation, ideas=1, rules=rules)
        if rules >= routes.RULES:
            assert idea["drawn"]["intervals"] == idea["intervals"]
        for name, share in truth(0).items():
            low, high = idea["intervals"][name]
            held[name] += low <= share <= high
    return min(held.values()) / CONSULTATIONS


def rank_coverage(correlation: float, rules: int) -> float:
    """How often the range of an idea's rank holds its true rank: the last one is liked most."""
    rng, held = random.Random(f"ranks {correlation}"), 0
    for _ in range(RANKED_CONSULTATIONS):
        ideas = published(rng, EVEN[:3], correlation, ideas=IDEAS, rules=rules)
        for number, idea in enumerate(ideas):
            if rules >= routes.RULES:
                assert idea["drawn_rank"] == idea["rank"]
            held += idea["rank"]["best"] <= IDEAS - number <= idea["rank"]["worst"]
    return held / RANKED_CONSULTATIONS / IDEAS


@pytest.mark.parametrize("correlation", CORRELATIONS)
@pytest.mark.parametrize("sizes", [EVEN, UNEVEN, FEW])
def test_intervals_of_ideas_hold_when_people_vote_alike(
    sizes: Sequence[int], correlation: float
) -> None:
    """At 95 % they cover 93 % and more, with many votes and few; drawn votes' do, too."""
    assert coverage(sizes, correlation, rules=2) >= LEAST_COVERAGE


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_rank_ranges_of_ideas_hold_when_people_vote_alike(correlation: float) -> None:
    """Of ideas that lie a hundredth apart."""
    assert rank_coverage(correlation, rules=2) >= LEAST_COVERAGE


def test_intervals_that_take_votes_as_independent_do_not() -> None:
    """As those of rules 1 are: what the simulation is there to find, it finds."""
    assert coverage(EVEN, 0.8, rules=1) < 0.75
    assert rank_coverage(0.8, rules=1) < LEAST_COVERAGE


@given(proposals=st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1)), max_size=12))
@property_test
def test_no_votes_vary_more_than_those_that_they_are_worth(
    proposals: list[tuple[int, float]]
) -> None:
    """The worst there is: as few people as can be, each of them all alike, on any proposals.

    Of two proposals at most as many people vote on both as on the smaller one.
    """
    votes = sum(size for size, _ in proposals)
    worth = scores.effective_votes(size for size, _ in proposals)
    if not votes:
        assert worth == 0
        return
    share = sum(size * each for size, each in proposals) / votes
    worst = sum(
        min(size, other) * math.sqrt(each * (1 - each) * another * (1 - another))
        for size, each in proposals for other, another in proposals)

    assert 1 <= worth <= max(size for size, _ in proposals)
    assert worst / votes**2 <= share * (1 - share) / worth + 1e-12


@given(size=st.integers(1, 10**6), proposals=st.integers(1, 50))
@property_test
def test_an_idea_is_worth_one_of_its_proposals_where_all_have_as_many_votes(
    size: int, proposals: int
) -> None:
    """So the interval of an idea of one proposal is that proposal's own."""
    assert scores.effective_votes([size] * proposals) == size
    assert scores.wilson(size // 2, size, size) == scores.wilson(size // 2, size)


def test_the_whole_consultation_has_no_intervals() -> None:
    """The same people voted on many of its proposals; under rules 1 it has them as before."""
    counts = dict.fromkeys(COUNTS, 0) | {"received": 200, "agree": 150, "disagree": 50}
    found = Figures({"p": [counts[name] for name in COUNTS]}, rules=2)
    made, before = (results_document.document(results_document.compute(
        "c", each, Catalogue(), AsOf((0,), 0, 0), decided={}, undecodable=0), Catalogue())["totals"]
        for each in (found, Figures(found.proposals, rules=1)))

    assert made["intervals"] == made["drawn"]["intervals"] == {}
    assert made["apart"] == []
    assert {score["margin"] for score in made["scores"].values()} == {None}
    assert made["shares"] == before["shares"]
    assert before["intervals"]["agree"] == list(scores.wilson(150, 200))
