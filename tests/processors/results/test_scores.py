"""Every published figure against its formula, told again from its source."""

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import results_document, scores
from schemas.words import CHOICES, COUNTS, QUALIFICATIONS
from tests.processors.ledger.logs import property_test


@st.composite
def counts(draw: st.DrawFn, most: int = 3_000) -> dict[str, int]:
    """Return counts that a proposal can have: no more of a qualification than of its choice."""
    found = dict.fromkeys(COUNTS, 0)
    for number, choice in enumerate(CHOICES):
        votes = found[choice] = draw(st.integers(0, most) | st.integers(0, 5))
        for name in QUALIFICATIONS[3 * number:3 * number + 3]:
            found[name] = draw(st.integers(0, votes))
    return found


parts = st.integers(1, 10**9).flatmap(
    lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@given(found=parts)
@property_test
def test_percentages_are_rounded_half_up(found: tuple[int, int]) -> None:
    """A percentage is the exact quotient, rounded half up, as decimals do it."""
    part, whole = found
    exact = Fraction(100 * part, whole)

    assert scores.percent(part, whole) == math.floor(exact + Fraction(1, 2))


@given(found=parts)
@property_test
def test_shares_are_rounded_half_up(found: tuple[int, int]) -> None:
    """A share has six digits, rounded half up from the integers."""
    part, whole = found
    digits = math.floor(Fraction(part, whole) * 10**6 + Fraction(1, 2))

    assert Decimal(repr(scores.share(part, whole))) == Decimal(digits) / 10**6


@pytest.mark.parametrize(("part", "whole", "percent"), [
    (1, 200, 1), (1, 201, 0), (3, 200, 2), (5, 8, 63), (0, 7, 0), (7, 7, 100), (1, 3, 33),
    (2, 3, 67)])
def test_a_half_is_rounded_up_not_to_even(part: int, whole: int, percent: int) -> None:
    """0.5 % is 1 %, 62.5 % is 63 %: as people round."""
    exact = Decimal(100 * part) / Decimal(whole)

    assert percent == scores.percent(part, whole)
    assert percent == int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@pytest.mark.parametrize(("part", "whole", "low", "high"), [
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
    # Brown, Cai and DasGupta, and R's prop.test(correct = FALSE).
    (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0),
])
def test_wilson_intervals_are_the_published_ones(
    part: int, whole: int, low: float, high: float
) -> None:
    """Known values of the literature to their four digits."""
    assert scores.wilson(part, whole) == pytest.approx((low, high), abs=5.1e-5)


@given(found=parts)
@property_test
def test_wilson_intervals_solve_their_equation(found: tuple[int, int]) -> None:
    """Each bound p lies one quantile from the share: |share − p| = z·sqrt(p(1 − p)/n)."""
    part, whole = found
    low, high = scores.wilson(part, whole)
    share = part / whole

    assert 0 <= low <= share + 1e-6
    assert share - 1e-6 <= high <= 1
    for bound in (low, high):
        if 0 < bound < 1 and whole < 10**6:
            distance = 1.959963984540054 * math.sqrt(bound * (1 - bound) / whole)
            assert abs(share - bound) == pytest.approx(distance, abs=2e-5)


# The formulas of make-org/2022, told again from the description of ProposalScorer


def individual(part: int, votes: int, smoothing: float) -> tuple[float, float]:
    """Return a smoothed share and its half width."""
    value = min((part + smoothing) / (1 + votes), 1)
    people = votes + 4
    adjusted = (votes * value + 2) / people
    return value, 2 * math.sqrt(adjusted * (1 - adjusted) / people)


def make_org(counts: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """Transcribe every score as a signed sum, widths added in squares, the wider one of a min."""
    votes = counts["agree"] + counts["disagree"] + counts["neutral"]
    found = {name: individual(counts[name], votes, 0.33) for name in CHOICES}
    found |= {name: individual(counts[name], votes, 0.01) for name in QUALIFICATIONS}
    found["platitude"] = individual(
        counts["platitude_agree"] + counts["platitude_disagree"], votes, 0.01)

    def total(plus: str, minus: str = "") -> tuple[float, float]:
        positive, negative = plus.split(), minus.split()
        return (
            sum(found[n][0] for n in positive) - sum(found[n][0] for n in negative),
            math.sqrt(sum(found[n][1] ** 2 for n in positive + negative)),
        )

    lesser = (min(found["agree"][0], found["disagree"][0]),
              max(found["agree"][1], found["disagree"][1]))
    liked = (min(found["like_it"][0], found["no_way"][0]),
             max(found["like_it"][1], found["no_way"][1]))
    return {
        "top": total("agree like_it doable", "no_way impossible platitude"),
        "controversy": (lesser[0] + liked[0], math.hypot(lesser[1], liked[1])),
        "rejection": total("disagree no_way impossible", "like_it doable platitude"),
        "adhesion": total("agree"),
        "greatness": total("like_it", "no_way"),
        "realistic": total("doable", "impossible"),
        "engagement": total("like_it doable", "no_way impossible platitude"),
    }


@given(found=counts())
@property_test
def test_scores_are_those_of_the_scorer(found: dict[str, int]) -> None:
    """Every score and margin equals the transcription; without votes there is none."""
    actual = scores.scores(found)
    if not sum(found[choice] for choice in CHOICES):
        assert actual == {}
        return
    expected = make_org(found)

    assert set(actual) == set(expected)
    for name, (value, margin) in expected.items():
        assert actual[name] == pytest.approx((value, margin), abs=1e-6)


def test_a_score_worked_out_by_hand() -> None:
    """3 agree of 4, one like_it: agree 3.33/5, like_it 1.01/5, the others 0.01/5."""
    found = {**dict.fromkeys(COUNTS, 0), "agree": 3, "disagree": 1, "like_it": 1}

    assert scores.scores(found)["adhesion"][0] == pytest.approx(0.666)
    assert scores.scores(found)["greatness"][0] == pytest.approx(0.2)
    assert scores.scores(found)["top"][0] == pytest.approx(0.666 + 0.202 + 0.002 - 3 * 0.002)
    assert scores.scores(found)["controversy"][0] == pytest.approx(0.266 + 0.002)


@pytest.mark.parametrize(("agree", "disagree", "neutral", "zone"), [
    (0, 0, 0, None), (90, 5, 5, "consensus"), (61, 39, 0, "consensus"), (5, 90, 5, "rejection"),
    (39, 61, 0, "rejection"), (50, 50, 0, "controversy"), (30, 20, 50, "limbo"),
    (60, 40, 0, "controversy"), (30, 30, 40, "controversy"), (30, 30, 41, "limbo"),
    (55, 10, 35, "consensus"), (10, 55, 35, "rejection"),
    (34, 33, 33, "controversy"), (1, 0, 0, "consensus"), (0, 1, 0, "rejection"),
])
def test_zones_follow_their_thresholds(
    agree: int, disagree: int, neutral: int, zone: str | None
) -> None:
    """Consensus, rejection, limbo or controversy, by the smoothed shares."""
    found = {**dict.fromkeys(COUNTS, 0), "agree": agree, "disagree": disagree,
             "neutral": neutral}

    assert scores.zone(found) == zone


def block(low: float, high: float, votes: int = 100) -> dict[str, Any]:
    """Make what ranking looks at."""
    score = {"value": (low + high) / 2, "margin": (high - low) / 2}
    return {"counted": {"votes": votes}, "scores": {"top": score, "controversy": score}}


intervals = st.tuples(st.integers(0, 12), st.integers(0, 6), st.sampled_from((99, 100, 101)))


@given(entries=st.lists(intervals, max_size=14))
@property_test
def test_rank_ranges_count_who_lies_wholly_above_and_below(
    entries: list[tuple[int, int, int]]
) -> None:
    """Against comparing everybody with everybody."""
    blocks = {f"p{number:02}": block(low, low + 2 * width, votes)
              for number, (low, width, votes) in enumerate(entries)}
    ranked = {name: (found["scores"]["top"]["value"] - found["scores"]["top"]["margin"],
                     found["scores"]["top"]["value"] + found["scores"]["top"]["margin"])
              for name, found in blocks.items() if found["counted"]["votes"] >= 100}
    order = sorted(ranked, key=lambda name: (-ranked[name][0], name))
    expected = {
        name: {
            "position": 1 + order.index(name),
            "best": 1 + sum(other[0] > high for other in ranked.values()),
            "worst": len(ranked) - sum(other[1] < low for other in ranked.values()),
        }
        for name, (low, high) in ranked.items()
    }

    assert scores.ranks(blocks) == expected
    assert all(rank["best"] <= rank["position"] <= rank["worst"] for rank in expected.values())
    assert scores.controversial(blocks) == order[:scores.LISTED_CONTROVERSIAL]


def test_only_the_most_controversial_are_listed() -> None:
    """The list is cut, best first, ties by name."""
    blocks = {f"p{number:02}": block(number, number + 1) for number in range(40)}

    assert scores.controversial(blocks) == [f"p{number:02}" for number in range(39, 19, -1)]


@given(found=counts())
@property_test
def test_an_entry_holds_a_share_and_interval_of_every_word(found: dict[str, int]) -> None:
    """Shares have one denominator, the votes counted; each lies in its interval."""
    entry = results_document.entry(found)
    votes = sum(found[choice] for choice in CHOICES)
    assert entry["counted"]["votes"] == votes
    if not votes:
        assert entry["shares"] == entry["intervals"] == entry["scores"] == {}
        return
    for name in (*CHOICES, *QUALIFICATIONS):
        low, high = entry["intervals"][name]

        assert entry["shares"][name] == scores.share(found[name], votes)
        assert low - 1e-6 <= entry["shares"][name] <= high + 1e-6
