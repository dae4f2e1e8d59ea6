"""Tiles: the pieces of 256 hashes or entries in which a tree is stored and served. Pure.

After C2SP tlog-tiles. Hash i of tile n at level l is the root of the 256^l leaves from
(256 n + i) 256^l on. A bundle holds the entries under a tile of level 0.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sinks.transparency.hashing import HASH_BYTES


HEIGHT = 8
"""Levels of the binary tree within one tile."""
WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""
ENTRIES = -1
"""What stands for the level of entry bundles."""
ENTRY_BYTES_MAX = 65_535
"""A bundle writes an entry's length in two bytes."""
BUNDLE_BYTES_MAX = WIDTH * (2 + ENTRY_BYTES_MAX)
"""The largest bundle of entries: 256, each behind its size. Nothing of a log is larger."""
LEVEL_MAX = 63
# 21 digits of a tile's number, at most: no log has 2^64 entries.

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9]\d?)/(?P<index>(?:x\d{3}/){0,6}\d{3})"
    r"(?:\.p/(?P<width>[1-9]\d{0,2}))?", re.ASCII)


class Tile(NamedTuple):
    """Which tile or bundle; of less than full width while the tree's edge lies in it."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its address below the log's prefix."""
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{self.stem}{partial}"

    @property
    def stem(self) -> str:
        """The address of the full tile."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at:at + 3] for at in range(0, len(digits), 3)]
        return "/".join(["tile", level, *(f"x{part}" for part in parts[:-1]), parts[-1]])

    @property
    def full(self) -> "Tile":
        return self._replace(width=WIDTH)


def parse(path: str) -> Tile | None:
    """Read an address; None where it is not exactly the one of a tile or bundle."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = ENTRIES if found["level"] == "entries" else int(found["level"])
    tile = Tile(level, int(found["index"].replace("x", "").replace("/", "")),
                int(found["width"] or WIDTH))
    return tile if level <= LEVEL_MAX and tile.path == path else None


def width_of(level: int, index: int, size: int) -> int:
    """Say how many hashes (or entries) a tile has in a tree of a size; 0 for none."""
    hashes = size >> (HEIGHT * max(level, 0))
    return max(0, min(WIDTH, hashes - index * WIDTH))


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile and bundle of a tree."""
    level = ENTRIES
    while hashes := size >> (HEIGHT * max(level, 0)):
        for index in range(-(-hashes // WIDTH)):
            yield Tile(level, index, width_of(level, index, size))
        level += 1


def split_hashes(data: bytes) -> list[bytes]:
    """Cut a tile into its hashes."""
    return [data[at:at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries, each behind its length."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_bundle(data: bytes) -> list[bytes] | None:
    """Read the entries of a bundle; None where it is not exactly a whole number of them."""
    entries, at = [], 0
    while at < len(data):
        begin = at + 2
        at = begin + int.from_bytes(data[at:begin], "big")
        if begin > len(data) or at > len(data):
            return None
        entries.append(data[begin:at])
    return entries
