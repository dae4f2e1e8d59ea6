"""`scrutin archive`: keep every record in ClickHouse until told to stop."""

import asyncio

from scrutin import addresses
from scrutin.process import tracing
from scrutin.process.ending import ending
from scrutin.process.standby import Standby
from scrutin.process.worker import Begun, begin, stopped_by_signals
from sinks.archive import Archive, ArchivePolicy
from sinks.logs import kept_logs
from sinks.migrations import MigrationChanged


def archive() -> None:
    """Keep every vote, decision and catalogue record in ClickHouse. Ends on SIGTERM.

    One archives, others stand by. Exit codes: 0 told to stop, 3 broker, ClickHouse or topics not
    as they must be, 70 stopped itself (the reason is the last line of its log; a restart resumes
    behind what is stored).
    """
    begun = begin()
    policy = ArchivePolicy(
        kafka=begun.kafka, clickhouse_url=addresses.clickhouse_url(begun.settings),
        database=begun.settings.clickhouse_database, topics=begun.topics,
        trust=begun.settings.clickhouse_trust)
    begun.require({found.topic for found in kept_logs(begun.topics)})
    with ending("archive", MigrationChanged), tracing.told(begun.settings, "archive"):
        asyncio.run(_run(policy, begun))


async def _run(policy: ArchivePolicy, begun: Begun) -> None:
    running = Standby(begun, "archive", lambda: Archive(policy))
    async with stopped_by_signals(running, begun.settings, "archive"):
        await running.run()
