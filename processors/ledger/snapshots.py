"""A ledger's whole state as bytes, and back. Pure.

Theory of operation: `freeze` copies a ledger between two batches; only its two large dictionaries
cost anything, some 20 ms a million votes, for their values never change in place. `body` gives
the bytes in slices, so that whoever writes them can go on deciding in between. A snapshot saves
the time of folding decisions and is never a source of truth: one that cannot be read, or was
written by another version of Python or of this module, is ignored. So is one under another key:
marshal is made for one's own files, and a voter counted in a file is counted in the results.

Format: MAGIC, HMAC-SHA256 of all that follows under the key of whoever writes and reads, then
values of Python's marshal: the header, the voters of each consultation and the votes in slices,
each a dictionary, an empty one after the last.
"""

import hashlib
import hmac
import io
import marshal
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from processors.ledger.ledger import Ledger


MAGIC = b"scrutin ledger snapshot 4\n"
SLICE_ENTRIES = 20_000
"""Entries encoded in one go: some 3 ms, so that deciding is not held up."""
PREAMBLE_BYTES = len(MAGIC) + 32
"""What stands before the body."""


class Unreadable(Exception):
    """These bytes are no snapshot that this version can read."""


class Frozen(NamedTuple):
    """A ledger as it stood after its last decision."""

    header: dict[str, Any]
    voters: list[dict[bytes, int]]
    """By consultation, in the order of the header."""
    votes: dict[bytes, bytes]

    @property
    def last_offset(self) -> int:
        """Last votes offset decided."""
        return int(self.header["last_offset"])

    @property
    def last_decision(self) -> bytes:
        """The bytes of the decision of `last_offset`."""
        return bytes(self.header["recent"][-1])


def freeze(ledger: Ledger) -> Frozen:
    """Copy a ledger that has decided something."""
    return Frozen(*ledger.copied())


def thaw(frozen: Frozen) -> Ledger:
    """Make the ledger that was frozen; the snapshot is not to be used again."""
    ledger = Ledger(frozen.header["partition"], frozen.header["partitions"])
    ledger.restore(*frozen)
    return ledger


def body(frozen: Frozen, *, decisions_offset: int, topic: str) -> Iterator[bytes]:
    """Give everything behind the preamble, in slices.

    `decisions_offset` is the offset of the last decision in the decisions topic `topic`.
    """
    yield marshal.dumps({
        **frozen.header, "decisions_offset": decisions_offset, "topic": topic,
        "python": sys.implementation.cache_tag})
    dictionaries: list[Mapping[bytes, Any]] = [*frozen.voters, frozen.votes]
    for entries in dictionaries:
        left = iter(entries.items())
        while part := dict(islice(left, SLICE_ENTRIES)):
            yield marshal.dumps(part)
        yield marshal.dumps({})


def keyed(key: bytes) -> hmac.HMAC:
    """Begin the digest of a body; `update` it with each slice."""
    return hmac.new(key, digestmod=hashlib.sha256)


def preamble(digest: bytes) -> bytes:
    """Give what stands before a body with this keyed digest."""
    return MAGIC + digest


def decoded(data: bytes, key: bytes) -> tuple[Frozen, int, str]:
    """Read a snapshot: (frozen ledger, offset of its last decision, decisions topic).

    Raises Unreadable. The digest is compared before anything is interpreted.
    """
    rest = memoryview(data)[PREAMBLE_BYTES:]
    if not data.startswith(MAGIC):
        raise Unreadable("the file is none, or of another version")
    digest = keyed(key)
    digest.update(rest)
    if not hmac.compare_digest(data[len(MAGIC):PREAMBLE_BYTES], digest.digest()):
        raise Unreadable("the file is damaged, or was not written under the key of this folder")
    file = io.BytesIO(rest)
    header = marshal.load(file)  # noqa: S302 -- our own file, its keyed digest compared
    if header["python"] != sys.implementation.cache_tag:
        raise Unreadable(f"it was written by {header['python']}")
    voters = [_entries(file) for _ in header["consultations"]]
    votes = _entries(file)
    del header["python"]
    return Frozen(header, voters, votes), header.pop("decisions_offset"), header.pop("topic")


def _entries(file: io.BytesIO) -> dict[bytes, Any]:
    entries: dict[bytes, Any] = {}
    while part := marshal.load(file):  # noqa: S302 -- our own file, its keyed digest compared
        entries.update(part)
    return entries
