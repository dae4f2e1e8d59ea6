"""What a name has done in the last minutes, in a fixed number of cells, made once. Pure.

Theory of operation: where windows begin with a name's first act, as those of `cells` do, twice the
bound may fall into a minute, at the end of one window and the beginning of the next. Here a cell
counts by parts of the window and forgets a part at a time: of any stretch as long as the window all
is counted, and nothing that is older by more than one part. A cell is free again once all its parts
are forgotten. As in `producers.gateway.cells` a name has a few cells in which its counts may lie,
is known there by its whole hash, and shares with others where all are taken: bounds are then
stricter than they should be, for a few, and nobody frees anybody. `Until` keeps
one moment of a name instead of counts, and shares nothing.
"""

from array import array

from producers.gateway.cells import TRIES


COUNT_MOST = 65_535
"""A part of a window counts no further: above every bound."""
UNTIL_BYTES = 16
"""A cell of `Until`: a hash (8) and a moment (8)."""


class Recent:
    """So many cells, a power of two, for a window of so many seconds in so many parts."""

    __slots__ = ("_codes", "_counts", "_mask", "_moments", "_part_seconds", "_parts")

    def __init__(self, cells: int, *, seconds: int, parts: int) -> None:
        assert cells & (cells - 1) == 0, "the mask takes whole bits"
        self._mask = cells - 1
        self._part_seconds = seconds / parts
        self._parts = parts + 1  # One of them has only begun.
        self._codes = array("q", bytes(8 * cells))
        self._moments = array("I", bytes(4 * cells))
        """By cell, the part of time that was counted in last."""
        self._counts = array("H", bytes(2 * cells * self._parts))

    @property
    def size_bytes(self) -> int:
        """What the cells take, from the first act to the last."""
        return sum(each.itemsize * len(each)
                   for each in (self._codes, self._moments, self._counts))

    def count(self, name: bytes, now: float) -> int:
        """Return how much a name has done in the window that ends now (seconds from anywhere)."""
        cell, moment = self._look(hash(name), now)
        age = self._age(cell, moment)
        return 0 if age is None else sum(self._kept(cell, moment, age))

    def add(self, name: bytes, now: float) -> int:
        """Count an act of a name; return how much it has done in the window that ends now."""
        code = hash(name)
        cell, moment = self._look(code, now)
        age = self._age(cell, moment)
        begin = cell * self._parts
        if age is None:
            self._codes[cell] = code
            counts = array("H", bytes(2 * self._parts))
        else:
            counts = self._kept(cell, moment, age)
            moment = max(moment, self._moments[cell])
        place = moment % self._parts
        counts[place] = min(counts[place] + 1, COUNT_MOST)
        self._moments[cell] = moment
        self._counts[begin:begin + self._parts] = counts
        return sum(counts)

    def _look(self, code: int, now: float) -> tuple[int, int]:
        """Return the cell of a hash: its own, else a free one, else one that it shares."""
        moment = int(now // self._part_seconds)
        first, free = code & self._mask, None
        for cell in range(first, first + TRIES):
            cell &= self._mask  # noqa: PLW2901 -- behind the last comes the first
            if self._age(cell, moment) is None:
                free = cell if free is None else free
            elif self._codes[cell] == code:
                return cell, moment
        return first if free is None else free, moment

    def _age(self, cell: int, moment: int) -> int | None:
        """Return how many parts ago a cell was counted in; None where nothing is left of it.

        A clock that was set back by more than a part begins anew.
        """
        age = moment - self._moments[cell]
        return max(age, 0) if -1 <= age < self._parts else None

    def _kept(self, cell: int, moment: int, age: int) -> "array[int]":
        """Return a cell's counts without what is too old by now."""
        begin = cell * self._parts
        counts = self._counts[begin:begin + self._parts]
        for part in range(moment - age + 1, moment + 1):
            counts[part % self._parts] = 0
        return counts


class Until:
    """What holds for a name until a moment, at most so many seconds ahead, in so many cells.

    Nobody is ever taken for another: where all cells of a name are taken, nothing is kept of it.
    """

    __slots__ = ("_codes", "_mask", "_most_seconds", "_until")

    def __init__(self, cells: int, *, most_seconds: int) -> None:
        assert cells & (cells - 1) == 0, "the mask takes whole bits"
        self._mask = cells - 1
        self._most_seconds = most_seconds
        self._codes = array("q", bytes(8 * cells))
        self._until = array("d", bytes(8 * cells))

    @property
    def size_bytes(self) -> int:
        """What the cells take, empty or full."""
        return sum(each.itemsize * len(each) for each in (self._codes, self._until))

    def left(self, name: bytes, now: float) -> float:
        """Return for how many seconds from now it holds; 0 where it does not."""
        cell, is_own = self._look(hash(name), now)
        return self._until[cell] - now if cell is not None and is_own else 0

    def begin(self, name: bytes, until: float, now: float) -> bool:
        """Keep it for a name until then; return whether it is new, and was kept."""
        cell, is_own = self._look(hash(name), now)
        if cell is None or is_own:
            return False
        self._codes[cell], self._until[cell] = hash(name), until
        return True

    def _look(self, code: int, now: float) -> tuple[int | None, bool]:
        """Return the cell of a hash, or a free one if there is any; and whether it is its own.

        What ends too far ahead is from before a clock was set back, and free.
        """
        free = None
        for cell in range(code & self._mask, (code & self._mask) + TRIES):
            cell &= self._mask  # noqa: PLW2901 -- behind the last comes the first
            if not 0 < self._until[cell] - now <= self._most_seconds:
                free = cell if free is None else free
            elif self._codes[cell] == code:
                return cell, True
        return free, False
