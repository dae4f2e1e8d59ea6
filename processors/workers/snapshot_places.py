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
from collections.abc import Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol


CONNECT_SECONDS = 3.0
"""Longest wait for a connection to a store..."""
SILENCE_SECONDS = 10.0
"""... and for its next bytes; then it is asked again, as long as the caller waits."""
_STORE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*")
REASON_CHARACTERS = 300
"""Of what a store says that it cannot do; it may answer with a page."""


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


class FolderPlace:
    """A folder that its owner alone may read; drafts are written in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    async def names(self) -> dict[str, int]:
        return await asyncio.to_thread(self._names)

    def _names(self) -> dict[str, int]:
        found = {}
        for path in self.folder.glob("*"):
            with contextlib.suppress(FileNotFoundError):  # Another one deleted it meanwhile.
                found[path.name] = path.lstat().st_size
        return found

    async def put(self, draft: Path, name: str) -> None:
        await asyncio.to_thread(os.replace, draft, self.folder / name)

    async def read(self, name: str, end: int | None = None) -> bytes:
        return await asyncio.to_thread(self._read, name, end)

    def _read(self, name: str, end: int | None) -> bytes:
        with (self.folder / name).open("rb") as file:
            return file.read(-1 if end is None else end)

    async def delete(self, name: str) -> None:
        await asyncio.to_thread((self.folder / name).unlink, missing_ok=True)


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
