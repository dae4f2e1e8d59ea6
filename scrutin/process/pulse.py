"""Whether a loop still comes round: a process whose loop stands still ends, and says where.

Theory of operation: whatever else bounds a wait runs in the loop, and stands still with it. So a
thread apart looks whether the loop still beats. It counts its own looks and asks no clock: who was
frozen, or whose machine slept, has looked once meanwhile. What keeps Python's own lock keeps this
thread too: /livez gives no answer then, which others must see.
"""

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType

import structlog

from schemas.exit_codes import EXIT_STOPPED


BEAT_SECONDS = 1.0
STILL_LOOKS = 45
"""So many looks in a row without a beat, and the loop hangs: the longest work that it does in one
piece, to fold two batches of decisions, takes less than a second."""
LOOK_SECONDS = 1.0
SAY_SECONDS = 5.0
"""The process ends after so long, even where nobody takes what it says."""
STACK_FRAMES = 25
"""So many of the innermost calls of each thread are said."""

log = structlog.get_logger("scrutin.pulse")


class Pulse:
    """Shows that a loop still comes round."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None
        self._beats = 0

    async def beat(self) -> None:
        """Run in the loop, for ever; where the loop stands still, the process ends."""
        end_watch = _watch(lambda: self._beats)
        try:
            while True:
                self._last, self._beats = self._clock(), self._beats + 1
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            end_watch()

    @property
    def silent_seconds(self) -> float:
        """How long nothing has been heard; 0 before the first beat, for a start may take long."""
        return 0.0 if self._last is None else self._clock() - self._last


@asynccontextmanager
async def beating(pulse: Pulse) -> AsyncIterator[None]:
    """While inside, this loop beats."""
    task = asyncio.create_task(pulse.beat())
    try:
        yield
    finally:
        task.cancel()


class Stillness:
    """Counts looks in a row that heard no beat."""

    def __init__(self) -> None:
        self._heard = 0
        self.looks = 0

    def look(self, beats: int) -> bool:
        """Take how often the loop has beaten by now; return whether it stands still."""
        self.looks = self.looks + 1 if beats == self._heard else 0
        self._heard = beats
        return self.looks >= STILL_LOOKS


def _watch(beats: Callable[[], int]) -> Callable[[], None]:
    """Watch the loop of this thread, which has beaten so often; what is returned ends the watch."""
    over, thread = threading.Event(), threading.current_thread()

    def look_on() -> None:
        stillness = Stillness()
        while not over.wait(LOOK_SECONDS):
            if stillness.look(beats()):
                _end(thread, stillness.looks * LOOK_SECONDS)

    threading.Thread(target=look_on, name="pulse", daemon=True).start()
    return over.set


def _end(standing: threading.Thread, seconds: float) -> None:
    """End the process; the threads' stacks are said before, that of the loop last."""
    giving_up = threading.Timer(SAY_SECONDS, os._exit, (EXIT_STOPPED,))
    giving_up.daemon = True
    giving_up.start()
    try:
        frames = sys._current_frames()  # noqa: SLF001 -- Python documents it, for such cases
        others = [each for each in threading.enumerate()
                  if each not in (standing, threading.current_thread())]
        for each in (*others, standing):
            if frame := frames.get(each.ident or 0):
                log.error("a thread stands here", thread=each.name, stack=_stack(frame))
        log.critical("worker stopped", reason=(
            f"the loop of this process has stood still for {seconds:.0f} s, where the stack of "
            f"the thread {standing.name} above says. Nothing that was acknowledged is lost: start "
            "it again, and if it comes back, keep the log and report it."))
    finally:
        os._exit(EXIT_STOPPED)


def _stack(frame: FrameType) -> str:
    return "".join(traceback.format_list(
        traceback.extract_stack(frame, limit=STACK_FRAMES))).rstrip()
