"""What the patrol reads, and up to where: votes, networks, the catalogue. Pure.

Theory of operation: a judgement reads what lies after one cut and up to the next. A cut names the
last offset of each votes partition, of the networks and of the catalogue; so the same log gives the
same batch, however it was fetched. Votes and catalogue must be whole; networks may be lost, for
they are kept for a fortnight and nobody waits for them. The catalogue's end is to be asked after
those of the votes: a vote on a proposal that is not known yet is left out.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import decoder
from schemas.registry import HEADER_BYTES, UnknownSchema, headers, versions
from schemas.topics import MAX_BALLOT_BYTES
from schemas.words import ORIGINS, SHOWN, TRUSTS


TRUSTED = TRUSTS.index("trusted")
SERVED = SHOWN.index("served")
EXEMPT = frozenset(ORIGINS.index(name) for name in ("import", "simulation", "operator"))
"""Whoever writes these answers for them: they enter no group."""
UNKNOWN_PAUSE = 15
IDENTIFIER_BYTES = 16
NOT_CHALLENGED, ASKED, SOLVED, WAITED = range(4)
"""What the door asked of the device of an event, or what the event answers."""
BLOCK_AT, CHALLENGED_AT = IDENTIFIER_BYTES, 2 * IDENTIFIER_BYTES
"""Where block and challenge stand behind a network, in what was seen of an event; nowhere, for
records of version 1."""

_WANTED = ("event_id", "voter", "choice", "trust", "origin", "shown", "pause",
           ("consultation", "proposal"))
TRUST, SPAN = 3, 7
"""Where these stand in what is wanted of a vote."""
_VOTES = {header: (decode, HEADER_BYTES + sum(
    field["type"].get("size", 1) if isinstance(field["type"], dict) else
    IDENTIFIER_BYTES if field["type"] == "Identifier" else 1
    for field in takewhile(lambda field: field["name"] != "consultation", schema.fields)))
    for schema in versions("VoteCast") for header, decode in [
        (schema.header, decoder("VoteCast", *_WANTED, version=schema.version))]}
"""By header: what reads a vote, and where its names begin."""
_NETWORKS = headers("NetworksSeen")
_RAISED = headers("ChallengeRaised")
_ALONE = versions("NetworksSeen")[0].header
"""Of records that name networks and nothing else."""
Value = bytes | None


Vote = tuple[int, int, int, int, tuple[Any, ...]]
"""When, partition, offset and partner of a trusted vote; and what else is wanted of it."""


class Described(NamedTuple):
    """A record of the catalogue: its event, its fields, and itself."""

    event: str
    fields: dict[str, Any]
    value: bytes
    offset: int


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
        self.casts: list[Vote] = []
        self.suspect: list[Vote] = []
        """Votes that do not count, but for those whose voters the door asked something of."""
        self.networks: dict[bytes, bytes] = {}
        """What was seen of each event: its network; block and challenge, where they are known."""
        self.catalogue: list[Described] = []
        self.latest = 0
        """The latest instant of a trusted vote."""
        self._votes_read = list(after.votes)
        self._networks_read, self._catalogue_read = after.networks, after.catalogue
        self._of_votes = [_Digest() for _ in after.votes]
        self._of_networks, self._of_catalogue = _Digest(), _Digest()

    def add_votes(self, partition: int, records: Iterable[tuple[int, Value]]) -> None:
        """Add records of a votes partition: offset and value of each; straight, for all pass here.

        Instant and partner behind the names are nearly always six bytes and one, which are taken
        apart at once: byte by byte they would cost more than all the rest of the vote.
        """
        read, until = self._votes_read[partition], self.until.votes[partition]
        taken = [record for record in records if read < record[0] <= until]
        offsets = [offset for offset, _ in taken]
        if offsets != list(range(read + 1, read + 1 + len(taken))):
            raise Incomplete(f"votes partition {partition}: {offsets[0]} to {offsets[-1]}, "
                             f"of which {len(offsets)} are there, came after {read}")
        self._votes_read[partition] = read + len(taken)
        self._of_votes[partition].add([value or b"" for _, value in taken])
        trusted, suspect = self.casts.append, self.suspect.append
        tables, from_bytes = _VOTES, int.from_bytes
        for offset, value in taken:
            table = tables.get(value[:HEADER_BYTES]) if value else None
            if table is None or value is None or len(value) > MAX_BALLOT_BYTES:
                continue
            decode, span_at = table
            try:
                found = decode(value)
            except Undecodable:
                continue  # The ledger refuses it.
            cast = trusted if found[TRUST] == TRUSTED else suspect
            at = span_at + len(found[SPAN])
            whole = from_bytes(value[at:at + 7], "little")
            if whole & _USUAL_ENDS == _USUAL_BITS and len(value) > at + 6:
                number = (whole & 0x7F | whole >> 1 & 0x3F80 | whole >> 2 & 0x1F_C000
                          | whole >> 3 & 0xFE0_0000 | whole >> 4 & 0x7_F000_0000
                          | whole >> 5 & 0x3F8_0000_0000)
                cast((number >> 1, partition, offset, whole >> 49, found))
            else:
                time, at = _number(value, at)
                via = _number(value, at)[0] if at < len(value) else 0
                cast((time, partition, offset, via, found))

    def add_networks(self, records: Iterable[tuple[int, Value]]) -> None:
        """Add records of the networks topic; there may be holes."""
        for offset, given in records:
            if not self._networks_read < offset <= self.until.networks:
                continue
            self._networks_read, value = offset, given or b""
            if value[:HEADER_BYTES] in _RAISED:
                continue  # The patrol's own word to the door.
            self._of_networks.add([offset.to_bytes(8, "big"), value])
            self.networks.update(networks_in(value))

    def add_catalogue(self, records: Iterable[tuple[int, Value]]) -> None:
        """Add records of the catalogue."""
        for offset, given in records:
            if not self._catalogue_read < offset <= self.until.catalogue:
                continue
            if offset != self._catalogue_read + 1:
                raise Incomplete(f"catalogue: {offset} came after {self._catalogue_read}")
            self._catalogue_read, value = offset, given or b""
            self._of_catalogue.add([value])
            try:
                self.catalogue.append(Described(*codec.decode(value), value, offset))
            except (Undecodable, UnknownSchema):
                continue  # Nothing that the patrol reads.

    def ordered(self) -> Sequence[Vote]:
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


class _Digest:
    """SHA-256 of values one after another and of their lengths, however many come at once."""

    def __init__(self) -> None:
        self._values, self._lengths = hashlib.sha256(), hashlib.sha256()

    def add(self, values: list[bytes]) -> None:
        """Add values."""
        self._values.update(b"".join(values))
        self._lengths.update(struct.pack(f">{len(values)}I", *map(len, values)))

    def digest(self) -> bytes:
        """Return both, joined."""
        return self._values.digest() + self._lengths.digest()


def _joined(digests: Iterable[_Digest]) -> bytes:
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).digest()


_USUAL_ENDS, _USUAL_BITS = 0x81_8080_8080_8081, 0x00_0080_8080_8080
"""Which bits say where numbers end, and the signs; and those of six bytes and one, not negative."""


def _number(value: bytes, at: int) -> tuple[int, int]:
    """Read an Avro number; return it and where it ends."""
    number, shift = value[at] & 127, 7
    while value[at] > 127:
        at += 1
        number |= (value[at] & 127) << shift
        shift += 7
    return number >> 1 ^ -(number & 1), at + 1


def networks_in(value: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Read what was seen of each event in a record of the networks topic; nothing of any other.

    Lists of fixed identifiers and of words have one encoding, which is sliced: a generic reader
    would take longer over where a vote came from than everything else over the vote. A record
    whose lists differ in length says no blocks and challenges.
    """
    if value[:HEADER_BYTES] not in _NETWORKS:
        return ()
    try:
        events, at = _identifiers(value, HEADER_BYTES)
        networks, at = _identifiers(value, at)
    except IndexError:
        return ()
    if value[:HEADER_BYTES] != _ALONE:
        networks = _with_more(value, at, networks)
    return zip(events, networks, strict=False)


def _with_more(value: bytes, at: int, networks: list[bytes]) -> list[bytes]:
    """Join each network with its block and with what the door asked."""
    try:
        _, at = _number(value, at)
        count, begin = _number(value, at)
        at = begin + count
        if count < 0 or (count and value[at]):
            return networks
        blocks, _ = _identifiers(value, at + (count > 0))
    except IndexError:
        return networks
    # One byte a word, twice its index.
    challenged = value[begin:at].translate(_HALVES)
    if not len(networks) == len(blocks) == len(challenged):
        return networks
    return [network + block + challenged[place:place + 1] for place, (network, block) in enumerate(
        zip(networks, blocks, strict=True))]


_HALVES = bytes(number >> 1 for number in range(256))


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
