"""What is counted of a group's voters as they come, so that each judgement can look at it. Pure.

Theory of operation: a mark asks for few numbers, and each voter who comes, or casts something more,
changes them by little. So no look goes through all who are there. Ballots are counted as they are,
each by all its items: what is commonest is known exactly, where more than half have it.
"""

from array import array
from bisect import bisect_left, insort

from processors.guard.inputs import UNKNOWN_PAUSE


MANY_PARTS = 8
"""Where at least one of so many is new, all instants are sorted anew; else each finds its place."""


class Ballots:
    """How many have each ballot, as its bytes."""

    __slots__ = ("_held", "commonest", "total")

    def __init__(self) -> None:
        self._held: dict[bytes, int] = {}
        self.total = 0
        self.commonest = b""
        """That which more than half have; where there is none, any."""

    def add(self, ballot: bytes) -> None:
        """Take one more ballot."""
        self.total += 1
        held = self._held[ballot] = self._held.get(ballot, 0) + 1
        # A ballot that more than half have had the most when it last gained one.
        if held > self._held.get(self.commonest, 0):
            self.commonest = ballot

    def recast(self, before: bytes, after: bytes) -> None:
        """Take one as another; it was taken as `before`."""
        held = self._held[before]
        if held == 1:
            del self._held[before]
        else:
            self._held[before] = held - 1
        self.total -= 1
        self.add(after)

    def held(self, ballot: bytes) -> int:
        """Return how many have a ballot."""
        return self._held.get(ballot, 0)


class Counts:
    """Instants, paces and ballots of a group's voters; instants are in milliseconds."""

    __slots__ = ("paces", "read", "squares", "times", "usual", "usual_paces")

    def __init__(self) -> None:
        self.times = array("i")
        """Instants of first votes, ascending."""
        self.squares = 0
        """The gaps between them, squared and summed."""
        self.paces = [0] * (UNKNOWN_PAUSE + 1)
        self.read = Ballots()
        """Of those whose first vote lies long enough back."""
        self.usual = Ballots()
        """Of those who are among the first of their network and item, at whatever time."""
        self.usual_paces = [0] * (UNKNOWN_PAUSE + 1)
        """Of those who are among the first of their network."""

    def came(self, times: list[int]) -> None:
        """Take the instants of some who came."""
        if MANY_PARTS * len(times) < len(self.times):
            for time in times:
                self._came(time)
            return
        self.times = array("i", sorted((*self.times, *times)))
        self.squares = sum((later - one) ** 2 for one, later in zip(
            self.times, self.times[1:], strict=False))

    def _came(self, time: int) -> None:
        place = bisect_left(self.times, time)
        before = self.times[place - 1] if place else None
        after = self.times[place] if place < len(self.times) else None
        if before is not None and after is not None:
            self.squares -= (after - before) ** 2
        if before is not None:
            self.squares += (time - before) ** 2
        if after is not None:
            self.squares += (after - time) ** 2
        insort(self.times, time)

    def gaps(self) -> tuple[int, int, int]:
        """Return how many gaps there are, their sum, and that of their squares."""
        if not self.times:
            return 0, 0, 0
        return len(self.times) - 1, self.times[-1] - self.times[0], self.squares
