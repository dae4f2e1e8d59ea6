"""What everybody votes on a proposal, and from when on it holds an act of one's own.

Theory of operation: a vote is in the results some hundredths of a second after the log has it. Who
voted waits for that, a moment and no longer, under the place of the act: each flush wakes those
whom it holds, and nobody else.
"""

import asyncio
import heapq
import itertools
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from schemas.words import CHOICES
from views.documents import Documents
from views.flushes import Figure, Flushes
from views.pages.results_page import measure


COUNTED_SECONDS = 0.8
"""Longest wait until the shares hold the visitor's own vote; it takes some hundredths."""

_Waiting = tuple[int, int, asyncio.Future[None]]
"""An offset, a number that no other has, and who waits for it."""


class Everybody:
    """The shares of one process."""

    def __init__(self, flushes: Flushes, documents: Documents) -> None:
        self._flushes = flushes
        self._documents = documents
        self._waiting: dict[int, list[_Waiting]] = {}
        """By partition, a heap: hardly more than there are requests."""
        self._numbers = itertools.count()
        flushes.watch(self._move)

    def holds(self, partition: int, offset: int) -> bool:
        """Whether the results hold a place of the log."""
        applied = self._flushes.applied
        return (applied is not None and partition < len(applied.offsets)
                and applied.offsets[partition] >= offset)

    async def counted(self, partition: int, offset: int) -> bool:
        """Wait a moment for the results to hold a place; say whether they do."""
        if self.holds(partition, offset):
            return True
        waiting = self._waiting.setdefault(partition, [])
        while waiting and waiting[0][2].done():  # Where nothing moves nobody else takes them away.
            heapq.heappop(waiting)
        loop = asyncio.get_running_loop()
        held: asyncio.Future[None] = loop.create_future()
        heapq.heappush(waiting, (offset, next(self._numbers), held))
        late = loop.call_later(COUNTED_SECONDS, _end, held)
        try:
            await held
        finally:
            late.cancel()
        return self.holds(partition, offset)

    def entry(self, consultation: str, proposal: str) -> Mapping[str, Any] | None:
        """Return the counts of a proposal, where they may be shown."""
        if self._documents.embargoed(consultation):
            return None
        found: Mapping[str, Any] | None = self._documents.figure(
            consultation, Figure("proposal", proposal))
        return found

    def shares(self, consultation: str, proposal: str) -> dict[str, Any] | None:
        """Arrange what everybody votes; None where it may not be shown, or nothing is counted."""
        if self._documents.embargoed(consultation):
            return None
        counts = self._documents.choices(consultation, proposal)
        votes = sum(counts)
        if not votes:
            return None
        found = [measure(name, count, votes) for name, count in zip(CHOICES, counts, strict=True)]
        return {"votes": votes, "counts": [*counts],
                "percents": None if found[0].percent is None else [each.percent for each in found]}

    async def after(
        self, consultation: str, proposal: str, partition: int, offset: int
    ) -> bytes:
        """Say as JSON what everybody votes, a moment after an act at a place of the log."""
        counted = await self.counted(partition, offset)
        return to_json({"shares": self.shares(consultation, proposal), "counted": counted})

    def _move(self) -> None:
        """Wake those whom the results hold now."""
        for partition, waiting in self._waiting.items():
            while waiting and (waiting[0][2].done() or self.holds(partition, waiting[0][0])):
                _end(heapq.heappop(waiting)[2])


def _end(held: asyncio.Future[None]) -> None:
    if not held.done():
        held.set_result(None)
