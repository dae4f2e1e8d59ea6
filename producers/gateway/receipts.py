"""Receipts: what a voter keeps of a vote, signed by the gateway, checked by anybody. Pure.

Theory of operation: an Ed25519 signature costs as much as the rest of a vote together, and votes
are acknowledged by the broker in batches of neighbouring offsets. So one signature covers a
batch: it signs the topic, the partition, the first offset, and the root of a Merkle tree
(RFC 6962 hashing) over the events as they lie in the log. Each receipt carries the event itself
and the path from it to the root; its place in the tree is its offset less the first one. What is
signed says too how long after the event's own time a checkpoint may take to cover it. A receipt
names its key by the first bytes of the key's hash: the signature holds under that key alone, so the
name need not be signed, and releases that know no names check the same bytes.
"""

import binascii
import functools
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.named_keys import key_id


HEAD = b"scrutin receipt v1\n"
"""Signed before everything else: the key signs nothing but receipts."""
INCLUSION_SECONDS = 3_600
"""The promise: so long after the vote at most, a signed checkpoint covers it. One takes seconds; an
hour is time to start a notary again, and short enough for a voter to come back and look."""

_LEAF = b"\0"
_NODE = b"\1"


@dataclass(slots=True)
class Batch:
    """Events that the broker acknowledged together; sealed for the first receipt."""

    topic: str
    partition: int
    first_offset: int
    values: Sequence[bytes]
    sealed: "SealedBatch | None" = None

    def seal(self, key: Ed25519PrivateKey) -> "SealedBatch":
        """Sign the batch, once."""
        if self.sealed is None:
            self.sealed = _sealed(key, self)
        return self.sealed


@dataclass(frozen=True)
class SealedBatch:
    """A batch with its tree and signature."""

    levels: list[list[bytes]]
    signature: bytes
    signature_base64: str
    key: str
    """Names the key that signed."""

    @property
    def size(self) -> int:
        return len(self.levels[0])

    def path(self, index: int) -> list[bytes]:
        """Return the hashes that lead from a leaf to the root, from below."""
        found = []
        for level in self.levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                found.append(level[sibling])
            index >>= 1
        return found


def tree(values: Sequence[bytes]) -> list[list[bytes]]:
    """Return the levels of the Merkle tree over values (RFC 6962), from the leaves to the root."""
    levels = [[hashlib.sha256(_LEAF + value).digest() for value in values]]
    while len(levels[-1]) > 1:
        levels.append(_level_above(levels[-1]))
    return levels


def _sealed(key: Ed25519PrivateKey, batch: Batch) -> SealedBatch:
    levels = tree(batch.values)
    size = len(batch.values)
    statement = _statement(
        batch.topic, batch.partition, batch.first_offset, size, levels[-1][0], INCLUSION_SECONDS)
    signature = key.sign(statement)
    return SealedBatch(levels, signature, base64_of(signature), _id_of(key))


@functools.lru_cache(maxsize=16)  # more keys than a folder holds, and none is asked for anew
def _id_of(key: Ed25519PrivateKey) -> str:
    return key_id(key.public_key().public_bytes_raw())


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    """Join neighbours; a last one alone rises as it is (which gives RFC 6962's tree)."""
    joined = [
        hashlib.sha256(_NODE + level[at] + level[at + 1]).digest()
        for at in range(0, len(level) - 1, 2)
    ]
    return joined if len(level) % 2 == 0 else [*joined, level[-1]]


def _statement(
    topic: str, partition: int, first_offset: int, size: int, root: bytes, inclusion_seconds: int,
) -> bytes:
    place = struct.pack(">IQII", partition, first_offset, size, inclusion_seconds)
    return HEAD + topic.encode() + b"\n" + place + root


def is_signed(  # noqa: PLR0913 -- the parts of a receipt, each by its name
    public: bytes, *, topic: str, partition: int, offset: int, event: bytes, first_offset: int,
    size: int, path: Sequence[bytes], inclusion_seconds: int, signature: bytes,
) -> bool:
    """Whether the key signed that an event lies at an offset."""
    index = offset - first_offset
    if not 0 <= index < size:
        return False
    root = _root_of(hashlib.sha256(_LEAF + event).digest(), index, size, path)
    if root is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            signature,
            _statement(topic, partition, first_offset, size, root, inclusion_seconds))
    except (InvalidSignature, ValueError, struct.error):
        return False
    return True


def _root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Climb from a leaf to the root; None where the path has another length than the tree."""
    at, found = 0, leaf
    while size > 1:
        if index ^ 1 < size:
            if at == len(path):
                return None
            sibling, at = path[at], at + 1
            pair = sibling + found if index & 1 else found + sibling
            found = hashlib.sha256(_NODE + pair).digest()
        index, size = index >> 1, size + 1 >> 1
    return found if at == len(path) else None


def base64_of(raw: bytes) -> str:
    """Write bytes as they stand in a receipt."""
    return binascii.b2a_base64(raw, newline=False).decode()
