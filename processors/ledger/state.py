"""What the ledger remembers of one partition, and the one way to record a decision in it. Pure.

Theory of operation: `_votes` maps voter and proposal to one byte of standing, a link to the voter's
previous vote and the last event ids; each consultation maps its voters to flags and counters packed
in one integer. A suspension walks the links. Decisions, whether just taken or read back, change
this state through `settle` and `settle_control` only.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from processors.ledger.decisions import NO_CHAIN, Decision
from processors.ledger.rules import (
    COUNT,
    COUNTED_SHIFT,
    KIND,
    LIVE_SHIFT,
    OUTCOME,
    REASON,
    REMEMBERED_EVENTS,
    PlainTransition,
    contribution,
    slot_of,
)
from schemas.codec import Undecodable
from schemas.hot import short_string
from schemas.words import COUNTS, OUTCOMES, REASONS


REMEMBERED_DECISIONS = 16_384
"""So many decisions back a repeat is compared byte for byte; the archive holds all."""

DIGEST_BYTES = 8
"""An event id is remembered by its last bytes: ids are random or hashes."""
LINK_BYTES = 4
IDS_AT = 1 + LINK_BYTES
_IDS_END = IDS_AT + (REMEMBERED_EVENTS - 1) * DIGEST_BYTES

VOTE_BYTES, VOTER_BYTES, CONTROLLED_BYTES, NAME_BYTES = 164, 136, 170, 1_000
"""What a vote, a voter, a voter's controls, or a name takes in memory (CPython, 64 bits), about."""

# A voter is one integer of 60 bits. From the lowest bit: two flags, the counters of live and of
# counted votes (at LIVE_SHIFT and COUNTED_SHIFT), and on top the number of the newest vote's
# proposal plus one. A voter not met before is 0.
SUSPENDED_FLAG = 1
RECEIVED_FLAG = 2
HEAD_SHIFT = 28
COUNTER_MASK = (1 << 13) - 1
COUNTED_BITS = COUNTER_MASK << COUNTED_SHIFT
LIVE_BITS = COUNTER_MASK << LIVE_SHIFT
BELOW_HEAD = (1 << HEAD_SHIFT) - 1


class Consultation:
    """Figures of one consultation in this partition."""

    __slots__ = ("closed", "control_ids", "controls_after_closing", "name", "participants",
                 "participants_received", "sealed", "suspended", "voters", "voters_control_ids")

    def __init__(self, name: str) -> None:
        self.name = name
        self.voters: dict[bytes, int] = {}
        """Record of each voter."""
        self.voters_control_ids: dict[bytes, bytes] = {}
        """Last ids of the controls of a voter."""
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
        """The head of a voter's record whose newest vote is on this proposal."""
        self.counts = [0] * len(COUNTS)


class Participation(NamedTuple):
    """Voters of one consultation in this partition."""

    participants: int
    participants_received: int
    suspended: int
    closed: bool
    controls_after_closing: int = 0


