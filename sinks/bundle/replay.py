"""The ledger over the votes of one partition again, in bounded memory. Pure.

Theory of operation: what the ledger decides of a voter's event depends on that voter's events and
on controls alone. So a partition too large for memory is gone through several times, each time for
the voters of one share, by the last byte of their pseudonym: others' events only move offset and
chain on. Every decision is made once and must be the recorded one, byte for byte; memory holds one
share. How many it takes is guessed from the published numbers, and where a share holds more than
that all the same, Crowded says to begin anew with more of them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Protocol

from processors.decisions import decode
from processors.ledger import Ledger, linked
from processors.ledger_errors import LedgerStopped
from processors.ledger_state import VOTE_BYTES, VOTER_BYTES
from processors.results import Figures
from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES, UnknownSchema, current
from sinks.bundle.faults import BundleFault, Different, Unreadable
from sinks.recount.summing import figures_of


SHARE_BYTES_MAX = 390_000_000
"""What the ledger of one share may hold, by `LedgerState.bytes_held`: with all that a verification
needs beside it, and one table that grows, it stays below 512 MB."""
SHARES_MAX = 256
"""No more shares than values of the byte that tells them apart."""

_VOTER_END = HEADER_BYTES + 32
_PERSONAL = frozenset(current(event).header for event in (
    "VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn",
    "VoterSuspended", "VoterReinstated"))
"""Records that begin with their id and their voter."""
_COMMON = frozenset(current(event).header for event in (
    "RulesAdopted", "ConsultationClosed", "ConsultationSealed"))
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

    figures: list[Figures] = field(default_factory=list)
    """Of each share; they have no voter in common."""
    decided: list[dict[str, int]] = field(default_factory=list)
    fault: BundleFault | None = None
    fault_at: int = 0
    differing: int = 0


class Crowded(Exception):
    """A share holds more than memory is meant for: more shares are needed."""


def shares_of(records: int, voters: int, share_bytes: int) -> int:
    """Guess the number of shares that so many records of so many voters take."""
    held = records * VOTE_BYTES + voters * VOTER_BYTES
    return min(SHARES_MAX, max(1, -(-held // share_bytes)))


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
) -> Replayed:
    """Decide all votes again, under the eyes of a witness.

    Raises Crowded where one of the shares takes more than `share_bytes`, and there may be more.
    """
    found = Replayed()
    for share in range(shares):
        ledger = Ledger(partition.number, partition.partitions)
        seen_by = witness if share == 0 else None
        try:
            for _ in _decided(partition, _Share(ledger, share, shares), seen_by, found):
                if ledger.bytes_held() > share_bytes and shares < SHARES_MAX:
                    raise Crowded
        except BundleFault:
            if seen_by:
                seen_by.end()
            raise
        found.figures.append(figures_of(ledger, consultation))
        found.decided.append(ledger.decided_by_outcome())
    return found


def _decided(
    partition: Partition, share: "_Share", witness: Witness | None, found: Replayed
) -> Iterator[None]:
    """Decide all records, hold the decisions against those recorded; stop after each batch."""
    decisions, begin = chain.from_iterable(partition.decisions()), 0
    for values in partition.votes():
        try:
            recorded = list(islice(decisions, len(values)))
        except BundleFault:
            if witness:
                witness.see(values, [None] * len(values))
            raise
        try:
            made = share.decide(begin, values)
        except (UnknownSchema, LedgerStopped) as error:
            at = share.ledger.last_offset + 1
            if witness:
                witness.see(values[:at - begin], recorded[:at - begin])
                witness.last(values[at - begin])
            raise Unreadable(f"{partition.votes_name}, offset {at}", str(error)) from error
        if witness:
            witness.see(values, recorded)
        if made != recorded:
            _note(found, partition.decisions_name, begin, made, recorded)
        begin += len(values)
        yield
    deque(decisions, maxlen=0)  # what comes after the last record is a fault, and raised there


class _Share:
    """The ledger of the voters of one share; it is gone before that of the next one begins."""

    def __init__(self, ledger: Ledger, share: int, shares: int) -> None:
        self.ledger, self._share, self._shares = ledger, share, shares

    def decide(self, begin: int, values: list[bytes | None]) -> list[bytes | None]:
        """Give what is decided of records from an offset on; None of those of other shares."""
        made: list[Any] = []
        records: Iterable[tuple[int, bytes | None]] = enumerate(values, begin)
        self.ledger.decide_all(
            records if self._shares == 1 else self._own(records, made), made)
        return made

    def _own(
        self, records: Iterable[tuple[int, bytes | None]], made: list[bytes | None]
    ) -> Iterator[tuple[int, bytes | None]]:
        """Give the records of this share, and pass over others: the ledger asks one by one."""
        ledger, share, shares = self.ledger, self._share, self._shares
        for offset, value in records:
            if value and value[:HEADER_BYTES] in _PERSONAL and len(value) >= _VOTER_END:
                own = value[_VOTER_END - 1] % shares == share
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
        if found.fault is None or offset < found.fault_at:
            found.fault = _difference(f"{name}, offset {offset}", one, other)
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
    return Different(place, "the rules decide otherwise: recomputed "
                     f"{_said(recomputed.described())}, recorded {_said(recorded.described())}")


def _said(decision: dict[str, Any]) -> str:
    """Tell a decision in a few words."""
    kept = ("outcome", "reason", "ledger_version", "changes")
    return str({name: decision[name] for name in kept})
