"""The private keys of transparency logs: a file of 32 bytes each, for its owner's eyes only.

One key signs one log, so that a policy can name each log by its key. While a key is changed there
are two, `0.key` and `0.SECONDS.key`: each signs every note, so that who knows either of them goes
on; the notary reads them when it starts.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.private_files import KEY_BYTES, KeyRefused, key_files, make_private, read_private
from sinks.faults import TreeRefused
from sinks.transparency.notes import Signer


def load_key(path: Path) -> Ed25519PrivateKey | None:
    """Read a key; None where there is none. Raise TreeRefused where others may read it."""
    try:
        key = read_private(path)
    except KeyRefused as error:
        raise TreeRefused(str(error)) from error
    return None if key is None else Ed25519PrivateKey.from_private_bytes(key)


def make_key(path: Path) -> Ed25519PrivateKey:
    """Make a key, which appears whole or not at all; or return the one that is there."""
    return Ed25519PrivateKey.from_private_bytes(
        make_private(path, secrets.token_bytes(KEY_BYTES)))


def files_of(folder: Path, place: str) -> list[Path]:
    """Name the files of a log's keys, the newest first; raise TreeRefused."""
    path = folder / place
    try:
        return [file.path for file in key_files(path.parent, path.name)]
    except KeyRefused as error:
        raise TreeRefused(str(error)) from error


def load_signer(
    folder: Path, place: str, name: str, retired: Iterable[bytes] = ()
) -> Signer | None:
    """Read all keys of a log, the newest first; None where there is none. Raise TreeRefused."""
    keys = [key for path in files_of(folder, place) if (key := load_key(path)) is not None]
    return Signer(name, *keys, retired=retired) if keys else None
