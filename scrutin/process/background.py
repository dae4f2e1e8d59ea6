"""Work that goes on beside a server: where one of it fails, the process ends and says why.

Else a process would go on answering that it is ready, with a part of it gone: nobody looks at a
task that ended.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Self


class BackgroundFailed(Exception):
    """Work beside a server ended by an error that it is not made for: a fault of ours."""


class Background:
    """Runs work until it is left; use as an asynchronous context manager."""

    def __init__(self, works: Iterable[Coroutine[Any, Any, None]]) -> None:
        self._works = list(works)
        self._tasks: list[asyncio.Task[None]] = []
        self._stop: Callable[[], None] | None = None
        self._failed: Exception | None = None

    async def __aenter__(self) -> Self:
        for work in self._works:
            task = asyncio.create_task(work)
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stops(self, stop: Callable[[], None]) -> None:
        """Have `stop` called once any of the work fails, at once where it has."""
        self._stop = stop
        if self._failed is not None:
            stop()

    def check(self) -> None:
        """Raise BackgroundFailed where any of the work has failed."""
        if self._failed is not None:
            error = self._failed
            raise BackgroundFailed(
                f"work beside the server ended: {type(error).__name__}: {error}. It is a fault of "
                "scrutin; a restart goes on from the log.") from error

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if not isinstance(error, Exception) or self._failed is not None:
            return
        self._failed = error
        if self._stop is not None:
            self._stop()
