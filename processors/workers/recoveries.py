"""Faust's recovery after a rebalance, which begins again where a step of it takes too long.

Theory of operation: Faust bounds the steps (ends of the changelog, where it begins, the seeking) by
its `broker_request_timeout`, and takes a step that ran out of time for the word to stop: its task
ends without a line, and nobody recovers or seeks in this process any more. A broker that is slow
for as long brings that about, and so does a process that was frozen within a step. Here nothing is
read meanwhile, and all of it is done once more, as in another rebalance. Whoever watches the
progress ends the process where that does not help.
"""

import asyncio
from typing import Any

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
