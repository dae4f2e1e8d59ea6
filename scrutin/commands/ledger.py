"""`scrutin ledger`: decide votes until told to stop."""

import asyncio

from processors.workers.batch_lane import run_worker
from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from processors.workers.membership import require_own_name
from scrutin.process import health, tracing
from scrutin.process.worker import begin


def ledger() -> None:
    """Decide votes: read scrutin.votes, write decisions and tallies. Ends on SIGTERM.

    Exit codes: 0 told to stop, 3 broker or topics not as they must be, or a living ledger has the
    name SCRUTIN_INSTANCE, 70 stopped itself (the reason is the last line of its log; a restart
    recovers from the log).
    """
    begun = begin()
    settings, topics = begun.settings, begun.topics
    begun.require({topics.votes, topics.decisions, topics.catalogue, topics.tallies})
    asyncio.run(require_own_name(begun.kafka, f"{topics.prefix}-ledger", settings.instance))
    worker = LedgerWorker(LedgerPolicy(
        kafka=begun.kafka, topics=topics, instance=settings.instance,
        stall_seconds=settings.stall_seconds, undecodable_ratio=settings.undecodable_ratio,
        folder=settings.data_folder, snapshots=settings.snapshots,
        snapshot_decisions=settings.snapshot_decisions,
        session_seconds=settings.ledger_session_seconds,
        first_keys=settings.first_key_digests,
    ))
    worker.app.watches.append(health.serve(settings, "ledger", worker.status).beat)
    with tracing.told(settings, "ledger"):
        run_worker(worker.app, worker.membership, settings.stop_seconds)
