"""Codes of voters: made, written on cards, read from forms, and told by their hashes. Pure.

Theory of operation: a code is 128 random bits, so that nobody guesses one, and its hash can be kept
and shown without giving it away. On paper it has 28 characters of Crockford's alphabet, which has
no letter that reads like a digit; the last twelve bits are a check (a CRC, which finds every single
character that is wrong and every two that changed places), so that a slip of the finger is told
from a code that was never made. Hashes are sorted before they are kept: their order says nothing of
the order of the cards.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from producers.gateway.receipts import tree


CODE_BYTES = 16
HASH_BYTES = 32
"""Of SHA-256."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans("OIL", "011", "- \t\r\n")
_CHECK_BITS = 12
_POLYNOMIAL = 0x180F
"""CRC-12: x¹² + x¹¹ + x³ + x² + x + 1."""
_GROUP, _GROUPS = 4, 7
CHARACTERS = _GROUP * _GROUPS
"""Of a code without the dashes between its groups."""
_BITS = 5
_DOMAIN = b"scrutin-code-1"
READ_CHARACTERS = 100
"""Longest text that is looked at: a code with its dashes has 34, some write spaces beside."""


class Issue(NamedTuple):
    """Codes that were made at once, as gateways keep them."""

    hashes: bytes
    """One behind the other, ascending."""
    root: bytes
    """Of the Merkle tree over them, as the log names it."""

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.hashes) // HASH_BYTES


def written(code: bytes) -> str:
    """Write a code as it stands on a card: seven groups of four characters."""
    number = int.from_bytes(code, "big") << _CHECK_BITS | _check(code)
    text = "".join(_ALPHABET[number >> _BITS * place & 31] for place in reversed(range(CHARACTERS)))
    return "-".join(text[at:at + _GROUP] for at in range(0, CHARACTERS, _GROUP))


def read(text: str) -> bytes | None:
    """Read a code as people type it: small letters, O for 0, without dashes; None where it is none.
    """
    if len(text) > READ_CHARACTERS:
        return None
    found = [_ALPHABET.find(each) for each in text.upper().translate(_LOOKALIKES)]
    if len(found) != CHARACTERS or min(found) < 0:
        return None
    number = 0
    for value in found:
        number = number << _BITS | value
    code = (number >> _CHECK_BITS).to_bytes(CODE_BYTES, "big")
    return code if _check(code) == number & (1 << _CHECK_BITS) - 1 else None


def hash_of(consultation: str, code: bytes) -> bytes:
    """Return what is kept of a code; the same code of another consultation has another hash."""
    return hashlib.sha256(b"\0".join((_DOMAIN, consultation.encode(), code))).digest()


def issue_of(hashes: Iterable[bytes]) -> Issue:
    """Put hashes together as they are kept."""
    ascending = sorted(hashes)
    return Issue(b"".join(ascending), _root(ascending))


def read_issue(hashes: bytes) -> Issue:
    """Read what was kept, whatever it says: its root tells whether it is what the log names."""
    return Issue(hashes, _root([
        hashes[at:at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]))


def holds(issue: Issue, hashed: bytes) -> bool:
    """Whether a code of this hash was issued."""
    place = bisect_left(range(issue.size), hashed, key=lambda at: _nth(issue, at))
    return place < issue.size and _nth(issue, place) == hashed


def _nth(issue: Issue, place: int) -> bytes:
    return issue.hashes[place * HASH_BYTES:(place + 1) * HASH_BYTES]


def _root(hashes: Sequence[bytes]) -> bytes:
    return tree(hashes)[-1][0]


def _check(code: bytes) -> int:
    rest = int.from_bytes(code, "big") << _CHECK_BITS
    for bit in reversed(range(CODE_BYTES * 8)):
        if rest >> bit + _CHECK_BITS & 1:
            rest ^= _POLYNOMIAL << bit
    return rest
