"""The one way to record a decision in what the ledger remembers, just taken or read back. Pure.

Theory of operation: `settle_1` and `settle_2` record a decided ballot event under their rules;
every vote passes one of them, so they are straight-line. `settle_control` records all else. None
looks at the event: what a decision says is enough, so deciding and recovering are one computation.
"""

from processors.ledger.decisions import Change, Decision, decode
from processors.ledger.rows import (
    IDS_AT,
    IDS_END,
    KEPT_IDS_END,
    after_refusals,
    refused_and,
    with_accepted,
    with_refused,
)
from processors.ledger.rules import (
    COUNT,
    COUNTED_SHIFT,
    KIND,
    PlainTransition,
    slot_of,
)
from processors.ledger.rules_2 import contribution_by_route
from processors.ledger.standing import contribution, set_aside_of
from processors.ledger.state import (
    BELOW_HEAD,
    COUNTED_BITS,
    FORGOTTEN,
    HEAD_SHIFT,
    RECEIVED_FLAG,
    REFUSED_ONLY_FLAG,
    SUSPENDED_FLAG,
    Consultation,
    LedgerState,
    Proposal,
)
from schemas.findings import BEFORE_RULES_2, Suspension, remembering
from schemas.words import OUTCOMES


REFUSED_ONLY_MAX = 64
"""A voter has so many proposals of which only refused events are remembered; the first is forgotten
for one more. It is a bound a voter, not one of all: what becomes of an event depends on its voter's
events alone, and so a partition can be decided again voter by voter."""

_CAUSES_AT = COUNT["set_aside_cause_1"] - 1
"""Where the count of cause n lies, less n."""


def settle_1(  # noqa: PLR0913 -- the whole situation of one event
    state: LedgerState, found: PlainTransition, voter: bytes, voter_bits: int, vote_key: bytes,
    row: bytes | None, proposal: Proposal, digest: bytes,
) -> None:
    """Record a ballot event decided by rules 1; `voter_bits` and `row` are what the state has."""
    _, _, slot, deltas, remembered, after, received, live_delta, counted_delta, moved = found
    state.decided[slot] += 1
    if deltas:
        counts = proposal.counts
        for index, delta in deltas:
            counts[index] += delta
        state.touched.add(proposal)
    if not remembered:
        return
    if row is None:
        state.votes[vote_key] = after + state.links[voter_bits >> HEAD_SHIFT] + digest
        voter_bits = voter_bits & BELOW_HEAD | proposal.head
    else:
        state.votes[vote_key] = after + row[1:IDS_AT] + digest + row[IDS_AT:KEPT_IDS_END]
    if received and not voter_bits & RECEIVED_FLAG:
        voter_bits |= RECEIVED_FLAG
        proposal.consultation.participants_received += 1
        state.touched_consultations.add(proposal.consultation)
    if moved:
        state.live_votes += live_delta
        if counted_delta:
            counted = voter_bits & COUNTED_BITS
            # Only a voter's first or last counted vote moves the participants.
            if not counted or counted_delta < 0:
                _participate(state, voter_bits, counted_delta, proposal.consultation)
        voter_bits += moved
    proposal.voters[voter] = voter_bits


