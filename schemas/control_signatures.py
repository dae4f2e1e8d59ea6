"""Who may speak to the ledger: signatures of controls. Pure.

Theory of operation: a control is signed over a word that names the purpose, the number of the
partition, the chain after its offset 0, and the whole record, header included, with zeros in place
of the signature. No other partition, generation or deployment has that chain, for offset 0 of each
is random: a control copied elsewhere is unsigned there. The signature is the last field of every
control of version 2, so its place is known without decoding.

Signatures are Ed25519 (RFC 8032). Keys under which anybody can sign, the points of small order, are
refused wherever keys are named.
"""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.named_keys import KEY_ID_BYTES


DOMAIN = b"scrutin-control-1\0"
SIGNATURE_BYTES = 64
PARTITION_BYTES = 4
UNSIGNED = bytes(SIGNATURE_BYTES)
NOBODY = bytes(KEY_ID_BYTES)

SMALL_ORDER = frozenset(bytes.fromhex(encoded) for encoded in (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
))
"""Every encoding, canonical or not, of a point of order 1, 2, 4 or 8."""


def key_id(public: bytes) -> bytes:
    """Name a public key."""
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES]


def message(partition: int, genesis_chain: bytes, record: bytes) -> bytes:
    """Return what is signed of a control of version 2, whatever its signature is."""
    return b"".join((DOMAIN, partition.to_bytes(PARTITION_BYTES, "big"), genesis_chain,
                     record[:-SIGNATURE_BYTES], UNSIGNED))


def signed(
    private: Ed25519PrivateKey, partition: int, genesis_chain: bytes, record: bytes
) -> bytes:
    """Return a control of version 2 with its signature, made for one partition."""
    return record[:-SIGNATURE_BYTES] + private.sign(message(partition, genesis_chain, record))


def is_signed(public: bytes, partition: int, genesis_chain: bytes, record: bytes) -> bool:
    """Whether a control of version 2 was signed under a public key, for this partition."""
    if public in SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            record[-SIGNATURE_BYTES:], message(partition, genesis_chain, record))
    except (InvalidSignature, ValueError):
        return False
    return True


def unsigned_digest(record: bytes) -> bytes:
    """Return SHA-256 of a control of version 2 with zeros for its signature: what settings name."""
    return hashlib.sha256(record[:-SIGNATURE_BYTES] + UNSIGNED).digest()
