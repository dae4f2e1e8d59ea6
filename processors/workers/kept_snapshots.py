"""Snapshots that were read ahead, until their partitions come: as many as there is room for.

Who stands by may take any partition over, and cannot know which. All of them are what all ledgers
together hold: with many partitions that is more than the memory of one. So there is a bound, what
came first stays, and the others are read when their partitions come.
"""

import asyncio
from collections import defaultdict
from typing import NamedTuple

import structlog

from processors.ledger.snapshots import Frozen


KEPT_BYTES = 512 << 20
"""Of the files of all that is kept: ten million votes, which take five times as much memory."""

log = structlog.get_logger("scrutin.snapshots")


class Decoded(NamedTuple):
    """What a file holds."""

    name: str
    frozen: Frozen
    decisions_offset: int
    """Of its last decision, in the decisions topic."""
    size_bytes: int


class Kept:
    """What was read ahead, by partition."""

    def __init__(self) -> None:
        self._found: dict[int, Decoded] = {}
        self.reading = defaultdict[int, asyncio.Lock](asyncio.Lock)
        """By partition, held while its newest snapshot is read ahead."""
        self._said = False
        """Whether it was said that there is no room for all."""

    def wants(self, partition: int, name: str, size: int) -> bool:
        """Whether a file of a partition is another than is kept, and has room beside others."""
        if partition in self._found and self._found[partition].name == name:
            return False
        others = sum(found.size_bytes for number, found in self._found.items()
                     if number != partition)
        fits = others + size <= KEPT_BYTES
        if not fits and not self._said:
            self._said = True
            log.info("not every snapshot is read ahead: there is no room for it",
                     partition=partition, name=name, megabytes=round(size / 1e6, 1),
                     kept_megabytes=round(others / 1e6, 1))
        return fits

    def put(self, partition: int, found: Decoded) -> None:
        """Keep a snapshot in place of an older one."""
        self._found[partition] = found

    async def take(self, partition: int) -> Decoded | None:
        """Give what is kept of a partition; where that is being read just now, wait for it."""
        if partition not in self._found:
            async with self.reading[partition]:
                pass
        return self._found.pop(partition, None)

    def let_go(self) -> None:
        """Keep nothing."""
        self._found.clear()
        self._said = False
