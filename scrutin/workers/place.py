"""A worker's place beside others at one port: what it says to its supervisor, and hears.

Theory of operation: each holds one end of a pair of sockets, over which every line is a list in
JSON. The supervisor asks a worker for its figures (`say`), and a worker that is asked for figures
asks for those of all (`all`): one question at a time each way, so that nothing gathers. It is told
to stop by a line too (`drain`): a signal that whoever stops processes sends to all of them at once
must not come twice, for the second one would end the draining. A worker whose line ends has lost
its supervisor: nobody would start it again, so it ends.
"""

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Self

from schemas.figures import Sample, families
from scrutin.workers.sums import plain


LINE_BYTES_MOST = 4 << 20
"""Longest line: a thousand partitions' figures take a quarter of it."""
ANSWER_SECONDS = 0.7
"""So long a worker waits for the figures of all; who scrapes waits longer."""
LOOK_SECONDS = 0.1
"""Between two looks whether a worker that was started again is ready."""

Line = list[Any]
"""A word, and perhaps what goes with it."""


def written(line: Line) -> bytes:
    """Write a line."""
    return json.dumps(line).encode() + b"\n"


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[Line]:
    """Read whole lines until the other one is gone: who is killed in the midst of one said nothing.
    """
    with contextlib.suppress(ConnectionError):
        while (text := await reader.readline()).endswith(b"\n"):
            yield json.loads(text)


class Place:
    """The place of one worker, by its number."""

    def __init__(self, worker: int, descriptor: int, join_seconds: float) -> None:
        """`join_seconds`: so long it may wait to be ready before it takes requests all the same."""
        self.worker = worker
        self._descriptor, self._join_seconds = descriptor, join_seconds
        self._says: Callable[[], Iterable[Sample]] = tuple
        self._ready: Callable[[], bool] = lambda: True
        self._stop: Callable[[], None] = lambda: None
        self._drain: Callable[[], None] = lambda: None
        self._writer: asyncio.StreamWriter | None = None
        self._lost = self._told = self._takes = False
        self._all: asyncio.Future[bytes] | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a place as `__str__` writes it; raise ValueError for anything else."""
        worker, descriptor, join_seconds = text.split(":")
        found = cls(int(worker), int(descriptor), float(join_seconds))
        try:
            is_line = stat.S_ISSOCK(os.fstat(found._descriptor).st_mode)
        except (OSError, OverflowError):
            is_line = False
        if not is_line:
            raise ValueError(f"{descriptor} is no end of a line")
        return found

    def __str__(self) -> str:
        return f"{self.worker}:{self._descriptor}:{self._join_seconds}"

    def stands(self, says: Callable[[], Iterable[Sample]], ready: Callable[[], bool]) -> None:
        """Know what this worker measures, and whether it does its work."""
        self._says, self._ready = says, ready

    def ends(self, drain: Callable[[], None], stop: Callable[[], None]) -> None:
        """Know how this worker is told to stop, and ended; at once where it is time already."""
        self._drain, self._stop = drain, stop
        if self._lost:
            stop()
        elif self._told:
            drain()

    async def attend(self) -> None:
        """Answer the supervisor until it is gone, or until cancelled."""
        reader, self._writer = await asyncio.open_unix_connection(
            sock=socket.socket(fileno=self._descriptor), limit=LINE_BYTES_MOST)
        if self._takes:
            self._write(["takes"])
        self._say()
        try:
            async for line in lines(reader):
                self._hear(line)
        finally:
            self._writer.close()
        self._lost = True
        self._stop()

    async def due(self, stopping: Callable[[], bool]) -> None:
        """Wait until it is this worker's turn to take requests: others take them meanwhile."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._join_seconds
        while loop.time() < until and not (self._ready() or stopping()):  # noqa: ASYNC110 -- made of many parts, none of which tells
            await asyncio.sleep(LOOK_SECONDS)

    def takes(self) -> None:
        """Say that requests are taken from now on, once the line is there."""
        self._takes = True
        self._write(["takes"])
        self._say()

    async def joined(self) -> bytes | None:
        """Return the figures of all workers as Prometheus's text; None where nobody tells them."""
        if self._all is None:
            self._all = asyncio.get_running_loop().create_future()
            self._write(["all"])
        try:
            return await asyncio.wait_for(asyncio.shield(self._all), ANSWER_SECONDS)
        except TimeoutError:
            return None

    async def leave(self) -> None:
        """Say last what was counted."""
        self._say()
        if self._writer is not None:
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._writer.drain()

    def _hear(self, line: Line) -> None:
        if line[0] == "say":
            self._say()
        elif line[0] == "drain":
            self._told = True
            self._drain()
        elif line[0] == "all" and self._all is not None:
            self._all.set_result(line[1].encode())
            self._all = None

    def _say(self) -> None:
        """Say what is measured; nothing before requests are taken: it is in nobody's way yet."""
        self._write(["said", plain(families(self._says())) if self._takes else []])

    def _write(self, line: Line) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(written(line))
