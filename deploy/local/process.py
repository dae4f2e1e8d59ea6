"""One supervised process: what it is, where it stands, when it may start again.

Pure decisions apart from starting and ending the child itself; time comes in as a parameter.
"""

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from deploy.local import child
from deploy.local.errors import ProcessFailedError
from deploy.local.health import Ready
from deploy.machine.errors import MachineError


# A process that dies this often in this time, or as often without being ready in between, will not
# be cured by one more start.
RESTARTS_MAX = 5
RESTART_WINDOW_SECONDS = 60.0
# The pause before a restart doubles with each one in the window, so that five fit into it.
BACKOFF_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 8.0
# Past this a log is moved aside at the next restart, so that a crash loop cannot fill the disk.
LOG_BYTES_MAX = 16 * 1024 * 1024


class State(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ProcessSpecification:
    """What to run and how to know that it does.

    It starts when those named in `after` are up; None: all before it. `environment` is the whole
    of it, None inherits ours. `ready` is asked again and again until it says yes; `once` is a step
    that is ready when it has ended with status 0. `prepare` runs before every start and may raise
    a `MachineError`; `explain` turns a death into the error shown to the operator.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] | None = None
    after: tuple[str, ...] | None = None
    ready: Ready | None = None
    ready_seconds: float = 60.0
    stop_seconds: float = 10.0
    address: str = ""
    once: bool = False
    prepare: Callable[[], None] | None = None
    explain: Callable[[Path, str], MachineError] | None = None


class SupervisedProcess:
    """One specification with its child and its history; driven by the supervisor's loop."""

    def __init__(self, specification: ProcessSpecification, log_folder: Path) -> None:
        self.specification = specification
        self.log_path = log_folder / f"{specification.name}.log"
        self.state = State.WAITING
        self.since = datetime.now(UTC)
        self.restarts = 0
        self.ready_by = 0.0
        self.retry_at = 0.0
        self._deaths: deque[float] = deque()
        self._was_ready = False
        self._deaths_since_ready = 0
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.specification.name

    @property
    def is_up(self) -> bool:
        """Tell whether those that come after this one may start."""
        return self.state in {State.RUNNING, State.DONE}

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen is not None else None

    def enter(self, state: State) -> None:
        self.state, self.since = state, datetime.now(UTC)
        if state is State.RUNNING:
            self._was_ready = True
            self._deaths_since_ready = 0

    def start(self, now: float) -> None:
        """Start the child; raises what `prepare` raises."""
        if self.specification.prepare is not None:
            self.specification.prepare()
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_BYTES_MAX:
            child.rotate(self.log_path)
        self._popen = child.spawn(
            self.specification.argv, self.log_path, environment=self.specification.environment
        )
        self.ready_by = now + self.specification.ready_seconds
        self.enter(State.STARTING)

    def exit_status(self) -> int | None:
        """Tell how the child ended, None while it runs; then nothing it started is left."""
        if self._popen is None or (status := self._popen.poll()) is None:
            return None
        self._kill_group(self._popen.pid)
        self._popen = None
        return status

    def note_death(self, what: str, now: float) -> None:
        """Plan the next start, or raise the error that stops the stack.

        A process that was never ready will not be cured by a restart: that is an error at once.
        """
        self._deaths.append(now)
        self._deaths_since_ready += 1
        while self._deaths[0] < now - RESTART_WINDOW_SECONDS:
            self._deaths.popleft()
        if not self._was_ready:
            raise self.failure(what)
        if len(self._deaths) > RESTARTS_MAX:
            times, window = len(self._deaths), RESTART_WINDOW_SECONDS
            raise self.failure(f"{what}, for the {times}th time within {window:.0f} s")
        if self._deaths_since_ready > RESTARTS_MAX:
            raise self.failure(
                f"{what}, for the {self._deaths_since_ready}th time without being ready in between")
        self.restarts += 1
        pause = BACKOFF_SECONDS * 2.0 ** (len(self._deaths) - 1)
        self.retry_at = now + min(pause, BACKOFF_SECONDS_MAX)
        self.enter(State.RESTARTING)

    def failure(self, what: str) -> MachineError:
        self.enter(State.FAILED)
        if self.specification.explain is not None:
            return self.specification.explain(self.log_path, what)
        return ProcessFailedError(self.name, what, self.log_path, child.tail(self.log_path))

    def terminate(self) -> None:
        if self._popen is not None:
            self._popen.terminate()

    def kill(self) -> None:
        """End the child and all it started, without asking."""
        if self._popen is not None:
            self._kill_group(self._popen.pid)
            self._popen.wait()
            self._popen = None

    @staticmethod
    def _kill_group(pid: int) -> None:
        # A child leads the group of its own session: what it left behind is still in there.
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def describe(self) -> dict[str, object]:
        """Describe the process for `stack.json`."""
        return {
            "name": self.name,
            "state": self.state.value,
            "pid": self.pid,
            "restarts": self.restarts,
            "since": self.since.isoformat(timespec="seconds"),
            "address": self.specification.address,
            "log": str(self.log_path),
        }
