"""What the patrol reads, and up to where: votes, networks, the catalogue. Pure.

Theory of operation: a judgement reads what lies after one cut and up to the next. A cut names the
last offset of each votes partition, of the networks and of the catalogue; so the same log gives the
same batch, however it was fetched. Votes and catalogue must be whole; networks may be lost, for
they are kept for a fortnight and nobody waits for them. The catalogue's end is to be asked after
those of the votes: a vote on a proposal that is not known yet is left out.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import decoders
from schemas.registry import HEADER_BYTES, UnknownSchema, headers
from schemas.topics import MAX_BALLOT_BYTES
from schemas.words import ORIGINS, SHOWN, TRUSTS


TRUSTED = TRUSTS.index("trusted")
SERVED = SHOWN.index("served")
EXEMPT = frozenset(ORIGINS.index(name) for name in ("import", "simulation", "operator"))
"""Whoever writes these answers for them: they enter no group."""
UNKNOWN_PAUSE = 15
IDENTIFIER_BYTES = 16
NO_CHALLENGE, ASKED, SOLVED = range(3)
"""Whether a voter was given work before a first vote, and did it."""

_VOTES = decoders("VoteCast", "event_id", "voter", "choice", "trust", "origin", "shown", "pause",
                  ("consultation", "proposal"), "occurred_at", "via")
_NETWORKS = headers("NetworksSeen")
Value = bytes | None


class Cast(NamedTuple):
    """A vote as it is read; enums by their index."""

    event_id: bytes
    voter: bytes
    choice: int
    trust: int
    origin: int
    shown: int
    pause: int
    span: bytes
    """Consultation and proposal as they stand in the event."""
    occurred_at: int
    via: int


class Cut(NamedTuple):
    """The last offset of each partition that was read; -1 where nothing was."""

    votes: tuple[int, ...]
    networks: int
    catalogue: int


def beginning(partitions: int) -> Cut:
    """Return the cut before everything."""
    return Cut((-1,) * partitions, -1, -1)


class Incomplete(Exception):
    """A batch lacks records that lie between its cuts, or has them out of order."""


class Batch:
    """The records between two cuts; add them by partition in order of their offsets.

    Records up to the earlier cut, and after the later one, are passed over: whoever fetches may
    give more than was asked for, and gives it again for the next batch.
    """

    def __init__(self, after: Cut, until: Cut) -> None:
        if len(after.votes) != len(until.votes) or any(
                later < earlier for earlier, later in zip(
                    (*after.votes, *after[1:]), (*until.votes, *until[1:]), strict=True)):
            raise Incomplete(f"{until} does not come after {after}")
        self.after, self.until = after, until
        self.casts: list[tuple[int, int, int, tuple[Any, ...]]] = []
        """When, partition and offset of each trusted vote, with what it says."""
        self.networks: dict[bytes, bytes] = {}
        """Network of each event."""
        self.catalogue: list[tuple[str, dict[str, Any]]] = []
        self.latest = 0
        """The latest instant of a trusted vote."""
        self._votes_read = list(after.votes)
        self._networks_read, self._catalogue_read = after.networks, after.catalogue
        self._of_votes = [hashlib.sha256() for _ in after.votes]
        self._of_networks, self._of_catalogue = hashlib.sha256(), hashlib.sha256()

    def add_votes(self, partition: int, records: Iterable[tuple[int, Value]]) -> None:
        """Add records of a votes partition: offset and value of each."""
        read, until = self._votes_read[partition], self.until.votes[partition]
        update, cast, tables = self._of_votes[partition].update, self.casts.append, _VOTES
        for offset, given in records:
            if not read < offset <= until:
                continue
            if offset != read + 1:
                raise Incomplete(f"votes partition {partition}: {offset} came after {read}")
            read, value = offset, given or b""
            update(b"%d " % len(value) + value)
            decode = tables.get(value[:HEADER_BYTES])
            if decode is None or len(value) > MAX_BALLOT_BYTES:
                continue
            try:
                found = decode(value)
            except Undecodable:
                continue  # The ledger refuses it.
            if found[3] == TRUSTED:
                cast((found[8], partition, offset, found))
        self._votes_read[partition] = read

    def add_networks(self, records: Iterable[tuple[int, Value]]) -> None:
        """Add records of the networks topic; there may be holes."""
        for offset, given in records:
            if not self._networks_read < offset <= self.until.networks:
                continue
            self._networks_read, value = offset, given or b""
            self._of_networks.update(b"%d %d " % (offset, len(value)) + value)
            self.networks.update(networks_in(value))

    def add_catalogue(self, records: Iterable[tuple[int, Value]]) -> None:
        """Add records of the catalogue."""
        for offset, given in records:
            if not self._catalogue_read < offset <= self.until.catalogue:
                continue
            if offset != self._catalogue_read + 1:
                raise Incomplete(f"catalogue: {offset} came after {self._catalogue_read}")
            self._catalogue_read, value = offset, given or b""
            self._of_catalogue.update(b"%d " % len(value) + value)
            try:
                self.catalogue.append(codec.decode(value))
            except (Undecodable, UnknownSchema):
                continue  # Nothing that the patrol reads.

    def ordered(self) -> Sequence[tuple[int, int, int, tuple[Any, ...]]]:
        """Return the votes by instant, partition and offset; Incomplete where one is missing."""
        if (*self._votes_read, self._catalogue_read) != (*self.until.votes, self.until.catalogue):
            raise Incomplete(
                f"read up to {self._votes_read} and {self._catalogue_read} of {self.until}")
        self.casts.sort()
        self.latest = self.casts[-1][0] if self.casts else 0
        return self.casts

    def votes_digest(self) -> bytes:
        """Return SHA-256 over the votes and the catalogue that were read."""
        return _joined((*self._of_votes, self._of_catalogue))

    def networks_digest(self) -> bytes:
        """Return SHA-256 over the networks that were read; after a fortnight nobody has them."""
        return _joined((self._of_networks,))


def _joined(digests: Iterable[Any]) -> bytes:
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).digest()


def networks_in(value: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Read event and network of each in a record of the networks topic; nothing of any other.

    Two lists of fixed identifiers have one encoding, which is sliced: a generic reader would take
    longer over where a vote came from than everything else over the vote.
    """
    if value[:HEADER_BYTES] not in _NETWORKS:
        return ()
    try:
        events, at = _identifiers(value, HEADER_BYTES)
        networks, _ = _identifiers(value, at)
    except IndexError:
        return ()
    return zip(events, networks, strict=False)


def _identifiers(value: bytes, at: int) -> tuple[list[bytes], int]:
    """Read a list of identifiers; return it and where it ends."""
    count, shift = 0, 0
    while value[at] > 127:
        count |= (value[at] & 127) << shift
        at, shift = at + 1, shift + 7
    count, at = (count | value[at] << shift) >> 1, at + 1
    if not count:
        return [], at
    end = at + count * IDENTIFIER_BYTES
    if value[end]:
        raise IndexError("the list goes on in another block")
    return [value[place:place + IDENTIFIER_BYTES]
            for place in range(at, end, IDENTIFIER_BYTES)], end + 1
