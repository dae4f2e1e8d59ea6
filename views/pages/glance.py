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
from collections import Counter
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
_Kind = tuple[int, str]
"""Width and zone: dots of a path."""
_Place = tuple[int, int]


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
    picture = Picture()
    for entry in proposals:
        picture.put(entry)
    return picture.drawn()


class Picture:
    """The picture kept while votes move: only the paths of moved dots are written again."""

    def __init__(self) -> None:
        self._dots: dict[str, tuple[_Kind, _Place, int] | None] = {}
        """By proposal, with its votes; None without any."""
        self._places: dict[_Kind, Counter[_Place]] = {}
        self._paths: dict[_Kind, str] = {}
        self._counts = {zone: [0, 0] for zone in ZONES}
        self._without = 0

    def put(self, entry: Mapping[str, Any]) -> None:
        """Draw a proposal, in the place of what was drawn of it before."""
        name, counted = entry["id"], entry["counted"]
        if name in self._dots:
            self._add(self._dots[name], -1)
        votes, zone, dot = counted["votes"], entry["zone"], None
        if votes:
            at = turned_back(*place(counted)) if zone == "controversy" else place(counted)
            dot = (_WIDTHS[bisect_right(_LEAST, votes) - 1], zone), at, votes
        self._dots[name] = dot
        self._add(dot, 1)

    def _add(self, dot: "tuple[_Kind, _Place, int] | None", sign: int) -> None:
        if dot is None:
            self._without += sign
            return
        kind, at, votes = dot
        row, places = self._counts[kind[1]], self._places.setdefault(kind, Counter())
        row[0] += sign
        row[1] += sign * votes
        places[at] += sign
        if not places[at]:
            del places[at]
        self._paths.pop(kind, None)

    def drawn(self) -> Glance:
        """Return the picture and its table as they are now."""
        # Large dots first: small ones lie on top and stay visible.
        kinds = sorted((kind for kind, places in self._places.items() if places),
                       key=lambda kind: (-kind[0], ZONES.index(kind[1])))
        for kind in kinds:
            if kind not in self._paths:
                self._paths[kind] = _path(self._places[kind])
        return Glance(
            dots=[Dots(zone, width, self._paths[width, zone]) for width, zone in kinds],
            groups=[Group(zone, *self._counts[zone]) for zone in ZONES],
            proposals=sum(number for number, _ in self._counts.values()),
            without_votes=self._without,
        )


def place(counted: Mapping[str, int]) -> tuple[int, int]:
    """Return the place of a proposal on the grid: agree across, division upwards."""
    votes, agree = counted["votes"], counted["agree"]
    division = min(agree, counted["disagree"])
    return round(WIDTH * agree / votes), HEIGHT - round(2 * HEIGHT * division / votes)


def turned_back(x: int, y: int) -> tuple[int, int]:
    """Return the place that a turn by 45 degrees about the origin brings to x, y."""
    return round((x + y) / math.sqrt(2)), round((y - x) / math.sqrt(2))


def _path(places: Iterable[_Place]) -> str:
    return "".join([f"M{x} {y}h0" for x, y in sorted(places)])
