"""The hashes of RFC 6962, section 2.1: leaves and nodes, told apart by their first byte. Pure."""

import hashlib
from collections.abc import Sequence


HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""

_LEAF = b"\0"
_NODE = b"\1"


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry of a log."""
    return hashlib.sha256(_LEAF + entry).digest()


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """Hash entries of a log, many at a time."""
    sha256 = hashlib.sha256
    return [sha256(_LEAF + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees to their parent."""
    return hashlib.sha256(_NODE + left + right).digest()


def perfect_root(row: Sequence[bytes]) -> bytes:
    """Hash a row of 1, 2, 4, 8 … subtrees of one size to their root."""
    sha256 = hashlib.sha256
    while len(row) > 1:
        row = [
            sha256(_NODE + left + right).digest()
            for left, right in zip(row[::2], row[1::2], strict=True)
        ]
    return row[0]


def joined(roots: Sequence[bytes]) -> bytes:
    """Hash the roots of ever smaller perfect subtrees to the root over all of them."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root
