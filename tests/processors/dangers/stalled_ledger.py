"""A ledger whose agent never comes back from its first batch, as Faust can stall: a program."""

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
    run_worker(StalledLedger(LedgerPolicy(
        kafka=settings.kafka, topics=bootstrap.topics(settings), instance="1",
        stall_seconds=settings.stall_seconds, undecodable_ratio=1.0,
        folder=settings.data_folder, snapshot_decisions=settings.snapshot_decisions)).app)
