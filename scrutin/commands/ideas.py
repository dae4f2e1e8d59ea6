"""`scrutin ideas`: publish results until told to stop."""

import asyncio

from processors.workers.batch_lane import keep_records_lean
from processors.workers.ideas_worker import IdeasPolicy, IdeasWorker
from schemas.kafka_leases import KafkaLease
from scrutin.process import tracing
from scrutin.process.standby import keeping
from scrutin.process.worker import Begun, begin, stopped_by_signals


def ideas() -> None:
    """Publish results: read tallies, catalogue and participants. Ends on SIGTERM.

    One publishes, others stand by and have read everything. Exit codes: 0 told to stop, 3 broker
    or topics not as they must be, 70 stopped itself (the reason is the last line of its log; a
    restart reads everything again).
    """
    begun = begin()
    begun.require({one.name for one in begun.topics.specifications()})
    keep_records_lean()
    with tracing.told(begun.settings, "ideas"):
        asyncio.run(run(begun))


async def run(begun: Begun, kind: type[IdeasWorker] = IdeasWorker) -> None:
    """Publish while the lease is held, until told to stop."""
    settings, topics = begun.settings, begun.topics
    worker = kind(IdeasPolicy(
        kafka=begun.kafka, topics=topics, instance=settings.instance))
    lease = KafkaLease(
        begun.kafka, f"{topics.prefix}-ideas", topics.results, settings.instance,
        lease=worker.lease, told=worker.told, ready=worker.caught_up)
    async with stopped_by_signals(worker, settings, "ideas"):
        await keeping(lease, worker.run())
