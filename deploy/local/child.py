"""Child processes that cannot outlive their parent.

Theory of operation: a child starts in a session of its own, so that a Ctrl-C in the terminal
reaches only the parent, which then stops its children in order; and it asks the kernel to be
killed when the parent dies (PR_SET_PDEATHSIG), so that even SIGKILL of the parent leaves nothing.
The kernel ties that request to the parent's *thread*: start children from a thread that lives as
long as the process, in practice the main one.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.machine.files import FOLDER_MODE


_PR_SET_PDEATHSIG = 1
# Loaded before any fork: the child must not import or allocate more than it has to.
_LIBC = ctypes.CDLL(None, use_errno=True)

# Old logs kept beside the current one: enough to see why the last run ended.
KEPT_LOGS = 2
# What an error message quotes of a log: enough for a Java stack trace's first lines.
TAIL_LINES = 20
TAIL_BYTES = 64 * 1024


def spawn(
    argv: Sequence[str],
    log_path: Path,
    *,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child that appends stdout and stderr to `log_path` and dies with this process.

    `environment` is the whole of it; None: the child inherits ours. Start children from the main
    thread (see above).
    """
    log_path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - prctl alone, loaded before the fork
        )


def _die_with(parent_pid: int) -> Callable[[], None]:
    def ask_kernel() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died between fork and prctl: then nobody would ever kill us.
        if os.getppid() != parent_pid:
            os._exit(1)

    return ask_kernel


def stop(process: subprocess.Popen[bytes], stop_seconds: float) -> int:
    """End a child: SIGTERM, and SIGKILL if it is still there after `stop_seconds`."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def rotate(log_path: Path) -> None:
    """Move the log of the last run aside, keeping `KEPT_LOGS` old ones."""
    for number in range(KEPT_LOGS, 0, -1):
        older = log_path.with_name(f"{log_path.name}.{number}")
        newer = log_path if number == 1 else log_path.with_name(f"{log_path.name}.{number - 1}")
        if newer.exists():
            newer.replace(older)


def tail(log_path: Path, lines: int = TAIL_LINES) -> str:
    """Read the last lines of a log; empty if there is none."""
    try:
        with log_path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
