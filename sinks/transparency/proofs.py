"""Proofs of RFC 6962, sections 2.1.1 and 2.1.2: an entry is in a tree, a tree has only grown. Pure.

Theory of operation: both proofs are lists of roots of stretches of leaves, found by cutting the
tree at the largest power of two below its size, again and again. A stretch that ends within the
tree is perfect; one that ends with it is hashed together from perfect ones. A perfect stretch is
one hash of a tile or the root of some neighbours in it, so a proof reads one tile a level.
"""

from collections.abc import Callable, Sequence

from sinks.transparency.hashing import joined, node_hash, perfect_root
from sinks.transparency.tiles import HEIGHT, WIDTH, Tile, width_of


ReadTile = Callable[[Tile], Sequence[bytes]]
"""Gives the hashes of a tile."""


class Prover:
    """Makes proofs from the tiles of a tree of one size."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        self._read = read
        self._held: dict[tuple[int, int], Sequence[bytes]] = {}

    def inclusion(self, index: int) -> list[bytes]:
        """Return the hashes that lead from a leaf to the root, from below."""
        begin, end, path = 0, self.size, []
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self.root(middle, end))
                end = middle
            else:
                path.append(self.root(begin, middle))
                begin = middle
        return path[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """Return the hashes that show that the tree of an older size, not 0, is a part of this."""
        begin, end, path, known = 0, self.size, [], True
        while end != old:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self.root(middle, end))
                end = middle
            else:
                path.append(self.root(begin, middle))
                begin, known = middle, False
        return (path if known else [*path, self.root(begin, end)])[::-1]

    def root(self, begin: int = 0, end: int | None = None) -> bytes:
        """Hash a stretch of leaves; all of them unless told."""
        end = self.size if end is None else end
        roots = []
        while begin < end:
            exponent = (end - begin).bit_length() - 1
            if begin:
                exponent = min(exponent, (begin & -begin).bit_length() - 1)
            roots.append(self._perfect(exponent, begin >> exponent))
            begin += 1 << exponent
        return joined(roots)

    def _perfect(self, exponent: int, place: int) -> bytes:
        """Hash the 2^exponent leaves that are the stretch of this size with this number."""
        level, within = divmod(exponent, HEIGHT)
        first = place << within
        row = self._tile(level, first // WIDTH)
        return perfect_root(row[first % WIDTH:first % WIDTH + (1 << within)])

    def _tile(self, level: int, index: int) -> Sequence[bytes]:
        if (level, index) not in self._held:
            tile = Tile(level, index, width_of(level, index, self.size))
            self._held[level, index] = self._read(tile)
        return self._held[level, index]


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a proof of inclusion leads to; None where it has not the tree's form."""
    if not 0 <= index < size:
        return None
    root, last, at = leaf, size - 1, 0
    while last:
        if index & 1 or index < last:
            if at == len(path):
                return None
            root = node_hash(path[at], root) if index & 1 else node_hash(root, path[at])
            at += 1
        index, last = index >> 1, last >> 1
    return root if at == len(path) else None


def is_consistent(
    old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether a proof shows that a tree of size `old` has grown to one of size `new`."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not hashes:
        return False
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    before = after = hashes[0]
    for each in hashes[1:]:
        if not last:
            return False
        if index & 1 or index == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            after = node_hash(after, each)
        index, last = index >> 1, last >> 1
    return not last and (before, after) == (old_root, new_root)
