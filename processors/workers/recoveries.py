"""Faust's recovery after a rebalance: begun again where a step takes too long, and watched.

Theory of operation: Faust bounds the steps (ends of the changelog, where it begins, the seeking) by
its `broker_request_timeout`, and takes a step that ran out of time for the word to stop: its task
ends without a line, and nobody recovers or seeks in this process any more. A broker that is slow
for as long brings that about, and so does a process that was frozen within a step. Here nothing is
read meanwhile, and all of it is done once more, as in another rebalance. Whoever watches the
progress ends the process where that does not help.

Faust starts the tasks of an application when it has recovered for the first time. Where it does not
come to that nobody watches, so what watches does not wait for it here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import structlog
from faust.tables import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from mode.utils.times import Seconds, want_seconds


log = structlog.get_logger("scrutin.recovery")


class PatientRecovery(Recovery):
    """Begins again after a step without an end."""

    async def _wait(
        self, coro: Any, timeout: Seconds | None = None  # noqa: ASYNC109 -- Faust's signature
    ) -> None:
        bound = asyncio.timeout(None if timeout is None else want_seconds(timeout))
        try:
            async with bound:
                await super()._wait(coro)
        except TimeoutError:
            if not bound.expired():
                raise
            log.warning("recovery begins again: a step of it took too long", seconds=timeout)
            consumer = self.app.consumer
            consumer.pause_partitions(consumer.assignment())
            self.signal_recovery_start.set()
            raise RebalanceAgain from None


class PatientTables(TableManager):
    """Tables that are recovered so."""

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = PatientRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class WatchedApp(faust.App):
    """An application whose watches run from its first moment on."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.watches: list[Callable[[], Awaitable[None]]] = []
        """What to run until the end of the process, or of the work in it."""
        super().__init__(*arguments, TableManager=PatientTables, **options)

    async def on_first_start(self) -> None:
        await super().on_first_start()
        for watch in self.watches:
            self.add_future(watch())
