"""Signed notes (C2SP signed-note): a text, and Ed25519 signatures of it, as plain lines. Pure."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


SIGNATURES_MAX = 64
"""A note with more is refused: the format asks for 16 at least, our witnesses will be few."""
NOTE_BYTES_MAX = 1 << 20
"""A longer note is refused before it is read."""
_ED25519 = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4
_DASH = "\N{EM DASH} "


class Refused(Exception):
    """A note, checkpoint, proof or policy is not acceptable; the message says why."""


class Verifier(NamedTuple):
    """A name and its public key."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Give what a signature line names the key by."""
        named = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """Write the key as others take it."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(_ED25519 + self.public)}"

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether the signature is the key's, of the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """A name and its private key."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        _require_name(name)
        self._key = key
        self.verifier = Verifier(name, key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Write the signed note of a text."""
        assert _is_text(text), "a note is lines without control characters"
        signature = self.verifier.key_id + self._key.sign(text.encode())
        return f"{text}\n{_DASH}{self.verifier.name} {to_base64(signature)}\n"


def parse_verifier(vkey: str) -> Verifier:
    """Read a key `name+id+base64`; raise Refused."""
    name, identifier, encoded = [*vkey.split("+", 2), "", ""][:3]
    _require_name(name)
    raw = from_base64(encoded)
    if raw is None or raw[:1] != _ED25519 or len(raw) != 1 + _KEY_BYTES:
        raise Refused(f"the key {vkey!r} is not an Ed25519 key of the form name+id+base64")
    verifier = Verifier(name, raw[1:])
    if verifier.key_id.hex() != identifier:
        raise Refused(f"the key {vkey!r} has another id than its name and bytes give")
    return verifier


def open_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """Give the text of a note; raise Refused unless a known key signed it, or where one did not.

    Signatures of unknown keys are passed over: witnesses may add theirs.
    """
    text, lines = _split(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified = False
    for line in lines:
        name, signature = _signature(line)
        verifier = known.get((name, signature[:_ID_BYTES]))
        if verifier is None:
            continue
        if not verifier.signed(text, signature[_ID_BYTES:]):
            raise Refused(f"the signature of {name} does not fit the text it stands under")
        verified = True
    if not verified:
        names = ", ".join(sorted(name for name, _ in known)) or "none"
        raise Refused(f"no signature is by a known key (known: {names})")
    return text


def text_of(note: str) -> str:
    """Give the text of a note, whoever signed it; raise Refused where it is none."""
    return _split(note)[0]


def _split(note: str) -> tuple[str, list[str]]:
    if len(note) > NOTE_BYTES_MAX or not _is_text(note):
        raise Refused("the note is too long or not plain lines")
    text, found, signatures = note.rpartition("\n\n")
    lines = signatures.splitlines()
    if not found or not text or not 0 < len(lines) <= SIGNATURES_MAX:
        raise Refused(f"the note has no text, or not 1 to {SIGNATURES_MAX} signature lines")
    return f"{text}\n", lines


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = from_base64(encoded)
    if not line.startswith(_DASH) or raw is None or len(raw) <= _ID_BYTES:
        raise Refused(f"not a signature line: {line[:80]!r}")
    _require_name(name)
    return name, raw


def _require_name(name: str) -> None:
    if not name or "+" in name or re.search(r"\s", name) or not name.isprintable():
        raise Refused(f"{name!r} cannot be the name of a key: no space, no +, not empty")


def _is_text(text: str) -> bool:
    """Whether a text ends in a line feed and has no other control character."""
    return text.endswith("\n") and not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text)


def to_base64(raw: bytes) -> str:
    """Write bytes in base64."""
    return binascii.b2a_base64(raw, newline=False).decode()


def from_base64(text: str) -> bytes | None:
    """Read base64; None unless it is exactly what would be written."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if to_base64(raw) == text else None
