"""A ledger's whole state as bytes, and back. Pure.

Theory of operation: `freeze` copies a ledger between two batches; only its two large dictionaries
cost anything, some 20 ms a million votes, for their values never change in place. `body` gives
the bytes in slices, so that whoever writes them can go on deciding in between. A snapshot saves
the time of folding decisions and is never a source of truth: one that cannot be read, or was
written by another version of Python, under other words, rules or another layout, is ignored: its
bytes would mean something else. So is one under another key: marshal is made for one's own files,
and a voter counted in a file is counted in the results.

Format: MAGIC, two HMAC-SHA256 under the key of whoever writes and reads, of the header and of all
that follows, then values of Python's marshal, each behind its length in four bytes: the header, the
voters of each consultation and the votes in slices, each a dictionary, an empty one after the last.
By their lengths they are read whole: marshal asks a file for each number by itself, at five times
the CPU. The header has a digest of its own so that whoever looks for voters of a sealed
consultation reads no more than the header of a file of gigabytes.
"""

import functools
import hashlib
import hmac
import io
import marshal
import sys
from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from processors.ledger import rows, rules, rules_1, rules_2, settling, state
from processors.ledger.decisions import ControlKey
from processors.ledger.ledger import Ledger
from schemas import findings, words
from schemas.findings import restored


MAGIC = b"scrutin ledger snapshot 7\n"
LENGTH_BYTES = 4
SLICE_ENTRIES = 20_000
"""Entries encoded in one go: some 3 ms, so that deciding is not held up."""
_DIGEST_BYTES = 32
PREAMBLE_BYTES = len(MAGIC) + 2 * _DIGEST_BYTES
"""What stands before the body."""
BEGINNING_BYTES = PREAMBLE_BYTES + LENGTH_BYTES
"""After so many it is known where the header ends."""


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
    consultations = ledger.by_name.values()
    header = {name: getattr(ledger, name) for name in _COPIED} | {
        "decided": list(ledger.decided), "recent": list(ledger.recent),
        "keys": [tuple(key) for key in ledger.keys],
        "consultations": [
            (each.name, each.closed, each.sealed, each.control_ids, each.participants,
             each.participants_received, each.suspended, each.controls_after_closing,
             dict(each.voters_control_ids),
             {voter: found.copied() for voter, found in each.suspensions.items()},
             {voter: dict(pairs) for voter, pairs in each.refused_only.items()})
            for each in consultations
        ],
        "proposals": [(p.consultation.name, p.name, list(p.counts)) for p in ledger.by_number],
    }
    return Frozen(header, [dict(each.voters) for each in consultations], dict(ledger.votes))


def thaw(frozen: Frozen, first_keys: Container[object] = frozenset()) -> Ledger:
    """Make the ledger that was frozen; the snapshot is not to be used again."""
    ledger = Ledger(frozen.header["partition"], frozen.header["partitions"], first_keys)
    header = frozen.header
    for name in _COPIED:
        setattr(ledger, name, header[name])
    ledger.decided[:] = header["decided"]
    ledger.recent.extend(header["recent"])
    ledger.keys = tuple(ControlKey(*key) for key in header["keys"])
    for (name, *figures), voters in zip(header["consultations"], frozen.voters, strict=True):
        found = ledger.consultation(name)
        (found.closed, found.sealed, found.control_ids, found.participants,
         found.participants_received, found.suspended, found.controls_after_closing,
         found.voters_control_ids, suspensions, found.refused_only) = figures
        found.suspensions = {voter: restored(copied) for voter, copied in suspensions.items()}
        found.voters = voters
    for consultation, name, counts in header["proposals"]:
        ledger.proposal(consultation, name).counts = list(counts)
    ledger.votes = frozen.votes
    return ledger


_COPIED = ("partition", "partitions", "last_offset", "chain", "previous_chain", "genesis_chain",
           "ledger_version", "edition", "live_votes", "rules_ids")
"""What a copy holds as it is."""


@functools.cache
def meaning() -> bytes:
    """Return a digest of all that the bytes of a snapshot mean: words, rules and layout.

    Whoever adds a count, a reason or a rule changes it, without having to think of snapshots.
    """
    layout = (
        rows.IDS_AT, rows.IDS_END, rows.DIGEST_BYTES, rows.SHORT_DIGEST_BYTES,
        rows.REFUSED_DIGEST_BYTES,
        state.SUSPENDED_FLAG, state.RECEIVED_FLAG, state.REFUSED_ONLY_FLAG, state.HEAD_SHIFT,
        findings.FINDINGS_A_CAUSE_MOST, settling.REFUSED_ONLY_MAX,
        rules.LIVE_SHIFT, rules.COUNTED_SHIFT, rules_2.ROUTE_SHIFT, rules_2.SUSPENDED_BIT, _COPIED)
    vocabulary = [getattr(words, name) for name in (
        "CHOICES", "TRUSTS", "QUALIFICATIONS", "KINDS", "OUTCOMES", "REASONS", "SET_ASIDE",
        "SHOWN", "ROUTES", "REFUSALS", "CONTROL_ROLES", "DECIDED", "EVERY_COUNT")]
    described = repr((layout, vocabulary, sorted(rules_1.TRANSITIONS.items()),
                      rules_2.told()))
    return hashlib.sha256(described.encode()).digest()


