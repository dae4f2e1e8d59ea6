"""`scrutin ledger`: decide votes until told to stop."""

import asyncio

from processors.workers.batch_lane import run_worker
from processors.workers.kafka_checks import check_topics
from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from scrutin import addresses
from scrutin.process import garbage, health, log
from scrutin.settings import load


def ledger() -> None:
    """Decide votes: read scrutin.votes, write decisions and tallies. Ends on SIGTERM.

    Exit codes: 0 told to stop, 3 broker or topics not as they must be, 70 stopped itself (the
    reason is the last line of its log; a restart recovers from the log).
    """
    garbage.relax()
    settings = load()
    log.configure(settings)
    topics = addresses.topics(settings)
    kafka = addresses.kafka_address(settings)
    wanted = (topics.votes, topics.decisions, topics.catalogue, topics.tallies)
    asyncio.run(check_topics(kafka, [t for t in topics.specifications() if t.name in wanted]))
    worker = LedgerWorker(LedgerPolicy(
        kafka=kafka, topics=topics, instance=settings.instance,
        stall_seconds=settings.stall_seconds, undecodable_ratio=settings.undecodable_ratio,
        folder=settings.data_folder,
        snapshot_decisions=settings.snapshot_decisions,
    ))
    worker.app.task(health.serve(settings, "ledger", worker.status).beat)
    run_worker(worker.app, settings.stop_seconds)
