"""The keys of a gateway: a folder that every gateway of a deployment shares.

A key is a file of 32 random bytes that only its owner may read, made at its first use; one that
others may read is refused. Two processes that make the same key at once end up with one: the file
appears whole or not at all, and the second takes what the first has made. Of devices, view proofs
and receipts there may be several: see producers.gateway.dated_keys. Destroying a key is deleting
its file, each copy of it: docs/operate.md lists them. A sealed consultation keeps its folder with a
mark in it, and no key is made where the mark lies: whoever makes one looks for the mark again
afterwards, and sealing marks before it deletes, so that of the two at least one deletes the key.
"""

import contextlib
import functools
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers.gateway.dated_keys import DatedKeys
from producers.gateway.identity import Clock, Ring, Signer
from schemas.private_files import (
    FILE_MODE,
    KEY_BYTES,
    KeyFile,
    KeyRefused,
    make_private,
    make_private_folder,
    read_private,
    sync_folder,
)


SEALED = "sealed"
"""The mark in the folder of a consultation whose keys were destroyed."""
KINDS = ("device", "view", "receipt")
"""Keys of the whole deployment, each of which `scrutin keys` rotates."""


class KeysUnusable(Exception):
    """A key cannot be read or made; the message says what to do."""


class KeysDestroyed(Exception):
    """The consultation was sealed: its keys are gone for good."""


