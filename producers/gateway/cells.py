"""Windows in which requests are counted: a fixed number of cells, made once. Pure.

Theory of operation: whoever asks has a cell, which their hash names. A cell is one window: it
begins with the first request that is let in, counts those after it, and is as good as empty once
the window has ended. Nothing is made for a name, so nothing has to be thrown away for another: no
crowd of new names can push out the count of a heavy one. What it can do is share: two whose hashes
meet count together. That is stricter than it should be, never laxer, for the count of a cell is at
least that of anybody in it; and who meets whom is different in each process, for Python draws the
key of its hashes anew.

How often that hurts: a process answers some ten thousand requests a second, 600,000 in a window.
Spread over the cells of voters these are 0.6 each, where a voter may have 120. A network that has
used up its limit shuts its cell; a hundred of them, all that a process can let in at the limit of
6,000, shut one cell in 2,600: so many of the other networks wait with them.
"""

from array import array


WINDOW_SECONDS = 60
_FAR_SECONDS = WINDOW_SECONDS + 1
"""No window ends later, but after the clock was set back; the second is for rounding."""
CELL_BYTES = 12
"""Of a count (4) and of the moment when its window ends (8)."""


class Cells:
    """So many windows; their number is a power of two."""

    __slots__ = ("_ends", "_mask", "counts")

    def __init__(self, cells: int) -> None:
        assert cells & (cells - 1) == 0, "the mask takes whole bits"
        self._mask = cells - 1
        self.counts = array("I", bytes(4 * cells))
        """By cell; of a window that has ended they mean nothing."""
        self._ends = array("d", bytes(8 * cells))

    @property
    def size_bytes(self) -> int:
        """What the cells take, from the first request to the last."""
        return sum(part.itemsize * len(part) for part in (self.counts, self._ends))

    def look(self, name: bytes, now: float) -> tuple[int, int, float]:
        """Give the cell of a name, what its window has counted, and the seconds it is open yet.

        A window that has ended is open for no second. A clock that was set back leaves ends too
        far away: such windows have ended too.
        """
        cell = hash(name) & self._mask
        rest = self._ends[cell] - now
        if 0 < rest < _FAR_SECONDS:
            return cell, self.counts[cell], rest
        return cell, 0, 0

    def begin(self, cell: int, now: float) -> float:
        """Begin a window that has counted nothing; give the seconds it is open."""
        self.counts[cell] = 0
        self._ends[cell] = now + WINDOW_SECONDS
        return WINDOW_SECONDS

    def open(self) -> int:
        """Count the windows that were open when the last one began, by looking at each."""
        last = max(self._ends) - WINDOW_SECONDS
        return sum(end > last for end in self._ends) if any(self._ends) else 0
