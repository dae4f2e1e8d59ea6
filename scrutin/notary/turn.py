"""One turn of a notary: it holds the folder, keeps the logs, signs results, closes at the date.

The lock on the folder is its second key. A notary that was frozen on this machine keeps it: its
successor, who has the lease, ends it. Any other is waited for: nothing is signed meanwhile, and
never by two.
"""

import asyncio
import functools
from typing import Any

import structlog

from deploy.machine.errors import FolderHeldError
from deploy.machine.locks import FolderLock, end_stopped_holder
from producers.operations import Log
from scrutin.notary.clerk import Clerk
from scrutin.notary.countersigned import CountersignedLog
from scrutin.notary.notary_keys import name_log_keys
from scrutin.notary.results_notary import LOOK_SECONDS, ResultsNotary
from scrutin.notary.witnessing import Witnessing
from sinks.transparency.notary import Notary, NotaryPolicy
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from views.reader import ResultsReader


LOCK_SECONDS = 60.0
"""Longest wait for a predecessor that is gone from the group and still has the folder..."""
RETRY_SECONDS = 1.0
"""... which is asked for so often."""

log = structlog.get_logger("scrutin.notary")


class NotaryTurn(Notary):
    """A notary that begins by taking its folder; `run` raises FolderHeldError past the bound."""

    def __init__(self, policy: NotaryPolicy, clerk: Clerk | None) -> None:
        """`clerk`: None where nothing is closed at its date."""
        super().__init__(policy)
        self._place, self._clerk = policy, clerk
        self._witnessing = Witnessing(policy.quorum) if policy.quorum else None

    def status(self) -> dict[str, Any]:
        """Say where every log stands, what ought to be closed, and what witnesses have seen."""
        return {**super().status(), "overdue": self._clerk.status() if self._clerk else [],
                "countersigned": self._witnessing.status() if self._witnessing else {}}

    async def run(self) -> None:
        lock = await self._lock()
        if lock is None:
            return
        try:
            await self._keep()
        finally:
            lock.release()

    async def _lock(self) -> FolderLock | None:
        """Take the folder; None where it was told to stop before."""
        deadline = asyncio.get_running_loop().time() + LOCK_SECONDS
        refusal = (
            f"another notary (pid {{pid}}) writes the logs in {self._place.folder}, and does not "
            "let go of them: it was frozen perhaps. End it; one writes, others stand by.")
        path, said = self._place.folder / f"{self._place.topics.prefix}.lock", False
        while not self._stopping.is_set():
            try:
                return await asyncio.to_thread(FolderLock.acquire, path, refusal)
            except FolderHeldError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                if not said:
                    log.warning("waits for the folder", reason=str(error))
                said = True
                if ended := await asyncio.to_thread(end_stopped_holder, path):
                    log.warning("ended a notary that was frozen, and had the folder", pid=ended)
            await asyncio.sleep(RETRY_SECONDS)
        return None

    async def _keep(self) -> None:
        topics = self._place.topics
        results = ResultsNotary(
            ResultsReader(self._place.kafka, topics,
                          rest=functools.partial(asyncio.sleep, LOOK_SECONDS)),
            self, ResultsFolder(self._place.folder / topics.prefix / RESULTS))
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(work) for work in (
                results.run(), name_log_keys(self, Log(self._place.kafka, topics)),
                *((self._clerk.run(),) if self._clerk else ()), self._countersigned())]
            await super().run()
            for task in beside:
                task.cancel()

    async def _countersigned(self) -> None:
        """Have witnesses countersign, once every log has found its place."""
        quorum = self._place.quorum
        if quorum is None or self._witnessing is None:
            return
        await self.started.wait()
        await self._witnessing.run([
            CountersignedLog(book.topic, book.partition, book.keeper.folder, quorum,
                             functools.partial(getattr, book.keeper, "checkpoint"))
            for book in self.books()])
