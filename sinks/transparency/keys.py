"""The private keys of transparency logs: a file of 32 bytes each, for its owner's eyes only.

One key signs one log, so that a policy can name each log by its key.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sinks.faults import TreeRefused
from sinks.transparency.folder import sync_folder, write_whole


FILE_MODE = 0o600
FOLDER_MODE = 0o700
KEY_BYTES = 32


def load_key(path: Path) -> Ed25519PrivateKey | None:
    """Read a key; None where there is none. Raise TreeRefused where others may read it."""
    try:
        mode, key = path.stat().st_mode, path.read_bytes()
    except FileNotFoundError:
        return None
    if mode & 0o077 or len(key) != KEY_BYTES:
        raise TreeRefused(
            f"the key {path} must be {KEY_BYTES} bytes that only its owner may read: chmod 600 it, "
            "or restore it from its copy. If others could read it, anybody may have signed.")
    return Ed25519PrivateKey.from_private_bytes(key)


def make_key(path: Path) -> Ed25519PrivateKey:
    """Make a key, which appears whole or not at all."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    write_whole(path, key.private_bytes_raw(), mode=FILE_MODE)
    sync_folder(path.parent)
    return key
