"""Whether everything that must hold holds, after load and faults have ended. Pure.

Lists in, violations out, in the manner of Jepsen: each attempt to write is acknowledged (at an
offset, where the broker told one), unknown (it may be in the log, once) or failed (it must not
be). Everything is held against the ballot box itself and the pure ledger over it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise, zip_longest
from typing import Any, NamedTuple

from processors.ledger.decisions import decode
from processors.ledger.ledger import Ledger
from processors.results import results_document
from schemas.codec import Undecodable
from schemas.registry import newest
from schemas.words import COUNTS, OUTCOMES
from sinks.stretches import Stretch
from tests.faults.told import (
    Receipt,
    SignedLog,
    broken_logs,
    broken_receipts,
    of_booth,
    of_wrong_clocks,
)
from tests.faults.violations import Log, Violation, in_hex
from tests.sinks.ballots import CONSULTATION
from tests.sinks.published import published


SHOWN = 5
"""Violations of one kind that are spelled out; the others are counted."""
EFFECTS = frozenset(
    ("counted", "changed", "withdrawn", "proven", "qualified", "unqualified"))
"""Outcomes by which an event changes its voter's standing: each event does so once at most."""

_ADOPTION, _ANNOUNCEMENT = newest("RulesAdopted").header, newest("RulesAnnounced").header


class Outcome(StrEnum):
    """What its writer knows of an attempt."""

    ACKNOWLEDGED = "acknowledged"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Attempt(NamedTuple):
    """One attempt to write a record."""

    partition: int
    value: bytes | None
    outcome: Outcome
    offset: int | None = None
    """Where it lies, if the broker said so."""


class Observed(NamedTuple):
    """What a reader of the results showed after one flush."""

    vector: tuple[int, ...]
    totals: tuple[int, ...]
    """By the names of COUNTS, then participants."""


class ArchivedPartition(NamedTuple):
    """What the archive holds of a topic partition, and what the topic holds."""

    topic: str
    partition: int
    stretches: Sequence[Stretch]
    rows: int
    values: Log
    log: Log


@dataclass
class Evidence:
    """What is left after a seed."""

    attempts: list[Attempt]
    votes: list[Log]
    decisions: list[list[bytes]]
    """As they lie in the topic, strays and repeats included."""
    catalogue: Log
    observed: list[Observed]
    document: Mapping[str, Any] | None
    """What is published in the end."""
    recount_status: int
    recount_report: str
    archive: list[ArchivedPartition]
    adoptions: int = 0
    """How often the command that adopts rules 2 was begun: each run writes once a partition."""
    receipts: list[Receipt] = field(default_factory=list)
    strangers: int = 0
    """Votes over HTTP that may be in the log and that nobody can name."""
    signed: list[SignedLog] = field(default_factory=list)


def check(evidence: Evidence) -> list[Violation]:
    """Find everything that does not hold."""
    taken, found = accepted(evidence.decisions)
    pure, ledgers = undisturbed(evidence.votes)
    return [*few(
        *lost(evidence.attempts, evidence.votes), *_phantoms(evidence),
        *broken_receipts(evidence.receipts, evidence.strangers, evidence.votes),
        *of_wrong_clocks(evidence.receipts),
        *broken_logs(evidence.signed), *_adopted(evidence), *counted_twice(taken),
        *found,
        *compared(taken, pure), *_document(evidence, ledgers), *_recount(evidence),
        *_archive(evidence.archive), *_backwards(evidence.observed),
        *_at_vector(evidence.observed, evidence.votes))]


def few(*violations: Violation) -> Iterator[Violation]:
    """Spell out the first of each kind, and count the others."""
    seen: Counter[str] = Counter()
    for violation in violations:
        seen[violation.kind] += 1
        if seen[violation.kind] <= SHOWN:
            yield violation
    for kind, number in seen.items():
        if number > SHOWN:
            yield Violation(kind, f"... and {number - SHOWN} more")


# The ballot box


