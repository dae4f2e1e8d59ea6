"""A tree that grows: the hashes of its right edge are all it has to know. Pure."""

from collections.abc import Iterator, Sequence

from sinks.transparency.hashing import joined, node_hash, perfect_root
from sinks.transparency.tiles import HEIGHT, WIDTH, Tile


class Tree:
    """A Merkle tree by the hashes of the partial tile of each tile level, lowest level first."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[list[bytes]] = []
        self._peaks: list[list[tuple[int, bytes]]] = []
        """Of each row of the edge the perfect subtrees found so far: how many hashes, their root.

        Found when a root is asked for, and kept: one that is asked for again costs what is new.
        """

    def append(self, leaf_hashes: Sequence[bytes]) -> Iterator[tuple[Tile, list[bytes]]]:
        """Grow; yield each tile that became full with its hashes. Consume it to the end."""
        at = 0
        while at < len(leaf_hashes):
            taken = leaf_hashes[at:at + WIDTH - self.size % WIDTH]
            at += len(taken)
            self._row(0).extend(taken)
            self.size += len(taken)
            if self.size % WIDTH == 0:
                yield from self._rise()

    def _rise(self) -> Iterator[tuple[Tile, list[bytes]]]:
        """Yield the full tiles of the edge and put their roots into the tiles above."""
        level = 0
        while len(full := self._row(level)) == WIDTH:
            self._edge[level], self._peaks[level] = [], []
            yield Tile(level, (self.size >> (HEIGHT * (level + 1))) - 1), full
            level += 1
            self._row(level).append(perfect_root(full))

    def _row(self, level: int) -> list[bytes]:
        if level == len(self._edge):
            self._edge.append([])
            self._peaks.append([])
        return self._edge[level]

    def partial(self) -> Iterator[tuple[Tile, list[bytes]]]:
        """Yield the tiles of the edge that are neither full nor empty."""
        for level, row in enumerate(self._edge):
            if row:
                yield Tile(level, self.size >> (HEIGHT * (level + 1)), len(row)), row

    def root(self) -> bytes:
        """Hash the whole tree."""
        found = [self._found(level) for level in reversed(range(len(self._edge)))]
        return joined([root for peaks in found for _, root in peaks])

    def _found(self, level: int) -> list[tuple[int, bytes]]:
        """Return the perfect subtrees of a row, from left to right."""
        peaks = self._peaks[level]
        for root in self._edge[level][sum(size for size, _ in peaks):]:
            size, joint = 1, root
            while peaks and peaks[-1][0] == size:
                joint = node_hash(peaks.pop()[1], joint)
                size *= 2
            peaks.append((size, joint))
        return peaks
