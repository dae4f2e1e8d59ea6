"""Run processes in order, keep them running, end them in reverse order.

Theory of operation: one loop looks at all processes, in order: ten times a second while one
starts, else when one has died. A process starts only while those it needs are up (all before it,
unless it names them), at the first start and later: when the broker dies, whatever died with it
waits until the broker answers again. What dies is started again after a pause, within a limit; past
it, or when something dies before it was ever ready, the stack stops and says why. Children have
sessions of their own and die with us (`child`). Everything that others may ask is written to
`stack.json` whenever it changes.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from deploy.local import child
from deploy.local.process import ProcessSpecification, State, SupervisedProcess
from deploy.machine.errors import MachineError
from deploy.machine.files import keep_private, write_atomically
from deploy.machine.locks import FolderLock


# How often the loop looks while something starts.
LOOK_SECONDS = 0.1
# How often while everything is up: a death is told by a signal, and wakes it at once.
IDLE_LOOK_SECONDS = 2.0
# One readiness question; a process that cannot answer in this time is asked again.
READY_QUESTION_SECONDS = 3.0

STATE_FILE = "stack.json"
LOCK_FILE = "stack.lock"
LOG_FOLDER = "logs"


class Supervisor:
    """Supervise the processes of one data folder until told to stop."""

    def __init__(
        self,
        data_folder: Path,
        specifications: Sequence[ProcessSpecification],
        *,
        urls: Mapping[str, str],
        report: Callable[[str], None],
    ) -> None:
        self._data_folder = data_folder
        self._urls = dict(urls)
        self._report = report
        log_folder = data_folder / LOG_FOLDER
        self._processes = [SupervisedProcess(each, log_folder) for each in specifications]
        self._state = "starting"
        self._message = ""
        self._stop_requests = 0
        self._stopping = asyncio.Event()
        # Set when there is something to look at before the next look is due.
        self._look_now = asyncio.Event()

    def request_stop(self) -> None:
        """Ask for an orderly end; a second time: for an immediate one."""
        self._stop_requests += 1
        self._stopping.set()
        self._look_now.set()

    async def run(self, on_running: Callable[[], None] = lambda: None) -> None:
        """Run until `request_stop`, SIGINT, SIGTERM or SIGHUP; the data folder must be locked.

        `on_running` is called once, when all processes are up. Raises the `MachineError` that
        stopped the stack, if it did not stop because it was asked to.
        """
        for process in self._processes:
            child.rotate(process.log_path)
        with self._signals():
            try:
                await self._watch(on_running)
            except MachineError as error:
                self._message = str(error)
                raise
            finally:
                await self._stop_all()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for each in caught:
            loop.add_signal_handler(each, self.request_stop)
        loop.add_signal_handler(signal.SIGCHLD, self._look_now.set)
        try:
            yield
        finally:
            for each in (*caught, signal.SIGCHLD):
                loop.remove_signal_handler(each)

    async def _watch(self, on_running: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            self._look_now.clear()
            await self._look()
            if self._state == "starting" and all(process.is_up for process in self._processes):
                self._state = "running"
                self._write_state()
                on_running()
            all_up = all(process.is_up for process in self._processes)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._look_now.wait(), IDLE_LOOK_SECONDS if all_up else LOOK_SECONDS)

    async def _look(self) -> None:
        are_up: dict[str, bool] = {}
        for process in self._processes:
            if self._stopping.is_set():
                return
            before, after = process.state, process.specification.after
            needed = are_up if after is None else after
            await self._advance(process, may_start=all(are_up[name] for name in needed))
            if process.state is not before:
                self._write_state()
            are_up[process.name] = process.is_up

    async def _advance(self, process: SupervisedProcess, *, may_start: bool) -> None:
        now = time.monotonic()
        if process.state in {State.WAITING, State.RESTARTING}:
            if may_start and now >= process.retry_at:
                process.start(now)
        elif process.state in {State.STARTING, State.RUNNING}:
            if (status := process.exit_status()) is not None:
                self._ended(process, status, now)
            elif process.state is State.STARTING:
                await self._wait_for(process, now)

    def _ended(self, process: SupervisedProcess, status: int, now: float) -> None:
        if process.specification.once and status == 0:
            process.enter(State.DONE)
            self._report(f"{process.name} done")
            return
        what = f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"
        process.note_death(what, now)
        self._report(f"{process.name} {what}; starting it again ({process.restarts})")

    async def _wait_for(self, process: SupervisedProcess, now: float) -> None:
        if now > process.ready_by:
            process.kill()
            seconds = process.specification.ready_seconds
            process.note_death(f"was not ready after {seconds:.0f} s", now)
        elif not process.specification.once and await self._is_ready(process):
            process.enter(State.RUNNING)
            self._report(f"{process.name} ready {process.specification.address}".rstrip())

    @staticmethod
    async def _is_ready(process: SupervisedProcess) -> bool:
        ready = process.specification.ready
        if ready is None:
            return True
        try:
            return await asyncio.wait_for(ready(), READY_QUESTION_SECONDS)
        except TimeoutError:
            return False

    async def _stop_all(self) -> None:
        self._state = "stopping"
        self._write_state()
        for process in reversed(self._processes):
            await self._stop(process)
        self._state = "failed" if self._message else "stopped"
        self._write_state()

    async def _stop(self, process: SupervisedProcess) -> None:
        process.terminate()
        deadline = time.monotonic() + process.specification.stop_seconds
        while process.pid is not None and process.exit_status() is None:
            if time.monotonic() > deadline or self._stop_requests > 1:
                process.kill()
                break
            await asyncio.sleep(LOOK_SECONDS / 2)
        if process.state not in {State.FAILED, State.DONE}:
            process.enter(State.STOPPED)
        self._write_state()

    def _write_state(self) -> None:
        running = self._state not in {"stopped", "failed"}
        document = {
            "state": self._state,
            "message": self._message,
            "data_dir": str(self._data_folder),
            "supervisor_pid": os.getpid() if running else None,
            "stop_seconds": sum(each.specification.stop_seconds for each in self._processes),
            "urls": self._urls,
            "processes": [process.describe() for process in self._processes],
        }
        write_atomically(self._data_folder / STATE_FILE, json.dumps(document, indent=2))


def hold(data_folder: Path) -> FolderLock:
    """Take the data folder for a supervisor, or raise `FolderHeldError`; made and kept private."""
    keep_private(data_folder)
    return FolderLock.acquire(
        data_folder / LOCK_FILE,
        f"A stack is already running in {data_folder} (pid {{pid}}). Use `scrutin status` to see "
        "it, `scrutin down` to end it, or set SCRUTIN_DATA_DIR to run another one beside it.",
    )
