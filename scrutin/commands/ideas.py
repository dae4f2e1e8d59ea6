"""`scrutin ideas`: publish results until told to stop."""

from processors.workers.batch_lane import run_worker
from processors.workers.ideas_worker import IdeasPolicy, IdeasWorker
from scrutin.process import health
from scrutin.process.worker import begin


def ideas() -> None:
    """Publish results: read tallies, catalogue and participants. Run one. Ends on SIGTERM.

    Exit codes: 0 told to stop, 3 broker or topics not as they must be, 70 stopped itself (the
    reason is the last line of its log; a restart reads everything again).
    """
    begun = begin()
    settings = begun.settings
    begun.require({one.name for one in begun.topics.specifications()})
    worker = IdeasWorker(IdeasPolicy(
        kafka=begun.kafka, topics=begun.topics, instance=settings.instance,
        folder=settings.data_folder))
    worker.app.task(health.serve(settings, "ideas", worker.status).beat)
    run_worker(worker.app, worker.membership, settings.stop_seconds)
