"""Cosignatures (C2SP tlog-cosignature, Ed25519): a witness has seen this log only grow. Pure.

A witness signs the whole text of a checkpoint behind a line with its own clock. What it says: as
of then, this is the largest tree of this name that I have seen, and it has grown out of all before.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from sinks.transparency.notes import (
    ID_BYTES,
    Refused,
    is_signed,
    key_id_of,
    parse_vkey,
    signature_line,
    signatures_in,
    to_base64,
)


_COSIGNATURE = b"\x04"
"""The type of these keys. Those of ML-DSA-44 (6) this version does not verify."""
_TIME = struct.Struct(">Q")
_SIGNATURE_BYTES = 64
_LATEST = 253_402_300_799
"""The end of the year 9999: the format has room for later times, no calendar has."""


class Witness(NamedTuple):
    """Whoever countersigns checkpoints, under a name and one key."""

    label: str
    """Names it in a policy."""
    name: str
    """Names its key in signature lines."""
    public: bytes
    url: str = ""
    """Where checkpoints are submitted to it; empty for who only verifies."""

    @property
    def key_id(self) -> bytes:
        """What a signature line names the key by."""
        return key_id_of(self.name, _COSIGNATURE + self.public)

    @property
    def vkey(self) -> str:
        """Write the key as others take it."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(_COSIGNATURE + self.public)}"


class Cosignature(NamedTuple):
    """A witness's signature under a checkpoint, verified."""

    witness: Witness
    at: int
    """When, by the clock of the witness, in seconds since 1970."""
    line: str
    """As it stands under the checkpoint."""


def parse_witness(label: str, vkey: str, url: str = "") -> Witness:
    """Read a witness's key `name+id+base64`; raise Refused."""
    name, public = parse_vkey(vkey, _COSIGNATURE, "a key of Ed25519 cosignatures (type 4)")
    return Witness(label, name, public, url.rstrip("/"))


def cosigned_text(text: str, at: int) -> str:
    """Write what a witness signs of a checkpoint's text, at a time."""
    return f"cosignature/v1\ntime {at}\n{text}"


def cosignatures(note: str, witnesses: Iterable[Witness]) -> list[Cosignature]:
    """Return the newest cosignature of each witness under a checkpoint, in the order of witnesses.

    Those of others are passed over. Raises Refused where one of these does not fit the checkpoint.
    """
    return cosignatures_of(*signatures_in(note), witnesses)


def cosignatures_of(
    text: str, signatures: Iterable[tuple[str, bytes]], witnesses: Iterable[Witness]
) -> list[Cosignature]:
    """Do the same with a text and signatures that did not come as one note."""
    known = {(witness.name, witness.key_id): witness for witness in witnesses}
    found: dict[str, Cosignature] = {}
    for name, signature in signatures:
        witness = known.get((name, signature[:ID_BYTES]))
        if witness is None:
            continue
        one = _verified(witness, text, signature)
        if witness.label not in found or found[witness.label].at < one.at:
            found[witness.label] = one
    return [found[each.label] for each in known.values() if each.label in found]


def _verified(witness: Witness, text: str, signature: bytes) -> Cosignature:
    stamped = signature[ID_BYTES:]
    if len(stamped) != _TIME.size + _SIGNATURE_BYTES:
        raise Refused(f"the cosignature of {witness.name} has not the length of one")
    at: int = _TIME.unpack_from(stamped)[0]
    if not 0 < at <= _LATEST or not is_signed(
            witness.public, cosigned_text(text, at), stamped[_TIME.size:]):
        raise Refused(f"the cosignature of {witness.name} does not fit the checkpoint it stands "
                      "under")
    return Cosignature(witness, at, signature_line(witness.name, signature))


def countersigned(note: str, found: Iterable[Cosignature]) -> str:
    """Write a checkpoint with cosignatures below its signatures."""
    return note + "".join(one.line for one in found)
