"""The ledger: one partition of the ballot box in, one decision a record out. Pure.

Theory of operation:
- `decide(state, event)` depends on the partition's log alone: no clock, no catalogue, no other
  partition. The same log under the same rules gives the same decisions, byte for byte.
- Offsets have no holes: last + 1 is decided, an older one is dropped, a hole stops the partition.
- A decision is looked up (processors.rules) and then recorded through `_settle`; folding a
  decision read back (`apply`) runs through the same `_settle`. Recovery is therefore the very
  computation that was interrupted.
- State: `_votes` maps (voter number, proposal number) to one byte of standing, a link to the
  voter's previous vote and the last event ids; `_voters` maps a voter to flags and counters packed
  in one integer. A suspension walks the links. About 200 bytes a live vote.
- On the output, repeats and a zombie's strays are skipped; a repeat with other bytes raises
  DecisionsDisagree.
"""

import hashlib
from collections import deque
from typing import NamedTuple

from processors.decisions import CHAIN_BYTES, HEADER, NO_CHAIN, Change, Decision, decode, encode
from processors.rules import (
    KIND,
    MAX_LIVE_VOTES,
    OUTCOME,
    QUALIFICATION_ADDED,
    QUALIFICATION_WITHDRAWN,
    REASON,
    REMEMBERED_EVENTS,
    TRANSITIONS,
    VERSION,
    VOTE_CAST,
    VOTE_WITHDRAWN,
    Transition,
    contribution,
    slot_of,
    standing_still,
    transition,
)
from processors.standing import SUSPENDED
from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import decoder, long
from schemas.registry import HEADER_BYTES, UnknownSchema, current
from schemas.topics import partition_of
from schemas.words import COUNTS, OUTCOMES, REASONS


MAX_BALLOT_BYTES = 4_096
"""No record of the ballot box is longer; a longer one is undecodable."""
REMEMBERED_DECISIONS = 65_536
"""So many decisions back a repeat is compared byte for byte (by hash); the archive holds all."""

_DIGEST_BYTES = 8
_LINK_BYTES = 4
_IDS_AT = 1 + _LINK_BYTES
_IDS_END = _IDS_AT + (REMEMBERED_EVENTS - 1) * _DIGEST_BYTES

# A voter is one integer: two flags, two counters, the voter's number, the newest vote plus one.
_SUSPENDED_FLAG = 1
_RECEIVED_FLAG = 2
_LIVE_SHIFT, _COUNTED_SHIFT, _NUMBER_SHIFT, _HEAD_SHIFT = 2, 15, 28, 58
_COUNTER_MASK = (1 << 13) - 1
_NUMBER_MASK = (1 << 30) - 1
_BELOW_HEAD = (1 << _HEAD_SHIFT) - 1
_PROPOSAL_BITS = 30


class LedgerStopped(Exception):
    """The partition must not go on: deciding further would be wrong. The message says why."""


class HoleInVotes(LedgerStopped):
    """An offset is missing on the input."""


class DecisionsDisagree(LedgerStopped):
    """Two decisions of one record differ: two ledgers ran under different rules, or one lies."""


class _Consultation:
    """Figures of one consultation in this partition."""

    __slots__ = ("closed", "control_ids", "key", "name", "participants", "participants_received",
                 "suspended")

    def __init__(self, name: str, key: bytes) -> None:
        self.name, self.key = name, key
        self.closed = False
        self.control_ids = b""
        self.participants = self.participants_received = self.suspended = 0


class _Proposal:
    """One proposal in this partition: its number, its counts, its bytes in a decision."""

    __slots__ = ("consultation", "counts", "middle", "name", "number")

    def __init__(self, number: int, consultation: _Consultation, name: str, middle: bytes) -> None:
        self.number, self.consultation, self.name, self.middle = number, consultation, name, middle
        self.counts = [0] * len(COUNTS)


class Participation(NamedTuple):
    """Voters of one consultation in this partition."""

    participants: int
    participants_received: int
    suspended: int
    closed: bool


