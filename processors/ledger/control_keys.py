"""Which keys may sign which controls, and how they come and go. Pure.

Theory of operation: the keys of a partition are part of its log. A new log has them from offset 0
on; an older one takes its first keys from the one record whose digest every ledger was told
beforehand. From then on keys change only by an adoption that an operator's key has signed, with a
higher edition. Whether a control is signed is asked before anything that could stop a ledger:
what anybody may write is refused, and halts nothing.
"""

from collections.abc import Container, Mapping
from typing import Any

from processors.ledger.decisions import ControlKey
from processors.ledger.state import LedgerState
from schemas import control_roles
from schemas.control_roles import PublicKey, is_signed_by
from schemas.control_signatures import SMALL_ORDER, key_id, unsigned_digest
from schemas.words import CONTROL_ROLES


OPERATOR = CONTROL_ROLES.index(control_roles.OPERATOR)


def is_allowed(state: LedgerState, event: str, fields: Mapping[str, Any], value: bytes) -> bool:
    """Whether a control of version 2 is one that this partition takes, by its outline.

    A signature costs more than all else that is asked, so it comes last: a key's id and role first.
    """
    if not state.keys:
        return True
    keys = (PublicKey(key.id, CONTROL_ROLES[key.role], key.public) for key in state.keys
            if key.id == fields["by"])
    return is_signed_by(keys, state.partition, state.genesis_chain, event, fields, value)


def keys_of(fields: Mapping[str, Any]) -> tuple[ControlKey, ...]:
    """Read the keys that an adoption names."""
    return tuple(ControlKey(key["id"], CONTROL_ROLES.index(key["role"]), key["public"])
                 for key in fields["keys"])


def are_usable(keys: tuple[ControlKey, ...]) -> bool:
    """Whether keys can be adopted: one is an operator's, none is anybody's, each has its id."""
    return (any(key.role == OPERATOR for key in keys)
            and len({key.id for key in keys}) == len(keys)
            and all(key.id == key_id(key.public) and key.public not in SMALL_ORDER for key in keys))


def is_first_adoption(state: LedgerState, value: bytes, first_keys: Container[object]) -> bool:
    """Whether a partition without keys may take those of a record: at its begin, or as was told."""
    return (state.last_offset < 0 or unsigned_digest(value) in first_keys
            or state.last_offset + 1 in first_keys)
