"""Grow a whole tree again out of its entries, and hold every file against it. Pure."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from sinks.transparency.hashing import leaf_hash
from sinks.transparency.notes import Refused
from sinks.transparency.tiles import ENTRIES, WIDTH, Tile, read_bundle, width_of
from sinks.transparency.tree import Tree


Read = Callable[[Tile], bytes | None]
"""Gives a tile or bundle; None where there is none."""


def regrow(read: Read, sizes: Sequence[int]) -> Iterator[Tree]:
    """Yield the tree at each size, in order; raise Refused at the first file that does not fit.

    All tiles and bundles of the last size are read and compared.
    """
    tree, stops = Tree(), deque(sizes)
    for number in range(-(-sizes[-1] // WIDTH)):
        bundle = Tile(ENTRIES, number, width_of(ENTRIES, number, sizes[-1]))
        hashes = [leaf_hash(entry) for entry in _entries(read, bundle)]
        while hashes:
            yield from _reached(tree, stops)
            taken = stops[0] - tree.size
            for tile, row in tree.append(hashes[:taken]):
                _compare(read, tile, row)
            del hashes[:taken]
    for tile, row in tree.partial():
        _compare(read, tile, row)
    yield from _reached(tree, stops)


def _reached(tree: Tree, stops: deque[int]) -> Iterator[Tree]:
    while stops and stops[0] == tree.size:
        stops.popleft()
        yield tree


def _entries(read: Read, bundle: Tile) -> list[bytes]:
    entries = read_bundle(read(bundle) or b"")
    if entries is None or len(entries) != bundle.width:
        raise Refused(f"{bundle.path} is missing or does not hold its {bundle.width} entries")
    return entries


def _compare(read: Read, tile: Tile, row: Sequence[bytes]) -> None:
    if read(tile) != b"".join(row):
        raise Refused(f"{tile.path} is missing or does not fit the entries below it")