def lost(attempts: Sequence[Attempt], votes: Sequence[Log]) -> Iterator[Violation]:
    """Acknowledged, but not where it was acknowledged, or not there at all."""
    there = [Counter(log) for log in votes]
    acknowledged: Counter[tuple[int, bytes | None]] = Counter()
    for attempt in attempts:
        if attempt.outcome is not Outcome.ACKNOWLEDGED:
            continue
        acknowledged[attempt.partition, attempt.value] += 1
        log, offset = votes[attempt.partition], attempt.offset
        if offset is not None and (offset >= len(log) or log[offset] != attempt.value):
            yield Violation("acknowledged vote lost", (
                f"partition {attempt.partition} offset {offset} is not {in_hex(attempt.value)}"))
    for (partition, value), times in acknowledged.items():
        if there[partition][value] < times:
            yield Violation("acknowledged vote lost", (
                f"partition {partition}: {in_hex(value)} was acknowledged {times} times and is "
                f"there {there[partition][value]} times"))


def _phantoms(evidence: Evidence) -> Iterator[Violation]:
    """In the log more often than anybody can have written it."""
    possible = Counter((attempt.partition, attempt.value) for attempt in evidence.attempts
                       if attempt.outcome is not Outcome.FAILED)
    for partition, log in enumerate(evidence.votes):
        for value, times in Counter(log).items():
            if times > possible[partition, value] and not _adopts(value) and not of_booth(value):
                yield Violation("phantom", (
                    f"partition {partition}: {in_hex(value)} is there {times} times and was "
                    f"written {possible[partition, value]} times at the most"))


def _adopts(value: bytes | None) -> bool:
    """Whether a record adopts rules 2: the command's own, and no voter's."""
    return value is not None and value.startswith(_ADOPTION)


def _adopted(evidence: Evidence) -> Iterator[Violation]:
    """Rules 2 in every partition and announced, as often at most as the command was begun."""
    wanted, most = min(1, evidence.adoptions), evidence.adoptions
    places = {f"partition {partition}": sum(map(_adopts, log))
              for partition, log in enumerate(evidence.votes)}
    places["the announcement"] = sum(
        value is not None and value.startswith(_ANNOUNCEMENT) for value in evidence.catalogue)
    for place, times in places.items():
        if not wanted <= times <= most:
            yield Violation("not adopted" if times < wanted else "phantom", (
                f"{place}: rules 2 are there {times} times, the command ran {most} times"))


# The decisions


def accepted(decisions: list[list[bytes]]) -> tuple[list[list[bytes]], list[Violation]]:
    """Read decisions as everybody must: source offset = last + 1, a repeat has the same bytes."""
    read, found = [], []
    for partition, values in enumerate(decisions):
        taken: list[bytes] = []
        for value in values:
            try:
                offset = decode(value).source_offset
            except Undecodable as error:
                found.append(Violation("decision unreadable", f"partition {partition}: {error}"))
                continue
            if offset == len(taken):
                taken.append(value)
            elif offset < len(taken) and taken[offset] != value:
                found.append(Violation("decisions disagree", (
                    f"partition {partition} offset {offset} was decided in two ways")))
        read.append(taken)
    return read, found


def undisturbed(votes: list[Log]) -> tuple[list[list[bytes | None]], list[Ledger]]:
    """Decide the ballot box without any disturbance."""
    ledgers = [Ledger(partition, len(votes)) for partition in range(len(votes))]
    return [[ledger.decide(offset, value) for offset, value in enumerate(log)]
            for ledger, log in zip(ledgers, votes, strict=True)], ledgers


def counted_twice(decisions: list[list[bytes]]) -> Iterator[Violation]:
    """One event with an effect at two offsets."""
    first: dict[bytes, tuple[int, int]] = {}
    for partition, values in enumerate(decisions):
        for offset, value in enumerate(values):
            decision = decode(value)
            if OUTCOMES[decision.outcome] not in EFFECTS or decision.event_id is None:
                continue
            place = first.setdefault(decision.event_id, (partition, offset))
            if place != (partition, offset):
                yield Violation("counted twice", (
                    f"event {decision.event_id.hex()}: partition {place[0]} offset {place[1]} and "
                    f"partition {partition} offset {offset}"))


def compared(
    decisions: list[list[bytes]], pure: list[list[bytes | None]]
) -> Iterator[Violation]:
    """Compare byte for byte; the first difference of a partition says it."""
    for partition, (taken, decided) in enumerate(zip(decisions, pure, strict=True)):
        for offset, (is_there, must_be) in enumerate(zip_longest(taken, decided)):
            if is_there != must_be:
                yield Violation("decision differs", (
                    f"partition {partition} offset {offset}: {_described(is_there)}, the pure "
                    f"ledger decides {_described(must_be)}"))
                break


