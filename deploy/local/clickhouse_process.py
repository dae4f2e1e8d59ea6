"""The process that owns a ClickHouse folder: `python -m deploy.local.clickhouse_process`.

In the folder: `password` (`clickhouse_door`), `configuration` of the engine, which it may read, and
`data`, `incoming` and `temporary`, which it may write; nothing else is open to it
(`clickhouse_wall`). Exit status 0 after SIGTERM or SIGINT, 1 with a message on stderr when it
cannot start.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import uvicorn

from deploy.local import clickhouse_wall
from deploy.local.clickhouse_password import password_of
from deploy.local.ports import LOOPBACK
from deploy.machine.errors import MachineError
from deploy.machine.files import FOLDER_MODE
from deploy.machine.locks import FolderLock


# Clients keep connections in a pool and are surprised by one that closes early.
KEEP_ALIVE_SECONDS = 120
# How long a stop lets running queries end by themselves before it cancels them.
GRACE_SECONDS = 3
# How often the date in answers is written anew.
TICK_SECONDS = 1.0
# Connections that wait to be accepted: as many as there may be sessions.
BACKLOG = 256


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    # uvicorn raises the signal that ended it once more: then it means an orderly end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        serve(arguments.folder.resolve(), arguments.port)
    except MachineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def serve(folder: Path, port: int, rights: Iterable[str] = clickhouse_wall.RIGHTS) -> None:
    """Serve a folder until SIGTERM; raises `FolderHeldError` if another process has it.

    `rights`: what whoever knows the password may do, in SQL.
    """
    lock = FolderLock.acquire(
        folder / "holder.lock",
        f"ClickHouse folder held by another process: {folder} belongs to process {{pid}}. "
        "Stop it (`scrutin down`, or end that process), or set SCRUTIN_DATA_DIR to another folder.",
    )
    try:
        password = password_of(folder)
        # Opened here: behind the wall no port can be.
        listening = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
        enclose(folder, rights)
        _serve(folder, listening, password)
    finally:
        lock.release()


def enclose(folder: Path, rights: Iterable[str]) -> None:
    """Make the folders of the engine and shut this process into them."""
    writable = [folder / name for name in ("data", "incoming", "temporary")]
    # Left over from a process that was killed while it received an insert or sorted.
    for each in writable[1:]:
        shutil.rmtree(each, ignore_errors=True)
    for each in writable:
        each.mkdir(mode=FOLDER_MODE, exist_ok=True)
    configuration = clickhouse_wall.write_configuration(folder / "configuration", rights)
    # The engine takes a config.xml from where it was started and from HOME; it shall find ours.
    os.chdir(folder / "temporary")
    for name in ("TMPDIR", "HOME"):
        os.putenv(name, str(folder / "temporary"))
    if not clickhouse_wall.confine(readable=[configuration.parent], writable=writable):
        sys.stderr.write(
            "this kernel has no Landlock: the function file() reads what its user may read, for "
            "whoever knows the password. Linux 5.13 or newer has it.\n")


def _serve(folder: Path, listening: socket.socket, password: str) -> None:
    # Only now: importing the engine starts threads, which would stay outside of the wall.
    from deploy.local.clickhouse_engine import Engine  # noqa: PLC0415 -- see above
    from deploy.local.clickhouse_http import create_application  # noqa: PLC0415 -- see above

    engine = Engine(folder / "data", folder / "configuration" / "config.xml")
    config = uvicorn.Config(
        create_application(engine, folder / "incoming", password), log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=GRACE_SECONDS)
    SeldomWaking(config).run(sockets=[listening])


class SeldomWaking(uvicorn.Server):
    """A server that wakes once a second, where uvicorn's looks ten times whether it is to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Stay until a signal comes."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order, at once."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)


if __name__ == "__main__":
    sys.exit(main())
