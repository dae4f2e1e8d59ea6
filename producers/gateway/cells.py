"""Windows in which requests are counted: a fixed number of cells, made once. Pure.

Theory of operation: a cell is one window. It begins with the first request that is let in, counts
those after it, and is free again once it has ended. A name has a few cells in which its window may
lie, those behind the one that its hash names, and is known there by the whole hash. Nothing
is ever thrown away for another: no crowd of new names can push out the count of a heavy one.

Where all cells of a name are taken by others it counts together with the first of them: limits then
are stricter than they should be, for a few, but nobody is without. Such a name may begin a window
of its own as soon as one of its cells is free, and has then had a part of another before. A process
answers some 600,000 requests in the minute of a window: with a million cells less than one voter in
ten shares even if each of them came from another, and each of these counts one, where a voter may
have 120. Who shares with whom nobody can choose: Python draws the key of its hashes for each
process anew.
"""

from array import array


WINDOW_SECONDS = 60
FAR_SECONDS = WINDOW_SECONDS + 1
"""No window ends later, but after the clock was set back; the second is for rounding."""
TRIES = 4
"""Cells in which the window of a name may lie. With half of all taken one name in sixteen finds
none of its own free."""
CELL_BYTES = 20
"""Of a count (4), of the moment when its window ends (8), and of a hash (8)."""


class Cells:
    """So many windows; their number is a power of two.

    Its arrays are read by whoever cannot afford a call: most names have the first of their cells.
    """

    __slots__ = ("counts", "ends", "mask", "names")

    def __init__(self, cells: int) -> None:
        assert cells & (cells - 1) == 0, "the mask takes whole bits"
        self.mask = cells - 1
        self.counts = array("I", bytes(4 * cells))
        """By cell; of a window that has ended they mean nothing."""
        self.ends = array("d", bytes(8 * cells))
        self.names = array("q", bytes(8 * cells))
        """Hashes of those whose windows they are."""

    @property
    def size_bytes(self) -> int:
        """What the cells take, from the first request to the last."""
        return sum(part.itemsize * len(part) for part in (self.counts, self.ends, self.names))

    def look(self, name: bytes, now: float) -> tuple[int, int, float]:
        """Return the cell of a name, what its window has counted, and the seconds it is open yet.

        Where none is open, a cell to begin one in, and no seconds. A clock that was set back leaves
        ends too far away: such windows have ended too.
        """
        return self.search(hash(name), now)

    def search(self, code: int, now: float) -> tuple[int, int, float]:
        """Look for the window of a hash."""
        first, free = code & self.mask, None
        for cell in range(first, first + TRIES):
            cell &= self.mask  # noqa: PLW2901 -- behind the last comes the first
            rest = self.ends[cell] - now
            if not 0 < rest < FAR_SECONDS:
                free = cell if free is None else free
            elif self.names[cell] == code:
                return cell, self.counts[cell], rest
        if free is not None:
            return free, 0, 0
        return first, self.counts[first], self.ends[first] - now

    def begin(self, cell: int, name: bytes, now: float) -> float:
        """Begin a window that has counted nothing; return the seconds it is open."""
        self.counts[cell] = 0
        self.ends[cell] = now + WINDOW_SECONDS
        self.names[cell] = hash(name)
        return WINDOW_SECONDS

    def end(self, cell: int, at: float) -> None:
        """Let an open window end at another moment, at most a whole one from now."""
        self.ends[cell] = at

    def open(self) -> int:
        """Count the windows that were open when the last one began, by looking at each."""
        last = max(self.ends) - WINDOW_SECONDS
        return sum(end > last for end in self.ends) if any(self.ends) else 0
