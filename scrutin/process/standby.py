"""Processes of which one works at a time: the others stand by, and one of them takes over.

Who leads is who holds the lease of the kind (`schemas.leases`). Work that is cheap to begin begins
with a turn and ends with it; what must not run twice has a second key besides, which a frozen
predecessor cannot take with it unseen: ClickHouse's generation, the lock on a folder.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import structlog

from schemas.kafka_leases import HEARTBEAT_SECONDS, SESSION_SECONDS, KafkaLease
from schemas.leases import Lease
from scrutin.process.worker import Begun
from sinks.faults import ArchiveSuperseded, reason_of


HEAR_SECONDS = SESSION_SECONDS + HEARTBEAT_SECONDS
"""Who was superseded hears within so long that it has lost the lease."""

log = structlog.get_logger("scrutin.standby")


class Work(Protocol):
    """What one process of its kind does; `run` ends when stopped, or raises."""

    async def run(self) -> None: ...
    def stop(self) -> None: ...
    def status(self) -> dict[str, Any]: ...


async def keeping(lease: KafkaLease, work: Coroutine[Any, Any, None]) -> None:
    """Do work while a place in the group is kept; it is given back at the end."""
    async with asyncio.TaskGroup() as tasks:
        kept = tasks.create_task(lease.keep())
        try:
            await work
        finally:
            kept.cancel()


class Standby:
    """Work that is done while the lease is held, as often as it is given."""

    def __init__(self, begun: Begun, kind: str, begin: Callable[[], Work]) -> None:
        """`begin` makes the work of one turn; nothing happens before it runs."""
        self.lease = Lease()
        self._begin, self._work = begin, begin()
        self._told, self._stopping = asyncio.Event(), False
        # Any topic with one partition would do: nobody reads it here.
        self._kept = KafkaLease(
            begun.kafka, f"{begun.topics.prefix}-{kind}", begun.topics.catalogue,
            begun.settings.instance, lease=self.lease, told=self._told.set, ready=lambda: True)

    def stop(self) -> None:
        """End the work in order; call it from the event loop."""
        self._stopping = True
        self._work.stop()
        self._told.set()

    def status(self) -> dict[str, Any]:
        """Say where the work stands; who stands by is ready for it."""
        found = self._work.status()
        ready = found["ready"] if self.lease.holds else self.lease.joined
        return {**found, "ready": ready, "leads": self.lease.holds, "joined": self.lease.joined}

    async def run(self) -> None:
        """Work in turns until stopped; raise what ends the work."""
        await keeping(self._kept, self._turns())

    async def _turns(self) -> None:
        while not self._stopping:
            self._told.clear()
            if self.lease.holds:
                await self._take(self.lease.turn)
            else:
                await self._told.wait()

    async def _take(self, turn: int) -> None:
        """Work until the turn ends, or the work does."""
        self._work = self._begin()
        working = asyncio.create_task(self._work.run())
        try:
            await self._ended(turn, working)
            self._work.stop()
            await working
        except Exception as error:
            if not isinstance(reason_of(error), ArchiveSuperseded) or not await self._lost(turn):
                raise
            log.warning("superseded while it was away: stands by", reason=str(reason_of(error)))
        finally:
            working.cancel()

    async def _ended(self, turn: int, working: asyncio.Task[None]) -> None:
        while self.lease.holds and self.lease.turn == turn and not (
                self._stopping or working.done()):
            self._told.clear()
            told = asyncio.create_task(self._told.wait())
            await asyncio.wait([working, told], return_when=asyncio.FIRST_COMPLETED)
            told.cancel()

    async def _lost(self, turn: int) -> bool:
        """Whether the turn has ended, as its successor says; within a bound."""
        try:
            async with asyncio.timeout(HEAR_SECONDS):
                while self.lease.holds and self.lease.turn == turn:
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            return False
        return True
