"""The ledger: one partition of the ballot box in, one decision a record out. Pure.

Theory of operation:
- `decide` depends on the partition's log alone: no clock, no catalogue, no other partition. The
  same log under the same rules gives the same decisions, byte for byte.
- Offsets have no holes: last + 1 is decided, an older one is dropped, a hole stops the partition.
- A log consists of stretches, each decided by the rules that its last RulesAdopted names. A ballot
  event is decided by looking it up in their table and recorded through `settling`; folding a
  decision read back (`apply`) runs through the same. Recovery is therefore the very computation
  that was interrupted.
- On the output, repeats and a zombie's strays are skipped; a repeat with other bytes raises
  DecisionsDisagree.
"""

import hashlib
from collections.abc import Container, Iterable, Iterator

from processors.ledger import layout, rules_1, rules_2
from processors.ledger.adoptions import undecodable, version_in_force
from processors.ledger.alarms import DecisionsDisagree, HoleInVotes, LedgerStopped
from processors.ledger.chain import ChainLink
from processors.ledger.controls_1 import CONTROLS as CONTROLS_1
from processors.ledger.controls_2 import CONTROLS as CONTROLS_2
from processors.ledger.decisions import (
    Change,
    Decision,
    decode,
    encode,
)
from processors.ledger.layout import (
    BALLOTS_1,
    BALLOTS_2,
    CHAIN_AT,
    CODES_AT,
    EVENT_ID_AT,
    HEADS,
    OFFSET_AT,
    VOTER_AT,
    Ballots,
)
from processors.ledger.rows import DIGEST_BYTES, remembers, remembers_either
from processors.ledger.rules import (
    BALLOT_KINDS,
    KIND,
    VERSIONS,
    LaterRules,
    PlainTransition,
)
from processors.ledger.settling import settle_1, settle_2, settle_control
from processors.ledger.standing import SUSPENDED
from processors.ledger.state import (
    FORGOTTEN,
    LIVE_BITS,
    REFUSED_ONLY_FLAG,
    SUSPENDED_FLAG,
    LedgerState,
    Participation,
)
from processors.ledger.unusual import FULL, unusual_1, unusual_2
from schemas import codec
from schemas.chains import CHAIN_BYTES
from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES, UnknownSchema
from schemas.topics import MAX_BALLOT_BYTES, partition_of


__all__ = ["DecisionsDisagree", "HoleInVotes", "Ledger", "LedgerStopped",
           "Participation"]

Records = Iterator[tuple[int, bytes | None]]


