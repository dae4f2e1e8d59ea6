"""The chain of a partition: each link commits to every record up to its own. Pure."""

import hashlib


CHAIN_BYTES = 16
NO_CHAIN = bytes(CHAIN_BYTES)
"""Before the first record."""


def linked(previous: bytes, value: bytes) -> bytes:
    """Return the chain after a record: SHA-256(previous chain, record value), cut."""
    return hashlib.sha256(previous + value).digest()[:CHAIN_BYTES]
