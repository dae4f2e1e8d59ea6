"""Signed notes (C2SP signed-note): a text, and Ed25519 signatures of it, as plain lines. Pure."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


SIGNATURES_MAX = 64
"""A note with more is refused: the format asks for 16 at least, our witnesses will be few."""
NOTE_BYTES_MAX = 1 << 20
"""A longer note is refused before it is read."""
_ED25519 = b"\x01"
_KEY_BYTES = 32
ID_BYTES = 4
"""Before each signature stands what names its key."""
DASH = "\N{EM DASH} "
"""What a line of a signature begins with."""


class Refused(Exception):
    """A note, checkpoint, proof or policy is not acceptable; the message says why."""


class Countersigners(Protocol):
    """Those who must have countersigned a checkpoint: `sinks.transparency.quorum.Quorum`."""

    def require(self, note: str) -> object:
        """Raise Refused unless enough of them have."""


class Verifier(NamedTuple):
    """A name and its public keys: who signs under one name may change the key."""

    name: str
    public: bytes
    others: tuple[bytes, ...] = ()
    """Keys that signed before, or sign beside: a note by any of them is by this name."""
    quorum: Countersigners | None = None
    """Without them no checkpoint of this log is accepted."""

    @property
    def alone(self) -> "Verifier":
        """The same keys, for checkpoints that nobody needs to have countersigned."""
        return self._replace(quorum=None)

    @property
    def publics(self) -> tuple[bytes, ...]:
        """Every key."""
        return (self.public, *self.others)

    @property
    def key_id(self) -> bytes:
        """What a signature line names the first key by."""
        return _note_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        """Write the first key as others take it."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(_ED25519 + self.public)}"

    def with_keys(self, publics: Iterable[bytes]) -> "Verifier":
        """Return the name with more keys; those it has come first."""
        first, *others = dict.fromkeys((*self.publics, *publics))
        return self._replace(public=first, others=tuple(others))


def _note_id(name: str, public: bytes) -> bytes:
    return key_id_of(name, _ED25519 + public)


def key_id_of(name: str, typed: bytes) -> bytes:
    """Return what signature lines name a key by; the key begins with the byte of its type."""
    return hashlib.sha256(name.encode() + b"\n" + typed).digest()[:ID_BYTES]


def is_signed(public: bytes, text: str, signature: bytes) -> bool:
    """Whether the Ed25519 signature is the key's, of the text."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


class Signer:
    """A name and its private keys: each of them signs, so that any one of them is enough."""

    def __init__(
        self, name: str, key: Ed25519PrivateKey, *others: Ed25519PrivateKey,
        retired: Iterable[bytes] = (),
    ) -> None:
        _require_name(name)
        self._keys = (key, *others)
        first, *publics = (each.public_key().public_bytes_raw() for each in self._keys)
        self.signing = (first, *publics)
        """Public keys of those that sign."""
        self.verifier = Verifier(name, first, tuple(publics)).with_keys(retired)

    def sign(self, text: str) -> str:
        """Write the signed note of a text."""
        assert _is_text(text), "a note is lines without control characters"
        name = self.verifier.name
        signatures = (
            _note_id(name, public) + key.sign(text.encode())
            for key, public in zip(self._keys, self.signing, strict=True))
        return f"{text}\n" + "".join(
            signature_line(name, signature) for signature in signatures)

    def has_signed(self, note: str) -> bool:
        """Whether a note bears the signatures of all our keys; its text must be a note's."""
        return {*self.sign(text_of(note)).splitlines()} <= {*note.splitlines()}


def parse_verifier(vkey: str) -> Verifier:
    """Read a key `name+id+base64`; raise Refused."""
    return Verifier(*parse_vkey(vkey, _ED25519, "an Ed25519 key"))


def parse_vkey(vkey: str, kind: bytes, meant: str) -> tuple[str, bytes]:
    """Return name and public key of a key `name+id+base64` of this type; raise Refused."""
    name, identifier, encoded = [*vkey.split("+", 2), "", ""][:3]
    _require_name(name)
    raw = from_base64(encoded)
    if raw is None or raw[:1] != kind or len(raw) != 1 + _KEY_BYTES:
        raise Refused(f"the key {vkey[:200]!r} is not {meant} of the form name+id+base64")
    if key_id_of(name, raw).hex() != identifier:
        raise Refused(f"the key {vkey!r} has another id than its name and bytes give")
    return name, raw[1:]


def open_note(note: str, verifiers: Iterable[Verifier]) -> str:
    """Return the text of a note; raise Refused unless a known key signed it, or where one did not.

    Signatures of unknown keys are passed over: witnesses may add theirs.
    """
    text, signatures = signatures_in(note)
    known = {(verifier.name, _note_id(verifier.name, public)): public
             for verifier in verifiers for public in verifier.publics}
    verified = False
    for name, signature in signatures:
        public = known.get((name, signature[:ID_BYTES]))
        if public is None:
            continue
        if not is_signed(public, text, signature[ID_BYTES:]):
            raise Refused(f"the signature of {name} does not fit the text it stands under")
        verified = True
    if not verified:
        names = ", ".join(sorted({name for name, _ in known})) or "none"
        raise Refused(f"no signature is by a known key (known: {names})")
    return text


def text_of(note: str) -> str:
    """Return the text of a note, whoever signed it; raise Refused where it is none."""
    return _split(note)[0]


def signatures_in(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text of a note and its signatures, name by name, each behind its key's id.

    Nothing is verified. Raises Refused where it is no note.
    """
    text, lines = _split(note)
    return text, [_signature(line) for line in lines]


def signature_line(name: str, signature: bytes) -> str:
    """Write a signature, which begins with its key's id, as it stands under a note."""
    return f"{DASH}{name} {to_base64(signature)}\n"


def _split(note: str) -> tuple[str, list[str]]:
    if len(note) > NOTE_BYTES_MAX or not _is_text(note):
        raise Refused("the note is too long or not plain lines")
    text, found, signatures = note.rpartition("\n\n")
    lines = signatures.splitlines()
    if not found or not text or not 0 < len(lines) <= SIGNATURES_MAX:
        raise Refused(f"the note has no text, or not 1 to {SIGNATURES_MAX} signature lines")
    return f"{text}\n", lines


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    raw = from_base64(encoded)
    if not line.startswith(DASH) or raw is None or len(raw) <= ID_BYTES:
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
