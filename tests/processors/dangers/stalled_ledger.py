"""A program: a ledger that stalls as Faust can, and an ordinary one when it is started again."""

import asyncio
from typing import Any

from processors.batch_lane import run_worker
from processors.ledger_worker import LedgerPolicy, LedgerWorker
from scrutin import bootstrap, log
from scrutin.settings import load


class StalledLedger(LedgerWorker):
    """Takes a batch and waits for ever."""

    async def _decide(self, event: Any) -> None:
        await asyncio.Event().wait()


if __name__ == "__main__":
    settings = load()
    log.configure(settings)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    stalled_before = settings.data_folder / "stalled-before"
    kind = LedgerWorker if stalled_before.exists() else StalledLedger
    stalled_before.touch()
    run_worker(kind(LedgerPolicy(
        kafka=settings.kafka, topics=bootstrap.topics(settings), instance="1",
        stall_seconds=settings.stall_seconds, undecodable_ratio=1.0,
        folder=settings.data_folder, snapshot_decisions=settings.snapshot_decisions)).app)
