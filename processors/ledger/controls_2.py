"""What becomes of controls under rules 2: signed or not, in any order, however often. Pure.

Theory of operation: each control of version 2 is refused for the first of these that holds:
undecodable, misplaced, unsigned, stale, late; then known (it changes nothing), immune, too many.
None of them needs a memory of ids. Controls of version 1 keep theirs, in which `repeated` precedes
everything; a suspension of version 1 is cause 0 with its own id as finding, a reinstatement clears
the findings of cause 0 that stand. All up to `stale` is told by a control's outline: lists are
opened of what is signed alone, for anybody who can write may send the longest there are.
"""

from collections.abc import Mapping
from typing import Any

from processors.ledger.adoptions import REFUSAL, Control, adopt, version_in_force
from processors.ledger.control_keys import is_allowed
from processors.ledger.decisions import Change, Decision
from processors.ledger.rules import KIND, OUTCOME, REASON
from processors.ledger.rules_2 import route_in
from processors.ledger.standing import KEPT_BITS, SUSPENDED
from processors.ledger.state import Consultation, LedgerState
from schemas import codec
from schemas.control_outlines import outline
from schemas.findings import Suspension, known, restored
from schemas.registry import current
from schemas.topics import partition_of


KINDS_OF = {
    "RulesAdopted": "rules_adopted", "ConsultationClosed": "consultation_closed",
    "ConsultationSealed": "consultation_sealed", "VoterSuspended": "voter_suspended",
    "VoterReinstated": "voter_reinstated",
}


def _decided(
    state: LedgerState, offset: int, chain: bytes, value: bytes, fields: Mapping[str, Any],
    outcome: str, **more: Any,
) -> Decision:
    schema = codec.schema_of(value)
    return Decision(
        event_id=fields["event_id"], voter=fields.get("voter"), chain=chain,
        kind=KIND[KINDS_OF[schema.event]], outcome=OUTCOME[outcome],
        reason=REASON[more.pop("reason", "none")], ledger_version=state.ledger_version,
        source_offset=offset, consultation=fields.get("consultation"),
        refusal=REFUSAL[more.pop("refusal", "none")], event_version=schema.version,
        changes=more.pop("changes", ()), **more)


def _repeats(ids: bytes, value: bytes, event_id: bytes) -> bool:
    """Whether a control of version 1 came before; those of version 2 need no such memory."""
    return codec.schema_of(value).version == 1 and known(ids, event_id)


def _is_allowed(state: LedgerState, fields: Mapping[str, Any], value: bytes) -> bool:
    schema = codec.schema_of(value)
    if schema.version == 1:
        return not state.keys
    return is_allowed(state, schema.event, fields, value)


def _rules_adopted(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    """Decide an adoption of version 1: it names no keys and no later rules, so it is stale."""
    fields = outline(value)
    if known(state.rules_ids, fields["event_id"]):
        return _decided(state, offset, chain, value, fields, "repeated")
    refusal = "unsigned" if state.keys else "stale"
    return _decided(state, offset, chain, value, fields, "refused", refusal=refusal)


def _ending(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    """Decide a closing or a sealing: only what is closed can be sealed."""
    version_in_force(state)
    event, fields = codec.schema_of(value).event, outline(value)
    consultation = state.by_name.get(fields["consultation"]) or Consultation(fields["consultation"])
    if _repeats(consultation.control_ids, value, fields["event_id"]):
        return _decided(state, offset, chain, value, fields, "repeated")
    if not _is_allowed(state, fields, value):
        return _decided(state, offset, chain, value, fields, "refused", refusal="unsigned")
    if event == "ConsultationClosed":
        outcome = "unchanged" if consultation.closed else "closed"
    else:
        sealable = consultation.closed and not consultation.sealed
        outcome = "sealed" if sealable else "unchanged"
    return _decided(state, offset, chain, value, fields, outcome)


def _voter_control(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    version_in_force(state)
    fields = outline(value)
    voter = fields["voter"]
    if partition_of(voter, state.partitions) != state.partition:
        return _decided(
            state, offset, chain, value, fields, "refused", reason="misplaced")
    consultation = state.by_name.get(fields["consultation"]) or Consultation(fields["consultation"])
    if _repeats(consultation.voters_control_ids.get(voter, b""), value, fields["event_id"]):
        return _decided(state, offset, chain, value, fields, "repeated")
    if not _is_allowed(state, fields, value):
        return _decided(state, offset, chain, value, fields, "refused", refusal="unsigned")
    if consultation.sealed:
        return _decided(state, offset, chain, value, fields, "late")
    before = state.suspension(voter, consultation)
    after = restored(before.copied())
    event, fields = codec.decode(value)
    effect = after.follow(event, fields, version=codec.schema_of(value).version)
    changes = _changes(state, voter, consultation, before, after)
    why = {"reason" if effect.why in REASON else "refusal": effect.why}
    return _decided(state, offset, chain, value, fields, effect.outcome, **why, changes=changes,
                    findings=effect.findings, immune=effect.immune)


def _changes(
    state: LedgerState, voter: bytes, consultation: Consultation, before: Suspension,
    after: Suspension,
) -> tuple[Change, ...]:
    """List every live vote of a voter by proposal, where its cause is another afterwards."""
    if before.lowest() == after.lowest():
        return ()
    was, becomes = (0 if each.lowest() is None else SUSPENDED for each in (before, after))
    return tuple(sorted(
        Change(proposal.name, kept & KEPT_BITS | was, kept & KEPT_BITS | becomes, route_in(kept))
        for proposal, kept in state.votes_of(voter, consultation) if kept & 3
    ))


CONTROLS: dict[bytes, Control] = {
    current("RulesAdopted", 1).header: _rules_adopted,
    current("RulesAdopted", 2).header: adopt,
    **{current(event, version).header: _ending
       for event in ("ConsultationClosed", "ConsultationSealed") for version in (1, 2)},
    **{current(event, version).header: _voter_control
       for event in ("VoterSuspended", "VoterReinstated") for version in (1, 2)},
}
"""How each control is decided, by the header of its record."""
