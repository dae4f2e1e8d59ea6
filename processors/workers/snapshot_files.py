"""Snapshots of ledgers as files in one place: written beside deciding, checked before use.

A snapshot is used only if the decisions topic still holds, at the offset it names, the very
decision it ends with, and if its keyed digest shows that this very deployment wrote it. Anything
else (another topic generation, a truncated topic, a file that was damaged, altered or put there) is
said in the log; then the next older one is looked at, and where none is of use all decisions are
folded.

The name of a file says after which offset of its partition it was taken. So two that hold a
partition for a moment, one of them frozen before, write files of two names, and the newer one is
read. Whoever has written one deletes those from before it, and those that were of no use; never a
newer one.
"""

import asyncio
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import structlog

from processors.ledger import snapshots
from processors.ledger.ledger import Ledger
from processors.ledger.snapshots import Frozen
from processors.workers.kept_snapshots import Decoded, Kept
from processors.workers.snapshot_places import (
    FolderPlace,
    Place,
    opened_private,
    place_of,
)
from schemas.private_files import (
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
BEGINNING_BYTES = 1 << 18
"""Read of a file of which the header alone is wanted; more where the header is longer."""
LOOKS = 3
"""So many files of a partition are tried, the newest first, or lists read, while others write."""
ANSWER_SECONDS = 10.0
"""Longest wait for a list of the place, a header or a deletion; the first answer of a store takes a
second more than others, for its library loads then..."""
READ_SECONDS = 60.0
"""... for a whole file, in the midst of taking a partition over..."""
PUT_SECONDS = 600.0
"""... and until one is stored: 8 GiB at 14 MB/s."""
AWAY_SECONDS = 30.0
"""A place that did not answer is not asked again for so long by whoever takes partitions over: each
of them would wait as long."""
_OFFSET_DIGITS = 19
"""As many as the largest offset has: names sort as offsets do."""

ReadDecision = Callable[[int, int], Awaitable[bytes | None]]
"""Reads the record of a decisions partition at an offset; None where there is none."""
_Answer = TypeVar("_Answer")

log = structlog.get_logger("scrutin.snapshots")


class Named(NamedTuple):
    """What the name of one of our files says."""

    name: str
    partition: int
    offset: int
    """Last votes offset in it; -1: it is of an earlier release, whose names say none."""
    draft: str
    """What ends the name of a file that is not whole yet; empty: it is."""


class Snapshots:
    """The snapshots of one decisions topic: the newest one of each partition, as a rule."""

    def __init__(self, place: Place, drafts: FolderPlace, topic: str, key: Path) -> None:
        """Keep them in a place; `drafts`, on this machine, may be the same."""
        self._place, self._drafts, self._topic, self._key_path = place, drafts, topic, key
        self._named_so = re.compile(
            re.escape(topic) + r"-(\d{1,9})\.(?:(\d{19})\.)?(snapshot|(\d+))", re.ASCII)
        self._draft = str(secrets.randbits(62))
        """Ends the names of this process's files that are not whole yet, on whatever machine."""
        self.failed = 0
        """Writings in a row that failed."""
        self._sealed_at: dict[int, int] = {}
        """Offset of the newest sealing, by partition: no copy from before it is kept..."""
        self._sealed: frozenset[str] = frozenset()
        """... nor any that names voters of these consultations."""
        self._useless: set[str] = set()
        """Names of files that could not be used."""
        self._away_until = 0.0
        self.reading = False
        """Whether a partition is being begun from one, just now."""
        self._kept = Kept()
        """What was read ahead."""

    @classmethod
    def at(cls, setting: str, folder: Path, topic: str) -> "Snapshots":
        """Find the place that a setting names; drafts and the key are in the data folder."""
        own = FolderPlace(folder / "snapshots")
        place = place_of(setting, own.folder)
        drafts = place if isinstance(place, FolderPlace) and place.folder == own.folder else own
        return cls(place, drafts, topic, folder / "keys" / "snapshot.key")

    def _name(self, partition: int, offset: int, end: str = "snapshot") -> str:
        return f"{self._topic}-{partition}.{offset:0{_OFFSET_DIGITS}}.{end}"

    async def _ours(self, place: Place) -> list[Named]:
        """List our files, the newest of each partition first."""
        found = await self._answer(place.names(), ANSWER_SECONDS)
        return sorted(self._parsed(found), key=lambda each: (each.partition, -each.offset))

    def _parsed(self, names: Collection[str]) -> Iterator[Named]:
        for name in names:
            if found := self._named_so.fullmatch(name):
                yield Named(name, int(found[1]), int(found[2] or -1), found[4] or "")

    async def _answer(self, asked: Awaitable[_Answer], seconds: float) -> _Answer:
        """Wait for what the place does; raise OSError where it takes too long."""
        try:
            async with asyncio.timeout(seconds):
                return await asked
        except TimeoutError as error:
            self._away_until = asyncio.get_running_loop().time() + AWAY_SECONDS
            raise OSError(f"no answer within {seconds:.0f} s") from error

    # Sealings

    async def forget(self, partition: int, offset: int) -> None:
        """Delete what is of a partition in which a consultation was sealed at an offset."""
        self._sealed_at[partition] = offset
        try:
            for each in await self._ours(self._place):
                if each.partition == partition and each.offset < offset and not each.draft:
                    await self._delete(self._place, each.name)
        except OSError as error:
            self._say_undeleted(error)

    async def forget_sealed(self, sealed: Collection[str]) -> bool:
        """Delete what names voters of sealed consultations, of whatever partition, once held here.

        So are drafts that a death left, and files that cannot be read: nobody will use them.
        Returns whether all is gone; else it is to be asked for again.
        """
        self._sealed = frozenset(sealed)
        self.let_go()
        gone = True
        for place in {self._place, self._drafts}:
            try:
                for each in await self._ours(place):
                    if each.draft != self._draft and not await self._is_clear(place, each.name):
                        log.info("snapshot deleted: it is from before a sealing",
                                 place=str(place), name=each.name)
                        await self._delete(place, each.name)
            except OSError as error:
                self._say_undeleted(error)
                gone = False
        return gone

    def _say_undeleted(self, error: OSError) -> None:
        log.error("a snapshot from before a sealing was not deleted: it is tried again",
                  place=str(self._place), error=str(error))

    async def _is_clear(self, place: Place, name: str) -> bool:
        """Whether a file is a snapshot of ours that names no voter of a sealed consultation."""
        try:
            header = await self._header(place, name)
        except FileNotFoundError:
            return True
        except (KeyRefused, snapshots.Unreadable):
            return False
        return not snapshots.names_voters_of(header, self._sealed)

    async def _header(self, place: Place, name: str) -> dict[str, Any]:
        """Read the header of a file alone; raise Unreadable, KeyRefused, OSError."""
        beginning = await self._answer(place.read(name, BEGINNING_BYTES), ANSWER_SECONDS)
        end = snapshots.header_end(beginning[:snapshots.BEGINNING_BYTES])
        if len(beginning) < end <= MAX_SNAPSHOT_BYTES:
            beginning = await self._answer(place.read(name, end), READ_SECONDS)
        return snapshots.header(beginning, self._key())

    async def _delete(self, place: Place, name: str) -> None:
        await self._answer(place.delete(name), ANSWER_SECONDS)

    # Writing

    async def write(self, frozen: Frozen, decisions_offset: int) -> None:
        """Store the snapshot of a partition, and delete those from before it.

        A full disk or a place that is away must not stop the count: it is said in the log.
        """
        partition: int = frozen.header["partition"]
        name = self._name(partition, frozen.last_offset)
        try:
            size = await self._write(frozen, decisions_offset, name)
            await self._delete_older(partition, frozen.last_offset)
        except (OSError, KeyRefused) as error:
            self.failed += 1
            log.warning("no snapshot written: the next start folds more decisions",
                        partition=partition, place=str(self._place), error=str(error))
        else:
            self.failed = 0
            log.info("snapshot written", partition=partition, decided=frozen.last_offset,
                     megabytes=round(size / 1e6, 1))
        if (frozen.last_offset < self._sealed_at.get(partition, -1)
                or snapshots.names_voters_of(frozen.header, self._sealed)):
            await self._take_back(name)

    async def _write(self, frozen: Frozen, decisions_offset: int, name: str) -> int:
        make_private_folder(self._drafts.folder)
        draft = self._drafts.folder / name.replace("snapshot", self._draft)
        try:
            with opened_private(draft) as file:
                file.seek(snapshots.PREAMBLE_BYTES)
                digests = snapshots.Digests(self._key())
                for part in snapshots.body(
                        frozen, decisions_offset=decisions_offset, topic=self._topic):
                    digests.update(part)
                    file.write(part)
                    await asyncio.sleep(SLICE_PAUSE_SECONDS)
                size = file.tell()
                file.seek(0)
                file.write(digests.preamble())
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            await self._answer(self._place.put(draft, name), PUT_SECONDS)
        finally:
            draft.unlink(missing_ok=True)
        return size

    async def _delete_older(self, partition: int, offset: int) -> None:
        """Delete what a snapshot replaces; a newer one is of whoever holds the partition now."""
        for each in await self._ours(self._place):
            if each.partition == partition and not each.draft and (
                    each.offset < offset or each.name in self._useless):
                await self._delete(self._place, each.name)
                self._useless.discard(each.name)

    async def _take_back(self, name: str) -> None:
        try:
            await self._delete(self._place, name)
        except OSError as error:
            self._say_undeleted(error)

    def _key(self) -> bytes:
        """Read the key of all snapshots, made at its first use."""
        return read_private(self._key_path) or make_private(
            self._key_path, secrets.token_bytes(KEY_BYTES))

    # Reading

    async def read(
        self, partition: int, partitions: int, read_decision: ReadDecision,
        first_keys: frozenset[bytes] = frozenset(),
    ) -> tuple[Ledger, int] | None:
        """Return a ledger and the offset of its last decision, or None: then fold everything."""
        self.reading = True
        try:
            kept = await self._kept.take(partition)
            if kept and await self._holds(kept, partition, read_decision):
                log.info("goes on from what was read ahead", partition=partition, name=kept.name)
                return snapshots.thaw(kept.frozen, first_keys), kept.decisions_offset
            return await self._read_newest(partition, partitions, read_decision, first_keys)
        except OSError as error:
            log.warning("snapshots cannot be read, all decisions are folded",
                        partition=partition, place=str(self._place), error=str(error))
            return None
        finally:
            self.reading = False

    async def _read_newest(
        self, partition: int, partitions: int, read_decision: ReadDecision,
        first_keys: frozenset[bytes],
    ) -> tuple[Ledger, int] | None:
        looked: set[str] = set()
        for _ in range(LOOKS):
            newest = await self._newest(partition, looked)
            if newest is None:
                break
            name, size = newest
            looked.add(name)
            found = await self._read(name, size, partition, partitions)
            if found and await self._holds(found, partition, read_decision):
                return snapshots.thaw(found.frozen, first_keys), found.decisions_offset
        if looked:
            log.warning("no snapshot is of use, all decisions are folded", partition=partition,
                        place=str(self._place))
        return None

    async def keep(self, partition: int, partitions: int) -> None:
        """Read the newest of a partition ahead, if it is not kept yet and fits; for `read`."""
        away_until = self._away_until
        async with self._kept.reading[partition]:
            try:
                newest = await self._newest(partition, self._useless)
                if newest is None or not self._kept.wants(partition, *newest):
                    return
                found = await self._read(*newest, partition, partitions, ahead=True)
            except OSError as error:
                self._away_until = away_until  # Whoever takes a partition over asks for itself.
                log.warning("no snapshot is read ahead", partition=partition,
                            place=str(self._place), error=str(error))
                return
            if found and not snapshots.names_voters_of(found.frozen.header, self._sealed):
                self._kept.put(partition, found)
                log.info("snapshot read ahead", partition=partition, name=found.name)

    def let_go(self) -> None:
        """Keep nothing that was read ahead."""
        self._kept.let_go()

    async def _newest(self, partition: int, looked: Collection[str]) -> tuple[str, int] | None:
        """Return name and size of the newest file of a partition, but those looked at."""
        if (left := self._away_until - asyncio.get_running_loop().time()) > 0:
            raise OSError(f"it did not answer, and is not asked again for {left:.0f} s")
        sizes = await self._answer(self._place.names(), ANSWER_SECONDS)
        self._useless.intersection_update(sizes)
        left_over = [each for each in self._parsed(sizes)
                     if each.partition == partition and not each.draft
                     and each.name not in looked and sizes[each.name] <= MAX_SNAPSHOT_BYTES]
        if not left_over:
            return None
        name = max(left_over, key=lambda each: each.offset).name
        return name, sizes[name]

    async def _read(
        self, name: str, size: int, partition: int, partitions: int, *, ahead: bool = False
    ) -> Decoded | None:
        """Return what a file of a size holds; None where it is of no use, which is said.

        Its header is looked at first: whoever can put a file there cannot have gigabytes read.
        """
        try:
            header = await self._header(self._place, name)
            self._require_of(header, name, partition, partitions)
            if ahead and snapshots.names_voters_of(header, self._sealed):
                return None  # Whoever learned of the sealing deletes it.
            data = await self._answer(self._place.read(name, size), READ_SECONDS)
            return Decoded(name, *await asyncio.to_thread(
                self._decoded, data, name, partition, partitions), len(data))
        except FileNotFoundError:
            reason = "another one has replaced it"
        except (KeyRefused, snapshots.Unreadable) as error:
            reason = str(error)
        self._refuse(name, partition, reason)
        return None

    async def _holds(
        self, found: Decoded, partition: int, read_decision: ReadDecision
    ) -> bool:
        """Whether the decisions topic holds the very decision it ends with; said where not."""
        last = await read_decision(partition, found.decisions_offset)
        if last == found.frozen.last_decision:
            return True
        self._refuse(found.name, partition, "the decisions topic does not hold its last decision")
        return False

    def _refuse(self, name: str, partition: int, reason: str) -> None:
        self._useless.add(name)
        log.warning("snapshot not used", partition=partition, name=name, place=str(self._place),
                    reason=reason)

    def _decoded(
        self, data: bytes, name: str, partition: int, partitions: int
    ) -> tuple[Frozen, int]:
        frozen, decisions_offset, topic = snapshots.decoded(data, self._key())
        self._require_of({**frozen.header, "topic": topic}, name, partition, partitions)
        return frozen, decisions_offset

    def _require_of(
        self, header: Mapping[str, Any], name: str, partition: int, partitions: int
    ) -> None:
        """Raise Unreadable unless a header is of this partition, and of what the name says."""
        place = (header["topic"], header["partition"], header["partitions"])
        if place != (self._topic, partition, partitions):
            raise snapshots.Unreadable("it is of another topic or partition count")
        if [each.offset for each in self._parsed([name])] not in ([header["last_offset"]], [-1]):
            raise snapshots.Unreadable("it was taken after another offset than its name says")
