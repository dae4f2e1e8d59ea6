"""The ledger: one partition of the ballot box in, one decision a record out. Pure.

Theory of operation:
- `decide` depends on the partition's log alone: no clock, no catalogue, no other partition. The
  same log under the same rules gives the same decisions, byte for byte.
- Offsets have no holes: last + 1 is decided, an older one is dropped, a hole stops the partition.
- A ballot event is decided by looking it up (processors.ledger.rules) and recorded through
  `settle`; folding a decision read back (`apply`) runs through the same `settle`. Recovery is
  therefore the very computation that was interrupted.
- On the output, repeats and a zombie's strays are skipped; a repeat with other bytes raises
  DecisionsDisagree.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from processors.ledger.alarms import DecisionsDisagree, HoleInVotes, LedgerStopped
from processors.ledger.controls import CONTROLS, undecodable, version_in_force
from processors.ledger.decisions import CHAIN_BYTES, HEADER, Decision, decode, encode
from processors.ledger.rules import (
    LIVE_SHIFT,
    MAX_LIVE_VOTES,
    QUALIFICATION_ADDED,
    QUALIFICATION_WITHDRAWN,
    TRANSITIONS,
    VERSION,
    VOTE_CAST,
    VOTE_WITHDRAWN,
    PlainTransition,
    standing_still,
    transition,
)
from processors.ledger.standing import SUSPENDED
from processors.ledger.state import (
    DIGEST_BYTES,
    LIVE_BITS,
    SUSPENDED_FLAG,
    LedgerState,
    Participation,
    Proposal,
    remembers,
)
from schemas import codec
from schemas.codec import Undecodable
from schemas.hot import decoder, long
from schemas.registry import HEADER_BYTES, current
from schemas.topics import partition_of


__all__ = ["ChainLink", "DecisionsDisagree", "HoleInVotes", "Ledger", "LedgerStopped",
           "Participation"]

MAX_BALLOT_BYTES = 4_096
"""No record of the ballot box is longer; a longer one is undecodable."""


class ChainLink(NamedTuple):
    """The last link of a partition's chain."""

    partition: int
    offset: int
    previous: bytes
    chain: bytes

    def verify(self, value: bytes | None) -> None:
        """Compare the record at `offset`, read again, with the chain; raise LedgerStopped."""
        if linked(self.previous, value or b"") != self.chain:
            raise LedgerStopped(
                f"votes partition {self.partition}: the vote at offset {self.offset} is not the "
                "one that was decided. The ballot box was replaced or rewritten: stop, and "
                "compare with the archive (`scrutin audit recount`)."
            )


def linked(previous: bytes, value: bytes) -> bytes:
    """Give the chain after a record: SHA-256(previous chain, record value), cut."""
    return hashlib.sha256(previous + value).digest()[:CHAIN_BYTES]


