"""Keys that sign controls: their roles, how people write them, and where the log names them. Pure.

Theory of operation: a control key is an Ed25519 key of a person or a machine. Whoever holds it
gives away `ROLE:PUBLIC`, the role and the public key in hexadecimal; an adoption of keys lists
those that a partition takes. A role says what a key may sign: an operator's everything, that of
the guard suspensions by its rules, a clerk's closings.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.control_signatures import SMALL_ORDER, is_signed, key_id
from schemas.words import CONTROL_ROLES


OPERATOR, GUARD, CLERK = CONTROL_ROLES
PUBLIC_BYTES = 32
KEYS_MOST = 64
"""An adoption lists no more."""
CLOSINGS = frozenset(("ConsultationClosed", "ConsultationSealed"))


class PublicKey(NamedTuple):
    """A key that may sign controls."""

    id: bytes
    role: str
    public: bytes

    def text(self) -> str:
        """Write it as people hand it on."""
        return f"{self.role}:{self.public.hex()}"

    def fields(self) -> dict[str, Any]:
        """Return it as an event lists it."""
        return self._asdict()


def public_key(role: str, public: bytes) -> PublicKey:
    """Name a key by its role and public half."""
    return PublicKey(key_id(public), role, public)


def keys_in(fields: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """Read the keys that an event lists."""
    return tuple(PublicKey(key["id"], key["role"], key["public"]) for key in fields["keys"])


def may_sign(role: str, event: str, cause: int = 0) -> bool:
    """Whether a key of a role may sign a control; `cause` is that of a suspension."""
    if role == OPERATOR:
        return True
    if role == GUARD:
        return event == "VoterSuspended" and cause > 0
    return event in CLOSINGS


def is_signed_by(
    keys: Iterable[PublicKey], partition: int, genesis_chain: bytes, event: str,
    fields: Mapping[str, Any], value: bytes,
) -> bool:
    """Whether one of these keys, of a role that may, has signed a control for a partition."""
    return any(key.id == fields["by"] and may_sign(key.role, event, fields.get("cause", 0))
               and is_signed(key.public, partition, genesis_chain, value) for key in keys)


def parse_key(text: str) -> PublicKey:
    """Read `ROLE:PUBLIC`; raise ValueError, which says what is wrong."""
    role, _, public = text.strip().partition(":")
    if role not in CONTROL_ROLES:
        raise ValueError(f"{text!r} begins with no role: write ROLE:PUBLIC, ROLE being "
                         f"{', '.join(CONTROL_ROLES)}")
    try:
        found = bytes.fromhex(public)
    except ValueError:
        found = b""
    if len(found) != PUBLIC_BYTES or public != public.strip().lower():
        raise ValueError(f"{text!r} holds no public key: it has {2 * PUBLIC_BYTES} hexadecimal "
                         "digits, as `scrutin keys make` prints them")
    if found in SMALL_ORDER:
        raise ValueError(f"{text!r} is a key under which anybody can sign")
    return public_key(role, found)


def parse_keys(texts: Iterable[str]) -> tuple[PublicKey, ...]:
    """Read the keys of an adoption, in one order; raise ValueError where they cannot be adopted."""
    found = tuple(sorted(map(parse_key, texts), key=lambda key: (
        CONTROL_ROLES.index(key.role), key.public)))
    if found and not any(key.role == OPERATOR for key in found):
        raise ValueError("no operator's key is among them: nobody could ever change the keys again")
    if len({key.id for key in found}) < len(found):
        raise ValueError("a key is named twice: one key has one role")
    if len(found) > KEYS_MOST:
        raise ValueError(f"{len(found)} keys: at most {KEYS_MOST} are adopted")
    return found
