"""`scrutin archive`: keep every record in ClickHouse until told to stop."""

import asyncio
import signal

from processors.workers.kafka_checks import check_topics
from scrutin import addresses
from scrutin.process import garbage, health, log
from scrutin.process.ending import ending
from scrutin.settings import Settings, load
from sinks.archive import Archive, ArchivePolicy
from sinks.logs import archived_logs
from sinks.migrations import MigrationChanged


def archive() -> None:
    """Keep every vote, decision and catalogue record in ClickHouse. Ends on SIGTERM.

    Exit codes: 0 told to stop, 3 broker, ClickHouse or topics not as they must be, 70 stopped
    itself (the reason is the last line of its log; a restart resumes behind what is stored).
    """
    garbage.relax()
    settings = load()
    log.configure(settings)
    topics = addresses.topics(settings)
    policy = ArchivePolicy(
        kafka=addresses.kafka_address(settings),
        clickhouse_url=addresses.clickhouse_url(settings),
        database=settings.clickhouse_database, topics=topics,
    )
    wanted = {found.topic for found in archived_logs(topics)}
    asyncio.run(check_topics(
        policy.kafka, [found for found in topics.specifications() if found.name in wanted]))
    with ending("archive", MigrationChanged):
        asyncio.run(_run(policy, settings))


async def _run(policy: ArchivePolicy, settings: Settings) -> None:
    running = Archive(policy)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    beating = asyncio.create_task(health.serve(settings, "archive", running.status).beat())
    try:
        await running.run()
    finally:
        beating.cancel()
