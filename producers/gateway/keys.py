"""The keys of a gateway: a folder that every gateway of a deployment shares.

A key is a file of 32 random bytes that only its owner may read, made at its first use. Two
processes that make the same key at once end up with one: the file appears whole or not at all,
and the second takes what the first has made. Destroying a key is deleting its file, each copy of
it: docs/operate.md lists them. A sealed consultation keeps its folder with a mark in it, and no
key is made where the mark lies: whoever makes one looks for the mark again afterwards, and sealing
marks before it deletes, so that of the two at least one deletes the key.
"""

import contextlib
import functools
import os
import secrets
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers.gateway.identity import Signer


KEY_BYTES = 32
"""Length of every key: what SHA-256 and Ed25519 take."""
FILE_MODE = 0o600
FOLDER_MODE = 0o700
SEALED = "sealed"
"""The mark in the folder of a consultation whose keys were destroyed."""


class KeysUnusable(Exception):
    """A key cannot be read or made; the message says what to do."""


class KeysDestroyed(Exception):
    """The consultation was sealed: its keys are gone for good."""


class KeyFolder:
    """Keys by name, read once; consultations have their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signers: dict[tuple[str, str], Signer] = {}
        """Keys of consultations that were read, by consultation and name."""

    @functools.cached_property
    def device(self) -> Signer:
        """Signs the cookies of devices."""
        return Signer(self._key("device"))

    @functools.cached_property
    def view(self) -> Signer:
        """Signs view proofs."""
        return Signer(self._key("view"))

    @functools.cached_property
    def receipt(self) -> Ed25519PrivateKey:
        """Signs receipts."""
        return Ed25519PrivateKey.from_private_bytes(self._key("receipt"))

    def pepper(self, consultation: str) -> Signer:
        """Make voters of devices."""
        return self._of_consultation(consultation, "pepper")

    def participants_pepper(self, consultation: str) -> Signer:
        """Make participants of devices: another key, so that nobody can join the two."""
        return self._of_consultation(consultation, "participants-pepper")

    def network(self, date: str) -> Signer:
        """Name networks on a day."""
        return Signer(self._key(f"networks/{date}"))

    def holds_network(self, date: str) -> bool:
        """Whether the network key of a day lies here."""
        return (self._folder / "networks" / f"{date}.key").exists()

    def destroy_networks(self, *, before: str) -> list[Path]:
        """Delete the network keys of all days before a date; give the files."""
        folder = self._folder / "networks"
        gone = [path for path in sorted(folder.glob("*.key")) if path.stem < before]
        for path in gone:
            path.unlink(missing_ok=True)
        if gone:
            _sync(folder)
        return gone

    def knows(self, consultation: str) -> bool:
        """Whether keys of a consultation lie here, or lay here until it was sealed."""
        return self.folder_of(consultation).exists()

    def seal(self, consultation: str) -> list[Path]:
        """Delete every key of a consultation, for good; give the files."""
        folder = self.folder_of(consultation)
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        (folder / SEALED).touch(mode=FILE_MODE)
        _sync(folder)
        gone = [path for path in sorted(folder.iterdir()) if path.name != SEALED]
        for path in gone:
            path.unlink(missing_ok=True)
        _sync(folder)
        return gone

    def forget_destroyed(self) -> None:
        """Forget the keys of consultations that somebody has sealed meanwhile."""
        self._signers = {place: signer for place, signer in self._signers.items()
                         if not (self.folder_of(place[0]) / SEALED).exists()}

    def folder_of(self, consultation: str) -> Path:
        """Name the folder of a consultation's keys."""
        # Identifiers are free text; the letter before keeps "." and ".." from being folders.
        return self._folder / "consultations" / f"c-{quote(consultation, safe='')}"

    def _of_consultation(self, consultation: str, name: str) -> Signer:
        signer = self._signers.get((consultation, name))
        if signer is None:
            folder = self.folder_of(consultation)
            if not (folder / SEALED).exists():
                signer = Signer(self._key(f"consultations/{folder.name}/{name}"))
            if (folder / SEALED).exists():
                (folder / f"{name}.key").unlink(missing_ok=True)
                raise KeysDestroyed(consultation)
            assert signer is not None, "a mark is never taken away"
            self._signers[consultation, name] = signer
        return signer

    def _key(self, name: str) -> bytes:
        path = self._folder / f"{name}.key"
        try:
            key = _read(path) or _made(path)
        except OSError as error:
            raise KeysUnusable(
                f"the key {path} cannot be read or made ({error.strerror}). Give the gateway's "
                "user the folder (SCRUTIN_DATA_DIR names it), or restore the key from its copy."
            ) from error
        if len(key) != KEY_BYTES:
            raise KeysUnusable(
                f"the key {path} has {len(key)} bytes, not {KEY_BYTES}: restore it from its copy")
        return key


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _made(path: Path) -> bytes:
    """Make a key, or take the one that somebody else has made meanwhile."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return path.read_bytes()


def _sync(folder: Path) -> None:
    """Have the disk hold what became of the files of a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
