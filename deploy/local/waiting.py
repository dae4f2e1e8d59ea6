"""Waiting for a service's first answer, or for its end."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local import child
from deploy.local.errors import ProcessFailedError
from deploy.machine.errors import MachineError
from deploy.machine.waiting import until


READY_SECONDS = 60.0
"""A start on a slow disk with much to recover; a service that needs longer will not come."""
READY_POLL_SECONDS = 0.05


def until_ready(
    name: str, process: subprocess.Popen[bytes], log_path: Path, *,
    is_ready: Callable[[], bool], explain: Callable[[str], MachineError],
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