class LedgerState:
    """The state of one votes partition."""

    def __init__(self, partition: int, partitions: int) -> None:
        self.partition, self.partitions = partition, partitions
        self.last_offset = -1
        """Last votes offset decided."""
        self.chain = self.previous_chain = NO_CHAIN
        self.ledger_version = 0
        """Rules in force; 0 before the first RulesAdopted."""
        self.decided = [0] * (len(OUTCOMES) * len(REASONS))
        """Records decided by `slot_of(outcome, reason)`."""
        self.undecodable_slot = slot_of(OUTCOME["refused"], REASON["undecodable"])
        self.live_votes = 0
        """Live votes held, set aside or not."""
        self.touched: set[Proposal] = set()
        """Proposals whose counts moved since the last flush took them."""
        self.touched_consultations: set[Consultation] = set()
        self.rules_ids = b""
        self.recent: deque[bytes] = deque(maxlen=REMEMBERED_DECISIONS)
        self._consultations: dict[str, Consultation] = {}
        self._proposals: dict[bytes, Proposal] = {}
        """By consultation and proposal as they stand encoded in an event."""
        self._proposals_in_decisions: dict[bytes, Proposal] = {}
        """By the same as it stands encoded in a decision."""
        self._by_number: list[Proposal] = []
        self._links = [bytes(LINK_BYTES)]
        """The link to a vote on a proposal, by its number plus one; the first: no vote."""
        self._votes: dict[bytes, bytes] = {}

    # Names

    def consultation(self, name: str) -> Consultation:
        """Give a consultation, met now or before."""
        found = self._consultations.get(name)
        if found is None:
            found = self._consultations[name] = Consultation(name)
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
            len(self._by_number), self.consultation(consultation), name, middle)
        self._proposals[span] = self._proposals_in_decisions[middle] = proposal
        self._by_number.append(proposal)
        self._links.append(len(self._by_number).to_bytes(LINK_BYTES, "big"))
        return proposal

    def proposal(self, consultation: str, name: str) -> Proposal:
        """Give a proposal by its names."""
        span = short_string(consultation) + short_string(name)
        return self._proposals.get(span) or self.intern(span)

    # Recording

    def settle(
        self, found: PlainTransition, voter: bytes, record: int, vote_key: bytes,
        held: bytes | None, proposal: Proposal, digest: bytes,
    ) -> None:
        """Record a decided ballot event. `record` and `held` are what the state has of it."""
        _, _, slot, deltas, remembered, after, received, live_delta, counted_delta, moved = found
        self.decided[slot] += 1
        if deltas:
            counts = proposal.counts
            for index, delta in deltas:
                counts[index] += delta
            self.touched.add(proposal)
        if not remembered:
            return
        if held is None:
            self._votes[vote_key] = after + self._links[record >> HEAD_SHIFT] + digest
            record = record & BELOW_HEAD | proposal.head
        else:
            self._votes[vote_key] = after + held[1:IDS_AT] + digest + held[IDS_AT:_IDS_END]
        if received and not record & RECEIVED_FLAG:
            record |= RECEIVED_FLAG
            proposal.consultation.participants_received += 1
            self.touched_consultations.add(proposal.consultation)
        if moved:
            self.live_votes += live_delta
            if counted_delta:
                counted = record & COUNTED_BITS
                # Only a voter's first or last counted vote moves the participants.
                if not counted or counted_delta < 0:
                    self._participate(record, counted_delta, proposal.consultation)
            record += moved
        proposal.voters[voter] = record

    def _participate(self, record: int, counted_delta: int, consultation: Consultation) -> None:
        """Move the participants when a voter's first or last counted vote comes or goes."""
        counted = record & COUNTED_BITS
        after = counted + (counted_delta << COUNTED_SHIFT)
        if not counted or not after:
            consultation.participants += bool(after) - bool(counted)
            self.touched_consultations.add(consultation)

    def settle_control(self, decision: Decision) -> None:
        """Record a decision that is not about one vote."""
        outcome = OUTCOMES[decision.outcome]
        self.decided[slot_of(decision.outcome, decision.reason)] += 1
        if decision.event_id is None or outcome in ("repeated", "refused", "late"):
            return
        if decision.kind == KIND["rules_adopted"]:
            self.ledger_version = decision.ledger_version
            self.rules_ids = remembering(self.rules_ids, decision.event_id)
            return
        assert decision.consultation is not None
        consultation = self.consultation(decision.consultation)
        self.touched_consultations.add(consultation)
        if decision.kind == KIND["consultation_closed"]:
            consultation.closed = True
            consultation.control_ids = remembering(consultation.control_ids, decision.event_id)
            return
        if decision.kind == KIND["consultation_sealed"]:
            consultation.control_ids = remembering(consultation.control_ids, decision.event_id)
            if outcome == "sealed":
                self._drop_voters(consultation)
            return
        self._settle_voter_control(decision, consultation)

    def _drop_voters(self, consultation: Consultation) -> None:
        """Forget who voted what in a sealed consultation; its counts stay.

        What comes later for it is late, whoever sends it, so nobody needs this any more.
        """
        consultation.sealed = True
        for voter in consultation.voters:
            for proposal, kept in list(self.votes_of(voter, consultation)):
                self.live_votes -= bool(kept & 3)
                del self._votes[voter + proposal.key]
        consultation.voters.clear()
        consultation.voters_control_ids.clear()

    def _settle_voter_control(self, decision: Decision, consultation: Consultation) -> None:
        assert decision.voter is not None
        assert decision.event_id is not None
        voter, ids = decision.voter, consultation.voters_control_ids
        ids[voter] = remembering(ids.get(voter, b""), decision.event_id)
        if OUTCOMES[decision.outcome] == "unchanged":
            return
        record = consultation.voters.get(voter, 0)
        suspends = OUTCOMES[decision.outcome] == "suspended"
        consultation.suspended += 1 if suspends else -1
        consultation.controls_after_closing += consultation.closed
        record = record | SUSPENDED_FLAG if suspends else record & ~SUSPENDED_FLAG
        counted_delta = 0
        for change in decision.changes:
            proposal = self.proposal(consultation.name, change.proposal)
            for name in contribution(change.before):
                proposal.counts[COUNT[name]] -= 1
            for name in contribution(change.after):
                proposal.counts[COUNT[name]] += 1
            counted_delta += _counts(change.after) - _counts(change.before)
            self.touched.add(proposal)
        self._participate(record, counted_delta, consultation)
        consultation.voters[voter] = record + (counted_delta << COUNTED_SHIFT)

    def advance(self, offset: int, chain: bytes, decision: bytes) -> None:
        """Move on: `decision` is the one of `offset`."""
        self.last_offset, self.previous_chain, self.chain = offset, self.chain, chain
        self.recent.append(decision)

    # Copying

    def copied(self) -> tuple[dict[str, Any], list[dict[bytes, int]], dict[bytes, bytes]]:
        """Copy the whole state: plain values, the voters of each consultation, the votes.

        The dictionaries are copied as such, for their values never change in place.
        """
        consultations = self._consultations.values()
        header = {name: getattr(self, name) for name in _COPIED} | {
            "decided": list(self.decided), "recent": list(self.recent),
            "consultations": [
                (found.name, found.closed, found.sealed, found.control_ids, found.participants,
                 found.participants_received, found.suspended, found.controls_after_closing,
                 dict(found.voters_control_ids))
                for found in consultations
            ],
            "proposals": [(p.consultation.name, p.name, list(p.counts)) for p in self._by_number],
        }
        return header, [dict(found.voters) for found in consultations], dict(self._votes)

    def restore(
        self, header: dict[str, Any], voters: list[dict[bytes, int]], votes: dict[bytes, bytes]
    ) -> None:
        """Become what was copied; this state must be a new one of the same partition."""
        for name in _COPIED:
            setattr(self, name, header[name])
        self.decided[:] = header["decided"]
        self.recent.extend(header["recent"])
        for (name, *figures), its_voters in zip(header["consultations"], voters, strict=True):
            found = self.consultation(name)
            (found.closed, found.sealed, found.control_ids, found.participants,
             found.participants_received, found.suspended, found.controls_after_closing,
             found.voters_control_ids) = figures
            found.voters = its_voters
        for consultation, name, counts in header["proposals"]:
            self.proposal(consultation, name).counts = list(counts)
        self._votes = votes

    # Reading

    def is_suspended(self, voter: bytes, consultation: Consultation) -> bool:
        """Whether a voter is suspended now."""
        return bool(consultation.voters.get(voter, 0) & SUSPENDED_FLAG)

    def votes_of(
        self, voter: bytes, consultation: Consultation
    ) -> Iterator[tuple[Proposal, int]]:
        """Walk everything remembered of a voter: proposal, kept situation (0 mod 4: no vote)."""
        link = consultation.voters.get(voter, 0) >> HEAD_SHIFT
        while link:
            proposal = self._by_number[link - 1]
            held = self._votes[voter + proposal.key]
            yield proposal, held[0]
            link = int.from_bytes(held[1:IDS_AT], "big")

    def participation(self, consultation: str) -> Participation:
        """Give the voters of a consultation in this partition."""
        found = self._consultations.get(consultation)
        if found is None:
            return Participation(0, 0, 0, closed=False)
        return Participation(found.participants, found.participants_received, found.suspended,
                             found.closed, found.controls_after_closing)

    def every_proposal(self) -> list[Proposal]:
        """Give the proposals met in this partition."""
        return list(self._by_number)

    def bytes_held(self) -> int:
        """Estimate what this state takes in memory: all of it that grows."""
        held = len(self._votes) * VOTE_BYTES + len(self._by_number) * NAME_BYTES
        for found in self._consultations.values():
            held += (NAME_BYTES + len(found.voters) * VOTER_BYTES
                     + len(found.voters_control_ids) * CONTROLLED_BYTES)
        return held

    def consultations(self) -> list[str]:
        """Name the consultations met in this partition."""
        return list(self._consultations)

    def tallies(self) -> dict[tuple[str, str], list[int]]:
        """Give the counts of every proposal, in the order of words.COUNTS."""
        return {(p.consultation.name, p.name): p.counts for p in self._by_number}

    def decided_by_outcome(self) -> dict[str, int]:
        """Give the records decided by outcome, refusals as refused_REASON."""
        return {
            "_".join((OUTCOMES[slot // len(REASONS)], REASONS[slot % len(REASONS)]))
            if slot % len(REASONS) else OUTCOMES[slot // len(REASONS)]: number
            for slot, number in enumerate(self.decided) if number
        }

    def state(self) -> dict[str, Any]:
        """Give the whole state as plain values, to compare two ledgers."""
        return {
            "last_offset": self.last_offset, "chain": self.chain,
            "previous_chain": self.previous_chain, "ledger_version": self.ledger_version,
            "decided": self.decided_by_outcome(), "live_votes": self.live_votes,
            "rules_ids": self.rules_ids,
            "consultations": {
                name: (found.closed, found.sealed, found.control_ids, found.voters_control_ids,
                       *self.participation(name))
                for name, found in self._consultations.items()
            },
            "tallies": self.tallies(), "votes": self._votes,
            "voters": {(name, voter): record for name, found in self._consultations.items()
                       for voter, record in found.voters.items()},
        }


_COPIED = ("partition", "partitions", "last_offset", "chain", "previous_chain", "ledger_version",
           "live_votes", "rules_ids")
"""What a copy holds as it is."""


def _counts(situation: int) -> bool:
    return any(not name.startswith("set_aside") for name in contribution(situation))


def remembers(held: bytes, digest: bytes) -> bool:
    """Whether an event id is among those remembered with a vote."""
    at = held.find(digest, IDS_AT)
    while at >= 0 and (at - IDS_AT) % DIGEST_BYTES:
        at = held.find(digest, at + 1)
    return at >= 0


def known(ids: bytes, event_id: bytes) -> bool:
    """Whether a control's event id is among those remembered."""
    return remembers(bytes(IDS_AT) + ids, event_id[DIGEST_BYTES:])


def remembering(ids: bytes, event_id: bytes) -> bytes:
    """Remember a control's event id as the newest."""
    return (event_id[DIGEST_BYTES:] + ids)[:REMEMBERED_EVENTS * DIGEST_BYTES]
