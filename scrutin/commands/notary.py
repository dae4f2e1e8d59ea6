"""`scrutin notary`: keep and sign the transparency logs until told to stop."""

import asyncio
import functools

from deploy.machine.errors import FolderHeldError
from deploy.machine.locks import FolderLock
from producers.operations import Log
from scrutin import addresses
from scrutin.notary.notary_keys import name_log_keys
from scrutin.notary.results_notary import LOOK_SECONDS, ResultsNotary
from scrutin.process.ending import ending
from scrutin.process.worker import Begun, begin, stopped_by_signals
from sinks.transparency.notary import Notary, NotaryPolicy
from sinks.transparency.results_folder import RESULTS, ResultsFolder
from views.reader import ResultsReader


def notary() -> None:
    """Keep a transparency log of each votes partition and of the catalogue. Ends on SIGTERM.

    Writes tiles and signed checkpoints into SCRUTIN_DATA_DIR/transparency, which the views serve
    under /log/; the keys into SCRUTIN_DATA_DIR/keys/transparency, made at the first start. Its log
    says every public key, /log/PREFIX/policy lists them, the catalogue names them. Signs results
    too: every ten minutes those that moved, and final ones at once.
    Exit codes: 0 told to stop, 3 broker, topics or folder not as they must be, 70 stopped itself
    (the reason is the last line of its log).
    """
    begun = begin()
    settings, topics = begun.settings, begun.topics
    policy = NotaryPolicy(
        kafka=begun.kafka, topics=topics, folder=addresses.transparency_folder(settings),
        keys=addresses.log_keys_folder(settings), origin=settings.log_origin,
        checkpoint_seconds=settings.checkpoint_seconds)
    begun.require({topics.votes, topics.catalogue, topics.results})
    with ending("notary", FolderHeldError):
        lock = FolderLock.acquire(
            policy.folder / f"{topics.prefix}.lock",
            f"another notary (pid {{pid}}) writes the logs in {policy.folder}: run one for each "
            "SCRUTIN_TOPIC_PREFIX.")
        try:
            asyncio.run(_run(policy, begun))
        finally:
            lock.release()


async def _run(policy: NotaryPolicy, begun: Begun) -> None:
    running = Notary(policy)
    results = ResultsNotary(
        ResultsReader(policy.kafka, policy.topics,
                      rest=functools.partial(asyncio.sleep, LOOK_SECONDS)),
        running, ResultsFolder(policy.folder / policy.topics.prefix / RESULTS))
    async with (stopped_by_signals(running, begun.settings, "notary"),
                asyncio.TaskGroup() as tasks):
        beside = [tasks.create_task(work) for work in (
            results.run(), name_log_keys(running, Log(policy.kafka, policy.topics)))]
        await running.run()
        for task in beside:
            task.cancel()
