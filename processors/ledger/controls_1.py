"""What becomes of controls under the first rules: adoptions, suspensions, the end. Pure.

Frozen: logs were decided by it. The one control of version 2 that it takes is the adoption of later
rules; to all others it is blind, as release 0.1.0 is.
"""

from processors.ledger.adoptions import (
    Control,
    adopt,
    require_known,
    require_place,
    version_in_force,
)
from processors.ledger.decisions import Change, Decision
from processors.ledger.rules import KIND, OUTCOME, REASON
from processors.ledger.standing import SUSPENDED
from processors.ledger.state import Consultation, LedgerState
from schemas import codec
from schemas.findings import known
from schemas.registry import current
from schemas.topics import partition_of


VERSION = 1


def _rules_adopted(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    _, fields = codec.decode(value)
    require_place(state, offset, fields)
    require_known(state, offset, fields, (VERSION,))
    repeated = known(state.rules_ids, fields["event_id"])
    return Decision(
        fields["event_id"], None, chain, KIND["rules_adopted"],
        OUTCOME["repeated" if repeated else "adopted"], REASON["none"],
        state.ledger_version if repeated else fields["ledger_version"], offset, None, (),
    )


def _consultation_closed(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    version = version_in_force(state)
    _, fields = codec.decode(value)
    consultation = state.consultation(fields["consultation"])
    outcome = "unchanged" if consultation.closed else "closed"
    if known(consultation.control_ids, fields["event_id"]):
        outcome = "repeated"
    return Decision(
        fields["event_id"], None, chain, KIND["consultation_closed"], OUTCOME[outcome],
        REASON["none"], version, offset, consultation.name, (),
    )


def _consultation_sealed(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    """Seal a closed consultation; an open one, or one sealed already, stays as it is."""
    version = version_in_force(state)
    _, fields = codec.decode(value)
    consultation = state.consultation(fields["consultation"])
    sealable = consultation.closed and not consultation.sealed
    outcome = "sealed" if sealable else "unchanged"
    if known(consultation.control_ids, fields["event_id"]):
        outcome = "repeated"
    return Decision(
        fields["event_id"], None, chain, KIND["consultation_sealed"], OUTCOME[outcome],
        REASON["none"], version, offset, consultation.name, (),
    )


def _voter_control(
    kind: str, state: LedgerState, offset: int, chain: bytes, value: bytes
) -> Decision:
    version = version_in_force(state)
    _, fields = codec.decode(value)
    event_id, voter = fields["event_id"], fields["voter"]
    if partition_of(voter, state.partitions) != state.partition:
        # Its consultation is not even met: folding the refusal must reach the same state.
        return Decision(
            event_id, voter, chain, KIND[kind], OUTCOME["refused"], REASON["misplaced"], version,
            offset, fields["consultation"], (),
        )
    consultation = state.consultation(fields["consultation"])
    suspended = state.is_suspended(voter, consultation)
    changes: tuple[Change, ...] = ()
    outcome = "suspended" if kind == "voter_suspended" else "reinstated"
    if consultation.sealed:
        outcome = "late"
    elif known(consultation.voters_control_ids.get(voter, b""), event_id):
        outcome = "repeated"
    elif suspended == (kind == "voter_suspended"):
        outcome = "unchanged"
    else:
        changes = _changes_of(state, voter, consultation, suspended=suspended)
    return Decision(
        event_id, voter, chain, KIND[kind], OUTCOME[outcome], REASON["none"], version, offset,
        consultation.name, changes,
    )


def _changes_of(
    state: LedgerState, voter: bytes, consultation: Consultation, *, suspended: bool
) -> tuple[Change, ...]:
    """List every live vote of a voter with its suspension turned over, by proposal."""
    was, becomes = (SUSPENDED, 0) if suspended else (0, SUSPENDED)
    return tuple(sorted(
        Change(proposal.name, kept | was, kept | becomes)
        for proposal, kept in state.votes_of(voter, consultation) if kept & 3
    ))


def _suspended(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    return _voter_control("voter_suspended", state, offset, chain, value)


def _reinstated(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    return _voter_control("voter_reinstated", state, offset, chain, value)


CONTROLS: dict[bytes, Control] = {
    current("RulesAdopted", 1).header: _rules_adopted,
    current("RulesAdopted", 2).header: adopt,
    current("ConsultationClosed", 1).header: _consultation_closed,
    current("ConsultationSealed", 1).header: _consultation_sealed,
    current("VoterSuspended", 1).header: _suspended,
    current("VoterReinstated", 1).header: _reinstated,
}
"""How each control is decided, by the header of its record."""
