"""Shares, intervals, scores, zones and ranks: every formula that turns counts into a result. Pure.

Shares and percentages are made from integers, rounded half up, never from other rounded numbers.
Scores of version make-org/2022 follow Make.org's ProposalScorer of January 2022, without its
weighting by sequence (scrutin counts every trusted vote alike).

Theory of operation: on one proposal a voter has one vote, and intervals take votes as independent.
On an idea a voter has one on each proposal, and may cast them alike: then ten votes say no more
than one. Nothing published shows who voted alike, so since rules 2 intervals and margins of ideas
are those of n / k votes, for n on k proposals. Wider they need never be: a voter's votes on an idea
vary together at most k times as much as they do one by one (Cauchy and Schwarz), so the share of
an idea varies at most as that of n / k independent votes, whoever cast them and however alike.
"""

import functools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.words import CHOICES


SCORES_VERSION = "make-org/2022"
"""Of logs under rules 1, where votes on an idea are taken as independent..."""
SCORES_VERSION_BY_VOTERS = "make-org/2022/2"
"""... and since rules 2: the same values, with intervals that hold when people vote alike."""
BY_VOTERS_SINCE = 2
"""The rules from which on that version is in use."""
RANKED_VOTES = 100
"""Entries with fewer counted votes have no rank."""
LISTED_CONTROVERSIAL = 20
"""So many of the most controversial proposals are listed."""
SHARE_DIGITS = 6
"""Decimal digits of published shares, interval bounds and scores."""
SCORE_NAMES = (
    "top", "controversy", "rejection", "adhesion", "greatness", "realistic", "engagement")
"""What `scores` gives, in its order."""
REMEMBERED = 65_536
"""Pairs of part and whole whose figures are remembered: most parts are small, and zero is one of
them on every proposal. Some 12 MB, if ever so many are met."""

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution: Wilson's interval at 95 %."""
_SMOOTHING_CHOICE = 0.33
_SMOOTHING_QUALIFICATION = 0.01

Interval = tuple[float, float]
Score = tuple[float, float]
"""A score and the half width of its interval."""


def percent(part: int, whole: int) -> int:
    """Return part / whole in whole percent, rounded half up from the integers."""
    return (200 * part + whole) // (2 * whole)


@functools.lru_cache(maxsize=REMEMBERED)
def share(part: int, whole: int) -> float:
    """Return part / whole with SHARE_DIGITS digits, rounded half up from the integers."""
    scale: int = 10 ** SHARE_DIGITS
    return (2 * scale * part + whole) // (2 * whole) / scale


def version(rules: int) -> str:
    """Name the version of the scores that is in use under rules."""
    return SCORES_VERSION_BY_VOTERS if rules >= BY_VOTERS_SINCE else SCORES_VERSION


def effective_votes(votes: Iterable[int]) -> int:
    """Return how many independent votes an idea's are worth at least; `votes` by proposal.

    As many as a proposal with votes has on average, rounded down; 0 without votes.
    """
    counts = [number for number in votes if number]
    return sum(counts) // len(counts) if counts else 0


@functools.lru_cache(maxsize=REMEMBERED)
def wilson(part: int, whole: int, effective: int | None = None) -> Interval:
    """Return Wilson's 95 % interval of part / whole (E. B. Wilson, 1927).

    `effective` is how many independent votes the whole is worth; None for all of them.
    """
    size = whole if effective is None else effective
    p, square = part / whole, _Z * _Z
    middle = p + square / (2 * size)
    half = _Z * math.sqrt(p * (1 - p) / size + square / (4 * size * size))
    scale = 1 + square / size
    low, high = (middle - half) / scale, (middle + half) / scale
    return round(max(low, 0.0), SHARE_DIGITS), round(min(high, 1.0), SHARE_DIGITS)


@functools.lru_cache(maxsize=REMEMBERED)
def _individual(part: int, votes: int, smoothing: float, effective: int) -> Score:
    """Return one smoothed share with its margin (Agresti-Coull, two standard deviations)."""
    value = min((part + smoothing) / (1 + votes), 1.0)
    count = effective + 4
    adjusted = (effective * value + 2) / count
    return value, 2 * math.sqrt(adjusted * (1 - adjusted) / count)


