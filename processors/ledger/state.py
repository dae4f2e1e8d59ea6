"""What the ledger remembers of one partition. Pure.

Theory of operation: `votes` maps voter and proposal to a row (see `rows`): standing, link to the
voter's previous vote, ids of events. Each consultation maps its voters to flags and counters packed
in one integer. A suspension walks the links. Decisions, whether just taken or read back, change
this state through `settling` only.
"""

from collections import deque
from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from processors.ledger.decisions import ControlKey
from processors.ledger.rows import DIGEST_BYTES, IDS_AT, LINK_BYTES
from processors.ledger.rules import COUNTED_SHIFT, LIVE_SHIFT, OUTCOME, REASON, slot_of
from schemas.chains import NO_CHAIN
from schemas.codec import Undecodable
from schemas.findings import NOBODY, Suspension
from schemas.hot import short_string
from schemas.words import COUNTS, DECIDED, EVERY_COUNT


REMEMBERED_DECISIONS = 16_384
"""So many decisions back a repeat is compared byte for byte; the archive holds all."""
FORGOTTEN = b""
"""In place of a decision about a voter of a consultation that was sealed: nobody compares it."""

VOTE_BYTES, VOTER_BYTES, CONTROLLED_BYTES, NAME_BYTES = 164, 136, 170, 1_000
"""What a vote, a voter, a voter's controls, or a name takes in memory (CPython, 64 bits), about."""
MORE_ACCEPTED_BYTES = DIGEST_BYTES
"""What each further accepted event of a pair adds to its row..."""
ROW_GROWS_BYTES = 64
"""... and what it grows by at most: with the first refused event at once, for then all places are
there."""
SUSPENSION_BYTES, PAIR_BYTES = 400, 200
"""What a suspended voter, and a finding, take, about."""
REFUSED_ONLY_BYTES = 230
"""What a voter and a proposal take of which only refused events are known, about."""

# `voter_bits`: a voter is one integer of 61 bits. From the lowest: two flags, the counters of live
# and of counted votes (at LIVE_SHIFT and COUNTED_SHIFT), a third flag, and on top the number of the
# newest vote's proposal plus one. A voter not met before is 0.
SUSPENDED_FLAG = 1
RECEIVED_FLAG = 2
REFUSED_ONLY_FLAG = 1 << 28
"""There are proposals of which only refused events of this voter are known."""
HEAD_SHIFT = 29
COUNTER_MASK = (1 << 13) - 1
COUNTED_BITS = COUNTER_MASK << COUNTED_SHIFT
LIVE_BITS = COUNTER_MASK << LIVE_SHIFT
BELOW_HEAD = (1 << HEAD_SHIFT) - 1


_ACCEPTED = [slot_of(OUTCOME[name], REASON["none"]) for name in (
    "counted", "changed", "withdrawn", "unchanged", "proven", "qualified", "unqualified")]
_REFUSED = [slot_of(OUTCOME["refused"], REASON[name]) for name in (
    "unproven_change", "wrong_choice", "no_vote", "too_many")]
"""Of which events a row keeps the ids."""


class Consultation:
    """Figures of one consultation in this partition."""

    __slots__ = ("closed", "control_ids", "controls_after_closing", "name", "participants",
                 "participants_received", "refused_only", "sealed", "suspended", "suspensions",
                 "voters", "voters_control_ids")

    def __init__(self, name: str) -> None:
        self.name = name
        self.voters: dict[bytes, int] = {}
        """The bits of each voter."""
        self.voters_control_ids: dict[bytes, bytes] = {}
        """Last ids of the controls of version 1 of a voter."""
        self.suspensions: dict[bytes, Suspension] = {}
        """Since rules 2: findings about a voter."""
        self.refused_only: dict[bytes, dict[bytes, bytes]] = {}
        """By voter and key of a proposal: ids of refused events, where there are no others."""
        self.closed = self.sealed = False
        self.control_ids = b""
        self.participants = self.participants_received = self.suspended = 0
        self.controls_after_closing = 0
        """Suspensions and reinstatements that took effect after the closing."""


