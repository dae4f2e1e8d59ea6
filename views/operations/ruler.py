"""How long something has been waiting, measured without a clock in the records. Pure.

Theory of operation: the time stamps of votes are of no use here, for an import or a simulation
brings votes of another year. Instead the place where records come from is looked at again and
again, and when it was where is remembered: what waits at an offset has been waiting since the place
before it passed that offset. Between two looks the passing is interpolated. Memory is bounded: an
old stretch is kept at half its precision, then a quarter, so that a wait of hours is still known.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple


STALE_SECONDS = 5.0
"""Of a place that was not seen for so long nobody knows whether anything waits behind it."""
POINTS_MAX = 256
"""Stretches remembered of a partition: four minutes at one look a second, hours when thinned."""

Partition = int


class Stretch(NamedTuple):
    """Between two looks a place moved."""

    before: float
    """When it was last seen where it stood."""
    at: float
    """When it was first seen to have moved."""
    offset: int
    """Where to: next offset."""


class Timeline:
    """When a place passed which offset."""

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []
        self.looked_at = 0.0

    @property
    def offset(self) -> int | None:
        return self._stretches[-1].offset if self._stretches else None

    def see(self, offset: int, at: float) -> None:
        """Note where the place is now; what goes back is a stray and is left out."""
        known = self._stretches
        if not known or offset > known[-1].offset:
            before = self.looked_at if known else at
            known.append(Stretch(before, at, offset))
        self.looked_at = at
        if len(known) > POINTS_MAX:
            self._thin()

    def waiting_seconds(self, offset: int, now: float) -> float:
        """Say how long ago the place passed an offset; 0 where it has not.

        What was passed before the first look has been waiting since then at least.
        """
        known = self._stretches
        place = bisect_right(known, offset, key=lambda stretch: stretch.offset)
        if place == len(known):
            return 0.0
        found = known[place]
        if place == 0:
            return now - found.at
        first = known[place - 1].offset
        share = (offset + 1 - first) / (found.offset - first)
        return now - (found.before + share * (found.at - found.before))

    def _thin(self) -> None:
        """Make one stretch of every two of the older half; the first one is the base."""
        older, newer = self._stretches[1:POINTS_MAX // 2], self._stretches[POINTS_MAX // 2:]
        joined = [Stretch(one.before, other.at, other.offset)
                  for one, other in zip(older[::2], older[1::2], strict=False)]
        rest = older[-1:] if len(older) % 2 else []
        self._stretches = [self._stretches[0], *joined, *rest, *newer]


HOPS = {
    "gateway_ledger": ("votes", "ledger"),
    "ledger_results": ("ledger", "results"),
    "results_page": ("results", "page"),
    "gateway_page": ("votes", "page"),
    "ledger_archive": ("decisions", "archived_decisions"),
    "gateway_archive": ("votes", "archived_votes"),
}
"""Each hop with the two places between which records wait; the last of each three is the whole."""


@dataclass(frozen=True)
class Lag:
    """What waits in one hop of one partition; nothing where a place is not known."""

    messages: int | None = None
    seconds: float | None = None


class Ruler:
    """Where every place is, by partition, and what waits between them."""

    def __init__(self) -> None:
        self._timelines: dict[tuple[str, Partition], Timeline] = {}

    def see(self, place: str, partition: Partition, offset: int, at: float) -> None:
        """Note the next offset of a place."""
        self._timelines.setdefault((place, partition), Timeline()).see(offset, at)

    def offset(self, place: str, partition: Partition) -> int | None:
        """Return where a place is, None where it was never seen."""
        found = self._timelines.get((place, partition))
        return found.offset if found else None

    def partitions(self) -> list[Partition]:
        """Return every partition seen, in order."""
        return sorted({partition for _, partition in self._timelines})

    def lag(self, hop: str, partition: Partition, now: float) -> Lag:
        """Say what waits in a hop."""
        before, after = HOPS[hop]
        came = self._timelines.get((before, partition))
        went = self.offset(after, partition)
        if came is None or came.offset is None or went is None:
            return Lag()
        waiting = max(came.offset - went, 0)
        if not waiting and now - came.looked_at > STALE_SECONDS:
            return Lag()
        return Lag(waiting, came.waiting_seconds(went, now))

    def worst(self, hop: str, now: float) -> Lag:
        """Say what waits in a hop over all partitions: records in sum, the longest wait."""
        known = [lag for partition in self.partitions()
                 if (lag := self.lag(hop, partition, now)).messages is not None]
        if not known:
            return Lag()
        return Lag(sum(lag.messages or 0 for lag in known),
                   max(lag.seconds or 0.0 for lag in known))
