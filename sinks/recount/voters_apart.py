"""The voters whom `ballots.sql` leaves out, told event by event, apart from the ledger. Pure.

Theory of operation: SQL folds the events of a voter and proposal under the plain rule that an event
counts when it first comes. The ledger's memory is bounded: of a voter and proposal it knows the
last eight ids that were accepted, since rules 2 the last eight refused ones beside them, by their
last bytes; of proposals with refused events alone, a voter's last 64; and it takes no more than
5,000 live votes. Where a bound can matter at all (`voters_apart.sql` finds who, by what came more
than once, ends alike, or is too many) the voter is left to this module, which follows every bound;
everybody else to SQL. So the recount is exact, and needs no list of what may differ.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from schemas.topics import partition_of
from schemas.words import CHOICES, QUALIFICATIONS


LIVE_VOTES_MAX = 5_000
REMEMBERED = 8
REFUSED_ONLY_MAX = 64
_DIGEST, _SHORT_DIGEST, _REFUSED_DIGEST = -8, -5, -4
"""An id is known by its last bytes: by fewer where a pair has refused ones beside the accepted."""
_UNKNOWN, _SERVED, _ASKED = 1, 2, 4


class Ballot(NamedTuple):
    """An event of a voter on a proposal, as `events_apart.sql` gives it."""

    partition: int
    voter: bytes
    offset: int
    proposal: str
    kind: str
    value: int
    """Choice of a cast, qualification of one added or withdrawn; from 1."""
    is_suspect: bool
    event_id: bytes
    by_rules_2: bool
    shown: int
    """1 unknown, 2 served, 4 asked."""


@dataclass
class Bounds:
    """What a recount knows of the consultation: closings and sealings by partition, suspensions."""

    closed_at: list[int]
    sealed_at: list[int]
    suspended: dict[str, int]
    """The lowest cause that stands, by voter in hexadecimal."""


@dataclass
class Counted:
    """What the voters apart add to a recount."""

    proposals: dict[str, Counter[str]] = field(default_factory=dict)
    participants: int = 0
    participants_received: int = 0
    voters: int = 0

    def counts(self, proposal: str, names: Iterable[str]) -> list[int]:
        """Return counts of a proposal in the order of their names."""
        found = self.proposals.get(proposal, Counter())
        return [found[name] for name in names]


@dataclass
class _Pair:
    """What is known of a voter and a proposal."""

    choice: int = 0
    is_suspect: bool = False
    qualifications: set[int] = field(default_factory=set)
    routes: int = 0
    accepted: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    refused: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def knows(self, event_id: bytes) -> bool:
        """Whether an event came before, as far as that is remembered."""
        size = _SHORT_DIGEST if self.refused else _DIGEST
        return (event_id[size:] in [known[size:] for known in self.accepted]
                or event_id[_REFUSED_DIGEST:] in [known[_REFUSED_DIGEST:]
                                                  for known in self.refused])


class _Voter:
    """One voter of a partition."""

    def __init__(self, bounds: Bounds, partition: int, *, is_misplaced: bool) -> None:
        self.closed_at, self.sealed_at = bounds.closed_at[partition], bounds.sealed_at[partition]
        self.is_misplaced = is_misplaced
        self.pairs: dict[str, _Pair] = {}
        self.refused_only: dict[str, None] = {}
        """Proposals of which only refused events are remembered, the latest refused last."""
        self.live = 0
        self.is_received = False

    def follow(self, event: Ballot) -> str:
        """Take an event; return what became of it, in the words of counts."""
        outcome = self._outcome(event)
        if outcome in ("refused_misplaced", "late", "repeated"):
            return outcome
        self.is_received |= event.kind == "vote_cast"
        pair = self.pairs[event.proposal]
        if not event.by_rules_2:
            pair.routes |= _UNKNOWN
        elif outcome.startswith("refused"):
            self._remember_refused(event, pair)
            return outcome
        pair.accepted.append(event.event_id)
        self.refused_only.pop(event.proposal, None)
        return outcome

    def _remember_refused(self, event: Ballot, pair: _Pair) -> None:
        pair.refused.append(event.event_id)
        if pair.accepted:
            return
        self.refused_only.pop(event.proposal, None)
        self.refused_only[event.proposal] = None
        if len(self.refused_only) > REFUSED_ONLY_MAX:
            first = next(iter(self.refused_only))
            del self.refused_only[first]
            self.pairs[first].refused.clear()

    def _outcome(self, event: Ballot) -> str:
        pair = self.pairs.setdefault(event.proposal, _Pair())
        if self.is_misplaced:
            return "refused_misplaced"
        if event.offset > self.sealed_at:
            return "late"
        if pair.knows(event.event_id):
            return "repeated"
        if event.offset > self.closed_at:
            return "late"
        by_kind = {"vote_cast": self._cast, "vote_withdrawn": self._withdrawn}
        return by_kind.get(event.kind, _qualified)(pair, event)

    def _cast(self, pair: _Pair, event: Ballot) -> str:
        if not pair.choice and self.live >= LIVE_VOTES_MAX:
            return "refused_too_many"
        if pair.choice == event.value:
            if event.is_suspect or not pair.is_suspect:
                return "unchanged"
            pair.is_suspect = False
            if event.by_rules_2:
                pair.qualifications.clear()
            _move(pair, event)
            return "proven"
        if _is_guarded(pair, event):
            return "refused_unproven_change"
        outcome = "superseded" if pair.choice else "counted"
        self.live += not pair.choice
        pair.choice, pair.is_suspect = event.value, event.is_suspect
        pair.qualifications.clear()
        _move(pair, event)
        return outcome

    def _withdrawn(self, pair: _Pair, event: Ballot) -> str:
        if not pair.choice:
            return "unchanged"
        if _is_guarded(pair, event):
            return "refused_unproven_change"
        pair.choice, pair.is_suspect = 0, False
        pair.qualifications.clear()
        self.live -= 1
        _move(pair, event)
        return "withdrawn"


def _is_guarded(pair: _Pair, event: Ballot) -> bool:
    """Nothing suspect touches a trusted vote."""
    return bool(pair.choice) and event.is_suspect and not pair.is_suspect


def _move(pair: _Pair, event: Ballot) -> None:
    """Note how the proposal was shown to whom it moved."""
    pair.routes |= event.shown if event.by_rules_2 else _UNKNOWN


def _qualified(pair: _Pair, event: Ballot) -> str:
    adds = event.kind == "qualification_added"
    if adds and (event.value + 2) // 3 != pair.choice:
        return "refused"
    if adds == (event.value in pair.qualifications):
        return "unchanged"
    if _is_guarded(pair, event):
        return "refused_unproven_change"
    (pair.qualifications.add if adds else pair.qualifications.remove)(event.value)
    return "qualified" if adds else "unqualified"


_OF_CASTS = {
    "repeated", "late", "unchanged", "proven", "refused_misplaced", "refused_unproven_change",
    "refused_too_many", "superseded"}
"""Outcomes of casts that have a count of their own."""


def counted(rows: Iterable[tuple[Any, ...]], bounds: Bounds) -> Counted:
    """Count the events of voters apart, ordered by partition, voter and offset."""
    found = Counted()
    for (partition, voter), events in groupby(map(Ballot._make, rows), attrgetter(
            "partition", "voter")):
        is_misplaced = partition_of(voter, len(bounds.closed_at)) != partition
        followed = _Voter(bounds, partition, is_misplaced=is_misplaced)
        for event in events:
            outcome = followed.follow(event)
            counts = found.proposals.setdefault(event.proposal, Counter())
            counts.update(_told(event, outcome))
        _close(found, followed, bounds.suspended.get(voter.hex()))
    return found


def _told(event: Ballot, outcome: str) -> Iterator[str]:
    """Name the counts that an event raises by itself."""
    if outcome == "withdrawn":
        yield outcome
    if event.kind == "vote_cast":
        yield "received"
        if outcome in _OF_CASTS:
            yield outcome


def _close(found: Counted, voter: _Voter, cause: int | None) -> None:
    """Count where a voter ends: the votes that stand."""
    counts = False
    for proposal, pair in voter.pairs.items():
        if not pair.choice:
            continue
        is_counted = cause is None and not pair.is_suspect
        found.proposals[proposal].update(
            _standing(pair) if is_counted else _set_aside(cause))
        counts |= is_counted
    found.voters += 1
    found.participants += counts
    found.participants_received += voter.is_received


def _set_aside(cause: int | None) -> Iterator[str]:
    if cause is None:
        yield "set_aside_unproven"
        return
    yield "set_aside_suspended"
    if cause:
        yield f"set_aside_cause_{cause}"


def _standing(pair: _Pair) -> Iterator[str]:
    """Name what a counted vote raises."""
    names = [CHOICES[pair.choice - 1], *(QUALIFICATIONS[each - 1] for each in pair.qualifications)]
    yield from names
    if pair.routes == _SERVED:
        yield from (f"drawn_{name}" for name in names)
    if pair.routes & _ASKED:
        yield "counted_asked"
