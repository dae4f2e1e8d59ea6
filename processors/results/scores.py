"""Shares, intervals, scores, zones and ranks: every formula that turns counts into a result. Pure.

Shares and percentages are made from integers, rounded half up, never from other rounded numbers.
Scores of version make-org/2022 follow Make.org's ProposalScorer of January 2022, without its
weighting by sequence (scrutin counts every trusted vote alike).
"""

import functools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

from schemas.words import CHOICES


SCORES_VERSION = "make-org/2022"
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


@functools.lru_cache(maxsize=REMEMBERED)
def wilson(part: int, whole: int) -> Interval:
    """Return Wilson's 95 % interval of part / whole (E. B. Wilson, 1927)."""
    p, square = part / whole, _Z * _Z
    middle = p + square / (2 * whole)
    half = _Z * math.sqrt(p * (1 - p) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    low, high = (middle - half) / scale, (middle + half) / scale
    return round(max(low, 0.0), SHARE_DIGITS), round(min(high, 1.0), SHARE_DIGITS)


@functools.lru_cache(maxsize=REMEMBERED)
def _individual(part: int, votes: int, smoothing: float) -> Score:
    """Return one smoothed share with its margin (Agresti-Coull, two standard deviations)."""
    value = min((part + smoothing) / (1 + votes), 1.0)
    count = votes + 4
    adjusted = (votes * value + 2) / count
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


def scores(counts: Mapping[str, int]) -> dict[str, Score]:
    """Compute the scores of SCORES_VERSION from counted votes; empty without any."""
    votes = sum([counts[choice] for choice in CHOICES])
    if not votes:
        return {}
    agree, disagree = (
        _individual(counts[name], votes, _SMOOTHING_CHOICE) for name in ("agree", "disagree"))
    like_it, doable, no_way, impossible = (
        _individual(counts[name], votes, _SMOOTHING_QUALIFICATION)
        for name in ("like_it", "doable", "no_way", "impossible"))
    platitude = _individual(
        counts["platitude_agree"] + counts["platitude_disagree"], votes, _SMOOTHING_QUALIFICATION)
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
        _individual(counts[choice], votes, _SMOOTHING_CHOICE)[0] for choice in CHOICES)
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