class Proposal:
    """One proposal in this partition: its number, its counts, its bytes in a decision."""

    __slots__ = ("consultation", "counts", "head", "key", "middle", "name", "number", "voters")

    def __init__(self, number: int, consultation: Consultation, name: str, middle: bytes) -> None:
        self.number, self.consultation, self.name, self.middle = number, consultation, name, middle
        self.voters = consultation.voters
        self.key = number.to_bytes(LINK_BYTES, "big")
        """What stands for it in the key of a vote."""
        self.head = number + 1 << HEAD_SHIFT
        """The head of a voter's bits whose newest vote is on this proposal."""
        self.counts = [0] * len(EVERY_COUNT)


class Participation(NamedTuple):
    """Voters of one consultation in this partition."""

    participants: int
    participants_received: int
    suspended: int
    closed: bool
    controls_after_closing: int = 0


class LedgerState:
    """The state of one votes partition."""

    def __init__(
        self, partition: int, partitions: int, first_keys: Container[object] = frozenset()
    ) -> None:
        self.partition, self.partitions = partition, partitions
        self.first_keys = first_keys
        """The adoptions by which an older partition may take its first keys: their digests, as a
        ledger is told, or their offsets, as whoever recounts finds them recorded."""
        self.last_offset = -1
        """Last votes offset decided."""
        self.chain = self.previous_chain = NO_CHAIN
        self.genesis_chain = NO_CHAIN
        """The chain after offset 0: no other partition or deployment has it."""
        self.ledger_version = 0
        """Rules in force; 0 before the first RulesAdopted."""
        self.edition = 0
        self.keys: tuple[ControlKey, ...] = ()
        """Keys that sign controls, and how often they were adopted; none: controls are unsigned."""
        self.decided = [0] * len(DECIDED)
        """Records decided, in the order of words.DECIDED."""
        self.undecodable_slot = slot_of(OUTCOME["refused"], REASON["undecodable"])
        self.live_votes = 0
        """Live votes held, set aside or not."""
        self.touched: set[Proposal] = set()
        """Proposals whose counts moved since the last flush took them."""
        self.touched_consultations: set[Consultation] = set()
        self.rules_ids = b""
        self.recent: deque[bytes] = deque(maxlen=REMEMBERED_DECISIONS)
        self.by_name: dict[str, Consultation] = {}
        self.proposals: dict[bytes, Proposal] = {}
        """By consultation and proposal as they stand encoded in an event."""
        self.proposals_in_decisions: dict[bytes, Proposal] = {}
        """By the same as it stands encoded in a decision."""
        self.by_number: list[Proposal] = []
        self.links = [bytes(LINK_BYTES)]
        """The link to a vote on a proposal, by its number plus one; the first: no vote."""
        self.votes: dict[bytes, bytes] = {}

    # Names

    def consultation(self, name: str) -> Consultation:
        """Return a consultation, met now or before."""
        found = self.by_name.get(name)
        if found is None:
            found = self.by_name[name] = Consultation(name)
        return found

    def intern(self, span: bytes) -> Proposal:
        """Meet a proposal for the first time: `span` is consultation and proposal as encoded."""
        size = (span[0] >> 1) + 1
        try:
            consultation, name = span[1:size].decode(), span[size + 1:].decode()
        except UnicodeDecodeError as error:
            raise Undecodable(f"identifier is not UTF-8: {error}") from error
        middle = b"\x02" + span[:size] + b"\x02" + span[size:]
        proposal = Proposal(
            len(self.by_number), self.consultation(consultation), name, middle)
        self.proposals[span] = self.proposals_in_decisions[middle] = proposal
        self.by_number.append(proposal)
        self.links.append(len(self.by_number).to_bytes(LINK_BYTES, "big"))
        return proposal

    def proposal(self, consultation: str, name: str) -> Proposal:
        """Return a proposal by its names."""
        span = short_string(consultation) + short_string(name)
        return self.proposals.get(span) or self.intern(span)

    # Reading

    def suspension(self, voter: bytes, consultation: Consultation) -> Suspension:
        """Return what was found about a voter; not to be changed."""
        return consultation.suspensions.get(voter, NOBODY)

    def cause(self, voter: bytes, consultation: Consultation) -> int:
        """Return the lowest cause that stands, 0 where none does or an operator's."""
        found = consultation.suspensions.get(voter)
        return (found.lowest() or 0) if found is not None else 0

    def is_suspended(self, voter: bytes, consultation: Consultation) -> bool:
        """Whether a voter is suspended now."""
        return bool(consultation.voters.get(voter, 0) & SUSPENDED_FLAG)

    def votes_of(
        self, voter: bytes, consultation: Consultation
    ) -> Iterator[tuple[Proposal, int]]:
        """Walk everything remembered of a voter: proposal, kept situation (0 mod 4: no vote)."""
        link = consultation.voters.get(voter, 0) >> HEAD_SHIFT
        while link:
            proposal = self.by_number[link - 1]
            row = self.votes[voter + proposal.key]
            yield proposal, row[0]
            link = int.from_bytes(row[1:IDS_AT], "big")

    def participation(self, consultation: str) -> Participation:
        """Return the voters of a consultation in this partition."""
        found = self.by_name.get(consultation)
        if found is None:
            return Participation(0, 0, 0, closed=False)
        return Participation(found.participants, found.participants_received, found.suspended,
                             found.closed, found.controls_after_closing)

    def every_proposal(self) -> list[Proposal]:
        """Return the proposals met in this partition."""
        return list(self.by_number)

    def bytes_held(self) -> int:
        """Estimate what this state takes in memory: all of it that grows."""
        size_bytes = (len(self.votes) * VOTE_BYTES + self._rows_grown_bytes()
                      + len(self.by_number) * NAME_BYTES)
        for found in self.by_name.values():
            size_bytes += (NAME_BYTES + len(found.voters) * VOTER_BYTES
                     + len(found.voters_control_ids) * CONTROLLED_BYTES
                     + len(found.suspensions) * SUSPENSION_BYTES
                     + sum(len(each.standing) for each in found.suspensions.values()) * PAIR_BYTES
                     + sum(map(len, found.refused_only.values())) * REFUSED_ONLY_BYTES)
        return size_bytes

    def _rows_grown_bytes(self) -> int:
        """Bound what rows take beyond their first id, by the events that were remembered."""
        accepted, refused = (sum(self.decided[slot] for slot in slots)
                             for slots in (_ACCEPTED, _REFUSED))
        grown = MORE_ACCEPTED_BYTES * max(accepted - len(self.votes), 0) + ROW_GROWS_BYTES * refused
        return min(grown, ROW_GROWS_BYTES * len(self.votes))

    def consultations(self) -> list[str]:
        """Name the consultations met in this partition."""
        return list(self.by_name)

    def tallies(self) -> dict[tuple[str, str], list[int]]:
        """Return the counts of every proposal that all rules have, in the order of words.COUNTS."""
        return {(p.consultation.name, p.name): p.counts[:len(COUNTS)] for p in self.by_number}

    def every_count(self) -> dict[tuple[str, str], list[int]]:
        """Return all counts of every proposal, in the order of words.EVERY_COUNT."""
        return {(p.consultation.name, p.name): p.counts for p in self.by_number}

    def decided_by_outcome(self) -> dict[str, int]:
        """Return the records decided by outcome, refusals as refused_REASON."""
        return {name: number for name, number in zip(DECIDED, self.decided, strict=True) if number}

    def state(self) -> dict[str, Any]:
        """Return the whole state as plain values, to compare two ledgers."""
        return {
            "last_offset": self.last_offset, "chain": self.chain,
            "previous_chain": self.previous_chain, "ledger_version": self.ledger_version,
            "decided": self.decided_by_outcome(), "live_votes": self.live_votes,
            "rules_ids": self.rules_ids, "genesis_chain": self.genesis_chain,
            "edition": self.edition, "keys": self.keys,
            "suspensions": {(name, voter): each.copied() for name, found in self.by_name.items()
                            for voter, each in found.suspensions.items()},
            "refused_only": {(name, voter): each for name, found in self.by_name.items()
                             for voter, each in found.refused_only.items()},
            "consultations": {
                name: (found.closed, found.sealed, found.control_ids, found.voters_control_ids,
                       *self.participation(name))
                for name, found in self.by_name.items()
            },
            "tallies": self.every_count(), "votes": self.votes,
            "voters": {(name, voter): voter_bits for name, found in self.by_name.items()
                       for voter, voter_bits in found.voters.items()},
        }
