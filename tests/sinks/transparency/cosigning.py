"""Witnesses of the tests: keys, and cosignatures written down from C2SP tlog-cosignature."""

import base64
import hashlib
import struct
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sinks.transparency.cosignatures import Witness
from sinks.transparency.quorum import Group, Quorum


NOW = 1_790_000_000


class Cosigner:
    """A witness's key."""

    def __init__(self, label: str, url: str = "") -> None:
        self.secret = hashlib.sha256(label.encode()).digest()
        self._key = Ed25519PrivateKey.from_private_bytes(self.secret)
        public = self._key.public_key().public_bytes_raw()
        self.witness = Witness(label, f"witness.example/{label}", public, url)

    def line(self, note: str, at: int = NOW) -> str:
        """Countersign a checkpoint: the line that stands below it."""
        return self.line_of(note.rpartition("\n\n")[0] + "\n", at)

    def line_of(self, text: str, at: int) -> str:
        """Countersign a text at a time."""
        name, public = self.witness.name, self.witness.public
        key_id = hashlib.sha256(f"{name}\n".encode() + b"\4" + public).digest()[:4]
        signed = self._key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        raw = base64.b64encode(key_id + struct.pack(">Q", at) + signed).decode()
        return f"\N{EM DASH} {name} {raw}\n"


def least(number: int, *cosigners: Cosigner) -> Quorum:
    """Ask for so many of these."""
    return least_of(number, [each.witness for each in cosigners])


def least_of(number: int, witnesses: Sequence[Witness]) -> Quorum:
    """The same, of witnesses whose keys are not ours."""
    return Quorum("enough", tuple(witnesses), (
        Group("enough", number, tuple(each.label for each in witnesses)),))
