"""Every record of a partition held against its leaf, by the hundred. Pure.

Theory of operation: nearly all records are ballots, whose consultation lies at a known place, so
the entry is read off without decoding. Where a decision says that the record could not be read, or
where the entry is another than the log's, the record is decoded: what it says then, holds.
"""

from hashlib import sha256

from processors.ledger.decisions import UNDECODABLE
from schemas.registry import HEADER_BYTES, UnknownSchema
from schemas.topics import MAX_BALLOT_BYTES
from sinks.ballots import PLACES, consultation_of
from sinks.bundle.faults import BundleFault, Unreadable
from sinks.bundle.logs import Leaves, entry_bytes
from sinks.transparency.hashing import HASH_BYTES
from sinks.transparency.tiles import WIDTH


class _LetGo:
    """Stands for a record that is not held."""


_LET_GO = _LetGo()
Held = bytes | _LetGo | None


class Followed:
    """The records of a partition, in order from offset 0 on."""

    def __init__(self, name: str, leaves: Leaves) -> None:
        self._name, self._leaves = name, leaves
        self._values: list[Held] = []
        self._entries: list[bytes] = []
        self._begin = 0
        """Offset of the first record that is held."""

    def see(self, values: list[bytes | None], decisions: list[bytes | None]) -> None:
        """Take the next records, and what is recorded as decided of each."""
        add, places = self._entries.append, PLACES
        for value, decision in zip(values, decisions, strict=True):
            at = value and places.get(value[:HEADER_BYTES])
            if value and at and decision and not decision.startswith(UNDECODABLE):
                name = value[at + 1:at + 1 + (value[at] >> 1)] if at < len(value) else b""
                add(name + b"\0" + sha256(value).digest())
            else:
                add(self._decoded(value))
        self._values += values
        while len(self._values) >= WIDTH:
            self._compare()
        self._let_go()

    def _let_go(self) -> None:
        """Hold no record that is longer than any ballot: what it gives is an entry for good."""
        for place, value in enumerate(self._values):
            if isinstance(value, bytes) and len(value) > MAX_BALLOT_BYTES:
                self._entries[place] = self._decoded(value)
                self._values[place] = _LET_GO

    def last(self, value: bytes | None) -> None:
        """Hold the next record, one that cannot be read, against its leaf by its hash alone."""
        place = len(self._values)
        piece = self._compare()
        if place >= len(piece) or piece[place][-HASH_BYTES:] != sha256(value or b"").digest():
            raise self._leaves.other(self._begin)

    def end(self) -> None:
        """Compare what is held."""
        if self._values:
            self._compare()

    def finish(self) -> None:
        """Compare what is left, and read the entries that no record was held against."""
        self.end()
        self._leaves.finish()

    def _compare(self) -> list[bytes]:
        """Compare the first records held with the next entries of the log; give these."""
        values, entries = self._values[:WIDTH], self._entries[:WIDTH]
        del self._values[:WIDTH], self._entries[:WIDTH]
        try:
            piece = self._leaves.next_piece(self._begin)
            if piece[:len(entries)] != entries:
                self._require_same(piece, values, entries)
        except BundleFault:
            self._values.clear()  # where something is wrong nothing behind it is compared
            self._entries.clear()
            raise
        self._begin += len(values)
        return piece

    def _require_same(
        self, piece: list[bytes], values: list[Held], entries: list[bytes]
    ) -> None:
        """Raise at the first record that is not the one in the log."""
        for place, (value, entry) in enumerate(zip(values, entries, strict=True)):
            if place >= len(piece) or (piece[place] != entry and (
                    isinstance(value, _LetGo) or piece[place] != self._decoded(value))):
                raise self._leaves.other(self._begin + place)

    def _decoded(self, value: bytes | None) -> bytes:
        """Return the entry of a record of any kind."""
        try:
            return entry_bytes(consultation_of(value).encode(), value)
        except UnknownSchema as error:
            raise Unreadable(self._name, str(error)) from error