class ChainLink(NamedTuple):
    """The last link of a partition's chain."""

    partition: int
    offset: int
    previous: bytes
    chain: bytes

    def verify(self, value: bytes | None) -> None:
        """Compare the record at `offset`, read again, with the chain; raise LedgerStopped."""
        expected = hashlib.sha256(self.previous + (value or b"")).digest()[:CHAIN_BYTES]
        if expected != self.chain:
            raise LedgerStopped(
                f"votes partition {self.partition}: the vote at offset {self.offset} is not the "
                "one that was decided. The ballot box was replaced or rewritten: stop, and "
                "compare with the archive (`scrutin audit recount`)."
            )


class Ledger:
    """The state of one votes partition and the only two ways to change it: decide and apply."""

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
        self.touched: set[_Proposal] = set()
        """Proposals whose counts moved since the last flush took them."""
        self.touched_consultations: set[_Consultation] = set()
        self._consultations: dict[str, _Consultation] = {}
        self._proposals: dict[bytes, _Proposal] = {}
        self._proposals_in_decisions: dict[bytes, _Proposal] = {}
        self._by_number: list[_Proposal] = []
        self._voters: dict[bytes, int] = {}
        self._votes: dict[int, bytes] = {}
        self._control_ids: dict[bytes, bytes] = {}
        self._rules_ids = b""
        self._recent: deque[int] = deque(maxlen=REMEMBERED_DECISIONS)

    # Deciding

    def decide(self, offset: int, value: bytes | None) -> bytes | None:
        """Decide the record at `offset`: the bytes of its decision, None if decided already.

        Raises HoleInVotes, UnknownSchema or LedgerStopped: then nothing has changed.
        """
        if offset <= self.last_offset:
            return None
        if offset != self.last_offset + 1:
            raise HoleInVotes(
                f"votes partition {self.partition}: offset {offset} came after "
                f"{self.last_offset}. Records are missing from the ballot box (transaction, "
                "compaction or deletion): check the topic before going on."
            )
        value = value or b""
        chain = hashlib.sha256(self.chain + value).digest()[:CHAIN_BYTES]
        try:
            handler = _HANDLERS.get(value[:HEADER_BYTES])
            if handler is None or len(value) > MAX_BALLOT_BYTES:
                self._no_handler(value)
            else:
                decision: bytes = handler(self, offset, chain, value)
                self._advance(offset, chain, decision)
                return decision
        except Undecodable:
            pass
        decision = self._undecodable(offset, chain)
        self._advance(offset, chain, decision)
        return decision

    def _advance(self, offset: int, chain: bytes, decision: bytes) -> None:
        self.last_offset, self.previous_chain, self.chain = offset, self.chain, chain
        self._recent.append(hash(decision))

    def _no_handler(self, value: bytes) -> None:
        if len(value) > MAX_BALLOT_BYTES:
            raise Undecodable(f"{len(value)} bytes, at most {MAX_BALLOT_BYTES} are read")
        schema = codec.schema_of(value)
        raise UnknownSchema(schema.id)

    def _undecodable(self, offset: int, chain: bytes) -> bytes:
        return self._decided_control(Decision(
            None, None, chain, KIND["unknown"], OUTCOME["refused"], REASON["undecodable"],
            self._version(), offset, None, (),
        ))

    def _version(self) -> int:
        if not self.ledger_version:
            raise LedgerStopped(
                f"votes partition {self.partition}: the first record is not RulesAdopted. "
                "Run `scrutin provision` before anything is written to a new topic generation."
            )
        return self.ledger_version

    def _ballot(
        self, kind: int, detail: int, offset: int, chain: bytes,
        ballot: tuple[bytes, bytes, int, bytes],
    ) -> bytes:
        """Decide a vote or qualification event."""
        event_id, voter, suspect, span = ballot
        version = self._version()
        proposal = self._proposals.get(span) or self._intern(span)
        if partition_of(voter, self.partitions) != self.partition:
            found = standing_still(kind, "refused", 0, "misplaced")
            self._settle(found, b"", 0, None, proposal, b"")
        else:
            voter_key = voter + proposal.consultation.key
            record = self._voters.get(voter_key, 0)
            held = None
            situation = SUSPENDED if record & _SUSPENDED_FLAG else 0
            if record:
                held = self._votes.get(
                    (record >> _NUMBER_SHIFT & _NUMBER_MASK) << _PROPOSAL_BITS | proposal.number)
                if held is not None:
                    situation |= held[0]
            digest = event_id[_DIGEST_BYTES:]
            if held is not None and _remembers(held, digest):
                found = standing_still(kind, "repeated", situation)
            elif proposal.consultation.closed:
                found = standing_still(kind, "late", situation)
            elif (kind == VOTE_CAST and not situation & 3
                  and record >> _LIVE_SHIFT & _COUNTER_MASK >= MAX_LIVE_VOTES):
                found = standing_still(kind, "refused", situation, "too_many")
            else:
                found = TRANSITIONS[kind][detail][suspect][situation]  # type: ignore[assignment]
            self._settle(found, voter_key, record, held, proposal, digest)
        return b"".join((
            HEADER, b"\x02", event_id, b"\x02", voter, chain, found.codes, _VERSIONS[version],
            long(offset), proposal.middle, found.tail,
        ))

    def _intern(self, span: bytes) -> _Proposal:
        """Meet a proposal for the first time: `span` is consultation and proposal as encoded."""
        size = (span[0] >> 1) + 1
        consultation, name = span[1:size], span[size + 1:]
        try:
            found = self._consultation(consultation.decode())
            proposal = _Proposal(
                len(self._by_number), found, name.decode(),
                b"\x02" + span[:size] + b"\x02" + span[size:],
            )
        except UnicodeDecodeError as error:
            raise Undecodable(f"identifier is not UTF-8: {error}") from error
        self._proposals[span] = self._proposals_in_decisions[proposal.middle] = proposal
        self._by_number.append(proposal)
        return proposal

    def _consultation(self, name: str) -> _Consultation:
        found = self._consultations.get(name)
        if found is None:
            key = len(self._consultations).to_bytes(2, "big")
            found = self._consultations[name] = _Consultation(name, key)
        return found

    # Recording: the one way by which decisions, new or read back, change the state

    def _settle(
        self, found: Transition, voter_key: bytes, record: int, held: bytes | None,
        proposal: _Proposal, digest: bytes,
    ) -> None:
        self.decided[found.slot] += 1
        if found.deltas:
            counts = proposal.counts
            for index, delta in found.deltas:
                counts[index] += delta
            self.touched.add(proposal)
        if not found.remembered:
            return
        if not record:
            record = len(self._voters) << _NUMBER_SHIFT
        key = (record >> _NUMBER_SHIFT & _NUMBER_MASK) << _PROPOSAL_BITS | proposal.number
        if held is None:
            link = (record >> _HEAD_SHIFT).to_bytes(_LINK_BYTES, "big")
            self._votes[key] = _BYTES[found.after] + link + digest
            record = record & _BELOW_HEAD | (proposal.number + 1) << _HEAD_SHIFT
        else:
            self._votes[key] = (_BYTES[found.after] + held[1:_IDS_AT] + digest
                                + held[_IDS_AT:_IDS_END])
        if found.kind == VOTE_CAST and not record & _RECEIVED_FLAG:
            record |= _RECEIVED_FLAG
            proposal.consultation.participants_received += 1
            self.touched_consultations.add(proposal.consultation)
        if found.live_delta or found.counted_delta:
            record = self._count(record, found.live_delta, found.counted_delta,
                                 proposal.consultation)
        self._voters[voter_key] = record

    def _count(
        self, record: int, live_delta: int, counted_delta: int, consultation: _Consultation
    ) -> int:
        """Move a voter's counters, and the participants when the first or last vote counts."""
        counted = record >> _COUNTED_SHIFT & _COUNTER_MASK
        moved = bool(counted + counted_delta) - bool(counted)
        if moved:
            consultation.participants += moved
            self.touched_consultations.add(consultation)
        self.live_votes += live_delta
        return record + (live_delta << _LIVE_SHIFT) + (counted_delta << _COUNTED_SHIFT)

    # Controls

    def _rules_adopted(self, offset: int, chain: bytes, value: bytes) -> bytes:
        _, fields = codec.decode(value)
        if (fields["partition"], fields["partitions"]) != (self.partition, self.partitions):
            raise LedgerStopped(
                f"votes partition {self.partition} of {self.partitions}: RulesAdopted at offset "
                f"{offset} was written for partition {fields['partition']} of "
                f"{fields['partitions']}. The partition count of a topic generation never "
                "changes: restore the topic, or start a new generation with another prefix."
            )
        if fields["ledger_version"] != VERSION:
            raise LedgerStopped(
                f"votes partition {self.partition}: offset {offset} adopts ledger version "
                f"{fields['ledger_version']}, unknown here. Install a version that has it."
            )
        event_id = fields["event_id"]
        outcome = "repeated" if _known(self._rules_ids, event_id) else "adopted"
        return self._decided_control(Decision(
            event_id, None, chain, KIND["rules_adopted"], OUTCOME[outcome], REASON["none"],
            fields["ledger_version"] if outcome == "adopted" else self.ledger_version, offset,
            None, (),
        ))

    def _consultation_closed(self, offset: int, chain: bytes, value: bytes) -> bytes:
        version = self._version()
        _, fields = codec.decode(value)
        consultation = self._consultation(fields["consultation"])
        event_id = fields["event_id"]
        outcome = "unchanged" if consultation.closed else "closed"
        if _known(consultation.control_ids, event_id):
            outcome = "repeated"
        return self._decided_control(Decision(
            event_id, None, chain, KIND["consultation_closed"], OUTCOME[outcome], REASON["none"],
            version, offset, consultation.name, (),
        ))

    def _voter_control(self, kind: str, offset: int, chain: bytes, value: bytes) -> bytes:
        version = self._version()
        _, fields = codec.decode(value)
        event_id, voter = fields["event_id"], fields["voter"]
        consultation = self._consultation(fields["consultation"])
        voter_key = voter + consultation.key
        suspended = bool(self._voters.get(voter_key, 0) & _SUSPENDED_FLAG)
        reason, changes = "none", ()
        outcome = "suspended" if kind == "voter_suspended" else "reinstated"
        if partition_of(voter, self.partitions) != self.partition:
            outcome, reason = "refused", "misplaced"
        elif _known(self._control_ids.get(voter_key, b""), event_id):
            outcome = "repeated"
        elif suspended == (kind == "voter_suspended"):
            outcome = "unchanged"
        else:
            changes = self._changes_of(voter_key, suspended=suspended)
        return self._decided_control(Decision(
            event_id, voter, chain, KIND[kind], OUTCOME[outcome], REASON[reason], version, offset,
            consultation.name, changes,
        ))

    def _changes_of(self, voter_key: bytes, *, suspended: bool) -> tuple[Change, ...]:
        """List every live vote of a voter with its suspension turned over, by proposal."""
        was, becomes = (SUSPENDED, 0) if suspended else (0, SUSPENDED)
        return tuple(sorted(
            Change(proposal.name, held[0] | was, held[0] | becomes)
            for proposal, held in self._votes_of(voter_key) if held[0] & 3
        ))

    def _votes_of(self, voter_key: bytes) -> list[tuple[_Proposal, bytes]]:
        record = self._voters.get(voter_key, 0)
        number, link = record >> _NUMBER_SHIFT & _NUMBER_MASK, record >> _HEAD_SHIFT
        found = []
        while link:
            held = self._votes[number << _PROPOSAL_BITS | link - 1]
            found.append((self._by_number[link - 1], held))
            link = int.from_bytes(held[1:_IDS_AT], "big")
        return found

    def _decided_control(self, decision: Decision) -> bytes:
        value = encode(decision)
        self._settle_control(decision)
        return value

    def _settle_control(self, decision: Decision) -> None:
        """Record a decision that is not about one vote."""
        outcome = OUTCOMES[decision.outcome]
        self.decided[slot_of(decision.outcome, decision.reason)] += 1
        if decision.event_id is None or outcome in ("repeated", "refused"):
            return
        if decision.kind == KIND["rules_adopted"]:
            self.ledger_version = decision.ledger_version
            self._rules_ids = _remembering(self._rules_ids, decision.event_id)
            return
        assert decision.consultation is not None
        consultation = self._consultation(decision.consultation)
        self.touched_consultations.add(consultation)
        if decision.kind == KIND["consultation_closed"]:
            consultation.closed = True
            consultation.control_ids = _remembering(consultation.control_ids, decision.event_id)
            return
        self._settle_voter_control(decision, consultation)

    def _settle_voter_control(self, decision: Decision, consultation: _Consultation) -> None:
        assert decision.voter is not None
        assert decision.event_id is not None
        voter_key = decision.voter + consultation.key
        self._control_ids[voter_key] = _remembering(
            self._control_ids.get(voter_key, b""), decision.event_id)
        if OUTCOMES[decision.outcome] == "unchanged":
            return
        record = self._voters.get(voter_key) or len(self._voters) << _NUMBER_SHIFT
        suspends = OUTCOMES[decision.outcome] == "suspended"
        consultation.suspended += 1 if suspends else -1
        record = record | _SUSPENDED_FLAG if suspends else record & ~_SUSPENDED_FLAG
        counted_delta = 0
        for change in decision.changes:
            proposal = self._proposal(consultation.name, change.proposal)
            for name in contribution(change.before):
                proposal.counts[_COUNT[name]] -= 1
            for name in contribution(change.after):
                proposal.counts[_COUNT[name]] += 1
            counted_delta += _counts(change.after) - _counts(change.before)
            self.touched.add(proposal)
        self._voters[voter_key] = self._count(record, 0, counted_delta, consultation)

    def _proposal(self, consultation: str, proposal: str) -> _Proposal:
        span = b"".join(bytes((2 * len(t),)) + t for t in (consultation.encode(), proposal.encode()))
        return self._proposals.get(span) or self._intern(span)

    # Folding decisions read back

    def apply(self, value: bytes) -> bool:
        """Fold a recorded decision: False for a repeat or a zombie's stray, which are skipped."""
        decision = decode(value)
        offset = decision.source_offset
        if offset <= self.last_offset:
            self._compare(offset, value)
            return False
        if offset != self.last_offset + 1:
            return False
        if decision.kind in TRANSITIONS:
            self._apply_ballot(decision)
        else:
            self._settle_control(decision)
        self._advance(offset, decision.chain, value)
        return True

    def _apply_ballot(self, decision: Decision) -> None:
        assert decision.consultation is not None
        assert decision.voter is not None
        assert decision.event_id is not None
        change = decision.changes[0]
        proposal = self._proposal(decision.consultation, change.proposal)
        found = transition(
            decision.kind, decision.outcome, decision.reason, change.before, change.after)
        voter_key = decision.voter + proposal.consultation.key
        record = self._voters.get(voter_key, 0)
        held = self._votes.get(
            (record >> _NUMBER_SHIFT & _NUMBER_MASK) << _PROPOSAL_BITS | proposal.number
        ) if record else None
        self._settle(found, voter_key, record, held, proposal, decision.event_id[_DIGEST_BYTES:])

    def _compare(self, offset: int, value: bytes) -> None:
        """Compare a repeated decision with the one folded, as far back as they are remembered."""
        back = self.last_offset - offset + 1
        if back <= len(self._recent) and self._recent[-back] != hash(value):
            raise DecisionsDisagree(
                f"votes partition {self.partition}: two different decisions of offset {offset}. "
                "Two ledgers ran under different rules, or the decisions were tampered with: "
                "stop all ledgers and run `scrutin audit recount`."
            )

    def last_link(self) -> "ChainLink":
        """Give what proves the last vote decided: to be compared with the ballot box at start."""
        return ChainLink(self.partition, self.last_offset, self.previous_chain, self.chain)

    # Reading

    def participation(self, consultation: str) -> Participation:
        """Give the voters of a consultation in this partition."""
        found = self._consultation(consultation)
        return Participation(found.participants, found.participants_received, found.suspended,
                             found.closed)

    def every_proposal(self) -> list["_Proposal"]:
        """Give the proposals met in this partition."""
        return list(self._by_number)

    def consultations(self) -> list[str]:
        """Name the consultations met in this partition."""
        return list(self._consultations)

    def tallies(self) -> dict[tuple[str, str], list[int]]:
        """Give the counts of every proposal, in the order of words.COUNTS."""
        return {(p.consultation.name, p.name): p.counts for p in self._by_number}

    def decided_by_outcome(self) -> dict[str, int]:
        """Give the records decided by outcome, refusals as refused_REASON."""
        return {
            OUTCOMES[slot // len(REASONS)] + ("_" + REASONS[slot % len(REASONS)]
                                              if slot % len(REASONS) else ""): number
            for slot, number in enumerate(self.decided) if number
        }


