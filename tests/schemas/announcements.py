"""Catalogues that announce keys, and somebody who would announce keys of their own."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers import signing
from producers.signing import CatalogueKey, OwnKey, own_key
from schemas import codec, corrections
from schemas.control_roles import PublicKey, public_key
from schemas.control_signatures import NOBODY
from schemas.genesis import announced
from schemas.registry import versions


OLD, NEW, CLERK, FORGER = (own_key(bytes([number]) * 32) for number in (1, 2, 3, 4))
KEYS = {key.id: public_key(role, key.public) for key, role in (
    (OLD, "operator"), (NEW, "operator"), (CLERK, "clerk"), (FORGER, "operator"))}
FIRST = (KEYS[OLD.id], KEYS[CLERK.id])
BEFORE, AFTER = {"fr": "Un barrage"}, {"fr": "Pas de barrage"}
ACCEPTED, ANNOUNCED = b"accepted".ljust(16), b"announced".ljust(16)
"""Event ids of the proposal, and of the first announcement."""


def announcement(
    edition: int, *keys: PublicKey, by: bytes = NOBODY,
    private: Ed25519PrivateKey | None = None, in_force: bytes = ANNOUNCED,
) -> bytes:
    """Announce keys, signed as one likes."""
    value = announced(2, edition, keys, occurred_at=1, by=by)
    if private is None:
        return value
    return corrections.announcement_signed(private, in_force, value)


def first_announcement() -> bytes:
    """Announce the first keys, under a known id."""
    event, fields = codec.decode(announcement(1, *FIRST))
    return codec.encode(event, **{**fields, "event_id": ANNOUNCED})


def replaced() -> bytes:
    """Replace the first keys as the command does: signed by an operator's key of these."""
    return announcement(2, KEYS[NEW.id], by=OLD.id, private=OLD.private)


def _of_version_1() -> bytes:
    fields = codec.decode(announcement(9, KEYS[FORGER.id]))[1]
    schema = versions(corrections.ANNOUNCED)[0]
    known = {field["name"] for field in schema.raw["fields"]}
    return codec.encode_as(
        schema, **{name: datum for name, datum in fields.items() if name in known})


def _forged(**signed: Any) -> bytes:
    return announcement(9, KEYS[FORGER.id], **signed)


FORGED = {
    "unsigned": _forged(),
    "of version 1": _of_version_1(),
    "signed by the forger": _forged(by=FORGER.id, private=FORGER.private),
    "in an operator's name": _forged(by=OLD.id, private=FORGER.private),
    "signed by a clerk": _forged(by=CLERK.id, private=CLERK.private),
    "signed in another log": _forged(by=OLD.id, private=OLD.private, in_force=b"other".ljust(16)),
    "signed as a correction": corrections.signed(OLD.private, ANNOUNCED, _forged(by=OLD.id)),
}
"""Announcements of the forger's keys, under an edition higher than all before."""


def described(consultation: str, proposal: str) -> bytes:
    """Accept a proposal."""
    return codec.encode(
        "ProposalAccepted", event_id=ACCEPTED, consultation=consultation, proposal=proposal,
        text=BEFORE, author=None, origin="operator", occurred_at=0)


def changes(
    own: OwnKey, consultation: str, proposal: str, *, under: bytes | None = None
) -> list[bytes]:
    """Turn a proposal round, retire it, and have the guard set a crowd aside; signed.

    `under` is the announcement in force, the first one unless it is given.
    """
    in_force = codec.decode(under)[1]["event_id"] if under else ANNOUNCED
    signer = CatalogueKey(own.id, own.private, in_force)
    common: dict[str, Any] = {"consultation": consultation, "origin": "operator", "occurred_at": 2}
    return [
        signing.correction(
            signer, "ProposalCorrected", **common, event_id=b"corrected".ljust(16),
            proposal=proposal, follows=ACCEPTED, before=BEFORE, after=AFTER, reason="r",
            offsets=[-1, -1, -1], votes=0),
        signing.correction(
            signer, "ProposalRetired", **common, event_id=b"retired".ljust(16), proposal=proposal,
            reason="r", text_hidden=False),
        signing.correction(
            signer, "GuardRuleChanged", **common, event_id=b"changed".ljust(16), rule=1, version=1,
            mode="set_aside", parameters=[], follows=bytes(16), reason="r", salt=bytes(16)),
    ]
