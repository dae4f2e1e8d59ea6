"""The published state as its readers see it: whole flushes only, never going back.

Theory of operation: the results topic is compacted, one key a figure. The ideas worker writes
what changed, then the marker `ResultsPublished`; only with its marker is a flush consistent.
Records wait here, newest of each key, until their marker comes. A marker that lies below the
last applied one in any place (a zombie's, or of a worker that recovers) is dropped with its
records: the worker writes everything again every minute, so nothing stays missing. Every record
bears the vector it was computed at: one below what is shown or waits under its key, or beyond the
marker, is a stray (of a zombie that was frozen in the middle of writing) and is not shown. Records
bear the term of their worker's lease, too: once another worker has claimed it, what its predecessor
writes behind that claim is passed by, and what waits is dropped, for the new one writes everything.
A flush that knows more of the catalogue than was read here waits for the catalogue, and the
catalogue is applied no further than the flush knows it: one document, one moment. Values stay
encoded until somebody asks, so that catching up costs a dictionary store a record. Memory: one
value a key, once applied and at most once more waiting.

Pure: no I/O, no clock.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

from processors.guard.rule_changes import RuleChanges
from processors.results.catalogue import Catalogue
from schemas import codec
from schemas.leases import NO_TERM, Terms
from schemas.topics import FLUSH_KEY


STRAYS_MOST = 3
"""So many strays wait under one key, at most: each is of another worker that was lost."""
NO_OFFSET = -1
"""The catalogue offset held before any record."""


Vector = tuple[int, ...]
"""Offsets of the votes, the catalogue, participants; empty: not known, of an older version."""


class Versioned(NamedTuple):
    """A value, and the vector it was computed at."""

    value: bytes | None
    vector: Vector


def lower(one: Vector, other: Vector) -> bool:
    """Whether a vector lies below another one in any place, where both are known."""
    return one is not other and any(map(int.__lt__, one, other))


class ResultsUnreadable(Exception):
    """The results or the catalogue hold something this version cannot show; says what."""


class Figure(NamedTuple):
    """Name of one figure within a consultation: its kind (proposal, idea, ...) and identifier."""

    kind: str
    id: str


@dataclass(frozen=True)
class Flush:
    """A marker: what the applied figures hold up to."""

    offsets: tuple[int, ...]
    catalogue_offset: int
    participants_offset: int
    undecodable: int
    decided: dict[str, int]
    scores_version: str
    published_at: int

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "Flush":
        """Read the fields of a ResultsPublished; a later version may have more of them."""
        known = {name: fields[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "offsets": tuple(fields["offsets"])})

    def fields(self) -> dict[str, Any]:
        """Return the marker's fields by name."""
        return {**asdict(self), "offsets": list(self.offsets)}

    def below(self, other: "Flush") -> bool:
        """Whether this holds less than the other in any place."""
        if len(self.offsets) != len(other.offsets):
            raise ResultsUnreadable(
                f"the results change from {len(other.offsets)} to {len(self.offsets)} partitions: "
                "a new topic generation needs a new SCRUTIN_TOPIC_PREFIX"
            )
        return any(mine < theirs for mine, theirs in zip(self.vector, other.vector, strict=True))

    @property
    def vector(self) -> tuple[int, ...]:
        return (*self.offsets, self.catalogue_offset, self.participants_offset)


