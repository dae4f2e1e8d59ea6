"""Snapshots of ledgers as files of one folder: written beside deciding, checked before use.

A snapshot is used only if the decisions topic still holds, at the offset it names, the very
decision it ends with, and if its keyed digest shows that this very deployment wrote it. Anything
else (another topic generation, a truncated topic, a file that was damaged, altered or put there) is
said in the log, and all decisions are folded instead.
"""

import asyncio
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import BinaryIO

import structlog

from processors.ledger import snapshots
from processors.ledger.ledger import Ledger
from processors.ledger.snapshots import Frozen
from schemas.private_files import (
    FILE_MODE,
    KEY_BYTES,
    KeyRefused,
    make_private,
    make_private_folder,
    read_private,
)


SLICE_PAUSE_SECONDS = 0.001
"""Between two slices the worker decides on."""
MAX_SNAPSHOT_BYTES = 8 << 30
"""No larger file is read: it would not fit the memory of the machine it was written on either."""

ReadDecision = Callable[[int, int], Awaitable[bytes | None]]
"""Reads the record of a decisions partition at an offset; None where there is none."""

log = structlog.get_logger("scrutin.snapshots")


def _opened(path: Path) -> BinaryIO:
    """Open a new file that its owner alone may read: it says who voted what."""
    path.unlink(missing_ok=True)  # one that a death left has the mode it was made with
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, FILE_MODE))


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        log.exception("a snapshot from before a sealing was not deleted: delete it by hand",
                      path=str(path))


class SnapshotFolder:
    """The snapshots of one decisions topic: at most one file a partition, replaced whole."""

    def __init__(self, folder: Path, topic: str, key: Path | None = None) -> None:
        self._folder, self._topic = folder, topic
        self._key_path = key or folder.parent / "keys" / "snapshot.key"
        """Apart from the snapshots: who copies or replaces those has no key for them."""
        self._draft = f".{secrets.randbits(62)}"
        """Ends the names of this process's files that are not whole yet, on whatever machine."""
        self.taken = False
        """Whether a copy is held that is to be written: there is one at a time, for each costs as
        much memory as keys and references of a partition."""
        self._sealed_at: dict[int, int] = {}
        """Offset of the newest sealing, by partition: no copy from before it is kept..."""
        self._sealed: frozenset[str] = frozenset()
        """... nor any that names voters of these consultations."""

    def _path(self, partition: int) -> Path:
        return self._folder / f"{self._topic}-{partition}.snapshot"

    def forget(self, partition: int, offset: int) -> None:
        """Delete the snapshot of a partition in which a consultation was sealed at an offset."""
        self._sealed_at[partition] = offset
        self._unlink(partition)

    async def forget_sealed(self, sealed: Collection[str]) -> None:
        """Delete what names voters of sealed consultations, of whatever partition, once held here.

        So are drafts that a death left, and files that cannot be read: nobody will use them.
        """
        self._sealed = frozenset(sealed)
        await asyncio.to_thread(self._delete_sealed)

    def _delete_sealed(self) -> None:
        ours = re.compile(re.escape(self._topic) + r"-\d+\.(snapshot|\d+)")
        for path in sorted(self._folder.glob("*")):
            if (ours.fullmatch(path.name) and path.suffix != self._draft
                    and not self._is_clear(path)):
                log.info("snapshot deleted: it is from before a sealing", path=str(path))
                _delete(path)

    def _is_clear(self, path: Path) -> bool:
        """Whether a file is a snapshot of ours that names no voter of a sealed consultation."""
        try:
            with path.open("rb") as file:
                header = snapshots.read_header(file, self._key())
        except (OSError, KeyRefused, snapshots.Unreadable):
            return False
        return not snapshots.names_voters_of(header, self._sealed)

    def _unlink(self, partition: int) -> None:
        _delete(self._path(partition))

    async def write(self, frozen: Frozen, decisions_offset: int) -> None:
        """Replace the snapshot of a partition, and let another one be taken.

        A full disk must not stop the count: it is said in the log.
        """
        partition: int = frozen.header["partition"]
        try:
            size = await self._write(frozen, decisions_offset, self._path(partition))
        except (OSError, KeyRefused) as error:
            log.warning("no snapshot written: the next start folds more decisions",
                        partition=partition, folder=str(self._folder), error=str(error))
        else:
            log.info("snapshot written", partition=partition, decided=frozen.last_offset,
                     megabytes=round(size / 1e6, 1))
        finally:
            self.taken = False
            if (frozen.last_offset < self._sealed_at.get(partition, -1)
                    or snapshots.names_voters_of(frozen.header, self._sealed)):
                self._unlink(partition)

    async def _write(self, frozen: Frozen, decisions_offset: int, path: Path) -> int:
        make_private_folder(self._folder)
        # Two workers may hold the partition for a moment: each writes a file of its own.
        unfinished = path.with_suffix(self._draft)
        try:
            with _opened(unfinished) as file:
                file.seek(snapshots.PREAMBLE_BYTES)
                digest = snapshots.keyed(self._key())
                for part in snapshots.body(
                        frozen, decisions_offset=decisions_offset, topic=self._topic):
                    digest.update(part)
                    file.write(part)
                    await asyncio.sleep(SLICE_PAUSE_SECONDS)
                size = file.tell()
                file.seek(0)
                file.write(snapshots.preamble(digest.digest()))
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return size

    def _key(self) -> bytes:
        """Read the key of all snapshots, made at its first use."""
        return read_private(self._key_path) or make_private(
            self._key_path, secrets.token_bytes(KEY_BYTES))

    async def read(
        self, partition: int, partitions: int, read_decision: ReadDecision,
        first_keys: frozenset[bytes] = frozenset(),
    ) -> tuple[Ledger, int] | None:
        """Return a ledger and the offset of its last decision, or None: then fold everything."""
        path = self._path(partition)
        try:
            frozen, decisions_offset = await asyncio.to_thread(
                self._readable, path, partition, partitions)
            if await read_decision(partition, decisions_offset) == frozen.last_decision:
                return snapshots.thaw(frozen, first_keys), decisions_offset
            reason = "the decisions topic does not hold its last decision"
        except FileNotFoundError:
            return None
        except (OSError, KeyRefused, snapshots.Unreadable) as error:
            reason = str(error)
        log.warning("snapshot not used, all decisions are folded",
                    partition=partition, path=str(path), reason=reason)
        return None

    def _readable(self, path: Path, partition: int, partitions: int) -> tuple[Frozen, int]:
        if path.stat().st_size > MAX_SNAPSHOT_BYTES:
            raise snapshots.Unreadable(f"larger than {MAX_SNAPSHOT_BYTES} bytes")
        frozen, decisions_offset, topic = snapshots.decoded(path.read_bytes(), self._key())
        place = (topic, frozen.header["partition"], frozen.header["partitions"])
        if place != (self._topic, partition, partitions):
            raise snapshots.Unreadable("it is of another topic or partition count")
        return frozen, decisions_offset
