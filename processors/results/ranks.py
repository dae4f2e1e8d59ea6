"""Ranks kept while entries move: a moved one costs what it passes by, not what there is. Pure.

Theory of operation: a rank follows from three numbers: how many lower bounds lie above an entry's
own, how many above its upper bound, and how many upper bounds reach its lower one. The bounds of
all entries lie in sorted lists, so an entry that moves changes the ranks of those between its old
and its new bounds and of no other, and they alone are made again. Where many moved, or one came
or left, all are. `scores.ranks` and `scores.controversial` say the same from nothing (tested).
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Any

from processors.results.scores import LISTED_CONTROVERSIAL, Interval, bounds, is_ranked
from schemas.hot import long, short_string


MOVED_MOST = 32
"""Where more entries moved, making everything again costs less than following each."""

Block = Mapping[str, Any]
"""Counted votes and scores of an entry, as `scores.ranks` looks at them."""


class _Encodings(list[bytes]):
    """Encodings of places: as many as entries were ever ranked together."""

    def reach(self, most: int) -> None:
        """Hold those up to a number."""
        self.extend(long(number) for number in range(len(self), most + 1))


_PLACES = _Encodings()


class Ranks:
    """The ranks of entries by the lower bound of their top score."""

    def __init__(self) -> None:
        self._bounds: dict[str, Interval] = {}
        """Of each that is ranked."""
        self._order: list[tuple[float, str]] = []
        """Lower bounds with their sign turned, and names: the best first."""
        self._highs: list[tuple[float, str]] = []
        """Upper bounds and names, the lowest first."""
        self._rows: list[bytes] = []
        """The encoded rank of each, as ordered."""
        self._moved: dict[str, Interval | None] = {}
        """New bounds, not followed yet; None of one that has too few votes."""

    def put(self, name: str, block: Block) -> None:
        """Say how an entry stands now."""
        self._moved[name] = bounds(block, "top") if is_ranked(block) else None

    def clear(self) -> None:
        """Forget every entry."""
        self._moved = dict.fromkeys(self._bounds)

    def rows(self) -> list[bytes]:
        """Return the ranks as a record holds them, the best first; not to be changed."""
        moved = {name: now for name, now in self._moved.items() if now != self._bounds.get(name)}
        self._moved.clear()
        stayed = {name: now for name, now in moved.items() if now and name in self._bounds}
        if len(stayed) < len(moved) or len(moved) > MOVED_MOST:
            self._make_again(moved)
        elif moved:
            touched: set[str] = set()
            for name, now in stayed.items():
                touched |= self._follow(name, *now)
            for name in touched:
                self._write(bisect_left(self._order, (-self._bounds[name][0], name)))
        return self._rows

    def _make_again(self, moved: Mapping[str, Interval | None]) -> None:
        for name, now in moved.items():
            if now is None:
                del self._bounds[name]
            else:
                self._bounds[name] = now
        self._order = sorted([(-low, name) for name, (low, _) in self._bounds.items()])
        self._highs = sorted([(high, name) for name, (_, high) in self._bounds.items()])
        _PLACES.reach(len(self._order))
        self._rows = [b""] * len(self._order)
        for place in range(len(self._order)):
            self._write(place)

    def _follow(self, name: str, low: float, high: float) -> set[str]:
        """Move an entry to new bounds; return the names whose ranks are no longer right."""
        before = self._bounds[name]
        self._bounds[name] = low, high
        old, new = -before[0], -low
        left = bisect_left(self._order, (old, name))
        del self._order[left], self._rows[left]
        taken = bisect_left(self._order, (new, name))
        self._order.insert(taken, (new, name))
        self._rows.insert(taken, b"")
        del self._highs[bisect_left(self._highs, (before[1], name))]
        insort(self._highs, (high, name))
        passed = self._order[min(left, taken):max(left, taken) + 1]
        # It reaches the lower bounds between its upper ones now, or no longer ...
        reached = _between(self._order, -max(before[1], high), -min(before[1], high))
        # ... and lies above the upper bounds between its lower ones, or no longer.
        topped = _between(self._highs, min(before[0], low), max(before[0], low))
        return {each for part in (passed, reached, topped) for _, each in part}

    def _write(self, place: int) -> None:
        turned, name = self._order[place]
        best = bisect_left(self._order, (-self._bounds[name][1],))
        worst = len(self._highs) - bisect_left(self._highs, (-turned,))
        self._rows[place] = b"".join((
            short_string(name), _PLACES[place + 1], _PLACES[best + 1], _PLACES[worst]))


class Ordered:
    """Entries in the order of a number, and of their names where it is the same."""

    def __init__(self) -> None:
        self._order: list[tuple[float, str]] = []
        self._places: dict[str, float] = {}
        self._moved: dict[str, float | None] = {}

    def put(self, name: str, place: float | None) -> None:
        """Say how an entry stands now; None where it is none of them."""
        self._moved[name] = place

    def in_order(self) -> list[tuple[float, str]]:
        """Return number and name of each; not to be changed."""
        moved = {name: now for name, now in self._moved.items() if now != self._places.get(name)}
        self._moved.clear()
        for name, now in moved.items():
            before = self._places.pop(name, None)
            if now is not None:
                self._places[name] = now
            if len(moved) <= MOVED_MOST:
                if before is not None:
                    del self._order[bisect_left(self._order, (before, name))]
                if now is not None:
                    insort(self._order, (now, name))
        if len(moved) > MOVED_MOST:
            self._order = sorted([(place, name) for name, place in self._places.items()])
        return self._order


class Controversial:
    """The most controversial entries by the lower bound of their controversy."""

    def __init__(self) -> None:
        self._entries = Ordered()

    def put(self, name: str, block: Block) -> None:
        """Say how an entry stands now."""
        self._entries.put(name, -bounds(block, "controversy")[0] if is_ranked(block) else None)

    def listed(self) -> list[str]:
        """Name the first LISTED_CONTROVERSIAL."""
        return [name for _, name in self._entries.in_order()[:LISTED_CONTROVERSIAL]]


def _between(
    ordered: list[tuple[float, str]], least: float, below: float
) -> list[tuple[float, str]]:
    """Return what lies from a bound on, up to another one and without it."""
    return ordered[bisect_left(ordered, (least,)):bisect_left(ordered, (below,))]
