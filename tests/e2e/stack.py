"""A whole local stack, as `scrutin up` starts it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scrutin.addresses import clickhouse_url
from scrutin.settings import Settings
from tests.e2e.running import scrutin


class Stack:
    """A running stack and what an operator can ask of it."""

    def __init__(self, folder: Path, cache_folder: Path) -> None:
        self.environment = {
            "SCRUTIN_DATA_DIR": str(folder), "SCRUTIN_CACHE_DIR": str(cache_folder)}
        self._killed: set[int] = set()

    def status(self) -> dict[str, Any]:
        """Return what `scrutin status --json` says; it exits 1 while something restarts."""
        state: dict[str, Any] = json.loads(
            (Path(self.environment["SCRUTIN_DATA_DIR"]) / "stack.json").read_text("utf-8"))
        return state

    @property
    def kafka(self) -> str:
        return str(self.status()["urls"]["kafka"])

    @property
    def clickhouse(self) -> str:
        """Its URL, with user and password."""
        settings = Settings(data_dir=Path(self.environment["SCRUTIN_DATA_DIR"]))
        return clickhouse_url(settings)

    def kill(self, name: str) -> bool:
        """SIGKILL a process of the stack, if it runs by now; the supervisor starts it again."""
        pid = next(p["pid"] for p in self.status()["processes"] if p["name"] == name)
        if not pid or pid in self._killed:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self._killed.add(pid)
        return pid in self._killed

    def restarts(self) -> dict[str, int]:
        """Say how often each process was started again."""
        return {p["name"]: p["restarts"] for p in self.status()["processes"]}


@contextmanager
def stack(folder: Path, cache_folder: Path) -> Iterator[Stack]:
    """Run a stack, and bring it down whatever happens."""
    running = Stack(folder, cache_folder)
    scrutin(running.environment, "up", "--detach")
    try:
        yield running
    finally:
        scrutin(running.environment, "down")