class KeyFolder:
    """Keys by name, read once; consultations have their own."""

    def __init__(self, folder: Path, clock: Clock = time.time) -> None:
        self.folder = folder
        self._clock = clock
        self._signers: dict[tuple[str, str], Signer] = {}
        """Keys of consultations that were read, by consultation and name."""
        self._dated = {kind: DatedKeys(folder, kind) for kind in KINDS}

    # Read at the first use and asked for by every vote; `look` takes them away when they change.

    @functools.cached_property
    def device(self) -> Ring:
        """Sign the cookies of devices."""
        return self._ring("device")

    @functools.cached_property
    def view(self) -> Ring:
        """Sign view proofs."""
        return self._ring("view")

    @functools.cached_property
    def receipt(self) -> Ed25519PrivateKey:
        """Sign receipts."""
        return self.receipts[0]

    @functools.cached_property
    def receipts(self) -> Sequence[Ed25519PrivateKey]:
        """Every key of receipts that lies here: the one that signs first."""
        return [Ed25519PrivateKey.from_private_bytes(key) for key in self._held("receipt")]

    def _ring(self, kind: str) -> Ring:
        first, *others = map(Signer, self._held(kind))
        return Ring(first, others)

    def _held(self, kind: str) -> list[bytes]:
        with _for_people(self.folder / f"{kind}.key"):
            return self._dated[kind].read(self._clock())

    def look(self) -> bool:
        """Take up keys that were added, came into force or were destroyed; say if any were.

        Only what is in use already is looked at. Raises KeysUnusable, and then keeps what it had.
        """
        in_use = vars(self)
        changed = []
        for kind in (kind for kind in KINDS if kind in in_use or f"{kind}s" in in_use):
            with _for_people(self.folder / f"{kind}.key"):
                if self._dated[kind].changed(self._clock()):
                    changed.append(kind)
        for kind in changed:
            if kind == "receipt":
                self.receipts = [Ed25519PrivateKey.from_private_bytes(key)
                                 for key in self._held(kind)]
                self.receipt = self.receipts[0]
            else:
                in_use[kind] = self._ring(kind)
        return bool(changed)

    def files(self, kind: str) -> list[KeyFile]:
        """Name the files of a kind, however many, the one in force first: some may be retired."""
        with _for_people(self.folder / f"{kind}.key"):
            return self._dated[kind].files(self._clock(), bounded=False)

    def prepare(self, consultations: Sequence[str]) -> list[Path]:
        """Make what gateways would make at the first use, where it is missing; return the files.

        Raises KeysDestroyed for a consultation that was sealed.
        """
        found = []
        for kind in KINDS:
            self._held(kind)
            found += [file.path for file in self.files(kind)]
        for consultation in consultations:
            self.pepper(consultation)
            self.participants_pepper(consultation)
            found += sorted(self.folder_of(consultation).glob("*.key"))
        return found

    def add(self, kind: str, key: bytes, since: int) -> Path:
        """Put a key beside the others of a kind: every gateway takes it up before it signs."""
        path = self.folder / f"{kind}.{since}.key"
        with _for_people(path):
            make_private(path, key)
        return path

    def pepper(self, consultation: str) -> Signer:
        """Make voters of devices."""
        return self._of_consultation(consultation, "pepper")

    def participants_pepper(self, consultation: str) -> Signer:
        """Make participants of devices: another key, so that nobody can join the two."""
        return self._of_consultation(consultation, "participants-pepper")

    def codes(self, consultation: str, root: bytes, size_bytes: int) -> bytes | None:
        """Read the hashes of codes that were issued under a root; None where they are not here."""
        path = self._codes_file(consultation, root)
        with _for_people(path):
            return read_private(path, size=size_bytes)

    def keep_codes(self, consultation: str, root: bytes, hashes: bytes) -> Path:
        """Keep the hashes of codes until the consultation is sealed; return their file.

        Raises KeysDestroyed where it was.
        """
        mark, path = self.folder_of(consultation) / SEALED, self._codes_file(consultation, root)
        try:
            if not mark.exists():
                with _for_people(path):
                    make_private(path, hashes)
        finally:
            if mark.exists():  # Whoever seals may have taken the draft away as well.
                path.unlink(missing_ok=True)
                raise KeysDestroyed(consultation)
        return path

    def _codes_file(self, consultation: str, root: bytes) -> Path:
        return self.folder_of(consultation) / f"codes-{root.hex()}.sha256"

    def network(self, date: str) -> Signer:
        """Name networks on a day."""
        return Signer(self._key(f"networks/{date}"))

    def holds_network(self, date: str) -> bool:
        """Whether the network key of a day lies here."""
        return (self.folder / "networks" / f"{date}.key").exists()

    def destroy_networks(self, *, before: str) -> list[Path]:
        """Delete the network keys of all days before a date; return the files."""
        folder = self.folder / "networks"
        # With drafts that a death left: one of them may be the key.
        gone = [path for path in sorted(folder.glob("*.key*"))
                if path.name.partition(".")[0] < before]
        for path in gone:
            path.unlink(missing_ok=True)
        if gone:
            sync_folder(folder)
        return gone

    def knows(self, consultation: str) -> bool:
        """Whether keys of a consultation lie here, or lay here until it was sealed."""
        return self.folder_of(consultation).exists()

    def seal(self, consultation: str) -> list[Path]:
        """Delete every key of a consultation, for good; return the files."""
        folder = self.folder_of(consultation)
        make_private_folder(folder)
        (folder / SEALED).touch(mode=FILE_MODE)
        sync_folder(folder)
        gone = [path for path in sorted(folder.iterdir()) if path.name != SEALED]
        for path in gone:
            path.unlink(missing_ok=True)
        sync_folder(folder)
        return gone

    def forget_destroyed(self) -> None:
        """Forget the keys of consultations that somebody has sealed meanwhile."""
        self._signers = {place: signer for place, signer in self._signers.items()
                         if not (self.folder_of(place[0]) / SEALED).exists()}

    def folder_of(self, consultation: str) -> Path:
        """Name the folder of a consultation's keys."""
        # Identifiers are free text; the letter before keeps "." and ".." from being folders.
        return self.folder / "consultations" / f"c-{quote(consultation, safe='')}"

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
        path = self.folder / f"{name}.key"
        with _for_people(path):
            return read_private(path) or make_private(path, secrets.token_bytes(KEY_BYTES))


@contextlib.contextmanager
def _for_people(path: Path) -> Iterator[None]:
    """Say of whatever goes wrong with a key what to do about it."""
    try:
        yield
    except KeyRefused as error:
        raise KeysUnusable(str(error)) from error
    except OSError as error:
        raise KeysUnusable(
            f"the key {path} cannot be read or made ({error.strerror}). Give the gateway's "
            "user the folder (SCRUTIN_DATA_DIR names it), restore the key from its copy, or make "
            "it before with `scrutin keys prepare` where the folder is read-only."
        ) from error