def _sum(added: tuple[Score, ...], taken_away: tuple[Score, ...] = ()) -> Score:
    value = square = 0.0
    for part, margin in added:
        value += part
        square += margin * margin
    for part, margin in taken_away:
        value -= part
        square += margin * margin
    return value, math.sqrt(square)


def _least(first: Score, second: Score) -> Score:
    return min(first[0], second[0]), max(first[1], second[1])


def scores(counts: Mapping[str, int], effective: int | None = None) -> dict[str, Score]:
    """Compute all scores from counted votes; empty without any. `effective` as in `wilson`."""
    votes = sum([counts[choice] for choice in CHOICES])
    if not votes:
        return {}
    size = votes if effective is None else effective
    agree, disagree = (
        _individual(counts[name], votes, _SMOOTHING_CHOICE, size) for name in ("agree", "disagree"))
    like_it, doable, no_way, impossible = (
        _individual(counts[name], votes, _SMOOTHING_QUALIFICATION, size)
        for name in ("like_it", "doable", "no_way", "impossible"))
    platitude = _individual(
        counts["platitude_agree"] + counts["platitude_disagree"], votes, _SMOOTHING_QUALIFICATION,
        size)
    greatness = _sum((like_it,), (no_way,))
    realistic = _sum((doable,), (impossible,))
    found = (
        _sum((agree, like_it, doable), (no_way, impossible, platitude)),
        _sum((_least(agree, disagree), _least(like_it, no_way))),
        _sum((disagree, no_way, impossible), (like_it, doable, platitude)),
        agree, greatness, realistic, _sum((greatness, realistic), (platitude,)),
    )
    return {name: (round(value, SHARE_DIGITS), round(margin, SHARE_DIGITS))
            for name, (value, margin) in zip(SCORE_NAMES, found, strict=True)}


def zone(counts: Mapping[str, int]) -> str | None:
    """Name the zone of an entry; None without counted votes."""
    votes = sum(counts[choice] for choice in CHOICES)
    if not votes:
        return None
    agree, disagree, neutral = (
        _individual(counts[choice], votes, _SMOOTHING_CHOICE, votes)[0] for choice in CHOICES)
    if agree >= 0.6 or (neutral < 0.4 and disagree < 0.15):
        return "consensus"
    if disagree >= 0.6 or (neutral < 0.4 and agree < 0.15):
        return "rejection"
    return "limbo" if neutral >= 0.4 else "controversy"


def ranks(blocks: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Rank entries by the lower bound of their top score, each with the range of its rank.

    best = 1 + entries wholly above, worst = entries less those wholly below. Only entries with
    RANKED_VOTES counted votes take part; ties go by identifier.
    """
    found = {name: bounds(block, "top") for name, block in blocks.items() if is_ranked(block)}
    lows, highs = sorted(b[0] for b in found.values()), sorted(b[1] for b in found.values())
    order = sorted(found, key=lambda name: (-found[name][0], name))
    return {
        name: {
            "position": position,
            "best": 1 + len(lows) - bisect_right(lows, found[name][1]),
            "worst": len(highs) - bisect_left(highs, found[name][0]),
        }
        for position, name in enumerate(order, 1)
    }


def controversial(blocks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """List the most controversial entries, by the lower bound of their controversy."""
    ranked = [name for name, block in blocks.items() if is_ranked(block)]
    ranked.sort(key=lambda name: (-bounds(blocks[name], "controversy")[0], name))
    return ranked[:LISTED_CONTROVERSIAL]


def is_ranked(block: Mapping[str, Any]) -> bool:
    """Whether an entry has votes enough to be ranked."""
    votes: int = block["counted"]["votes"]
    return votes >= RANKED_VOTES


def bounds(block: Mapping[str, Any], name: str) -> Interval:
    """Return the interval of a score of an entry."""
    score = block["scores"][name]
    return score["value"] - score["margin"], score["value"] + score["margin"]
