"""The keys of one use over time: files beside each other, each with the moment it begins to sign.

Theory of operation: `device.key` signs from the beginning, `device.1764378000.key` from that second
on: the newest that has begun signs, and what any of them signed is good, one that has not begun
yet included. So a rotation needs no gateway to be told or started again: a new key is put into the
folder with a moment GRACE_SECONDS ahead, each gateway looks at the folder every LOOK_SECONDS, and
by the time the first of them signs with it all know it. Clocks less than fifty seconds apart change
who signs with which key, never whether it is known. A key ends when its file is deleted.
"""

import secrets
from pathlib import Path

from schemas.private_files import KEY_BYTES, KeyFile, key_files, make_private, read_private


LOOK_SECONDS = 10.0
"""Between two looks of a gateway at the folder."""
GRACE_SECONDS = 60
"""From a key's making to the moment it signs: six looks, over whatever holds one of them up."""

class DatedKeys:
    """The files of one use in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._read: list[KeyFile] = []

    def files(self, now: float, *, bounded: bool = True) -> list[KeyFile]:
        """Name the files: the one that signs now first, then all others, the newest first."""
        found = key_files(self._folder, self._name, bounded=bounded)
        # Where none has begun, the one that will be first: nobody else could have signed.
        signs = next((file for file in found if file.since <= now), found[-1] if found else None)
        return [*([signs] if signs else []), *(file for file in found if file != signs)]

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