def _described(value: bytes | None) -> str:
    return "nothing" if value is None else str(decode(value).described())


# The results


def _document(evidence: Evidence, ledgers: list[Ledger]) -> Iterator[Violation]:
    """Compare the last document with the one the pure ledgers give."""
    if evidence.document is None:
        yield Violation("results differ", "nothing is published")
        return
    expected = published(ledgers, evidence.catalogue)
    for place, is_there, must_be in _differences("", evidence.document, expected):
        yield Violation("results differ", (
            f"{place} is {is_there!r}, the pure ledger gives {must_be!r}"))


def _differences(place: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """Walk two documents; yield the leaves that differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted({*one, *other}):
            yield from _differences(f"{place}.{name}", one.get(name), other.get(name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{place}[{number}]", left, right)
    elif one != other:
        yield place.removeprefix("."), one, other


def _recount(evidence: Evidence) -> Iterator[Violation]:
    if evidence.recount_status:
        yield Violation("recount differs", (
            f"scrutin audit recount ended with status {evidence.recount_status}: "
            f"{evidence.recount_report}"))


def _backwards(observed: list[Observed]) -> Iterator[Violation]:
    """A reader saw an offset, or the number of votes received, become less."""
    received = COUNTS.index("received")
    for before, after in pairwise(observed):
        if any(map(int.__lt__, after.vector, before.vector)):
            yield Violation("results went backwards", f"{after.vector} came after {before.vector}")
        elif after.totals[received] < before.totals[received]:
            yield Violation("results went backwards", (
                f"{after.totals[received]} received at {after.vector} came after "
                f"{before.totals[received]} at {before.vector}"))


def _at_vector(observed: list[Observed], votes: list[Log]) -> Iterator[Violation]:
    """Whatever a reader showed is what the pure ledger holds at that very vector."""
    ledgers = [Ledger(partition, len(votes)) for partition in range(len(votes))]
    for shown in observed:
        if any(last >= len(log) for last, log in zip(shown.vector, votes, strict=True)):
            yield Violation("results differ", f"{shown.vector} lies beyond the end of the votes")
            continue
        if any(last < ledger.last_offset
               for last, ledger in zip(shown.vector, ledgers, strict=True)):
            continue  # It went backwards, which is said already.
        for last, ledger, log in zip(shown.vector, ledgers, votes, strict=True):
            for offset in range(ledger.last_offset + 1, last + 1):
                ledger.decide(offset, log[offset])
        expected = totals_of(ledgers)
        if shown.totals != expected:
            yield Violation("results differ", (
                f"at {shown.vector} a reader showed {_named(shown.totals)}, the pure ledger holds "
                f"{_named(expected)}"))


def totals_of(ledgers: list[Ledger]) -> tuple[int, ...]:
    """Return the totals of the consultation as `Observed` has them."""
    counts = results_document.pooled(
        [tally for ledger in ledgers for (name, _), tally in ledger.tallies().items()
         if name == CONSULTATION] or [[0] * len(COUNTS)])
    participants = sum(ledger.participation(CONSULTATION).participants for ledger in ledgers)
    return (*counts, participants)


def _named(totals: Sequence[int]) -> dict[str, int]:
    return {name: number for name, number in zip(
        (*COUNTS, "participants"), totals, strict=True) if number}


# The archive


def _archive(archive: list[ArchivedPartition]) -> Iterator[Violation]:
    """The stretches of each partition tile [0, end), each record once and with its bytes."""
    for held in archive:
        place, end = f"{held.topic} partition {held.partition}", len(held.log)
        tiles = [Stretch(0, end - 1)] if end else []
        if list(held.stretches) != tiles:
            yield Violation("archive does not tile", (
                f"{place} ends at {end} and is archived as {[tuple(s) for s in held.stretches]}"))
        elif held.rows != end:
            yield Violation("archive does not tile", f"{place}: {held.rows} rows of {end} offsets")
        elif held.values != held.log:
            offset = next(offset for offset, (is_there, must_be) in enumerate(
                zip(held.values, held.log, strict=True)) if is_there != must_be)
            yield Violation("archive differs", f"{place} offset {offset} has other bytes")
