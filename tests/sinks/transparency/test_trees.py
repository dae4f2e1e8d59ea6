"""Trees, tiles and proofs: as published, as RFC 6962 defines them, and not to be forged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.transparency.hashing import leaf_hash
from sinks.transparency.proofs import included, is_consistent
from sinks.transparency.tiles import (
    ENTRIES,
    Tile,
    parse,
    read_bundle,
    tiles_of,
    width_of,
    write_bundle,
)
from tests.sinks.transparency.trees import Grown, naive_root, numbered
from tests.sinks.transparency.vectors import CONSISTENCIES, INCLUSIONS, LEAVES, ROOTS, Proof


HASHES = [leaf_hash(leaf) for leaf in LEAVES]
MANY = numbered(70_000)
LARGE = Grown(MANY)


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    """The trees of the published leaves have the published roots."""
    assert Grown(HASHES[:size]).tree.root() == ROOTS[size]


@pytest.mark.parametrize("known", INCLUSIONS)
def test_published_proofs_of_inclusion(known: Proof) -> None:
    """We make the published proofs, and they lead to the published roots."""
    assert Grown(HASHES[:known.size]).prover().inclusion(known.first) == known.path
    root = included(HASHES[known.first], known.first, known.size, known.path)
    assert root == ROOTS[known.size]


@pytest.mark.parametrize("known", CONSISTENCIES)
def test_published_proofs_of_consistency(known: Proof) -> None:
    """We make the published proofs, and they hold between the published roots."""
    assert Grown(HASHES[:known.size]).prover().consistency(known.first) == known.path
    assert is_consistent(
        known.first, ROOTS[known.first], known.size, ROOTS[known.size], known.path)


@given(data=st.data(), size=st.integers(0, 700))
def test_a_tree_is_that_of_the_definition_however_it_grew(data: st.DataObject, size: int) -> None:
    """Grown in any steps, root and tiles are those of the naive tree."""
    steps = sorted(data.draw(st.lists(st.integers(0, size), max_size=4)))
    grown = Grown(MANY[:size], steps)

    assert grown.tree.root() == naive_root(MANY[:size])
    assert set(grown.tiles) == {tile for tile in tiles_of(size) if tile.level != ENTRIES}


@given(data=st.data(), size=st.integers(1, 70_000))
def test_an_entry_is_included_and_no_flipped_bit_survives(
    data: st.DataObject, size: int
) -> None:
    """In a tree of any size the proof of an entry verifies, a changed one never."""
    prover = LARGE.prover(size)
    root = prover.root()
    index = data.draw(st.integers(0, size - 1))
    path = prover.inclusion(index)

    assert included(MANY[index], index, size, path) == root
    assert included(flipped(data, MANY[index]), index, size, path) != root
    other = data.draw(st.integers(0, size).filter(lambda number: number != index))
    assert included(MANY[index], other, size, path) != root
    assert included(MANY[index], index, size, [*path, root]) is None
    for at in range(len(path)):
        changed = [*path[:at], flipped(data, path[at]), *path[at + 1:]]
        assert included(MANY[index], index, size, changed) != root
        assert included(MANY[index], index, size, [*path[:at], *path[at + 1:]]) != root


@given(data=st.data(), size=st.integers(1, 70_000))
def test_a_tree_has_only_grown_and_no_flipped_bit_survives(
    data: st.DataObject, size: int
) -> None:
    """The proof that a tree of any size holds an older one verifies, a changed one never."""
    prover = LARGE.prover(size)
    root = prover.root()
    old = data.draw(st.integers(1, size))
    old_root = LARGE.prover(old).root()
    grown = prover.consistency(old)

    assert is_consistent(old, old_root, size, root, grown)
    assert not is_consistent(old, flipped(data, old_root), size, root, grown)
    assert not is_consistent(old, old_root, size, flipped(data, root), grown)
    assert not is_consistent(old, old_root, size, root, [*grown, root])
    for at in range(len(grown)):
        changed = [*grown[:at], flipped(data, grown[at]), *grown[at + 1:]]
        assert not is_consistent(old, old_root, size, root, changed)
        assert not is_consistent(old, old_root, size, root, [*grown[:at], *grown[at + 1:]])


def flipped(data: st.DataObject, raw: bytes) -> bytes:
    """Flip one bit."""
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    return (int.from_bytes(raw, "big") ^ 1 << bit).to_bytes(len(raw), "big")


def test_the_root_of_many_tiles() -> None:
    """Over three levels of tiles the root is still that of the definition."""
    assert LARGE.tree.root() == LARGE.prover().root() == naive_root(MANY)


@pytest.mark.parametrize(("size", "partial", "full"), [
    (70_000, {(0, 273): 112, (1, 1): 17, (2, 0): 1, (ENTRIES, 273): 112},
     {0: 273, 1: 1, ENTRIES: 273}),
    (256, {(1, 0): 1}, {0: 1, ENTRIES: 1}),
    (0, {}, {}),
])
def test_the_published_widths_of_tiles(
    size: int, partial: dict[tuple[int, int], int], full: dict[int, int]
) -> None:
    """The example sizes of tlog-tiles have the tiles it names, and no empty one."""
    tiles = list(tiles_of(size))

    assert {tile[:2]: tile.width for tile in tiles if tile.width < 256} == partial
    counted = [tile.level for tile in tiles if tile.width == 256]
    assert {level: counted.count(level) for level in counted} == full
    assert all(width_of(*tile[:2], size) == tile.width for tile in tiles)


@pytest.mark.parametrize(("tile", "path"), [
    (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
    (Tile(ENTRIES, 0), "tile/entries/000"),
    (Tile(63, 999, 1), "tile/63/999.p/1"),
    (Tile(1, 1_000, 255), "tile/1/x001/000.p/255"),
])
def test_the_published_addresses(tile: Tile, path: str) -> None:
    """A tile has the address of the specification, and is found by it."""
    assert tile.path == path
    assert parse(path) == tile


@pytest.mark.parametrize("path", [
    "tile/0/1", "tile/00/001", "tile/64/001", "tile/0/x000/001", "tile/0/001.p/0", "tile/0/001.p/",
    "tile/0/001.p/256", "tile/0/x001", "tile/-1/001", "tile/entries/../../001", "tile/0/001/",
    "checkpoint", "tile/0/٠٠١", ""])
def test_other_addresses_are_none(path: str) -> None:
    """Nothing but the one spelling of an address leads to a file."""
    assert parse(path) is None


@given(entries=st.lists(st.binary(max_size=300), max_size=5), cut=st.integers(1, 3))
def test_bundles_are_read_as_written(entries: list[bytes], cut: int) -> None:
    """A bundle gives its entries back, and one that is cut within an entry is refused."""
    written = write_bundle(entries)

    assert read_bundle(written) == entries
    if entries and len(entries[-1]) >= cut:
        assert read_bundle(written[:-cut]) is None
