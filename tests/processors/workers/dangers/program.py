"""How workers that stand for a danger are run: as theirs, a ledger whatever it cannot read."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from processors.workers.batch_lane import run_worker
from processors.workers.ideas_worker import IdeasPolicy, IdeasWorker
from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from scrutin import addresses
from scrutin.process import log
from scrutin.process.worker import stopped_by_signals
from scrutin.settings import load


def run(kind_in: Callable[[Path], type[LedgerWorker]]) -> NoReturn:
    """Run the kind of ledger that is chosen by its data folder, until it ends."""
    settings = load()
    log.configure(settings)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    worker = kind_in(settings.data_folder)(LedgerPolicy(
        kafka=settings.kafka, topics=addresses.topics(settings), instance=settings.instance,
        stall_seconds=settings.stall_seconds, undecodable_ratio=1.0,
        folder=settings.data_folder, snapshot_decisions=settings.snapshot_decisions))
    run_worker(worker.app, worker.membership, settings.stop_seconds)


def run_ideas(kind: type[IdeasWorker]) -> None:
    """Run a kind of ideas worker until it ends; it leads from the beginning."""
    settings = load()
    log.configure(settings)

    async def work() -> None:
        worker = kind(IdeasPolicy(
            settings.kafka, addresses.topics(settings), settings.instance))
        worker.lease.assigned(1, holds=True)
        async with stopped_by_signals(worker, settings, "ideas"):
            await worker.run()

    asyncio.run(work())
