"""The keys of one use over time: files beside each other, each with the moment it begins to sign.

Theory of operation: `device.key` signs from the beginning, `device.1764378000.key` from that second
on: the newest that has begun signs, and what any of them signed is good, one that has not begun
yet included. So a rotation needs no gateway to be told or started again: a new key is put into the
folder with a moment GRACE_SECONDS ahead, each gateway looks at the folder every LOOK_SECONDS, and
by the time the first of them signs with it all know it. Clocks that differ change who signs with
which key, never whether it is known. A key ends when its file is deleted.
"""

import re
import secrets
from pathlib import Path
from typing import NamedTuple

from schemas.private_files import KEY_BYTES, KeyRefused, make_private, read_private


LOOK_SECONDS = 10.0
"""Between two looks of a gateway at the folder."""
GRACE_SECONDS = 60
"""From a key's making to the moment it signs: six looks, over whatever holds one of them up."""
KEYS_MAX = 8
"""Keys of one use at once: a forged cookie or proof costs as many hashes, a microsecond each."""


class TooManyKeys(KeyRefused):
    """More keys of one use lie in a folder than are tried."""


class KeyFile(NamedTuple):
    """A key's file and the moment it begins to sign, in seconds since 1970."""

    since: int
    path: Path


class DatedKeys:
    """The files of one use in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._pattern = re.compile(rf"{re.escape(name)}(?:\.([1-9]\d{{0,11}}))?\.key", re.ASCII)
        self._read: list[KeyFile] = []

    def files(self, now: float) -> list[KeyFile]:
        """Name the files: the one that signs now first, then all others, the newest first."""
        found = [KeyFile(int(match[1] or 0), path) for path in self._listed()
                 if (match := self._pattern.fullmatch(path.name))]
        if len(found) > KEYS_MAX:
            raise TooManyKeys(f"{self._folder} holds {len(found)} keys `{self._name}`, at most "
                              f"{KEYS_MAX} are tried: retire old ones with `scrutin keys retire`.")
        found.sort(reverse=True)
        # Where none has begun, the one that will be first: nobody else could have signed.
        signs = next((file for file in found if file.since <= now), found[-1] if found else None)
        return [*([signs] if signs else []), *(file for file in found if file != signs)]

    def _listed(self) -> list[Path]:
        return list(self._folder.iterdir()) if self._folder.exists() else []

    def changed(self, now: float) -> bool:
        """Whether other files are there, or another one signs, than when they were read last."""
        return self.files(now) != self._read

    def read(self, now: float) -> list[bytes]:
        """Read the keys, that in force first; make one where there is none."""
        files = self.files(now)
        if not files:
            path = self._folder / f"{self._name}.key"
            make_private(path, secrets.token_bytes(KEY_BYTES))
            files = self.files(now)
        keys = [key for file in files if (key := read_private(file.path)) is not None]
        self._read = files
        # A file may be deleted between the two looks; what is left then is read anew.
        return keys or self.read(now)