class Ledger(LedgerState):
    """The state of one votes partition and the only two ways to change it: decide and apply."""

    def __init__(self, partition: int, partitions: int) -> None:
        super().__init__(partition, partitions)
        self._high = b""
        """Encoded upper part of the offsets being decided..."""
        self._high_of = 0
        """... which are those with this number above their lower 13 bits; 0 for none."""
        self._recorded: dict[bytes, PlainTransition] = {}
        """Transitions met in decisions read back, by their bytes there: codes and tail."""

    # Deciding

    def decide(self, offset: int, value: bytes | None) -> bytes | None:
        """Decide the record at `offset`: the bytes of its decision, None if decided already.

        Raises HoleInVotes, UnknownSchema or LedgerStopped: then nothing has changed.
        """
        decisions: list[bytes] = []
        self.decide_all([(offset, value)], decisions)
        return decisions[0] if decisions else None

    def decide_all(
        self, records: Iterable[tuple[int, bytes | None]], decisions: list[bytes]
    ) -> None:
        """Decide each record not decided yet, adding to `decisions`; one may raise as in `decide`.

        Every vote passes here: kept straight-line.
        """
        ballots, proposals, votes, sha256 = _BALLOTS, self._proposals, self._votes, hashlib.sha256
        for offset, read in records:
            if offset != self.last_offset + 1:
                if offset <= self.last_offset:
                    continue
                raise self._hole(offset)
            value = read or b""
            chain = sha256(self.chain + value).digest()[:CHAIN_BYTES]
            try:
                ballot = ballots.get(value[:HEADER_BYTES])
                if ballot is not None and len(value) <= MAX_BALLOT_BYTES:
                    kind, ballot_decoder = ballot
                    event_id, voter, suspect, span, detail = ballot_decoder(value)
                    version = self.ledger_version or version_in_force(self)
                    proposal = proposals.get(span) or self.intern(span)
                    record = proposal.voters.get(voter, 0)
                    vote_key = voter + proposal.key
                    digest = event_id[DIGEST_BYTES:]
                    held, situation = None, 0
                    if record:
                        held = votes.get(vote_key)
                        situation = SUSPENDED if record & SUSPENDED_FLAG else 0
                        if held is not None:
                            situation |= held[0]
                    if ((not record and partition_of(voter, self.partitions) != self.partition)
                            or (held is not None and remembers(held, digest))
                            or proposal.consultation.closed or record & LIVE_BITS >= _FULL):
                        found = self._unusual(kind, detail, suspect, situation, held, digest,
                                              proposal, voter)
                    else:
                        found = TRANSITIONS[kind][detail][suspect][situation]
                    self.settle(found, voter, record, vote_key, held, proposal, digest)
                    decision = b"".join((
                        _HEAD, event_id, b"\x02", voter, chain, found[0], _VERSIONS[version],
                        _LOW[offset & 8191] + self._high if offset >> 13 == self._high_of > 0
                        else self._encoded(offset), proposal.middle, found[1]))
                else:
                    decision = self._control(offset, chain, value)
            except Undecodable:
                decision = self._decided(undecodable(self, offset, chain))
            self.last_offset, self.previous_chain, self.chain = offset, self.chain, chain
            self.recent.append(decision)
            decisions.append(decision)

    def _hole(self, offset: int) -> HoleInVotes:
        return HoleInVotes(
            f"votes partition {self.partition}: offset {offset} came after "
            f"{self.last_offset}. Records are missing from the ballot box (transaction, "
            "compaction or deletion): check the topic before going on."
        )

    def _control(self, offset: int, chain: bytes, value: bytes) -> bytes:
        schema = codec.schema_of(value)  # an unknown id stops the partition, whatever its size
        control = CONTROLS.get(schema.header)
        if len(value) > MAX_BALLOT_BYTES:
            raise Undecodable(f"{len(value)} bytes, at most {MAX_BALLOT_BYTES} are read")
        if control is None:
            # No later version reads it either: stopping would hold the partition up for ever.
            raise Undecodable(f"{schema.event} does not belong in the ballot box")
        return self._decided(control(self, offset, chain, value))

    def _decided(self, decision: Decision) -> bytes:
        value = encode(decision)
        self.settle_control(decision)
        return value

    def _encoded(self, offset: int) -> bytes:
        """Encode an offset, and keep its upper part for the next ones."""
        encoded = long(offset)
        if offset >> 13:
            self._high, self._high_of = encoded[2:], offset >> 13
        return encoded

    def _unusual(  # noqa: PLR0913 -- the whole situation of one event
        self, kind: int, detail: int, suspect: int, situation: int, held: bytes | None,
        digest: bytes, proposal: Proposal, voter: bytes,
    ) -> PlainTransition:
        """Find the transition where an event is elsewhere, repeated, late or one vote too many."""
        record = proposal.voters.get(voter, 0)
        # A voter known here belongs here.
        if not record and partition_of(voter, self.partitions) != self.partition:
            return standing_still(kind, "refused", 0, "misplaced")
        if held is not None and remembers(held, digest):
            return standing_still(kind, "repeated", situation)
        if proposal.consultation.closed:
            return standing_still(kind, "late", situation)
        if kind == VOTE_CAST and not situation & 3 and record & LIVE_BITS >= _FULL:
            return standing_still(kind, "refused", situation, "too_many")
        return TRANSITIONS[kind][detail][suspect][situation]

    # Folding decisions read back

    def apply(self, value: bytes) -> bool:
        """Fold a recorded decision: False for a repeat or a zombie's stray, which are skipped.

        Raises DecisionsDisagree, or Undecodable for bytes that are no decision. The next decision
        of a ballot event is folded straight-line, once its proposal and transition have been met.
        """
        offset = self.last_offset + 1
        encoded = (_LOW[offset & 8191] + self._high if offset >> 13 == self._high_of > 0
                   else self._encoded(offset))
        if (not value.startswith(encoded, _OFFSET_AT) or value[:_EVENT_ID_AT] != _HEAD
                or value[_VOTER_AT - 1] != 2):
            return self._apply_decoded(value)
        try:
            at = _OFFSET_AT + len(encoded)
            end = at + 2 + (value[at + 1] >> 1)
            end += 2 + (value[end + 1] >> 1)
        except IndexError:
            return self._apply_decoded(value)
        found = self._recorded.get(value[_CODES_AT:_VERSION_AT] + value[end:])
        proposal = self._proposals_in_decisions.get(value[at:end])
        if found is None or proposal is None:
            return self._apply_decoded(value)
        voter = value[_VOTER_AT:_CHAIN_AT]
        vote_key = voter + proposal.key
        self.settle(found, voter, proposal.voters.get(voter, 0), vote_key,
                    self._votes.get(vote_key), proposal,
                    value[_EVENT_ID_AT + DIGEST_BYTES:_VOTER_AT - 1])
        self.advance(offset, value[_CHAIN_AT:_CODES_AT], value)
        return True

    def _apply_decoded(self, value: bytes) -> bool:
        """Fold any decision."""
        decision = decode(value)
        is_ballot = decision.kind in TRANSITIONS
        if is_ballot and (None in (decision.event_id, decision.voter, decision.consultation)
                          or len(decision.changes) != 1):
            raise Undecodable("DecisionMade: a ballot event has ids and exactly one change")
        if decision.source_offset != self.last_offset + 1:
            self._compare(decision.source_offset, value)
            return False
        if is_ballot:
            self._settle_ballot(decision)
        else:
            self.settle_control(decision)
        self.advance(decision.source_offset, decision.chain, value)
        return True

    def _settle_ballot(self, decision: Decision) -> None:
        """Record a decision of a ballot event, and remember its transition for the next ones."""
        assert decision.event_id is not None
        assert decision.voter is not None
        assert decision.consultation is not None
        [change] = decision.changes
        try:
            found = transition(
                decision.kind, decision.outcome, decision.reason, change.before, change.after)
        except KeyError as error:
            raise Undecodable(f"DecisionMade: no rule decides so ({error})") from error
        self._recorded[found[0] + found[1]] = found
        proposal = self.proposal(decision.consultation, change.proposal)
        vote_key = decision.voter + proposal.key
        self.settle(found, decision.voter, proposal.voters.get(decision.voter, 0), vote_key,
                    self._votes.get(vote_key), proposal, decision.event_id[DIGEST_BYTES:])

    def _compare(self, offset: int, value: bytes) -> None:
        """Compare a repeated decision with the one folded, as far back as they are remembered."""
        back = self.last_offset - offset + 1
        if 0 < back <= len(self.recent) and self.recent[-back] != value:
            raise DecisionsDisagree(
                f"votes partition {self.partition}: two different decisions of offset {offset}. "
                "Two ledgers ran under different rules, or the decisions were tampered with: "
                "stop all ledgers and run `scrutin audit recount`."
            )

    def last_link(self) -> ChainLink:
        """Give what proves the last vote decided: to be compared with the ballot box at start."""
        return ChainLink(self.partition, self.last_offset, self.previous_chain, self.chain)


