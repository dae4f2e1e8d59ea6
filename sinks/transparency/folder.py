"""A log's folder: the files of C2SP tlog-tiles as any file server can serve them, kept safely.

Theory of operation: a file appears under its name only when the disk has all of it, and a
checkpoint only when the disk has every file of its tree. `checkpoints` keeps every checkpoint ever
signed, one after the other, and is written first: what is in it was signed, whatever became of
`checkpoint`, which is the newest of them, as it is served.
"""

import functools
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from sinks.faults import TreeRefused
from sinks.transparency.checkpoints import whole_checkpoints
from sinks.transparency.hashing import HASH_BYTES
from sinks.transparency.tiles import (
    BUNDLE_BYTES_MAX,
    ENTRIES,
    Tile,
    read_bundle,
    split_hashes,
    write_bundle,
)


THREADS = 8
"""Files brought to the disk at once: together 3,000 a second were measured, one by one 500."""
WITNESSED = "witnessed"
"""The folder of countersigned checkpoints, in that of their log."""


class LogFolder:
    """The files of one log. One process may write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing: list[Future[None]] = []
        self._touched: set[Path] = set()
        self._showing = threading.Lock()
        """Signing and countersigning are of different threads, and write one file."""

    @property
    def witnessed(self) -> "LogFolder":
        """The log's checkpoints that enough witnesses have countersigned: no tiles, they are here.
        """
        return LogFolder(self.path / WITNESSED)

    # What is read

    def read(self, tile: Tile) -> bytes | None:
        """Read a tile or bundle; None where it is not there. A full one serves for a partial one.

        Partial ones are deleted once they are full, so the full one is looked for last.
        """
        for found in dict.fromkeys((tile, tile.full)):
            try:
                with (self.path / found.path).open("rb") as file:
                    return cut(tile, file.read(BUNDLE_BYTES_MAX))
            except (FileNotFoundError, NotADirectoryError):
                continue
        return None

    def hashes(self, tile: Tile) -> list[bytes]:
        """Read the hashes of a tile; raise TreeRefused where it is not there."""
        data = self.read(tile)
        if data is None:
            raise TreeRefused(
                f"{self.path / tile.path} is missing or cut short: restore the folder from a copy")
        return split_hashes(data)

    def checkpoint(self) -> str | None:
        """Read the newest checkpoint; None before there is one."""
        try:
            return (self.path / "checkpoint").read_text("utf-8")
        except FileNotFoundError:
            return None

    def history(self) -> list[str]:
        """Read every checkpoint signed so far, oldest first."""
        try:
            held = (self.path / "checkpoints").read_bytes()
        except FileNotFoundError:
            return []
        # A cut one was never shown to anybody; the cut may go through a character.
        return whole_checkpoints(held.decode(errors="replace"))[0]

    # What is written

    def begin(self, files: Mapping[str, bytes]) -> None:
        """Begin to write files; they are safe once `settle` has returned."""
        names = list(files)
        for name in names:
            folder = (self.path / name).parent
            if folder not in self._touched:
                folder.mkdir(parents=True, exist_ok=True)
                self._touched.update({folder, *(
                    above for above in folder.parents if above.is_relative_to(self.path))})
        for thread in range(min(THREADS, len(names))):
            mine = [(self.path / name, files[name]) for name in names[thread::THREADS]]
            self._writing.append(self._executor.submit(_write_all, mine))

    def settle(self) -> None:
        """Wait until the disk has all files begun; raise what went wrong."""
        for writing in self._writing:
            writing.result()
        self._writing.clear()
        for syncing in [self._executor.submit(sync_folder, path) for path in self._touched]:
            syncing.result()
        self._touched.clear()

    @functools.cached_property
    def _executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(THREADS, thread_name_prefix="tiles")

    def mend(self) -> None:
        """Make the folder, and drop a checkpoint that a death cut short."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "checkpoints").open("ab") as file:
            file.truncate(sum(len(note.encode()) for note in self.history()))

    def publish(self, note: str) -> None:
        """Keep a checkpoint and make it the newest; all of its tree must be written."""
        with (self.path / "checkpoints").open("ab") as file:
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        self.show(note)

    def show(self, note: str) -> None:
        """Make a checkpoint that is kept the newest one."""
        with self._showing:
            self._show(note)

    def show_countersigned(self, note: str) -> bool:
        """Show the newest checkpoint with more signatures; False where it is not the newest now."""
        with self._showing:
            newest = self.checkpoint()
            if newest is None or not {*newest.splitlines()} <= {*note.splitlines()}:
                return False
            if newest != note:
                self._show(note)
            return True

    def _show(self, note: str) -> None:
        write_whole(self.path / "checkpoint", note.encode())
        sync_folder(self.path)

    def drop_partial(self, tile: Tile) -> None:
        """Delete the partial files of a tile that is full, on disk and under a checkpoint."""
        shutil.rmtree(self.path / f"{tile.stem}.p", ignore_errors=True)


def cut(tile: Tile, data: bytes) -> bytes | None:
    """Cut a tile to its width; None where it is not whole."""
    if tile.level != ENTRIES:
        cut = data[:tile.width * HASH_BYTES]
        return cut if len(cut) == tile.width * HASH_BYTES else None
    entries = read_bundle(data)
    if entries is None or len(entries) < tile.width:
        return None
    return write_bundle(entries[:tile.width])


def _write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    for path, data in files:
        write_whole(path, data)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Let a file appear under its name, whole and on the disk."""
    draft = path.with_name(f"{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
