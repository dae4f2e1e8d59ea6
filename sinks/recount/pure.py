"""Recount (b): the ledger itself over the archived bytes, against the archived decisions.

Theory of operation: the ledger is a pure function of a partition's log, so what it decides now
must be, byte for byte, what was decided then. Archived decisions are accepted as every reader
does: source offset = last + 1, nothing else. Where bytes differ the decision's own chain tells
the layers apart: a chain that is not the hash of the archived votes means that these are not the
votes that were decided.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

from processors.ledger.alarms import LedgerStopped
from processors.ledger.decisions import Decision, decode
from processors.ledger.ledger import Ledger
from processors.results.results_document import Figures
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from sinks.catching_up import Say
from sinks.recount.faults import ArchiveLacks, ArchiveUnreadable
from sinks.recount.reading import Reading
from sinks.recount.summing import added, figures_of, summed


@dataclass(frozen=True)
class Difference:
    """The first votes offset of a partition where recomputed and archived decision differ."""

    partition: int
    source_offset: int
    recomputed: dict[str, Any]
    archived: dict[str, Any]
    chain_differs: bool
    """The archived votes up to here are not those that were decided."""


@dataclass
class PureRecount:
    """What the ledgers hold after the archived votes, and where decisions differ."""

    ledgers: list[Ledger]
    differences: list[Difference] = field(default_factory=list)
    """At most one of each partition: the first."""
    differing_decisions: int = 0

    def figures(self, consultation: str, *, also: set[str]) -> Figures:
        """Sum a consultation over partitions; proposals nothing was cast on only if in `also`."""
        return summed([figures_of(ledger, consultation, also=also) for ledger in self.ledgers])

    def decided(self) -> dict[str, int]:
        """Sum the records decided by outcome, of the whole log."""
        return added(ledger.decided_by_outcome() for ledger in self.ledgers)


def recount(reading: Reading, *, say: Say) -> PureRecount:
    """Decide every archived vote again, up to the vector."""
    partitions = len(reading.vector)
    found = PureRecount([Ledger(partition, partitions, reading.first_adoptions(partition))
                         for partition in range(partitions)])
    for ledger in found.ledgers:
        for _ in decisions(reading, ledger, found, say):
            pass
    return found


def decisions(
    reading: Reading, ledger: Ledger, found: PureRecount, say: Say
) -> Iterator[list[bytes]]:
    """Decide a partition again, piece by piece, noting what is not as archived."""
    archived = accepted(reading, ledger.partition)
    last = reading.vector[ledger.partition]
    for offsets, values in reading.votes(ledger.partition):
        made = decide_all(ledger, offsets, values)
        kept = [*islice(archived, len(made))]
        if made != kept:
            for offset, *both in zip_longest(offsets, made, kept):
                if both[0] != both[1]:
                    _note(found, ledger.partition, offset, both)
        yield made
        say(f"pure: partition {ledger.partition}, {ledger.last_offset + 1:,} of {last + 1:,}")


def decide_all(
    ledger: Ledger, offsets: Sequence[int], values: Sequence[bytes | None]
) -> list[bytes]:
    """Decide archived votes; raise RecountFailed where one is missing or the ledger stops."""
    made: list[bytes] = []
    for expected, offset in enumerate(offsets, ledger.last_offset + 1):
        if offset != expected:
            raise ArchiveLacks(f"archived votes partition {ledger.partition}: offset {expected} "
                               f"is missing before {offset}")
    try:
        ledger.decide_all(zip(offsets, values, strict=True), made)
    except UnknownSchema as error:
        raise ArchiveUnreadable(
            f"archived votes partition {ledger.partition} offset {ledger.last_offset + 1}: "
            f"{error}") from error
    except LedgerStopped as error:
        raise ArchiveUnreadable(str(error)) from error
    return made


def accepted(reading: Reading, partition: int) -> Iterator[bytes]:
    """Yield the archived decisions as a reader accepts them: source offset = last + 1."""
    expected = 0
    for piece in reading.decisions(partition):
        for source_offset, value in zip(piece.source_offsets, piece.values, strict=True):
            if source_offset == expected:
                expected += 1
                yield value


def _note(
    found: PureRecount, partition: int, offset: int, both: Sequence[bytes | None]
) -> None:
    """Keep the first difference of a partition, in words."""
    found.differing_decisions += 1
    if any(known.partition == partition for known in found.differences):
        return
    recomputed, archived = decode(both[0] or b""), _read(both[1], partition, offset)
    found.differences.append(Difference(
        partition, offset, recomputed.described(), archived.described(),
        chain_differs=archived.chain != recomputed.chain,
    ))


def _read(value: bytes | None, partition: int, offset: int) -> Decision:
    if value is None:
        raise ArchiveLacks(
            f"archived decisions partition {partition}: none is accepted for votes offset {offset}")
    try:
        return decode(value)
    except Undecodable as error:
        raise ArchiveUnreadable(
            f"archived decision of votes partition {partition} offset {offset}: {error}"
        ) from error


