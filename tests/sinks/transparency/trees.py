"""Trees in memory, and the tree of RFC 6962 written down once more, naively."""

import hashlib
from collections.abc import Sequence

from sinks.transparency.proofs import Prover
from sinks.transparency.tiles import WIDTH, Tile
from sinks.transparency.tree import Tree


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """Hash leaf hashes as section 2.1 says."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def numbered(size: int) -> list[bytes]:
    """Make leaf hashes that differ."""
    return [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(size)]


class Grown:
    """A tree with all its tiles, grown step by step."""

    def __init__(self, leaves: Sequence[bytes], steps: Sequence[int] = ()) -> None:
        self.tree, self.tiles = Tree(), dict[Tile, list[bytes]]()
        for begin, end in zip([0, *steps], [*steps, len(leaves)], strict=True):
            self.tiles.update(self.tree.append(leaves[begin:end]))
        self.tiles.update(self.tree.partial())

    def prover(self, size: int | None = None) -> Prover:
        """Prove by the tiles, of a smaller tree too."""
        return Prover(self.tree.size if size is None else size, self._read)

    def _read(self, tile: Tile) -> list[bytes]:
        held = next(self.tiles[found] for found in self.tiles
                    if found[:2] == tile[:2] and tile.width <= found.width <= WIDTH)
        return held[:tile.width]
