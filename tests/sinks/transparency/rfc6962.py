"""RFC 6962's proof of consistency checked as section 2.1.2 makes it, by recursion: for witnesses
of the tests, which must not believe our own verifier."""

import hashlib
from collections.abc import Sequence


def is_extension(
    old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether a tree of a size has grown out of one of a smaller size."""
    if old == new:
        return old_root == new_root and not path
    rest = list(path)
    try:
        before, after = _roots(old, new, rest, old_root, known=True)
    except IndexError:
        return False
    return not rest and (before, after) == (old_root, new_root)


def _roots(
    old: int, new: int, rest: list[bytes], old_root: bytes, *, known: bool
) -> tuple[bytes, bytes]:
    """Return the roots of the first `old` leaves and of all `new`, from the end of the proof on."""
    if old == new:
        root = old_root if known else rest.pop(0)
        return root, root
    split = 1
    while 2 * split < new:
        split *= 2
    last = rest.pop()
    if old <= split:
        before, after = _roots(old, split, rest, old_root, known=known)
        return before, _joined(after, last)
    before, after = _roots(old - split, new - split, rest, old_root, known=False)
    return _joined(last, before), _joined(last, after)


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
