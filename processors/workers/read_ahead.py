"""Snapshots that a ledger without partitions has read before it needs them.

Theory of operation: whoever takes partitions over reads their snapshots first, about a second for a
million votes, in which nobody counts. A ledger that only stands by has that time, and the memory
that it would need then. So it keeps the newest snapshot of each partition, read and checked as in a
takeover, which then compares its last decision with the topic and folds what came since. Who holds
a partition reads nothing ahead: its time and memory are for those it has. Reading takes a tenth of
the time at most, as writing does; what is kept is let go once the partitions are begun, however
long the pause after a reading is.
"""

import asyncio
from collections.abc import Callable
from math import inf
from time import monotonic

from processors.workers.snapshot_files import Snapshots
from processors.workers.snapshot_turns import WRITING_SHARE


LOOK_SECONDS = 5.0
"""Pause between two looks; at each, one partition at most: one whose copy is the newest costs a
list of the place."""


class ReadAhead:
    """Reads snapshots by turns as long as nothing is held."""

    def __init__(
        self, snapshots: Snapshots, partitions: int, *,
        holds: Callable[[], bool], rebalancing: Callable[[], bool],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`holds` says whether the worker has partitions, `rebalancing` whether they move; `clock`
        in seconds.
        """
        self._snapshots, self._partitions = snapshots, partitions
        self._holds, self._rebalancing = holds, rebalancing
        self._clock = clock
        self._next = 0
        self._rests_until = -inf

    async def run(self) -> None:
        """Read one partition's after the other, again and again."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read the next partition's, if it is time; let go of all where partitions have come."""
        if self._rebalancing() or self._snapshots.reading:
            return
        if self._holds():
            self._snapshots.let_go()
            return
        if (began := self._clock()) < self._rests_until:
            return
        await self._snapshots.keep(self._next, self._partitions)
        self._next = (self._next + 1) % self._partitions
        ended = self._clock()
        self._rests_until = ended + (ended - began) * (1 / WRITING_SHARE - 1)
