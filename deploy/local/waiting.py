"""Waiting for what another process does: nobody here is told of it, so it is asked for."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local import child
from deploy.local.errors import LocalStackError, ProcessFailedError


READY_SECONDS = 60.0
"""A start on a slow disk with much to recover; a service that needs longer will not come."""
READY_POLL_SECONDS = 0.05


def until(condition: Callable[[], bool], *, seconds: float, poll_seconds: float) -> bool:
    """Ask until a condition holds: True, or False once so much time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_seconds)  # the pause between two questions to another process
    return True


def until_ready(
    name: str, process: subprocess.Popen[bytes], log_path: Path, *,
    is_ready: Callable[[], bool], explain: Callable[[str], LocalStackError],
) -> None:
    """Wait for a service's first answer; raise what `explain` makes of its end, or that it is late.

    `explain` is given what happened; `log_path` is quoted where the service is late.
    """
    in_time = until(lambda: is_ready() or process.poll() is not None,
                    seconds=READY_SECONDS, poll_seconds=READY_POLL_SECONDS)
    if not in_time:
        what = f"was not ready after {READY_SECONDS:.0f} s"
        raise ProcessFailedError(name, what, log_path, child.tail(log_path))
    if (code := process.poll()) is not None:
        raise explain(f"ended with status {code} while starting")
