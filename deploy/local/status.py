"""Ask about a stack from outside, and end it: through its lock and its `stack.json`."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.supervisor import LOCK_FILE, STATE_FILE
from deploy.machine.locks import holder_pid
from deploy.machine.waiting import until


# Beyond what its processes may take one after the other; a stack that prepares has none yet.
DOWN_SURPLUS_SECONDS = 60.0
WAIT_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class StackStatus:
    """How a stack stands; `state` is "none" where none ever ran."""

    state: str
    data_dir: str
    supervisor_pid: int | None
    urls: dict[str, str] = field(default_factory=dict)
    processes: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""
    stop_seconds: float = 0.0
    """What its processes may take to end one after the other, before they are killed."""

    @property
    def all_running(self) -> bool:
        up = {"running", "done"}
        return self.state == "running" and all(each["state"] in up for each in self.processes)


def read_status(data_folder: Path) -> StackStatus:
    """Read how the stack of a folder stands; a supervisor that was killed counts as stopped."""
    pid = holder_pid(data_folder / LOCK_FILE)
    try:
        document = json.loads((data_folder / STATE_FILE).read_text())
    except FileNotFoundError:
        return StackStatus("none" if pid is None else "starting", str(data_folder), pid)
    if pid is None or document["supervisor_pid"] != pid:
        document["supervisor_pid"] = pid
        if pid is not None:
            # A new supervisor holds the folder but has not written yet.
            document |= {"state": "starting", "message": "", "processes": []}
        elif document["state"] != "failed":
            document["state"] = "stopped"
        for process in document["processes"]:
            process |= {"pid": None, "state": _ended(process["state"])}
    return StackStatus(**document)


def _ended(state: str) -> str:
    return state if state in {"done", "failed"} else "stopped"


def bring_down(data_folder: Path) -> int | None:
    """End the stack of a folder and wait for it; return its pid, None if none ran.

    Raises `TimeoutError` if it is still there after what it may take, and DOWN_SURPLUS_SECONDS.
    """
    pid = holder_pid(data_folder / LOCK_FILE)
    if pid is None:
        return None
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: holder_pid(data_folder / LOCK_FILE) is None,
             read_status(data_folder).stop_seconds + DOWN_SURPLUS_SECONDS)
    return pid


def wait_for(condition: Callable[[], bool], wait_seconds: float) -> None:
    """Wait until a condition holds; raises `TimeoutError` after `wait_seconds`."""
    if not until(condition, seconds=wait_seconds, poll_seconds=WAIT_POLL_SECONDS):
        raise TimeoutError(f"still waiting after {wait_seconds:.0f} s")