_BYTES = [bytes((number,)) for number in range(64)]
_VERSIONS = [long(version) for version in range(VERSION + 1)]
_COUNT = {name: index for index, name in enumerate(COUNTS)}


def _counts(situation: int) -> bool:
    return bool(situation & 3) and contribution(situation)[0][:9] != "set_aside"


def _remembers(held: bytes, digest: bytes) -> bool:
    """Whether an event id is among those remembered with a vote."""
    at = held.find(digest, _IDS_AT)
    while at >= 0 and (at - _IDS_AT) % _DIGEST_BYTES:
        at = held.find(digest, at + 1)
    return at >= 0


def _known(ids: bytes, event_id: bytes) -> bool:
    return _remembers(bytes(_IDS_AT) + ids, event_id[_DIGEST_BYTES:])


def _remembering(ids: bytes, event_id: bytes) -> bytes:
    return (event_id[_DIGEST_BYTES:] + ids)[:REMEMBERED_EVENTS * _DIGEST_BYTES]


_SPAN = ("consultation", "proposal")
_decode_vote_cast = decoder("VoteCast", "event_id", "voter", "trust", _SPAN, "choice")
_decode_vote_withdrawn = decoder("VoteWithdrawn", "event_id", "voter", "trust", _SPAN)
_decode_added = decoder("QualificationAdded", "event_id", "voter", "trust", _SPAN, "qualification")
_decode_withdrawn = decoder(
    "QualificationWithdrawn", "event_id", "voter", "trust", _SPAN, "qualification")