_FULL = MAX_LIVE_VOTES << LIVE_SHIFT
"""A voter's counter of live votes, in its place, at the limit."""
_HEAD = HEADER + b"\x02"
"""A decision begins so where its event has an id."""
# Places in the bytes of a decision that begins so.
_EVENT_ID_AT = len(_HEAD)
_VOTER_AT = _EVENT_ID_AT + 17
_CHAIN_AT = _VOTER_AT + 16
_CODES_AT = _CHAIN_AT + CHAIN_BYTES
_VERSION_AT = _CODES_AT + 3
_OFFSET_AT = _VERSION_AT + 1
_VERSIONS = [long(version) for version in range(VERSION + 1)]
_LOW = [bytes((low << 1 & 127 | 128, low >> 6 | 128)) for low in range(1 << 13)]
"""The first two bytes of an offset of three or more; the rest changes every 8,192 offsets."""
_SPAN = ("consultation", "proposal")
_vote_withdrawn = decoder("VoteWithdrawn", "event_id", "voter", "trust", _SPAN)


def _without_detail(value: bytes) -> tuple[bytes, bytes, int, bytes, int]:
    event_id, voter, suspect, span = _vote_withdrawn(value)
    return event_id, voter, suspect, span, 0


_BALLOTS = {
    current("VoteCast").header: (
        VOTE_CAST, decoder("VoteCast", "event_id", "voter", "trust", _SPAN, "choice")),
    current("VoteWithdrawn").header: (VOTE_WITHDRAWN, _without_detail),
    current("QualificationAdded").header: (
        QUALIFICATION_ADDED,
        decoder("QualificationAdded", "event_id", "voter", "trust", _SPAN, "qualification")),
    current("QualificationWithdrawn").header: (
        QUALIFICATION_WITHDRAWN,
        decoder("QualificationWithdrawn", "event_id", "voter", "trust", _SPAN, "qualification")),
}
