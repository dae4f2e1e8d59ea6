"""Ballot events that no table decides: elsewhere, repeated, late, or one too many. Pure."""

from processors.ledger import rules_1
from processors.ledger.rows import refused_holds, remembers, remembers_either
from processors.ledger.rules import (
    LIVE_SHIFT,
    MAX_LIVE_VOTES,
    VOTE_CAST,
    LaterRules,
    PlainTransition,
)
from processors.ledger.state import LIVE_BITS, LedgerState, Proposal
from schemas.topics import partition_of


FULL = MAX_LIVE_VOTES << LIVE_SHIFT
"""A voter's counter of live votes, in its place, at the limit."""


def unusual_1(  # noqa: PLR0913 -- the whole situation of one event
    state: LedgerState, kind: int, detail: int, suspect: int, situation: int,
    row: bytes | None, digest: bytes, proposal: Proposal, voter: bytes,
) -> PlainTransition:
    """Find the transition where an event is elsewhere, repeated, late or one vote too many."""
    voter_bits = proposal.voters.get(voter, 0)
    # A voter known here belongs here.
    if not voter_bits and partition_of(voter, state.partitions) != state.partition:
        return rules_1.standing_still(kind, "refused", 0, "misplaced")
    if row is not None and remembers(row, digest):
        return rules_1.standing_still(kind, "repeated", situation)
    if proposal.consultation.closed:
        return rules_1.standing_still(kind, "late", situation)
    if kind == VOTE_CAST and not situation & 3 and voter_bits & LIVE_BITS >= FULL:
        return rules_1.standing_still(kind, "refused", situation, "too_many")
    return rules_1.TRANSITIONS[kind][detail][suspect][situation]


def unusual_2(  # noqa: PLR0913 -- the whole situation of one event
    rules: LaterRules, state: LedgerState, kind: int, detail: int, suspect: int, shown: int,
    situation: int, row: bytes | None, digest: bytes, proposal: Proposal, voter: bytes,
) -> PlainTransition:
    """The same by later rules, where refused events may be all that is remembered."""
    voter_bits = proposal.voters.get(voter, 0)
    if not voter_bits and partition_of(voter, state.partitions) != state.partition:
        return rules.standing_still(kind, "refused", situation, "misplaced")
    if row is not None:
        repeated = remembers_either(row, digest)
    else:
        refused = proposal.consultation.refused_only.get(voter, {}).get(proposal.key, b"")
        repeated = refused_holds(refused, digest)
    if repeated:
        return rules.standing_still(kind, "repeated", situation)
    if proposal.consultation.closed:
        return rules.standing_still(kind, "late", situation)
    if kind == VOTE_CAST and not situation & 3 and voter_bits & LIVE_BITS >= FULL:
        return rules.standing_still(kind, "refused", situation, "too_many")
    return rules.looked_up(kind, detail, suspect, shown, situation)
