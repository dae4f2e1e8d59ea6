"""The ledger over the votes of one partition again, in bounded memory. Pure.

Theory of operation: what the ledger decides of a voter's event depends on that voter's events and
on controls alone. So a large partition is gone through several times, each time for the voters of
one share, by the last byte of their pseudonym: others' events only move offset and chain on. Every
decision is made once and must be the recorded one, byte for byte; memory holds one share.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Protocol

from processors.decisions import decode
from processors.ledger import Ledger, linked
from processors.ledger_errors import LedgerStopped
from processors.results import Figures
from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES, UnknownSchema, current
from sinks.bundle.faults import BundleFault, Different, Unreadable
from sinks.recount.summing import figures_of


VOTES_A_SHARE = 900_000
"""Records gone through for one share of the voters: some 350 bytes each while tables grow."""
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
DecideAll = Callable[[Iterable[tuple[int, bytes | None]], list[Any]], None]
"""Adds to a list what is decided of records at their offsets."""


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


def shares_of(records: int) -> int:
    """Give the number of shares for so many records."""
    return min(SHARES_MAX, max(1, -(-records // VOTES_A_SHARE)))


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


def replay(partition: Partition, consultation: str, shares: int, witness: Witness) -> Replayed:
    """Decide all votes again, under the eyes of a witness."""
    found = Replayed()
    for share in range(shares):
        _replay_share(partition, consultation, (share, shares), witness if share == 0 else None,
                      found)
    return found


def _replay_share(
    partition: Partition, consultation: str, part: tuple[int, int], witness: Witness | None,
    found: Replayed,
) -> None:
    """Decide the events of one share of all; its ledger is gone before the next one begins."""
    ledger = Ledger(partition.number, partition.partitions)
    decide_all = ledger.decide_all if part == (0, 1) else _decider(ledger, *part)
    try:
        _decide_all(partition, ledger, decide_all, witness, found)
    except BundleFault:
        if witness:
            witness.end()
        raise
    found.figures.append(figures_of(ledger, consultation))
    found.decided.append(ledger.decided_by_outcome())


def _decide_all(
    partition: Partition, ledger: Ledger, decide_all: DecideAll, witness: Witness | None,
    found: Replayed,
) -> None:
    """Decide all records, and hold the decisions against those recorded."""
    decisions, begin = chain.from_iterable(partition.decisions()), 0
    for values in partition.votes():
        try:
            recorded = list(islice(decisions, len(values)))
        except BundleFault:
            if witness:
                witness.see(values, [None] * len(values))
            raise
        made: list[Any] = []
        try:
            decide_all(enumerate(values, begin), made)
        except (UnknownSchema, LedgerStopped) as error:
            at = ledger.last_offset + 1
            if witness:
                witness.see(values[:at - begin], recorded[:at - begin])
                witness.last(values[at - begin])
            raise Unreadable(f"{partition.votes_name}, offset {at}", str(error)) from error
        if witness:
            witness.see(values, recorded)
        if made != recorded:
            _note(found, partition.decisions_name, begin, made, recorded)
        begin += len(values)
    deque(decisions, maxlen=0)  # what comes after the last record is a fault, and raised there


def _decider(
    ledger: Ledger, share: int, shares: int
) -> DecideAll:
    """Decide the events of one share, pass over those of others: None."""

    def decide(offset: int, value: bytes | None) -> bytes | None:
        header = (value or b"")[:HEADER_BYTES]
        if header in _PERSONAL and value is not None and len(value) >= _VOTER_END:
            if value[_VOTER_END - 1] % shares == share:
                return ledger.decide(offset, value)
        elif share == 0:
            return ledger.decide(offset, value)
        elif header in _COMMON:
            # It changes every share's state, and is counted once.
            decided = list(ledger.decided)
            ledger.decide(offset, value)
            ledger.decided[:] = decided
            return None
        ledger.advance(offset, linked(ledger.chain, value or b""), b"")
        return None

    def decide_all(
        records: Iterable[tuple[int, bytes | None]], made: list[bytes | None]
    ) -> None:
        for offset, value in records:
            made.append(decide(offset, value))

    return decide_all


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
