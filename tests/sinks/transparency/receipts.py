"""Receipts as the gateway writes them, made from the format by the tests' own means."""

import base64
import hashlib
import struct
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas import codec
from sinks.transparency.hashing import leaf_hash
from tests.sinks.transparency.trees import Grown


GATEWAY = Ed25519PrivateKey.from_private_bytes(b"g" * 32)


def vote(number: int, occurred_at: int | None = None) -> bytes:
    """Cast a vote."""
    return codec.encode(
        "VoteCast", event_id=bytes([number] * 16), voter=bytes(16), salt=bytes([number] * 16),
        choice="agree", trust="trusted", origin="web", consultation="town", proposal="p1",
        occurred_at=occurred_at or 1_700_000_000_000 + number)


def receipt(
    values: list[bytes], place: int, *, first_offset: int, by: Ed25519PrivateKey = GATEWAY
) -> dict[str, Any]:
    """Return the receipt of one of several events acknowledged together in partition 1."""
    grown = Grown([leaf_hash(value) for value in values])
    statement = (b"scrutin receipt v1\nscrutin.votes\n"
                 + struct.pack(">IQII", 1, first_offset, len(values), 3_600) + grown.tree.root())
    return {
        "partition": 1, "offset": first_offset + place,
        "event_id": codec.decode(values[place])[1]["event_id"].hex(), "trust": "trusted",
        "event": _base64(values[place]),
        "batch": {"first_offset": first_offset, "size": len(values),
                  "path": [_base64(each) for each in grown.prover().inclusion(place)]},
        "inclusion_seconds": 3_600,
        "key": hashlib.sha256(by.public_key().public_bytes_raw()).hexdigest()[:16],
        "signature": _base64(by.sign(statement)),
    }


def keys(path: Path) -> Path:
    """Save the answer of /v1/keys."""
    path.write_text(f'{{"receipt": "{_base64(GATEWAY.public_key().public_bytes_raw())}"}}')
    return path


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
