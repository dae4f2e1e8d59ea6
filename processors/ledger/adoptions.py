"""What becomes of adoptions of rules and keys, and of what comes before the first. Pure."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from processors.ledger.alarms import LedgerStopped
from processors.ledger.control_keys import (
    are_usable,
    is_allowed,
    is_first_adoption,
    keys_of,
)
from processors.ledger.decisions import ControlKey, Decision
from processors.ledger.rules import KIND, OUTCOME, REASON, VERSIONS
from processors.ledger.state import LedgerState
from schemas import codec
from schemas.control_outlines import outline
from schemas.words import REFUSALS


Control = Callable[[LedgerState, int, bytes, bytes], Decision]
"""Decides a control: the state, offset, chain and value of its record."""
LEAST_VERSION = 2
"""Adoptions of version 2 bring rules that have a word for what is in them."""
REFUSAL = {name: index for index, name in enumerate(REFUSALS)}


def version_in_force(state: LedgerState) -> int:
    """Return the rules in force; raise LedgerStopped before the first RulesAdopted."""
    if not state.ledger_version:
        raise LedgerStopped(
            f"votes partition {state.partition}: the first record is not RulesAdopted. "
            "Run `scrutin provision` before anything is written to a new topic generation."
        )
    return state.ledger_version


def undecodable(state: LedgerState, offset: int, chain: bytes) -> Decision:
    """Decide a record that cannot be read."""
    version = version_in_force(state)
    return Decision(
        None, None, chain, KIND["unknown"], OUTCOME["refused"], REASON["undecodable"],
        version, offset, None, (), event_version=1 if version == 1 else 0,
    )


def require_place(state: LedgerState, offset: int, fields: Mapping[str, Any]) -> None:
    """Raise LedgerStopped where an adoption was written for another partition or count."""
    if (fields["partition"], fields["partitions"]) != (state.partition, state.partitions):
        raise LedgerStopped(
            f"{_place(state)}: RulesAdopted at offset {offset} was written for partition "
            f"{fields['partition']} of {fields['partitions']}. The partition count of a topic "
            "generation never changes: restore the topic, or start a new generation with another "
            "SCRUTIN_TOPIC_PREFIX."
        )


def require_known(
    state: LedgerState, offset: int, fields: Mapping[str, Any], known: Collection[int]
) -> None:
    """Raise LedgerStopped where an adoption names rules that are not known here."""
    if fields["ledger_version"] not in known:
        raise LedgerStopped(
            f"{_place(state)}: offset {offset} adopts ledger version {fields['ledger_version']}, "
            "unknown here. Install a version of scrutin that has it; nothing was decided."
        )


def _place(state: LedgerState) -> str:
    return f"votes partition {state.partition} of {state.partitions}"


def adopt(state: LedgerState, offset: int, chain: bytes, value: bytes) -> Decision:
    """Decide a RulesAdopted of version 2, under any rules.

    Whether it is signed is asked first: what anybody may write stops no ledger, and its keys are
    not even read.
    """
    fields, refusal = outline(value), "none"
    keys: tuple[ControlKey, ...] = ()
    if not is_allowed(state, "RulesAdopted", fields, value) or (
            fields["keys"] and not state.keys
            and not is_first_adoption(state, value, state.first_keys)):
        refusal = "unsigned"
    else:
        keys = keys_of(codec.decode(value)[1])
        require_place(state, offset, fields)
        require_known(state, offset, fields, VERSIONS)
        if _is_stale(state, fields["ledger_version"], fields["generation"]) or (
                (keys or state.keys) and not are_usable(keys)):
            refusal = "stale"
    if refusal != "none":
        # Refused by the rules that were in force: those that an adoption would bring know no more.
        return _refused(state, offset, chain, fields["event_id"], refusal)
    adopts = bool(keys) or fields["ledger_version"] > state.ledger_version
    return Decision(
        fields["event_id"], None, chain, KIND["rules_adopted"],
        OUTCOME["adopted" if adopts else "unchanged"], REASON["none"], fields["ledger_version"],
        offset, None, (), edition=fields["generation"], keys=keys, event_version=2,
    )


def _is_stale(state: LedgerState, version: int, edition: int) -> bool:
    """Whether an adoption falls behind what is in force, or says it a second time."""
    falls = version < max(LEAST_VERSION, state.ledger_version)
    return falls or bool(state.keys and edition <= state.edition)


def _refused(
    state: LedgerState, offset: int, chain: bytes, event_id: bytes, refusal: str
) -> Decision:
    return Decision(
        event_id, None, chain, KIND["rules_adopted"], OUTCOME["refused"], REASON["none"],
        version_in_force(state), offset, None, (), refusal=REFUSAL[refusal], event_version=2,
    )
