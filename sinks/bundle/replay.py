"""The ledger over the votes of one partition again, in bounded memory. Pure.

Theory of operation: what the ledger decides of a voter's event depends on that voter's events and
on controls alone. So a partition too large for memory is gone through several times, each time for
the voters of one share, by Python's keyed hash of their pseudonym, which nobody can aim at: others'
events only move offset and chain on. Every decision is made once and must be the recorded one, byte
for byte; memory holds one share. How many it takes is guessed from the published numbers, and where
a share holds more than that all the same, Crowded says to begin anew with more of them. There are
never more than so many records can need: a share that is crowded even then is of a few voters with
more votes than any have, and refused.

A record of a hundred bytes may suspend a voter of 5,000 votes: such decisions are made some at a
time, none is remembered, and the steps over votes are counted against the records read.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from processors.ledger.alarms import LedgerStopped
from processors.ledger.decisions import Decision, decode
from processors.ledger.ledger import Ledger
from processors.ledger.state import (
    NAME_BYTES,
    VOTE_BYTES,
    VOTER_BYTES,
    Consultation,
    Proposal,
)
from processors.results.results_document import Figures
from schemas.chains import linked
from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES, UnknownSchema, headers
from schemas.words import OUTCOMES, REFUSALS
from sinks.bundle.faults import BundleFault, Different, Lacking, Unreadable, told
from sinks.bundle.layout import PROPOSALS_MAX
from sinks.recount.summing import added, figures_of, summed


SHARE_BYTES_MAX = 390_000_000
"""What the ledger of one share may hold, by `LedgerState.bytes_held`: with all that a verification
needs beside it, and one table that grows, it stays below 512 MB."""
SHARES_MAX = 256
"""No more walks through one partition; so many are enough for a billion votes."""
CROWD = 4
"""So many times more shares than evenly spread voters need are tried at most."""
MADE_BYTES_MAX = 8 << 20
"""Decisions of suspensions that are held before they are compared: where a voter of 5,000 votes is
suspended, one has 400 KB."""
STEPS_A_RECORD, STEPS_FREE = 64, 1_000_000
"""Votes that suspensions may walk over, for each record read, and at least: each vote once or twice
is what honest logs have."""

_VOTER_END = HEADER_BYTES + 32
_PERSONAL = frozenset().union(*map(headers, (
    "VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn",
    "VoterSuspended", "VoterReinstated")))
"""Records that begin with their id and their voter."""
_COMMON = frozenset().union(*map(headers, (
    "RulesAdopted", "ConsultationClosed", "ConsultationSealed")))
"""Controls that concern every voter."""

Values = Iterable["list[bytes | None]"]


class Witness(Protocol):
    """Sees each record once, in order."""

    def see(self, values: list[bytes | None], decisions: list[bytes | None]) -> None:
        """Take the next records, and what is recorded as decided of each."""

    def last(self, value: bytes | None) -> None:
        """Take a record that nobody may decide: nothing comes after it."""

    def end(self) -> None:
        """Say what is wrong with the records seen: something else is, and stands above them."""


@dataclass
class Replayed:
    """What one partition gives, and the first decision that differs."""

    figures: Figures = field(default_factory=lambda: Figures({}, closed=True))
    """Summed over the shares, which have no voter in common."""
    decided: dict[str, int] = field(default_factory=dict)
    fault: BundleFault | None = None
    fault_at: int = 0
    differing: int = 0
    first: tuple[str, bytes, bytes | None] | None = None
    """The first decision that differs: its place, as made and as recorded."""

    def take(self, ledger: Ledger, consultation: str, place: str) -> None:
        """Add what a share gives; raise Unreadable where it is more than any document holds."""
        if sum(found.consultation.name == consultation
               for found in ledger.every_proposal()) <= PROPOSALS_MAX:
            found = figures_of(ledger, consultation)
            self.figures = summed([self.figures, found])
            self.decided = added([self.decided, ledger.decided_by_outcome()])
            if len(self.figures.proposals) <= PROPOSALS_MAX:
                return
        raise Unreadable(place, f"there are votes on more than {PROPOSALS_MAX:,} proposals")


class Crowded(Exception):
    """A share holds more than memory is meant for: more shares are needed."""


def shares_of(records: int, voters: int, share_bytes: int) -> int:
    """Guess the number of shares that so many records of so many voters take."""
    held = records * VOTE_BYTES + voters * VOTER_BYTES
    return min(SHARES_MAX, max(1, -(-held // share_bytes)))


def most_shares_of(records: int, share_bytes: int) -> int:
    """Say how many shares so many records can need, whatever they are."""
    held = records * (VOTE_BYTES + VOTER_BYTES + NAME_BYTES)
    return min(SHARES_MAX, max(1, -(-CROWD * held // share_bytes)))


@dataclass(frozen=True)
class Partition:
    """Where the records of a partition are."""

    number: int
    partitions: int
    votes: Callable[[], Values]
    """Gives the votes from the first on, in lists."""
    decisions: Callable[[], Values]
    votes_name: str
    decisions_name: str
    """Names of both in messages."""


def replay(
    partition: Partition, consultation: str, shares: int, witness: Witness, share_bytes: int,
    *, shares_max: int = SHARES_MAX,
) -> Replayed:
    """Decide all votes again, under the eyes of a witness.

    Raises Crowded where one of the shares takes more than `share_bytes`, and there may be more;
    Unreadable where there may not.
    """
    found = Replayed()
    for share in range(shares):
        ledger = _Watched(partition.number, partition.partitions, partition.votes_name)
        seen_by = witness if share == 0 else None
        try:
            for _ in _decided(partition, _Share(ledger, share, shares), seen_by, found):
                if (held := ledger.bytes_held()) > share_bytes and shares < shares_max:
                    raise Crowded
                if held > max(share_bytes, SHARE_BYTES_MAX):
                    raise Unreadable(partition.votes_name, "some of its voters have more votes "
                                     f"than fit into {SHARE_BYTES_MAX:,} bytes of memory")
        except BundleFault:
            if seen_by:
                seen_by.end()
            raise
        found.take(ledger, consultation, partition.votes_name)
    if found.first:
        found.fault = _difference(*found.first)
    return found


def _decided(
    partition: Partition, share: "_Share", witness: Witness | None, found: Replayed
) -> Iterator[None]:
    """Decide all records, hold the decisions against those recorded; stop after each batch."""
    begin = 0
    for values, recorded in _paired(partition, witness):
        share.ledger.recorded = begin, recorded
        try:
            at = 0
            while at < len(values):
                made = share.decide(begin + at, values[at:] if at else values)
                kept = recorded if len(made) == len(recorded) else recorded[at:at + len(made)]
                if made != kept:
                    _note(found, partition.decisions_name, begin + at, made, kept)
                at += len(made)
        except (UnknownSchema, LedgerStopped) as error:
            at = share.ledger.last_offset + 1
            if witness:
                witness.see(values[:at - begin], recorded[:at - begin])
                witness.last(values[at - begin])
            raise Unreadable(f"{partition.votes_name}, offset {at}", str(error)) from error
        if witness:
            witness.see(values, recorded)
        begin += len(values)
        yield


def _paired(
    partition: Partition, witness: Witness | None
) -> Iterator[tuple[list[bytes | None], list[bytes | None]]]:
    """Yield votes with their decisions, of each no more at once than one list of either holds."""
    decisions = iter(partition.decisions())
    kept: list[bytes | None] = []
    for left in partition.votes():
        values = left
        while values:
            try:
                while not kept:
                    kept = _next(decisions, partition)
            except BundleFault:
                if witness:
                    witness.see(values, [None] * len(values))
                raise
            number = min(len(values), len(kept))
            yield values[:number], kept[:number]
            values, kept = values[number:], kept[number:]
    deque(decisions, maxlen=0)  # what comes after the last record is a fault, and raised there


def _next(decisions: Iterator[list[bytes | None]], partition: Partition) -> list[bytes | None]:
    found = next(decisions, None)
    if found is None:
        raise Lacking(partition.decisions_name, "it has fewer decisions than there are votes")
    return found


class _Enough(Exception):
    """So many bytes were decided that they are compared first; the record is not decided yet."""


class _Watched(Ledger):
    """A ledger that counts its steps over votes, and remembers no decision: nothing is read back.

    Suspensions again and again would take longer than the records are long, and more memory.
    """

    def __init__(self, partition: int, partitions: int, place: str) -> None:
        super().__init__(partition, partitions, _AsRecorded(self))
        self.recent = deque(maxlen=0)
        self.recorded: tuple[int, list[bytes | None]] = 0, []
        """The first offset of the records that are decided now, and what is recorded of each."""
        self.made_bytes = 0
        """Of decisions on other records than votes, since they were compared last."""
        self._place, self._steps = place, 0

    def votes_of(
        self, voter: bytes, consultation: Consultation
    ) -> Iterator[tuple[Proposal, int]]:
        """Walk over the votes of a voter; raise Unreadable where it is too often, or Enough."""
        if self.made_bytes > MADE_BYTES_MAX and not consultation.sealed:
            raise _Enough  # nothing of the record has changed the state: a suspension only reads
        most = STEPS_FREE + STEPS_A_RECORD * (self.last_offset + 1)
        for each in super().votes_of(voter, consultation):
            self._steps += 1
            if self._steps > most:
                raise Unreadable(f"{self._place}, offset {self.last_offset + 1}",
                                 "its suspensions take more steps than those of any log")
            yield each

    def _decided(self, decision: Decision) -> bytes:
        value = super()._decided(decision)
        self.made_bytes += len(value)
        return value


class _AsRecorded:
    """The adoptions of which a partition's ledger was told: those that are recorded as such.

    Ledgers were told beforehand; nobody who verifies was. The record is there for all to see: what
    was told is adopted, or stale where it could not be used; what was not is unsigned.
    """

    def __init__(self, ledger: _Watched) -> None:
        self._ledger = ledger

    def __contains__(self, digest: object) -> bool:
        """Whether the record that is decided now was allowed."""
        begin, recorded = self._ledger.recorded
        try:
            decision = decode(recorded[self._ledger.last_offset + 1 - begin] or b"")
        except (Undecodable, IndexError):
            return False
        if decision.refusal == _STALE:
            return True
        return decision.outcome == OUTCOMES.index("adopted") and bool(decision.keys)


_STALE = REFUSALS.index("stale")


class _Share:
    """The ledger of the voters of one share; it is gone before that of the next one begins."""

    def __init__(self, ledger: _Watched, share: int, shares: int) -> None:
        self.ledger, self._share, self._shares = ledger, share, shares

    def decide(self, begin: int, values: list[bytes | None]) -> list[bytes | None]:
        """Return what is decided of records from an offset on, of the first or all of them.

        There is None in the place of those of other shares.
        """
        made: list[Any] = []
        records: Iterable[tuple[int, bytes | None]] = enumerate(values, begin)
        self.ledger.made_bytes = 0
        with contextlib.suppress(_Enough):
            self.ledger.decide_all(
                records if self._shares == 1 else self._own(records, made), made)
        return made

    def _own(
        self, records: Iterable[tuple[int, bytes | None]], made: list[bytes | None]
    ) -> Iterator[tuple[int, bytes | None]]:
        """Yield the records of this share, and pass over others: the ledger asks one by one."""
        ledger, share, shares = self.ledger, self._share, self._shares
        for offset, value in records:
            if value and value[:HEADER_BYTES] in _PERSONAL and len(value) >= _VOTER_END:
                own = hash(value[HEADER_BYTES + 16:_VOTER_END]) % shares == share
            else:
                own = share == 0
            if own:
                yield offset, value
            elif value and value[:HEADER_BYTES] in _COMMON:
                # It changes every share's state, and is counted once.
                decided = list(ledger.decided)
                yield offset, value
                ledger.decided[:], made[-1] = decided, None
            else:
                ledger.advance(offset, linked(ledger.chain, value or b""), b"")
                made.append(None)


def _note(
    found: Replayed, name: str, begin: int, made: list[bytes | None], recorded: list[bytes | None],
) -> None:
    """Count the decisions that differ, and keep the first in words; None is made of no other's."""
    for offset, (one, other) in enumerate(zip(made, recorded, strict=True), begin):
        if one is None or one == other:
            continue
        found.differing += 1
        if found.first is None or offset < found.fault_at:
            found.first = f"{name}, offset {offset}", one, other
            found.fault_at = offset


def _difference(place: str, made: bytes, kept: bytes | None) -> BundleFault:
    recomputed = decode(made)
    try:
        recorded = decode(kept or b"")
    except Undecodable as error:
        return Unreadable(place, str(error))
    if recorded.chain != recomputed.chain:
        return BundleFault(place, "this decision is not of these votes: its chain commits to "
                           "others")
    one, other = recomputed.described(), recorded.described()
    names = [name for name in one if name in _TOLD or one[name] != other[name]]
    return Different(place, "the rules decide otherwise: recomputed "
                     f"{told({name: one[name] for name in names})}, recorded "
                     f"{told({name: other[name] for name in names})}")


_TOLD = ("outcome", "reason", "ledger_version", "changes")
"""What is told of two decisions in any case, besides what differs."""
