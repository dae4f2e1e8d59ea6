"""A day as a log: the real patrol judges it every five seconds, the real ledger counts it. Pure.

Theory of operation: votes are written in the order of their instants, their networks a moment
later; a judgement reads all that can be read by then. Whom it suspends is written behind what it
read, in the partition of the voter, and counts from there on. So what is counted, set aside and
reported is what a stack would have said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from benchmarks.attacks.world import SUSPECT, Vote
from processors.guard.findings import Finding, suspension_id
from processors.guard.inputs import Batch, Cut, beginning
from processors.guard.judging import Judgement, judge
from processors.guard.parameters import (
    MODES,
    NAMES,
    NEWEST,
    NO_CHANGE,
    OFF,
    REPORT,
    REPORT_ONLY,
    Rules,
)
from processors.guard.state import PatrolState
from processors.ledger.ledger import Ledger
from processors.ledger.standing import SUSPECT as SUSPECT_BIT
from processors.ledger.standing import choice_of
from schemas import codec
from schemas.genesis import NEWEST_RULES, Genesis
from schemas.hot import encoder
from schemas.registry import current
from schemas.topics import Topics, partition_of


CONSULTATION = "attacked"
PARTITIONS = 4
CUT_MS = 5_000
NETWORKS_LATE_MS = 50
GATHERED = 100
"""Networks a record, at most."""
_encode = encoder("VoteCast", 2)
Records = list[tuple[int, bytes]]


def rules_in(mode: str, *, telling: bool = False) -> Rules:
    """Return the rules: all that can set aside in one mode; those that only tell, where wanted.

    They take most of the time, and what others find does not hang on them.
    """
    rules = Rules()
    for rule in NAMES:
        modes = {True: MODES[REPORT if telling else OFF], False: mode}
        rules.apply("GuardRuleChanged", {
            "event_id": bytes([rule]) * 16, "follows": NO_CHANGE, "consultation": None,
            "rule": rule, "version": NEWEST[rule], "mode": modes[rule in REPORT_ONLY],
            "parameters": []})
    return rules


@dataclass
class Told:
    """What the patrol said of one group of voters."""

    reported: set[bytes] = field(default_factory=set)
    """Voters named by a finding, bearing a mark or not."""
    suspended: dict[bytes, int] = field(default_factory=dict)
    """Voters set aside, with the number of the first judgement that did it."""


@dataclass
class Trial:
    """One day, judged and counted; `groups` are its votes, by crowd or attack."""

    groups: Mapping[str, Sequence[Vote]]
    proposals: Sequence[tuple[str, str | None]]
    """Names, and ideas."""
    rules: Rules = field(default_factory=Rules)
    judgements: list[Judgement] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    state: PatrolState = field(default_factory=lambda: PatrolState(PARTITIONS))
    ledgers: list[Ledger] = field(
        default_factory=lambda: [Ledger(number, PARTITIONS) for number in range(PARTITIONS)])

    def __post_init__(self) -> None:
        self.told = {name: Told() for name in self.groups}
        self.counted_most = dict.fromkeys(self.groups, 0)
        """The most votes of a group that counted at once."""
        self._counted_now = dict.fromkeys(self.groups, 0)
        self._votes_of: dict[bytes, set[int]] = {}
        """Proposals of each voter who is not suspended."""
        self._owner = {vote.voter: name for name, votes in self.groups.items() for vote in votes}
        self._names = [name for name, _ in self.proposals]
        self._ends = [-1] * PARTITIONS
        self._written: list[Records] = [[] for _ in range(PARTITIONS)]
        self._counted: list[Records] = [[] for _ in range(PARTITIONS)]
        self._networks: Records = []
        self._networks_end = -1
        self._late: list[tuple[int, bytes, bytes]] = []

    def run(self) -> Iterator[Judgement]:
        """Judge the day, one judgement after the other; what is counted follows each of them."""
        votes = sorted((vote for group in self.groups.values() for vote in group),
                       key=attrgetter("time", "voter"))
        self._begin(votes[0].time)
        after, start = beginning(PARTITIONS), 0
        catalogue = list(enumerate(self._catalogue()))
        while start < len(votes) or self._late:
            due = votes[start].time if start < len(votes) else self._late[0][0]
            end = (min(due, self._late[0][0]) if self._late else due) // CUT_MS * CUT_MS + CUT_MS
            while start < len(votes) and votes[start].time < end:
                self._cast(votes[start])
                start += 1
            self._gather(end)
            batch = Batch(after, Cut(tuple(self._ends), self._networks_end, len(catalogue) - 1))
            for partition, records in enumerate(self._written):
                batch.add_votes(partition, records)
            batch.add_networks(self._networks)
            batch.add_catalogue(catalogue if not self.judgements else ())
            judgement = judge(self.state, batch, self.rules, end)
            after = batch.until
            self._count()
            for finding in judgement.findings:
                self._take(finding, judgement.number, end)
            self.judgements.append(judgement)
            yield judgement
        self._count()

    def counts(self, vote: Vote) -> bool:
        """Whether the ledger counts a vote now, as it was cast, and it is not taken back."""
        ledger = self.ledgers[partition_of(vote.voter, PARTITIONS)]
        proposal = ledger.proposal(CONSULTATION, self._names[vote.proposal])
        row = ledger.votes.get(vote.voter + proposal.key)
        return (row is not None and choice_of(row[0]) == vote.choice
                and not row[0] & SUSPECT_BIT
                and not ledger.is_suspended(vote.voter, proposal.consultation))

    def tally(self, proposal: int) -> list[int]:
        """Return the ledger's counts of a proposal, in the order of words.EVERY_COUNT."""
        rows = [ledger.proposal(CONSULTATION, self._names[proposal]).counts
                for ledger in self.ledgers]
        return [sum(row) for row in zip(*rows, strict=True)]

    # Writing

    def _begin(self, now: int) -> None:
        genesis, topics = Genesis(NEWEST_RULES), Topics("attacks", PARTITIONS)
        for partition in range(PARTITIONS):
            self._write(partition, genesis.record(topics, partition, now))

    def _catalogue(self) -> Iterator[bytes]:
        for number, (name, idea) in enumerate(self.proposals):
            common = {"event_id": number.to_bytes(16, "big"), "consultation": CONSULTATION,
                      "proposal": name, "origin": "operator", "occurred_at": 0}
            yield codec.encode("ProposalAccepted", text={"fr": "Il faut."}, author=None, **common)
            if idea is not None:
                yield codec.encode("ProposalGrouped", idea=idea, **common)

    def _write(self, partition: int, value: bytes) -> None:
        self._ends[partition] += 1
        self._written[partition].append((self._ends[partition], value))
        self._counted[partition].append((self._ends[partition], value))

    def _cast(self, vote: Vote) -> None:
        event_id = vote.voter[:8] + vote.time.to_bytes(6, "big") + vote.proposal.to_bytes(2, "big")
        self._write(partition_of(vote.voter, PARTITIONS), _encode(
            event_id, vote.voter, bytes(16), vote.choice, vote.trust, vote.origin, vote.shown,
            vote.pause, CONSULTATION, self._names[vote.proposal], vote.time, vote.via, -1))
        if vote.trust != SUSPECT:
            self._counts_more(vote)
        if vote.network is not None:
            self._late.append((vote.time + NETWORKS_LATE_MS, event_id, vote.network))

    def _counts_more(self, vote: Vote) -> None:
        """Take a vote that counts from now on, unless it is one again, or its voter's are not."""
        group = self._owner[vote.voter]
        voted = self._votes_of.setdefault(vote.voter, set())
        if vote.voter not in self.told[group].suspended and vote.proposal not in voted:
            voted.add(vote.proposal)
            self._counted_now[group] += 1
            self.counted_most[group] = max(self.counted_most[group], self._counted_now[group])

    def _gather(self, end: int) -> None:
        """Write the networks that have come by an instant."""
        ready = [one for one in self._late if one[0] < end]
        self._late = self._late[len(ready):]
        for first in range(0, len(ready), GATHERED):
            some = ready[first:first + GATHERED]
            self._networks_end += 1
            self._networks.append((self._networks_end, codec.encode(
                "NetworksSeen", events=[event_id for _, event_id, _ in some],
                networks=[network for *_, network in some], occurred_at=some[-1][0])))

    # Following

    def _count(self) -> None:
        """Have the ledger decide what was written since."""
        for ledger, records in zip(self.ledgers, self._counted, strict=True):
            decisions: list[bytes] = []
            ledger.decide_all(records, decisions)
            records.clear()
        for records in self._written:
            records.clear()
        self._networks.clear()

    def _take(self, finding: Finding, number: int, now: int) -> None:
        """Take note of who is named, and write the suspensions that a judgement asks for."""
        for voter in finding.voters:
            told = self.told[self._owner[voter]]
            told.reported.add(voter)
            if finding.suspends:
                self._counted_now[self._owner[voter]] -= len(self._votes_of.pop(voter, ()))
                told.suspended.setdefault(voter, number)
                self._write(partition_of(voter, PARTITIONS), codec.encode_as(
                    current("VoterSuspended", NEWEST_RULES),
                    event_id=suspension_id(finding.finding, voter), voter=voter,
                    consultation=CONSULTATION, reason="", salt=bytes(16), origin="operator",
                    occurred_at=now, cause=finding.rule, finding=finding.finding,
                    by=bytes(8), signature=bytes(64)))