def body(frozen: Frozen, *, decisions_offset: int, topic: str) -> Iterator[bytes]:
    """Yield everything behind the preamble, in slices.

    `decisions_offset` is the offset of the last decision in the decisions topic `topic`.
    """
    yield _written({
        **frozen.header, "decisions_offset": decisions_offset, "topic": topic,
        "python": sys.implementation.cache_tag, "meaning": meaning()})
    dictionaries: list[Mapping[bytes, Any]] = [*frozen.voters, frozen.votes]
    for entries in dictionaries:
        left = iter(entries.items())
        while part := dict(islice(left, SLICE_ENTRIES)):
            yield _written(part)
        yield _written({})


def _written(value: dict[Any, Any]) -> bytes:
    data = marshal.dumps(value)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _read(file: io.BytesIO) -> dict[Any, Any]:
    """Read the next value of our own file, whose keyed digest was compared."""
    length = int.from_bytes(file.read(LENGTH_BYTES), "big")
    value: dict[Any, Any] = marshal.loads(file.read(length))  # noqa: S302 -- see above
    return value


class Digests:
    """What a preamble says of a body: `update` with each slice, the header first."""

    def __init__(self, key: bytes) -> None:
        self._header = _keyed(key, b"header")
        self._whole = _keyed(key, b"whole")
        self._begun = False

    def update(self, part: bytes | memoryview) -> None:
        """Take the next slice."""
        self._whole.update(part)
        if not self._begun:
            self._header.update(part)
        self._begun = True

    def preamble(self) -> bytes:
        """Return what stands before the body."""
        return MAGIC + self._header.digest() + self._whole.digest()


def _keyed(key: bytes, of_what: bytes) -> hmac.HMAC:
    return hmac.new(key, of_what, hashlib.sha256)


def names_voters_of(header: Mapping[str, Any], consultations: Container[str]) -> bool:
    """Whether a copy holds what consultations had voters for, before they were sealed in it."""
    return any(name in consultations and not sealed
               for name, _, sealed, *_ in header["consultations"])


def header_end(beginning: bytes) -> int:
    """Say from the first BEGINNING_BYTES of a file how many its header ends after; or Unreadable.

    Nothing has vouched for them yet: whoever reads so many bounds them.
    """
    _require_ours(beginning)
    return BEGINNING_BYTES + int.from_bytes(beginning[PREAMBLE_BYTES:BEGINNING_BYTES], "big")


def header(data: bytes, key: bytes) -> dict[str, Any]:
    """Read the header of a file from its bytes up to there or further; raise Unreadable.

    The digest is compared before anything is interpreted.
    """
    end = header_end(data[:BEGINNING_BYTES])
    digests = Digests(key)
    digests.update(memoryview(data)[PREAMBLE_BYTES:end])
    _require_same(data[:PREAMBLE_BYTES - _DIGEST_BYTES], digests.preamble()[:-_DIGEST_BYTES])
    return _header(io.BytesIO(memoryview(data)[PREAMBLE_BYTES:end]))


def _require_ours(beginning: bytes) -> None:
    if not beginning.startswith(MAGIC) or len(beginning) < BEGINNING_BYTES:
        raise Unreadable("the file is none, or of another version")


def _require_same(written: bytes, computed: bytes) -> None:
    if not hmac.compare_digest(written, computed):
        raise Unreadable("the file is damaged, or was not written under the key of this folder")


def _header(file: io.BytesIO) -> dict[str, Any]:
    header: dict[str, Any] = _read(file)
    if header["python"] != sys.implementation.cache_tag:
        raise Unreadable(f"it was written by {header['python']}")
    if header["meaning"] != meaning():
        raise Unreadable("it was written under other words, rules or another layout")
    return header


def decoded(data: bytes, key: bytes) -> tuple[Frozen, int, str]:
    """Read a snapshot: (frozen ledger, offset of its last decision, decisions topic).

    Raises Unreadable. The digest is compared before anything is interpreted.
    """
    end, rest = header_end(data[:BEGINNING_BYTES]), memoryview(data)
    digests = Digests(key)
    digests.update(rest[PREAMBLE_BYTES:end])
    digests.update(rest[end:])
    _require_same(data[:PREAMBLE_BYTES], digests.preamble())
    file = io.BytesIO(rest[PREAMBLE_BYTES:])
    found = _header(file)
    voters = [_entries(file) for _ in found["consultations"]]
    votes = _entries(file)
    del found["python"], found["meaning"]
    return Frozen(found, voters, votes), found.pop("decisions_offset"), found.pop("topic")


def _entries(file: io.BytesIO) -> dict[bytes, Any]:
    entries: dict[bytes, Any] = {}
    while part := _read(file):
        entries.update(part)
    return entries