def settle_2(  # noqa: C901, PLR0912, PLR0913 -- every vote passes: straight-line, its whole situation
    state: LedgerState, found: PlainTransition, voter: bytes, voter_bits: int, vote_key: bytes,
    row: bytes | None, proposal: Proposal, digest: bytes,
) -> None:
    """Record a ballot event decided by rules 2; `voter_bits` and `row` are what the state has."""
    _, _, slot, deltas, remembered, after, received, live_delta, counted_delta, moved = found
    state.decided[slot] += 1
    if deltas:
        counts = proposal.counts
        for index, delta in deltas:
            counts[index] += delta
        state.touched.add(proposal)
    if not remembered:
        return
    # Python reckons several times faster with numbers below 2**30.
    low = voter_bits & BELOW_HEAD
    if remembered > 1:  # REFUSED: a name would cost every vote a look-up
        head = voter_bits - low
        low = _remember_refused(state, voter, low, vote_key, row, proposal, digest)
    elif row is None:
        head = proposal.head
        row = after + state.links[voter_bits >> HEAD_SHIFT] + digest
        if low & REFUSED_ONLY_FLAG:
            row, low = _with_earlier_refusals(row, low, voter, proposal)
        state.votes[vote_key] = row
    else:
        head = voter_bits - low
        state.votes[vote_key] = (
            after + row[1:IDS_AT] + digest + row[IDS_AT:KEPT_IDS_END]
            if len(row) <= IDS_END else with_accepted(row, after, digest))
    if received and not low & RECEIVED_FLAG:
        low |= RECEIVED_FLAG
        proposal.consultation.participants_received += 1
        state.touched_consultations.add(proposal.consultation)
    if moved:
        state.live_votes += live_delta
        if low & SUSPENDED_FLAG:
            cause = state.cause(voter, proposal.consultation)
            if cause:
                proposal.counts[_CAUSES_AT + cause] += live_delta
        if counted_delta:
            counted = low & COUNTED_BITS
            if not counted or counted_delta < 0:
                _participate(state, low, counted_delta, proposal.consultation)
        low += moved
    proposal.voters[voter] = head + low


def _remember_refused(
    state: LedgerState, voter: bytes, low: int, vote_key: bytes, row: bytes | None,
    proposal: Proposal, digest: bytes,
) -> int:
    """Remember a refused event's id; return the lower part of the voter's bits after."""
    if row is not None:
        state.votes[vote_key] = with_refused(row, digest)
        return low
    pairs = proposal.consultation.refused_only.setdefault(voter, {})
    pairs[proposal.key] = refused_and(pairs.pop(proposal.key, b""), digest)
    if len(pairs) > REFUSED_ONLY_MAX:
        del pairs[next(iter(pairs))]
    return low | REFUSED_ONLY_FLAG


def _with_earlier_refusals(
    row: bytes, low: int, voter: bytes, proposal: Proposal
) -> tuple[bytes, int]:
    """Take the ids refused before into the first row; return it and the lower part of the bits."""
    pairs = proposal.consultation.refused_only[voter]
    refused = pairs.pop(proposal.key, None)
    if refused is not None:
        row = after_refusals(row, refused)
    if not pairs:
        del proposal.consultation.refused_only[voter]
        low &= ~REFUSED_ONLY_FLAG
    return row, low


def _participate(
    state: LedgerState, voter_bits: int, counted_delta: int, consultation: Consultation
) -> None:
    """Move the participants when a voter's first or last counted vote comes or goes."""
    counted = voter_bits & COUNTED_BITS
    after = counted + (counted_delta << COUNTED_SHIFT)
    if not counted or not after:
        consultation.participants += bool(after) - bool(counted)
        state.touched_consultations.add(consultation)


def settle_control(state: LedgerState, decision: Decision) -> None:
    """Record a decision that is not about one vote."""
    outcome = OUTCOMES[decision.outcome]
    state.decided[slot_of(decision.outcome, decision.reason, decision.refusal)] += 1
    if decision.event_id is None or outcome in ("repeated", "refused", "late"):
        return
    if decision.kind == KIND["rules_adopted"]:
        _adopt(state, decision)
        return
    assert decision.consultation is not None
    consultation = state.consultation(decision.consultation)
    state.touched_consultations.add(consultation)
    if decision.voter is not None:
        _settle_voter_control(state, decision, consultation)
        return
    if decision.event_version == 1:
        consultation.control_ids = remembering(consultation.control_ids, decision.event_id)
    if decision.kind == KIND["consultation_closed"]:
        consultation.closed = True
    elif outcome == "sealed":
        _drop_voters(state, consultation)


def _adopt(state: LedgerState, decision: Decision) -> None:
    assert decision.event_id is not None
    if state.ledger_version == 1 and decision.ledger_version > 1:
        _rise(state)
    state.ledger_version = decision.ledger_version
    if decision.event_version == 1:
        state.rules_ids = remembering(state.rules_ids, decision.event_id)
    if decision.keys:
        state.keys, state.edition = decision.keys, decision.edition


