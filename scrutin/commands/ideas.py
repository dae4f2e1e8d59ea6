"""`scrutin ideas`: publish results until told to stop."""

import asyncio

from processors.workers.batch_lane import run_worker
from processors.workers.ideas_worker import IdeasPolicy, IdeasWorker
from processors.workers.kafka_checks import check_topics
from scrutin import addresses
from scrutin.process import garbage, health, log
from scrutin.settings import load


def ideas() -> None:
    """Publish results: read tallies, catalogue and participants. Run one. Ends on SIGTERM.

    Exit codes: 0 told to stop, 3 broker or topics not as they must be, 70 stopped itself (the
    reason is the last line of its log; a restart reads everything again).
    """
    garbage.relax()
    settings = load()
    log.configure(settings)
    topics = addresses.topics(settings)
    kafka = addresses.kafka_address(settings)
    asyncio.run(check_topics(kafka, topics.specifications()))
    worker = IdeasWorker(IdeasPolicy(
        kafka=kafka, topics=topics, instance=settings.instance, folder=settings.data_folder))
    worker.app.task(health.serve(settings, "ideas", worker.status).beat)
    run_worker(worker.app, settings.stop_seconds)
