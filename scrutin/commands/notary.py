"""`scrutin notary`: keep and sign the transparency logs until told to stop."""

import asyncio
import signal

from deploy.machine.errors import FolderHeldError
from deploy.machine.locks import FolderLock
from processors.workers.kafka_checks import check_topics
from producers.operations import Log
from scrutin import addresses
from scrutin.notary.notary_keys import name_log_keys
from scrutin.notary.results_notary import ResultsNotary
from scrutin.process import garbage, health, log
from scrutin.process.ending import ending
from scrutin.settings import Settings, load
from sinks.transparency.notary import Notary, NotaryPolicy
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from views.reader import ResultsReader


def notary() -> None:
    """Keep a transparency log of each votes partition and of the catalogue. Ends on SIGTERM.

    Writes tiles and signed checkpoints into SCRUTIN_DATA_DIR/transparency, which the views serve
    under /log/; the keys into SCRUTIN_DATA_DIR/keys/transparency, made at the first start. Its log
    says every public key, /log/PREFIX/policy lists them, the catalogue names them. Signs results
    too: every ten minutes, and final ones at once.
    Exit codes: 0 told to stop, 3 broker, topics or folder not as they must be, 70 stopped itself
    (the reason is the last line of its log).
    """
    garbage.relax()
    settings = load()
    log.configure(settings)
    topics = addresses.topics(settings)
    policy = NotaryPolicy(
        kafka=addresses.kafka_address(settings), topics=topics,
        folder=addresses.transparency_folder(settings),
        keys=addresses.log_keys_folder(settings), origin=settings.log_origin,
        checkpoint_seconds=settings.checkpoint_seconds)
    asyncio.run(check_topics(policy.kafka, [
        found for found in topics.specifications()
        if found.name in {topics.votes, topics.catalogue, topics.results}]))
    with ending("notary", FolderHeldError):
        lock = FolderLock.acquire(
            policy.folder / f"{topics.prefix}.lock",
            f"another notary (pid {{pid}}) writes the logs in {policy.folder}: run one for each "
            "SCRUTIN_TOPIC_PREFIX.")
        try:
            asyncio.run(_run(policy, settings))
        finally:
            lock.release()


async def _run(policy: NotaryPolicy, settings: Settings) -> None:
    running = Notary(policy)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    beating = asyncio.create_task(health.serve(settings, "notary", running.status).beat())
    results = ResultsNotary(
        ResultsReader(policy.kafka, policy.topics), running,
        ResultsFolder(policy.folder / policy.topics.prefix / RESULTS))
    try:
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(work) for work in (
                results.run(), name_log_keys(running, Log(policy.kafka, policy.topics)))]
            await running.run()
            for task in beside:
                task.cancel()
    finally:
        beating.cancel()