class Ledger(LedgerState):
    """The state of one votes partition and the only two ways to change it: decide and apply."""

    def __init__(
        self, partition: int, partitions: int, first_keys: Container[object] = frozenset()
    ) -> None:
        super().__init__(partition, partitions, first_keys)
        self._offsets = layout.Offsets()
        self._recorded: dict[bytes, PlainTransition] = {}
        """Transitions by rules 1 met in decisions read back, by their bytes there."""
        self._recorded_by_route: dict[bytes, list[PlainTransition | None]] = {}
        """The same by rules 2, for each route that a vote may have had before."""

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
        """Decide each record not decided yet, adding to `decisions`; it may raise as `decide`."""
        left = iter(records)
        if self.ledger_version > 1 or self._decide_by_rules_1(left, decisions):
            self._decide_by_later_rules(left, decisions)

    def _decide_by_rules_1(self, left: Records, decisions: list[bytes]) -> bool:
        """Decide to the end (False), or until others are adopted; every vote passes: straight."""
        ballots, proposals, votes, sha256 = BALLOTS_1, self.proposals, self.votes, hashlib.sha256
        table, settle, offsets = rules_1.TRANSITIONS, settle_1, self._offsets
        for offset, read in left:
            if offset != self.last_offset + 1:
                self._require_decided(offset)
                continue
            value = read or b""
            chain = sha256(self.chain + value).digest()[:CHAIN_BYTES]
            try:
                ballot = ballots.get(value[:HEADER_BYTES])
                if ballot is not None and len(value) <= MAX_BALLOT_BYTES:
                    kind, ballot_decoder = ballot
                    event_id, voter, suspect, span, detail = ballot_decoder(value)
                    if not self.ledger_version:
                        version_in_force(self)  # raises: nothing is decided before an adoption
                    proposal = proposals.get(span) or self.intern(span)
                    voter_bits = proposal.voters.get(voter, 0)
                    vote_key = voter + proposal.key
                    digest = event_id[DIGEST_BYTES:]
                    row, situation = None, 0
                    if voter_bits:
                        row = votes.get(vote_key)
                        situation = ((SUSPENDED if voter_bits & SUSPENDED_FLAG else 0)
                                     | (row[0] if row is not None else 0))
                    if ((not voter_bits and partition_of(voter, self.partitions) != self.partition)
                            or (row is not None and remembers(row, digest))
                            or proposal.consultation.closed or voter_bits & LIVE_BITS >= FULL):
                        found = unusual_1(self, kind, detail, suspect, situation, row, digest,
                                          proposal, voter)
                    else:
                        found = table[kind][detail][suspect][situation]
                    settle(self, found, voter, voter_bits, vote_key, row, proposal, digest)
                    if offset >> 13 != offsets.stretch:
                        offsets.move(offset)
                    decision = b"".join((
                        _HEAD_1, event_id, b"\x02", voter, chain, found[0],
                        offsets.low[offset & 8191], offsets.high, proposal.middle, found[1]))
                else:
                    decision = self._control(offset, chain, value)
            except Undecodable:
                decision = self._decided(undecodable(self, offset, chain))
            self.last_offset, self.previous_chain, self.chain = offset, self.chain, chain
            self.recent.append(decision)
            decisions.append(decision)
            if self.ledger_version > 1:
                return True
        return False

    def _decide_by_later_rules(self, left: Records, decisions: list[bytes]) -> None:
        """Decide to the end, by whatever rules are in force; every vote passes: straight-line."""
        proposals, votes, sha256 = self.proposals, self.votes, hashlib.sha256
        settle, offsets = settle_2, self._offsets
        ballots, rules = _LATER[self.ledger_version]
        for offset, read in left:
            if offset != self.last_offset + 1:
                self._require_decided(offset)
                continue
            value = read or b""
            chain = sha256(self.chain + value).digest()[:CHAIN_BYTES]
            try:
                ballot = ballots.get(value[:HEADER_BYTES])
                if ballot is not None and len(value) <= MAX_BALLOT_BYTES:
                    kind, ballot_decoder, event_version, table = ballot
                    event_id, voter, suspect, span, detail, shown = ballot_decoder(value)
                    proposal = proposals.get(span) or self.intern(span)
                    voter_bits = proposal.voters.get(voter, 0)
                    vote_key = voter + proposal.key
                    digest = event_id[DIGEST_BYTES:]
                    row, situation, flags = None, rules_2.NEW, 0
                    if voter_bits:
                        row = votes.get(vote_key)
                        situation = rules_2.NEW if row is None else row[0]
                        flags = voter_bits & _FLAGS_AND_LIVE
                        if flags & SUSPENDED_FLAG:
                            situation |= rules_2.SUSPENDED_BIT
                    if ((not voter_bits and partition_of(voter, self.partitions) != self.partition)
                            or (row is not None and remembers_either(row, digest))
                            or proposal.consultation.closed or flags >= FULL):
                        found = unusual_2(rules, self, kind, detail, suspect, shown, situation,
                                          row, digest, proposal, voter)
                    else:
                        found = table[detail][2 * shown + suspect][situation] or (
                            rules.looked_up(kind, detail, suspect, shown, situation))
                    settle(self, found, voter, voter_bits, vote_key, row, proposal, digest)
                    if offset >> 13 != offsets.stretch:
                        offsets.move(offset)
                    decision = b"".join((
                        _HEAD_2, event_id, b"\x02", voter, chain, found[0],
                        offsets.low[offset & 8191], offsets.high, proposal.middle, found[1],
                        event_version))
                else:
                    decision = self._control(offset, chain, value)
                    ballots, rules = _LATER[self.ledger_version]
            except Undecodable:
                decision = self._decided(undecodable(self, offset, chain))
            self.last_offset, self.previous_chain, self.chain = offset, self.chain, chain
            self.recent.append(decision)
            decisions.append(decision)

    def _require_decided(self, offset: int) -> None:
        """Raise HoleInVotes for an offset after the next one."""
        if offset > self.last_offset:
            raise HoleInVotes(
                f"votes partition {self.partition}: offset {offset} came after "
                f"{self.last_offset}. Records are missing from the ballot box (transaction, "
                "compaction or deletion): check the topic before going on."
            )

    def _control(self, offset: int, chain: bytes, value: bytes) -> bytes:
        schema = codec.schema_of(value)  # an unknown id stops the partition, whatever its size
        by_rules_2 = self.ledger_version > 1
        control = (CONTROLS_2 if by_rules_2 else CONTROLS_1).get(schema.header)
        if len(value) > MAX_BALLOT_BYTES:
            raise Undecodable(f"{len(value)} bytes, at most {MAX_BALLOT_BYTES} are read")
        if control is None:
            # No later version reads it either: stopping would hold the partition up for ever.
            raise Undecodable(f"{schema.event} does not belong in the ballot box")
        return self._decided(control(self, offset, chain, value))

    def _decided(self, decision: Decision) -> bytes:
        value = encode(decision)
        self._settle_control(decision)
        return value

    def _settle_control(self, decision: Decision) -> None:
        settle_control(self, decision)
        if decision.source_offset == 0:
            self.genesis_chain = decision.chain

    # Folding decisions read back

    def apply(self, value: bytes) -> bool:
        """Fold a recorded decision: False for a repeat or a zombie's stray, which are skipped.

        Raises DecisionsDisagree, LedgerStopped for rules that are not known here, or Undecodable
        for bytes that are no decision. The next decision of a ballot event is folded straight-line,
        once its proposal and transition have been met.
        """
        offset = self.last_offset + 1
        encoded = self._offsets.encoded(offset)
        by_rules_2 = self.ledger_version > 1
        if (not value.startswith(encoded, OFFSET_AT)
                or value[:EVENT_ID_AT] != (_HEAD_2 if by_rules_2 else _HEAD_1)
                or value[VOTER_AT - 1] != 2):
            return self._apply_decoded(value)
        try:
            at = OFFSET_AT + len(encoded)
            end = at + 2 + (value[at + 1] >> 1)
            end += 2 + (value[end + 1] >> 1)
        except IndexError:
            return self._apply_decoded(value)
        proposal = self.proposals_in_decisions.get(value[at:end])
        if proposal is None:
            return self._apply_decoded(value)
        voter = value[VOTER_AT:CHAIN_AT]
        vote_key = voter + proposal.key
        row = self.votes.get(vote_key)
        if by_rules_2:
            by_route = self._recorded_by_route.get(value[CODES_AT:OFFSET_AT] + value[end:-1])
            found = by_route[_route_before(row)] if by_route is not None else None
        else:
            found = self._recorded.get(value[CODES_AT:OFFSET_AT] + value[end:])
        if found is None:
            return self._apply_decoded(value)
        (settle_2 if by_rules_2 else settle_1)(
            self, found, voter, proposal.voters.get(voter, 0), vote_key, row, proposal,
            value[EVENT_ID_AT + DIGEST_BYTES:VOTER_AT - 1])
        self.advance(offset, value[CHAIN_AT:CODES_AT], value)
        return True

    def _apply_decoded(self, value: bytes) -> bool:
        """Fold any decision."""
        decision = _decoded(value)
        is_ballot = decision.kind in BALLOT_KINDS
        if is_ballot and (None in (decision.event_id, decision.voter, decision.consultation)
                          or len(decision.changes) != 1):
            raise Undecodable("DecisionMade: a ballot event has ids and exactly one change")
        if decision.ledger_version not in VERSIONS:
            raise LedgerStopped(
                f"votes partition {self.partition}: offset {decision.source_offset} was decided by "
                f"rules {decision.ledger_version}, unknown here. Install a version of scrutin that "
                "has them; nothing is lost."
            )
        if decision.source_offset != self.last_offset + 1:
            self._compare(decision.source_offset, value)
            return False
        begins = decision.kind == KIND["rules_adopted"]
        if not begins and decision.ledger_version != max(1, self.ledger_version):
            raise LedgerStopped(
                f"votes partition {self.partition}: offset {decision.source_offset} was decided by "
                f"rules {decision.ledger_version}, where rules {self.ledger_version} are in force: "
                "compare with the archive (`scrutin audit recount`)."
            )
        if is_ballot:
            self._settle_ballot(decision, value)
        else:
            self._settle_control(decision)
        self.advance(decision.source_offset, decision.chain, value)
        return True

    def _settle_ballot(self, decision: Decision, value: bytes) -> None:
        """Record a decision of a ballot event, and remember its transition for the next ones."""
        assert decision.event_id is not None
        assert decision.voter is not None
        assert decision.consultation is not None
        [change] = decision.changes
        proposal = self.proposal(decision.consultation, change.proposal)
        vote_key = decision.voter + proposal.key
        row = self.votes.get(vote_key)
        try:
            found = self._transition(decision, change, row, value)
        except KeyError as error:
            raise Undecodable(f"DecisionMade: no rule decides so ({error})") from error
        (settle_1 if decision.ledger_version == 1 else settle_2)(
            self, found, decision.voter, proposal.voters.get(decision.voter, 0), vote_key, row,
            proposal, decision.event_id[DIGEST_BYTES:])

    def _transition(
        self, decision: Decision, change: Change, row: bytes | None, value: bytes
    ) -> PlainTransition:
        """Work out the transition that a decision records, and keep it by its bytes."""
        codes = (decision.kind, decision.outcome, decision.reason)
        begin = value[CODES_AT:OFFSET_AT]
        if decision.ledger_version == 1:
            found = rules_1.transition(*codes, change.before, change.after)
            self._recorded[begin + found[1]] = found
            return found
        route = _route_before(row)
        _, rules = _LATER[decision.ledger_version]
        found = rules.transition(*codes, change.before, change.after, route, change.route)
        self._recorded_by_route.setdefault(begin + found[1], [None] * 4)[route] = found
        return found

    def advance(self, offset: int, chain: bytes, decision: bytes) -> None:
        """Move on: `decision` is the one of `offset`."""
        self.last_offset, self.previous_chain, self.chain = offset, self.chain, chain
        self.recent.append(decision)

    def _compare(self, offset: int, value: bytes) -> None:
        """Compare a repeated decision with the one folded, as far back as they are remembered."""
        back = self.last_offset - offset + 1
        if 0 < back <= len(self.recent) and self.recent[-back] not in (value, FORGOTTEN):
            raise DecisionsDisagree(
                f"votes partition {self.partition}: two different decisions of offset {offset}. "
                "Two ledgers ran under different rules, or the decisions were tampered with: "
                "stop all ledgers and run `scrutin audit recount`."
            )

    def last_link(self) -> ChainLink:
        """Return what proves the last vote decided: to be compared with the ballot box at start."""
        return ChainLink(self.partition, self.last_offset, self.previous_chain, self.chain)


def _decoded(value: bytes) -> Decision:
    """Decode a decision; what a later release wrote is said to be so, not to be damaged."""
    try:
        return decode(value)
    except Undecodable:
        try:
            codec.schema_of(value)
        except UnknownSchema as error:
            raise LedgerStopped(str(error)) from error
        raise


def _route_before(row: bytes | None) -> int:
    return rules_2.NONE_YET if row is None else rules_2.route_in(row[0])


_HEAD_1, _HEAD_2 = HEADS
_LATER: dict[int, tuple[Ballots, LaterRules]] = {2: (BALLOTS_2, rules_2)}
"""How ballots are read and decided by each version of the rules from the second on."""
_FLAGS_AND_LIVE = SUSPENDED_FLAG | LIVE_BITS | REFUSED_ONLY_FLAG
"""Of a voter's record what is looked at: FULL or more of it is a full counter or the last flag."""