def _rise(state: LedgerState) -> None:
    """Take what the first rules left into the terms of the second.

    Who is suspended is so by an operator, for something that has no name. Rows have the route
    `unknown` already, and their ids are those of accepted events from here on.
    """
    for consultation in state.by_name.values():
        for voter, voter_bits in consultation.voters.items():
            if voter_bits & SUSPENDED_FLAG:
                found = consultation.suspensions.setdefault(voter, Suspension())
                found.suspend(BEFORE_RULES_2)


def _drop_voters(state: LedgerState, consultation: Consultation) -> None:
    """Forget who voted what in a sealed consultation; its counts stay.

    What comes later for it is late, whoever sends it, so nobody needs this any more.
    """
    consultation.sealed = True
    for voter in consultation.voters:
        for proposal, kept in list(state.votes_of(voter, consultation)):
            state.live_votes -= bool(kept & 3)
            del state.votes[voter + proposal.key]
    consultation.voters.clear()
    consultation.voters_control_ids.clear()
    consultation.suspensions.clear()
    consultation.refused_only.clear()
    remembered = [FORGOTTEN if _is_of_voter(value, consultation) else value
                  for value in state.recent]
    state.recent.clear()
    state.recent.extend(remembered)


def _is_of_voter(value: bytes, consultation: Consultation) -> bool:
    """Whether a decision says what became of something that a voter of a consultation sent."""
    if consultation.name.encode() not in value:  # Decoding all of them would take too long.
        return False
    found = decode(value)
    return found.voter is not None and found.consultation == consultation.name


def _settle_voter_control(
    state: LedgerState, decision: Decision, consultation: Consultation
) -> None:
    assert decision.voter is not None
    assert decision.event_id is not None
    voter, outcome = decision.voter, OUTCOMES[decision.outcome]
    if decision.event_version == 1:
        ids = consultation.voters_control_ids
        ids[voter] = remembering(ids.get(voter, b""), decision.event_id)
    if outcome == "unchanged":
        return
    voter_bits = consultation.voters.get(voter, 0)
    cause_before = cause_after = 0
    suspends = outcome == "suspended"
    if decision.ledger_version > 1:
        cause_before = state.cause(voter, consultation)
        suspends = _note_findings(decision, consultation)
        cause_after = state.cause(voter, consultation)
    consultation.suspended += suspends - bool(voter_bits & SUSPENDED_FLAG)
    consultation.controls_after_closing += consultation.closed
    counted_delta = 0
    for change in decision.changes:
        proposal = state.proposal(consultation.name, change.proposal)
        _move(proposal, change, cause_before, cause_after)
        counted_delta += _counts(change.after) - _counts(change.before)
        state.touched.add(proposal)
    voter_bits = voter_bits | SUSPENDED_FLAG if suspends else voter_bits & ~SUSPENDED_FLAG
    _participate(state, voter_bits, counted_delta, consultation)
    voter_bits += counted_delta << COUNTED_SHIFT
    consultation.voters[voter] = voter_bits


def _note_findings(decision: Decision, consultation: Consultation) -> bool:
    """Note what was found, or found wrong, about a voter; say whether a cause stands."""
    assert decision.voter is not None
    found = consultation.suspensions.setdefault(decision.voter, Suspension())
    if OUTCOMES[decision.outcome] == "suspended":
        for pair in decision.findings:
            found.suspend(pair)
    else:
        found.reinstate(decision.findings, decision.immune)
    return found.lowest() is not None


def _move(proposal: Proposal, change: Change, cause_before: int, cause_after: int) -> None:
    """Move the counts of one vote that is set aside, or is no longer, or for another cause."""
    for stands, cause, step in ((change.before, cause_before, -1), (change.after, cause_after, 1)):
        for name in contribution_by_route(stands, change.route):
            proposal.counts[COUNT[name]] += step
        if cause and set_aside_of(stands) == "suspended":
            proposal.counts[_CAUSES_AT + cause] += step


def _counts(situation: int) -> bool:
    return any(not name.startswith("set_aside") for name in contribution(situation))
