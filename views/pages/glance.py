"""The debate at a glance: every proposal as a dot, drawn as one path for each size and zone. Pure.

Theory of operation: a dot is a line of no length with round ends, so a path of hundreds of dots
is a list of places, and its width is their size. Places are whole numbers of a fixed grid; dots
of one path that fall on the same place are drawn once, which looks the same. A few thousand
proposals are then some two dozen elements and ten kilobytes, compressed.

Across: the share of agree. Upwards: division, the lesser of agree and disagree, 50 % at most. With
nobody neutral every dot would lie on the two upper sides of the triangle; below them are the
neutral votes.

Colour is not all that tells the zones apart: consensus is a disc, rejection a square, controversy a
square on its corner, indecision a ring. A line of no length with square ends is a square; the
picture turns the path of the controversial ones by 45 degrees, so their places are turned back.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


WIDTH = 1_000
HEIGHT = 500
MARGIN = 24
"""Half of the largest dot, and a little."""

ZONES = ("consensus", "controversy", "rejection", "limbo")
"""In the order of the table under the picture."""

SIZES = ((1, 8), (30, 11), (100, 15), (300, 21), (1_000, 29), (3_000, 40))
"""Least votes of each size, and the width of its dots: areas grow with the votes."""

_LEAST, _WIDTHS = zip(*SIZES, strict=True)


@dataclass(frozen=True)
class Dots:
    """Proposals of one size and zone, as a path."""

    zone: str
    width: int
    path: str


@dataclass(frozen=True)
class Group:
    """One row of the table under the picture."""

    zone: str
    proposals: int
    votes: int


@dataclass(frozen=True)
class Glance:
    """The picture and its table."""

    dots: list[Dots]
    groups: list[Group]
    proposals: int
    """Proposals drawn."""
    without_votes: int
    """Proposals that nobody has voted on, which are nowhere in the picture."""
    view_box: str = f"{-MARGIN} {-MARGIN} {WIDTH + 2 * MARGIN} {HEIGHT + 2 * MARGIN}"
    width: int = WIDTH
    height: int = HEIGHT
    sizes: tuple[tuple[int, int], ...] = SIZES
    step: int = (WIDTH + 2 * MARGIN) // len(SIZES)
    """Room of each size in the legend, which is drawn to the scale of the picture."""


def glance(proposals: Iterable[Mapping[str, Any]]) -> Glance:
    """Draw the proposals of a results document."""
    places: dict[tuple[int, str], set[tuple[int, int]]] = {}
    counts = {zone: [0, 0] for zone in ZONES}
    without = 0
    for entry in proposals:
        counted = entry["counted"]
        votes = counted["votes"]
        if not votes:
            without += 1
            continue
        zone = entry["zone"]
        row = counts[zone]
        row[0] += 1
        row[1] += votes
        key = (_WIDTHS[bisect_right(_LEAST, votes) - 1], zone)
        places.setdefault(key, set()).add(place(counted))
    # Large dots first: small ones lie on top and stay visible.
    drawn = sorted(places, key=lambda key: (-key[0], ZONES.index(key[1])))
    return Glance(
        dots=[Dots(zone, width, _path(zone, places[width, zone])) for width, zone in drawn],
        groups=[Group(zone, *counts[zone]) for zone in ZONES],
        proposals=sum(number for number, _ in counts.values()), without_votes=without,
    )


def place(counted: Mapping[str, int]) -> tuple[int, int]:
    """Return the place of a proposal on the grid: agree across, division upwards."""
    votes, agree = counted["votes"], counted["agree"]
    division = min(agree, counted["disagree"])
    return round(WIDTH * agree / votes), HEIGHT - round(2 * HEIGHT * division / votes)


def turned_back(x: int, y: int) -> tuple[int, int]:
    """Return the place that a turn by 45 degrees about the origin brings to x, y."""
    return round((x + y) / math.sqrt(2)), round((y - x) / math.sqrt(2))


def _path(zone: str, places: set[tuple[int, int]]) -> str:
    found = (turned_back(*each) for each in places) if zone == "controversy" else places
    return "".join(f"M{x} {y}h0" for x, y in sorted(found))
