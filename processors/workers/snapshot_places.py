"""Where snapshots lie: a folder, which several machines may mount, or a store that speaks S3.

Theory of operation: a place holds whole files by their names. What is `put` appears whole or not at
all, and under a name that nobody else gives to other bytes; so a reader needs no lock. Whatever a
place cannot do is an OSError, FileNotFoundError where there is no such file; how long to wait for
it is the caller's to say.
"""

import asyncio
import contextlib
import os
import re
import shutil
import stat
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from schemas.private_files import FILE_MODE, make_private_folder


CONNECT_SECONDS = 3.0
"""Longest wait for a connection to a store..."""
SILENCE_SECONDS = 10.0
"""... and for its next bytes; then it is asked again, as long as the caller waits."""
THREADS_MOST = 4
"""Acts of one folder under way at once: where its file system hangs none of them ever ends."""
_STORE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*")
REASON_CHARACTERS = 300
"""Of what a store says that it cannot do; it may answer with a page."""
_Answer = TypeVar("_Answer")


class Place(Protocol):
    """What holds snapshots by their names."""

    async def names(self) -> dict[str, int]:
        """Return the size of each file in bytes, of others' too."""

    async def put(self, draft: Path, name: str) -> None:
        """Store a local file of ours, whole or not at all; the draft may be gone afterwards."""

    async def read(self, name: str, end: int | None = None) -> bytes:
        """Return a file, or its first bytes up to `end`."""

    async def delete(self, name: str) -> None:
        """Have a file be gone."""


def opened_private(path: Path) -> BinaryIO:
    """Open a new file that its owner alone may read: it says who voted what."""
    path.unlink(missing_ok=True)  # one that a death left has the mode it was made with
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, FILE_MODE))


def _opened_plain(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


class Threads:
    """Threads for what may hang: nobody else waits for one, nor does the end of the process.

    A file system that several machines mount answers late, or never, and no call to it can be
    ended. The loop's own threads are for what ends: a few that hang would hold up all of it.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(THREADS_MOST)

    async def do(self, work: Callable[[], _Answer]) -> _Answer:
        """Do something once there is room; how long to wait for both is the caller's to say."""
        await self._free.acquire()
        loop, answer = asyncio.get_running_loop(), Future[_Answer]()
        answer.set_running_or_notify_cancel()  # Who stops waiting leaves it to its end.

        def run() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:  # noqa: BLE001 -- told to whoever waits
                answer.set_exception(error)
            with contextlib.suppress(RuntimeError):  # The loop has ended meanwhile.
                loop.call_soon_threadsafe(self._free.release)

        threading.Thread(target=run, name="snapshots", daemon=True).start()
        return await asyncio.wrap_future(answer)


class FolderPlace:
    """A folder that its owner alone may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._threads = Threads()

    def __str__(self) -> str:
        return str(self.folder)

    async def names(self) -> dict[str, int]:
        return await self._threads.do(self._names)

    def _names(self) -> dict[str, int]:
        """Leave out what is no plain file: a pipe never ends, and a link leads anywhere."""
        found = {}
        for path in self.folder.glob("*"):
            with contextlib.suppress(FileNotFoundError):  # Another one deleted it meanwhile.
                held = path.lstat()
                if stat.S_ISREG(held.st_mode):
                    found[path.name] = held.st_size
        return found

    async def put(self, draft: Path, name: str) -> None:
        given_up = threading.Event()
        try:
            await self._threads.do(lambda: self._put(draft, name, given_up))
        except asyncio.CancelledError:
            given_up.set()  # A sealing may come before it is done.
            raise

    def _put(self, draft: Path, name: str, given_up: threading.Event) -> None:
        if draft.parent == self.folder:
            draft.replace(self.folder / name)
            return
        make_private_folder(self.folder)
        beside = self.folder / draft.name
        try:
            with draft.open("rb") as source, opened_private(beside) as target:
                shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())
            if not given_up.is_set():
                beside.replace(self.folder / name)
        finally:
            beside.unlink(missing_ok=True)

    async def read(self, name: str, end: int | None = None) -> bytes:
        return await self._threads.do(lambda: self._read(name, end))

    def _read(self, name: str, end: int | None) -> bytes:
        """Read no more than the file has now, whatever it turns out to be."""
        with open(self.folder / name, "rb", opener=_opened_plain) as file:
            size = os.fstat(file.fileno()).st_size
            return file.read(size if end is None else min(end, size))

    async def delete(self, name: str) -> None:
        await self._threads.do(lambda: (self.folder / name).unlink(missing_ok=True))


class StorePlace:
    """What lies under a prefix of a bucket: `s3://BUCKET/PREFIX`.

    Who we are to the store, and where it is, Amazon's own variables and files say (AWS_...): its
    library reads them itself, they are in no address, setting or log of ours. It runs in a thread
    of its own, as it does for every program without a loop.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # noqa: PLC0415 -- an extra, and a second of importing

        self._url = url
        self._files, self._prefix = fsspec.url_to_fs(
            url, skip_instance_cache=True, use_listings_cache=False, config_kwargs={
                "connect_timeout": CONNECT_SECONDS, "read_timeout": SILENCE_SECONDS})

    def __str__(self) -> str:
        return self._url

    async def names(self) -> dict[str, int]:
        try:
            found = await self._done("ls", self._prefix, detail=True, refresh=True)
        except FileNotFoundError:
            return {}  # What a store says of a prefix under which nothing lies.
        return {str(each["name"]).rpartition("/")[2]: int(each["size"])
                for each in found if each["type"] == "file"}

    async def put(self, draft: Path, name: str) -> None:
        await self._done("put_file", str(draft), self._path(name))

    async def read(self, name: str, end: int | None = None) -> bytes:
        data: bytes = await self._done(
            "cat_file", self._path(name), start=None if end is None else 0, end=end)
        return data

    async def delete(self, name: str) -> None:
        await self._done("rm_file", self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._prefix}/{name}"

    async def _done(self, act: str, *arguments: Any, **options: Any) -> Any:
        """Have the library do something in its own thread; who stops waiting ends it.

        What is awaited has names with an underscore there, and is documented under them.
        """
        asked: Coroutine[Any, Any, Any] = getattr(self._files, f"_{act}")(*arguments, **options)
        try:
            return await asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(asked, self._files.loop))
        except OSError:
            raise
        except Exception as error:  # Its errors are of three libraries, none of them an OSError.
            said = f"{type(error).__name__}: {error}"[:REASON_CHARACTERS]
            raise OSError(f"{self._url} refused or did not answer: {said}") from error


def usable_place(setting: str) -> str:
    """Return a setting that names a place, or raise ValueError; it is shown in logs."""
    if ":" not in setting:
        return setting
    if not _STORE.fullmatch(setting):
        raise ValueError("is a folder, or s3://BUCKET/PREFIX without user, password or question")
    if find_spec("s3fs") is None:
        raise ValueError("needs the package s3fs: pip install 'scrutin[s3]'")
    return setting


def place_of(setting: str, own: Path) -> Place:
    """Return the place that a setting names: a store's address, a folder, or `own` if empty."""
    return StorePlace(setting) if "://" in setting else FolderPlace(Path(setting or own))