class Flushes:
    """Results and catalogue up to the last whole flush."""

    def __init__(self, generation: str = "") -> None:
        self.log = ""
        """Names the log by its generation and the first record of its catalogue, once that was
        read."""
        self._generation = generation
        self.applied: Flush | None = None
        """The last applied marker; None until the first one."""
        self.catalogue = Catalogue()
        """The catalogue as that flush knew it; everything read, before the first flush."""
        self.guard_rules = RuleChanges()
        """The guard's rules as that catalogue has them."""
        self.version = 0
        """Moves with every change of what is shown."""
        self._watchers: list[Callable[[], None]] = []
        self._values: dict[str, dict[Figure, bytes]] = {}
        """Of each consultation, what was stored last comes last."""
        self._stored: Counter[str] = Counter()
        self._described: Counter[str] = Counter()
        self._pending: dict[bytes, tuple[Versioned, ...]] = {}
        """What waits for a marker; of a key those of higher vectors too, which came before."""
        self._complete: tuple[dict[bytes, Versioned], Flush] | None = None
        self._vectors: dict[bytes, Vector] = {}
        """Vectors of the values shown."""
        self._terms = Terms()
        self._catalogue_ahead: deque[tuple[int, str, dict[str, Any], bytes | None]] = deque()
        self._catalogue_read = NO_OFFSET

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call the watcher after every change of what is shown."""
        self._watchers.append(watcher)

    def receive_claim(self, offset: int) -> None:
        """Take the next record of the results topic, a claim: another worker publishes now."""
        self._terms.claimed(offset)
        self._pending.clear()

    def receive_result(
        self, key: bytes | None, value: bytes | None, vector: Vector = (), term: int = NO_TERM
    ) -> None:
        """Take the next record of the results topic, and the vector and term it bears, if any."""
        if key is None:
            raise ResultsUnreadable("a record of the results topic has no key")
        if not self._terms.takes(term):
            return
        if key == FLUSH_KEY:
            if value is not None:
                self._close_flush(value)
            return
        above = [waiting for waiting in self._pending.get(key, ())
                 if lower(vector, waiting.vector)]
        self._pending[key] = (Versioned(value, vector), *above[:STRAYS_MOST])

    def receive_catalogue(self, offset: int, value: bytes | None) -> None:
        """Take the next record of the catalogue topic."""
        if offset == 0 and value is not None:
            self.log = hashlib.sha256(self._generation.encode() + b"\0" + value).hexdigest()
        try:
            event, fields = codec.decode(value)
        except codec.Undecodable:
            # Nobody can apply it; the catalogue's writers are ours and the archive keeps it.
            self._catalogue_read = offset
        else:
            self._catalogue_ahead.append((offset, event, fields, value))
            self._catalogue_read = offset
        self._advance()

    def consultations(self) -> list[str]:
        """Identifiers of the consultations that are described or have results, sorted."""
        return sorted({*self.catalogue.consultations, *self._values})

    def knows(self, consultation: str) -> bool:
        """Whether a consultation is one of them."""
        return consultation in self._values or consultation in self.catalogue.consultations

    def figures(self, consultation: str) -> dict[Figure, bytes]:
        """Encoded figures of a consultation by name; not to be changed by the caller."""
        return self._values.get(consultation, {})

    def stored(self, consultation: str) -> int:
        """Count the figures of a consultation that were ever stored, to ask for `newer` ones."""
        return self._stored[consultation]

    def newer(self, consultation: str, stored: int) -> list[Figure]:
        """Name the figures stored since that count was `stored`; others perhaps, too."""
        return [*islice(reversed(self.figures(consultation)),
                        self._stored[consultation] - stored)]

    def described(self, consultation: str) -> int:
        """Count the events of the catalogue about a consultation, as far as they are applied."""
        return self._described[consultation]

    def _close_flush(self, value: bytes) -> None:
        event, fields = codec.decode(value)
        if event != "ResultsPublished":
            raise ResultsUnreadable(f"the flush key holds {event}, not ResultsPublished")
        flush = Flush.of(fields)
        records = self._taken(flush.vector)
        newest = self._complete[1] if self._complete else self.applied
        if newest is not None and flush.below(newest):
            return
        waiting = self._complete[0] if self._complete else {}
        self._complete = ({**waiting, **{
            key: record for key, record in records.items()
            if key not in waiting or not lower(record.vector, waiting[key].vector)}}, flush)
        self._advance()

    def _taken(self, vector: Vector) -> dict[bytes, Versioned]:
        """Take what waits and is not beyond a vector, of each key the furthest."""
        taken: dict[bytes, Versioned] = {}
        beyond: dict[bytes, tuple[Versioned, ...]] = {}
        for key, waiting in self._pending.items():
            for record in waiting:
                if lower(vector, record.vector):
                    beyond[key] = (*beyond.get(key, ()), record)
                elif key not in taken or not lower(record.vector, taken[key].vector):
                    taken[key] = record
        self._pending = beyond
        return taken

    def _advance(self) -> None:
        """Apply the complete flush when the catalogue reaches it, then the catalogue up to it."""
        before = self.version
        if self._complete and self._complete[1].catalogue_offset <= self._catalogue_read:
            records, self.applied = self._complete
            self._complete = None
            for key, record in records.items():
                if not lower(record.vector, self._vectors.get(key, ())):
                    self._vectors[key] = record.vector
                    self._store(key, record.value)
            self.version += 1
        while self._catalogue_ahead and self._may_apply(self._catalogue_ahead[0][0]):
            offset, event, fields, value = self._catalogue_ahead.popleft()
            self.guard_rules.follow(offset, event, fields, value)
            name = self.catalogue.apply(event, fields, offset, value)
            if name is not None:
                self._described[name] += 1
            self.version += 1
        if self.version != before:
            for watcher in self._watchers:
                watcher()

    def _may_apply(self, catalogue_offset: int) -> bool:
        if self.applied is None:
            return self._complete is None
        return catalogue_offset <= self.applied.catalogue_offset

    def _store(self, key: bytes, value: bytes | None) -> None:
        consultation, kind, identifier = _split(key)
        figures, name = self._values.setdefault(consultation, {}), Figure(kind, identifier)
        if figures.get(name) == value is not None:
            return  # Written again, so that no stale copy stays.
        figures.pop(name, None)
        if value is None:
            # Nobody takes a figure back; if somebody did, all others would be looked at again.
            self._stored[consultation] += len(figures)
            return
        codec.schema_of(value)
        figures[name] = value
        self._stored[consultation] += 1


def _split(key: bytes) -> tuple[str, str, str]:
    try:
        consultation, kind, *rest = key.decode().split("\0", 2)
    except (UnicodeDecodeError, ValueError):
        raise ResultsUnreadable(f"a record of the results topic has the key {key!r}") from None
    return consultation, kind, rest[0] if rest else ""
