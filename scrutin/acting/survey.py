"""What the ballot box holds of those whom a finding names, and what would come of an act.

Theory of operation: the votes are decided again by the very ledger that decided them, one partition
at a time. It tells how each voter stands, and what is counted. What would be is that same ledger
after the controls that the act would write: the keys are taken from it first, as if they were
signed, for whoever only looks has none.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from processors.guard.findings import reinstatement_id, suspension_id
from processors.ledger.alarms import LedgerStopped
from processors.ledger.ledger import Ledger
from processors.ledger.state import Consultation
from processors.results.results_document import Figures
from producers import signing
from producers.errors import Missing
from producers.known_catalogue import KnownCatalogue
from producers.log_reader import LogReader
from producers.operations import Log
from schemas import codec
from schemas.codec import Undecodable
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.findings import Finding
from schemas.registry import FIRST_RULES, HEADER_BYTES, UnknownSchema, current, headers
from schemas.topics import partition_of
from schemas.words import CHOICES, COUNTS, SET_ASIDE
from sinks.recount.summing import figures_of, summed


SUSPENDED, REINSTATED = "VoterSuspended", "VoterReinstated"
HOUR_MS = 3_600_000
FEW = 10
"""Fewer votes of an hour are not told: they would tell of single people."""
_CAST = headers("VoteCast")
_VOTER_AT = HEADER_BYTES + codec.ID_BYTES
_STANDING = [COUNTS.index(name) for name in (
    *CHOICES, *(f"set_aside_{reason}" for reason in SET_ASIDE))]
"""Votes that stand: counted ones, and those set aside."""


class Voter(NamedTuple):
    """How a voter stands whom a finding names."""

    stands: bool | None
    """Whether the finding sets their votes aside; None: it never did. Once cleared it cannot."""
    immune: bool
    """Whether a person let no finding of this rule set them aside."""
    full: bool
    """Whether the rule set them aside so often that the rules of the count take no more."""
    votes: int
    """Votes that stand, set aside or not."""

    @property
    def can_be_set_aside(self) -> bool:
        """Whether a suspension by the finding would have an effect."""
        return self.stands is None and not self.immune and not self.full


@dataclass
class Survey:
    """What the ballot box holds."""

    voters: dict[bytes, Voter] = field(default_factory=dict)
    hours: Counter[int] = field(default_factory=Counter)
    """VoteCast of those named by hour, in hours since 1970."""
    before: Figures = field(default_factory=lambda: Figures({}))
    after: Figures = field(default_factory=lambda: Figures({}))
    """As they would be; as before where nothing was supposed."""
    offsets: tuple[int, ...] = ()
    """Last votes offset read, by partition."""
    rules: int = FIRST_RULES
    """The oldest rules in force in any partition."""
    sealed: bool = False

    @property
    def of(self) -> int:
        """Votes of the whole consultation that stand, set aside ones with them."""
        return votes_in(self.before)

    def votes(self, voters: Iterable[bytes]) -> int:
        """Return how many votes of these voters stand."""
        return sum(self.voters[voter].votes for voter in voters)

    def set_aside(self) -> set[bytes]:
        """Return whom the finding sets aside now."""
        return {voter for voter, found in self.voters.items() if found.stands}

    def moved_by(self, covered: Iterable[bytes]) -> int:
        """Return how many votes a finding has moved once an act of it covers these voters.

        Who is set aside already counts too: a narrower act lets nobody count again.
        """
        return self.votes({*covered, *self.set_aside()})

    def to_set_aside(self, voters: Iterable[bytes]) -> set[bytes]:
        """Return those of whom a suspension by the finding would have an effect."""
        return {voter for voter in voters if self.voters[voter].can_be_set_aside}

    def hours_told(self) -> list[dict[str, Any]]:
        """List the hours in which those named voted; None for few."""
        return [{"hour": datetime.fromtimestamp(hour * HOUR_MS / 1000, UTC).isoformat(),
                 "votes": votes if votes >= FEW else None}
                for hour, votes in sorted(self.hours.items())]


class About(NamedTuple):
    """What is surveyed: a finding, and the voters it names."""

    consultation: str
    pair: Finding
    voters: frozenset[bytes]


class Supposed(NamedTuple):
    """Controls that are supposed to be written."""

    event: str
    """VoterSuspended or VoterReinstated."""
    voters: frozenset[bytes]


def votes_in(figures: Figures) -> int:
    """Return how many votes stand, set aside ones with them."""
    return sum(counts[at] for counts in figures.proposals.values() for at in _STANDING)


async def surveyed(
    log: Log, reader: LogReader, known: KnownCatalogue, about: About,
    supposed: Supposed | None = None,
) -> Survey:
    """Read the ballot box to its present end; `reader` is connected.

    Raises Missing where it cannot be decided again, Unreachable.
    """
    await reader.require(log.topics.votes, log.topics.partitions)
    found, parts = Survey(), []
    versions = []
    for partition in range(log.topics.partitions):
        first = await signing.first_adoptions(reader, log.topics, known, partition)
        ledger = Ledger(partition, log.topics.partitions, first)
        async for records in reader.read(log.topics.votes, partition):
            read = [(record.offset, record.value) for record in records]
            _decide(ledger, read)
            _count_hours(found, about, (value for _, value in read))
        found.offsets += (ledger.last_offset,)
        parts.append(_look(found, ledger, about, supposed))
        versions.append(ledger.ledger_version)
    found.rules = min(versions)
    found.before, found.after = (summed(each) for each in zip(*parts, strict=True))
    return found


def _decide(ledger: Ledger, records: Sequence[tuple[int, bytes | None]]) -> None:
    try:
        ledger.decide_all(records, [])
    except (LedgerStopped, UnknownSchema) as error:
        raise Missing(f"votes partition {ledger.partition}, offset {ledger.last_offset + 1}: "
                      f"{error}. Nothing was written.") from error


def _count_hours(found: Survey, about: About, values: Iterable[bytes | None]) -> None:
    for value in values:
        if (value is None or value[:HEADER_BYTES] not in _CAST
                or value[_VOTER_AT:_VOTER_AT + codec.ID_BYTES] not in about.voters):
            continue
        try:
            fields = codec.decode(value)[1]
        except Undecodable:
            continue
        if fields["consultation"] == about.consultation:
            found.hours[fields["occurred_at"] // HOUR_MS] += 1


def _look(
    found: Survey, ledger: Ledger, about: About, supposed: Supposed | None
) -> tuple[Figures, Figures]:
    """Note how voters of a partition stand; return its figures, and those that would be."""
    consultation = ledger.by_name.get(about.consultation) or Consultation(about.consultation)
    found.sealed |= consultation.sealed
    found.voters.update(
        (voter, _stands(ledger, consultation, voter, about.pair)) for voter in about.voters
        if partition_of(voter, ledger.partitions) == ledger.partition)
    before = figures_of(ledger, about.consultation)
    if supposed is None:
        return before, before
    suppose(ledger, about, supposed)
    return before, figures_of(ledger, about.consultation)


def _stands(ledger: Ledger, consultation: Consultation, voter: bytes, pair: Finding) -> Voter:
    suspension = ledger.suspension(voter, consultation)
    return Voter(
        suspension.standing.get(pair), suspension.is_immune(pair.cause),
        suspension.is_full_for((pair,)),
        sum(1 for _, kept in ledger.votes_of(voter, consultation) if kept & 3))


def suppose(ledger: Ledger, about: About, supposed: Supposed) -> None:
    """Have a ledger decide the controls of an act, whoever would sign them."""
    ledger.keys = ()
    for voter in sorted(supposed.voters):
        if partition_of(voter, ledger.partitions) == ledger.partition:
            ledger.decide(ledger.last_offset + 1, codec.encode_as(
                current(supposed.event, 2), **control(
                    supposed.event, about, voter, reason="", salt=bytes(codec.ID_BYTES), now=0),
                by=NOBODY, signature=UNSIGNED))


def control(
    event: str, about: About, voter: bytes, *, reason: str, salt: bytes, now: int
) -> dict[str, Any]:
    """Return the fields of the control that an act writes about a voter, but for its signature.

    Its id follows from finding and voter: written again it is the same, and takes effect once.
    """
    cause, finding = about.pair
    what: dict[str, Any] = ({"event_id": suspension_id(finding, voter), **about.pair._asdict()}
                            if event == SUSPENDED else
                            {"event_id": reinstatement_id(finding, voter),
                             "findings": [about.pair._asdict()],
                             "immune": [cause] if cause else []})
    return {"voter": voter, "consultation": about.consultation, "reason": reason, "salt": salt,
            "origin": "operator", "occurred_at": now, **what}
