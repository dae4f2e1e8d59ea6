"""The process that owns a ClickHouse folder: `python -m deploy.local.clickhouse_process`.

Exit status 0 after SIGTERM or SIGINT, 1 with a message on stderr when it cannot start.
"""

import argparse
import shutil
import signal
import sys
from pathlib import Path

import uvicorn

from deploy.local.clickhouse_engine import Engine
from deploy.local.clickhouse_http import create_application
from deploy.local.errors import LocalStackError
from deploy.local.locks import FolderLock
from deploy.local.ports import LOOPBACK


# Clients keep connections in a pool and are surprised by one that closes early.
KEEP_ALIVE_SECONDS = 120
# How long a stop lets running queries end by themselves before it cancels them.
GRACE_SECONDS = 3


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
    except LocalStackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def serve(folder: Path, port: int) -> None:
    """Serve a folder until SIGTERM; raises `FolderHeldError` if another process has it."""
    lock = FolderLock.acquire(
        folder / "holder.lock",
        f"ClickHouse folder held by another process: {folder} belongs to process {{pid}}. "
        "Stop it (`scrutin down`, or end that process), or set SCRUTIN_DATA_DIR to another folder.",
    )
    try:
        # Left over from a process that was killed while it received an insert.
        shutil.rmtree(folder / "incoming", ignore_errors=True)
        incoming = folder / "incoming"
        incoming.mkdir()
        application = create_application(Engine(folder / "data"), incoming)
        uvicorn.run(
            application,
            host=LOOPBACK,
            port=port,
            log_level="warning",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    finally:
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
