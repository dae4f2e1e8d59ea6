"""What is stored of a partition, counted in blocks: no look reads all of a large archive. Pure.

Theory of operation: rows are counted in blocks of BLOCK_OFFSETS, with a checksum of their offsets.
Where both are those of a block that holds each offset once, it does; only where they are not, the
distinct offsets are counted, which takes memory for each. A block that is not full yet is counted
at every look, a full one once, and then again in turn, so that what vanishes or comes twice is
found within some looks wherever it is.
"""

from typing import NamedTuple

import numpy as np


BLOCK_OFFSETS = 100_000
"""Offsets counted at once. Votes by day are counted by the same blocks and kept: the number never
changes while their table does not (`tables/009_vote_quarters.sql`)."""
BLOCKS_AGAIN = 4
"""Full blocks counted again at a look: all of ten million rows within ten minutes."""


class Block(NamedTuple):
    """Offsets from `first` up to `end`, which is not one of them."""

    first: int
    end: int

    @property
    def full(self) -> bool:
        """Whether no offset will be added to it."""
        return self.end - self.first == BLOCK_OFFSETS


NOTHING = Block(0, 0)


FIRST_FACTOR, SECOND_FACTOR, SHIFT_BITS = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 31
CHECKSUM = (f"sum(bitXor(offset * {FIRST_FACTOR}, bitShiftRight(offset * {FIRST_FACTOR}, "
            f"{SHIFT_BITS})) * {SECOND_FACTOR})")
"""The checksum of some rows, for ClickHouse: the sum of their scattered offsets, modulo 2^64."""


def checksum(block: Block) -> int:
    """Return the checksum of a block that holds each of its offsets once."""
    offsets = np.arange(block.first, block.end, dtype=np.uint64)
    scattered = offsets * np.uint64(FIRST_FACTOR)
    scattered ^= scattered >> np.uint64(SHIFT_BITS)
    return int((scattered * np.uint64(SECOND_FACTOR)).sum(dtype=np.uint64))


class Counted(NamedTuple):
    """What ClickHouse held of a prefix of offsets when last asked."""

    rows: int = 0
    offsets: int = 0
    """Distinct ones."""
    end: int = 0
    """First offset behind the prefix: rows = offsets = end, unless something is wrong."""

    @property
    def duplicates(self) -> int:
        return self.rows - self.offsets

    @property
    def missing(self) -> int:
        return self.end - self.offsets


class Gauge:
    """The counts of one partition."""

    def __init__(self) -> None:
        self._counts: dict[Block, tuple[int, int]] = {}
        """Rows and distinct offsets of each block counted, in their order."""
        self._turn = 0

    def due(self, end: int) -> list[Block]:
        """Name the blocks to count at this look, of all offsets before an end."""
        blocks = [Block(first, min(first + BLOCK_OFFSETS, end))
                  for first in range(0, end, BLOCK_OFFSETS)]
        known = [block for block in blocks
                 if block in self._counts and block.full]
        self._counts = {block: self._counts[block] for block in known}
        again = {known[(self._turn + place) % len(known)]
                 for place in range(min(BLOCKS_AGAIN, len(known)))}
        self._turn += BLOCKS_AGAIN
        return [block for block in blocks if block not in self._counts or block in again]

    def tell(self, block: Block, rows: int, offsets: int) -> None:
        """Note what was counted of a block."""
        self._counts[block] = rows, offsets

    def counted(self) -> Counted:
        """Add up what was counted last of every block."""
        return Counted(
            sum(rows for rows, _ in self._counts.values()),
            sum(offsets for _, offsets in self._counts.values()),
            max((block.end for block in self._counts), default=0))
