"""`scrutin patrol`: look for votes by machines until told to stop."""

import asyncio

from processors.workers.batch_lane import run_worker
from processors.workers.membership import require_own_name
from processors.workers.patrol_worker import PatrolPolicy, PatrolWorker
from scrutin import addresses
from scrutin.patrol.suspension_controls import SuspensionControls
from scrutin.process import health
from scrutin.process.worker import begin


def patrol() -> None:
    """Judge votes by the rules of the guard: write judgements, and suspend what they name.

    One judges, others stand by. Ends on SIGTERM. Exit codes: 0 told to stop, 3 broker or topics
    not as they must be, or a living patrol has the name SCRUTIN_INSTANCE, 70 stopped itself (the
    reason is the last line of its log; a restart goes on from the judgements).
    """
    begun = begin()
    settings, topics = begun.settings, begun.topics
    begun.require({topics.votes, topics.networks, topics.catalogue, topics.patrol})
    asyncio.run(require_own_name(begun.kafka, f"{topics.prefix}-patrol", settings.instance))
    worker = PatrolWorker(
        PatrolPolicy(kafka=begun.kafka, topics=topics, instance=settings.instance,
                     folder=settings.data_folder, judge_seconds=settings.judge_seconds),
        SuspensionControls(begun.kafka, topics, addresses.control_keys_folder(settings)))
    worker.app.watches.append(health.serve(settings, "patrol", worker.status).beat)
    run_worker(worker.app, worker.membership, settings.stop_seconds)