def _vote_cast(ledger: Ledger, offset: int, chain: bytes, value: bytes) -> bytes:
    *ballot, choice = _decode_vote_cast(value)
    return ledger._ballot(VOTE_CAST, choice, offset, chain, ballot)


def _vote_withdrawn(ledger: Ledger, offset: int, chain: bytes, value: bytes) -> bytes:
    return ledger._ballot(VOTE_WITHDRAWN, 0, offset, chain, _decode_vote_withdrawn(value))


def _added(ledger: Ledger, offset: int, chain: bytes, value: bytes) -> bytes:
    *ballot, qualification = _decode_added(value)
    return ledger._ballot(QUALIFICATION_ADDED, qualification, offset, chain, ballot)


def _withdrawn(ledger: Ledger, offset: int, chain: bytes, value: bytes) -> bytes:
    *ballot, qualification = _decode_withdrawn(value)
    return ledger._ballot(QUALIFICATION_WITHDRAWN, qualification, offset, chain, ballot)


def _suspended(ledger: Ledger, offset: int, chain: bytes, value: bytes) -> bytes:
    return ledger._voter_control("voter_suspended", offset, chain, value)


def _reinstated(ledger: Ledger, offset: int, chain: bytes, value: bytes) -> bytes:
    return ledger._voter_control("voter_reinstated", offset, chain, value)


_HANDLERS = {
    current("VoteCast").header: _vote_cast,
    current("VoteWithdrawn").header: _vote_withdrawn,
    current("QualificationAdded").header: _added,
    current("QualificationWithdrawn").header: _withdrawn,
    current("RulesAdopted").header: Ledger._rules_adopted,
    current("ConsultationClosed").header: Ledger._consultation_closed,
    current("VoterSuspended").header: _suspended,
    current("VoterReinstated").header: _reinstated,
}
