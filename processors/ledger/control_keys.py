"""Which keys may sign which controls, and how they come and go. Pure.

Theory of operation: the keys of a partition are part of its log. A new log has them from offset 0
on; an older one takes its first keys from the one record whose digest every ledger was told
beforehand. From then on keys change only by an adoption that an operator's key has signed, with a
higher generation. Whether a control is signed is asked before anything that could stop a ledger:
what anybody may write is refused, and halts nothing.
"""

from collections.abc import Mapping
from typing import Any

from processors.ledger.decisions import ControlKey, Finding
from processors.ledger.state import LedgerState
from schemas.control_signatures import SMALL_ORDER, is_signed, key_id, unsigned_digest
from schemas.words import CONTROL_ROLES


OPERATOR, GUARD, CLERK = (CONTROL_ROLES.index(name) for name in ("operator", "guard", "clerk"))
CLOSING = frozenset(("ConsultationClosed", "ConsultationSealed"))


def may_sign(role: int, event: str, fields: Mapping[str, Any]) -> bool:
    """Whether a key of a role may sign a control."""
    if role == OPERATOR:
        return True
    if role == GUARD:
        return event == "VoterSuspended" and fields["cause"] > 0
    return event in CLOSING


def is_allowed(state: LedgerState, event: str, fields: Mapping[str, Any], value: bytes) -> bool:
    """Whether a control of version 2 is one that this partition takes."""
    if not state.keys:
        return True
    return any(key.id == fields["by"] and may_sign(key.role, event, fields)
               and is_signed(key.public, state.partition, state.genesis_chain, value)
               for key in state.keys)


def keys_of(fields: Mapping[str, Any]) -> tuple[ControlKey, ...]:
    """Read the keys that an adoption names."""
    return tuple(ControlKey(key["id"], CONTROL_ROLES.index(key["role"]), key["public"])
                 for key in fields["keys"])


def are_usable(keys: tuple[ControlKey, ...]) -> bool:
    """Whether keys can be adopted: one is an operator's, none is anybody's, each has its id."""
    return (any(key.role == OPERATOR for key in keys)
            and len({key.id for key in keys}) == len(keys)
            and all(key.id == key_id(key.public) and key.public not in SMALL_ORDER for key in keys))


def is_first_adoption(state: LedgerState, value: bytes, first_keys: frozenset[bytes]) -> bool:
    """Whether a partition without keys may take those of a record: at its begin, or as was told."""
    return state.last_offset < 0 or unsigned_digest(value) in first_keys


def findings_of(fields: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Read the findings that a reinstatement names, each once."""
    return tuple(dict.fromkeys(
        Finding(pair["cause"], pair["finding"]) for pair in fields["findings"]))
