"""Starts the workers of one port, starts again who ends, and ends all of them in order.

Theory of operation: each worker is a process as the only one would be, with a number and an end of
a line besides (`place`). All bind the same port with SO_REUSEPORT, and the kernel spreads
connections over those that listen. Here the port is bound too, and never listened at, so that it
stays ours and is known where it was chosen by chance. What is done when one ends `restarts` says.

A worker whose loop stands still takes connections that it never answers, and no probe of the port
finds it reliably: so each is asked for its figures every ASK_SECONDS, and who says nothing for too
long is killed and started again.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from schemas import figures
from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED
from schemas.figures import Sample, families, text_of
from scrutin.process.patience import WORKER_SURPLUS_SECONDS, ending_seconds
from scrutin.process.pulse import Pulse, beating
from scrutin.settings import Settings
from scrutin.workers.place import LINE_BYTES_MOST, Line, Place, lines, written
from scrutin.workers.restarts import GivenUp, Restarts
from scrutin.workers.sums import Sums, plain


ASK_SECONDS = 10.0
"""So often each worker is asked what it measures, whoever wants to know or not: no more than that
is missing in the sums when one is killed."""
GATHER_SECONDS = 0.4
"""So long those who want to know wait for a worker; then what it said last counts."""
START_SECONDS = 180.0
"""A worker that has said nothing so long after its start hangs: it takes some seconds."""
SILENT_SECONDS = 60.0
"""A worker that says nothing for so long hangs: one whose loop stands still has said where and
ended before (`scrutin.process.pulse`)."""
JOIN_SECONDS = 30.0
"""A worker that was started again takes requests once it is ready, or after so long: then it says
itself why it is not."""
LAST_WORDS_SECONDS = 1.0
"""So long what an ended worker has said is read."""


@dataclass(eq=False)
class _Worker:
    number: int
    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard_at: float
    spoke: bool = False
    answer: asyncio.Future[None] | None = None
    """Set where it was asked and has not said yet."""


class Supervisor:
    """Runs so many workers of a command."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], workers: int,
        patience_seconds: float, *, ask_seconds: float = ASK_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        """`command` with the option `--place` runs one.

        Who was told to stop and has not ended after `patience_seconds` is killed.
        """
        self.patience_seconds = patience_seconds
        self._ask_seconds, self._silent_seconds = ask_seconds, silent_seconds
        self._command, self._environment = tuple(command), dict(environment)
        self._workers, self._restarts, self._sums = workers, Restarts(workers), Sums()
        self._alive: dict[int, _Worker] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathering: asyncio.Task[bytes] | None = None
        self._changed = asyncio.Event()
        self._stopping = False
        self._given_up: GivenUp | None = None
        self._logger = structlog.get_logger("workers")

    async def run(self) -> None:
        """Run until told to stop and every worker has ended; raise GivenUp."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        asking = asyncio.create_task(self._ask_again())
        try:
            while self._alive or not self._stopping:
                self._changed.clear()
                for worker in self._due():
                    if not self._stopping:
                        await self._start(worker)
                await self._idle()
        finally:
            asking.cancel()
        if self._given_up is not None:
            raise self._given_up

    def stop(self) -> None:
        """Have every worker drain and end; told again, they end at once."""
        again, self._stopping = self._stopping, True
        if not again:
            self._logger.info("workers are told to stop", workers=len(self._alive))
            asyncio.get_running_loop().call_later(self.patience_seconds, self._kill)
        for worker in self._alive.values():
            self._tell_to_stop(worker, again=again)
        self._changed.set()

    def _tell_to_stop(self, worker: _Worker, *, again: bool) -> None:
        if again or not worker.spoke:  # One that is still starting hears no line.
            self._send(worker, signal.SIGTERM)
        else:
            worker.writer.write(written(["drain"]))

    def _due(self) -> Sequence[int]:
        if self._stopping:
            return ()
        return list(self._restarts.due(asyncio.get_running_loop().time()))

    async def _idle(self) -> None:
        """Wait until something has happened, or a worker is to be started."""
        seconds = self._restarts.wait_seconds(asyncio.get_running_loop().time())
        if self._stopping or seconds is None:
            await self._changed.wait()
            return
        await asyncio.wait([waiting := asyncio.ensure_future(self._changed.wait())],
                           timeout=seconds)
        waiting.cancel()

    async def _start(self, number: int) -> None:
        # A first start is seen from the first moment on, as that of a process alone.
        join_seconds = JOIN_SECONDS if self._restarts.restarts else 0.0
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *self._command, "--place", str(Place(number, theirs.fileno(), join_seconds)),
                    env=self._environment, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
                    process_group=0)  # A terminal's Ctrl-C comes here alone.
        except OSError as error:  # No memory or no process number is left: for now, perhaps.
            ours.close()
            self._logger.error(  # noqa: TRY400 -- a sentence, not a trace
                "a worker cannot be started", number=number, reason=str(error))
            self._ended(number, EXIT_MISSING)
            return
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_BYTES_MOST)
        worker = self._alive[number] = _Worker(
            number, process, reader, writer, asyncio.get_running_loop().time())
        self._logger.info("worker started", number=number, pid=process.pid)
        self._spawn(worker)
        if self._stopping:
            self._tell_to_stop(worker, again=False)

    def _spawn(self, worker: _Worker) -> None:
        task = asyncio.create_task(self._attend(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, worker: _Worker) -> None:
        """Listen to a worker until it has ended, and see to what follows."""
        hearing = asyncio.create_task(self._listen(worker))
        status = await worker.process.wait()
        await asyncio.wait([hearing], timeout=LAST_WORDS_SECONDS)
        hearing.cancel()
        worker.writer.close()
        self._answered(worker)
        del self._alive[worker.number]
        self._sums.end(worker.number)
        self._ended(worker.number, status)
        self._changed.set()

    def _ended(self, number: int, status: int) -> None:
        told = self._stopping and status in (0, -signal.SIGTERM)
        say = self._logger.info if told else self._logger.error
        say("worker ended", number=number, status=status)
        if told:
            return
        if self._stopping:
            self._given_up = self._given_up or GivenUp(
                f"worker {number} did not end in order", EXIT_STOPPED)
            return
        try:
            self._restarts.ended(number, status, asyncio.get_running_loop().time())
        except GivenUp as error:
            self._given_up = error
            self.stop()

    async def _listen(self, worker: _Worker) -> None:
        async for line in lines(worker.reader):
            worker.heard_at, worker.spoke = asyncio.get_running_loop().time(), True
            self._hear(worker, line)

    def _hear(self, worker: _Worker, line: Line) -> None:
        if line[0] == "said":
            self._sums.say(worker.number, line[1])
            self._answered(worker)
        elif line[0] == "takes":
            self._restarts.takes(worker.number, asyncio.get_running_loop().time())
            self._logger.info("worker takes requests", number=worker.number)
            self._changed.set()
        elif line[0] == "all":
            # Beside, for what this worker says itself is waited for too.
            telling = asyncio.create_task(self._tell(worker))
            self._tasks.add(telling)
            telling.add_done_callback(self._tasks.discard)

    async def _tell(self, worker: _Worker) -> None:
        worker.writer.write(written(["all", (await self.joined()).decode()]))

    async def joined(self) -> bytes:
        """Return the figures of all, as new as those are who answer in time."""
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self._gathered())
        return await asyncio.shield(self._gathering)

    async def _gathered(self) -> bytes:
        loop = asyncio.get_running_loop()
        answers = []
        for worker in self._alive.values():
            if worker.answer is None and worker.spoke:
                worker.answer = loop.create_future()
                worker.writer.write(written(["say"]))
            if worker.answer is not None:
                answers.append(worker.answer)
        if answers:
            await asyncio.wait(answers, timeout=GATHER_SECONDS)
        self._sums.say(0, plain(families((
            Sample(figures.WORKERS, self._restarts.taking),
            Sample(figures.WORKERS_MOST, self._workers),
            Sample(figures.WORKER_RESTARTS, self._restarts.restarts)))))
        return text_of(self._sums.joined())

    def _answered(self, worker: _Worker) -> None:
        if worker.answer is not None:
            worker.answer.set_result(None)
            worker.answer = None

    async def _ask_again(self) -> None:
        """Ask for ever, and kill who is silent."""
        while True:
            await asyncio.sleep(self._ask_seconds)
            await self.joined()
            now = asyncio.get_running_loop().time()
            for worker in self._alive.values():
                silent = now - worker.heard_at
                if silent > (self._silent_seconds if worker.spoke else START_SECONDS):
                    self._logger.error("a worker hangs: it is killed", number=worker.number,
                                       silent_seconds=round(silent))
                    self._send(worker, signal.SIGKILL)

    def _kill(self) -> None:
        for worker in self._alive.values():
            self._logger.error("a worker does not end: it is killed", number=worker.number)
            self._send(worker, signal.SIGKILL)

    def _send(self, worker: _Worker, number: signal.Signals) -> None:
        # Not by the process's own `send_signal`, which looks whether it has ended, and so takes its
        # status away from whoever waits for it: that would be 255, a fault.
        if worker.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.process.pid, number)


def supervisor_of(kind: str, port: int, workers: int, settings: Settings) -> Supervisor:
    """Make the supervisor of workers of `scrutin KIND` at a port that is bound here."""
    return Supervisor(
        [sys.executable, "-m", "scrutin", kind],
        {**os.environ, f"SCRUTIN_{kind.upper()}_PORT": str(port)}, workers,
        ending_seconds(settings, serves=True) + WORKER_SURPLUS_SECONDS)


def supervise(supervisor: Supervisor) -> None:
    """Run workers until told to stop; raises GivenUp."""

    async def run() -> None:
        async with beating(Pulse()):
            await supervisor.run()

    asyncio.run(run())
