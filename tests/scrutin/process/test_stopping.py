"""A process that is told to stop ends in time, of every kind, whatever then does not answer."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from processors.workers.provisioning import provision
from schemas.exit_codes import EXIT_STOPPED
from scrutin.main import PROCESSES
from tests.harness import Stack, Worker, stack_on
from tests.scrutin.process import unending
from tests.scrutin.process.unheard import end_of


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of one partition."""
    with stack_on(broker, topic_prefix, 1, tmp_path) as found:
        yield found


async def test_every_process_that_is_told_to_stop_ends_in_time(stack: Stack) -> None:
    """With a status that has it started again if that was not meant, and the reason.

    Here a thread waits for ever, as for a ClickHouse or a disk that gives no answer: Python waits
    for threads at its end.
    """
    await provision(stack.kafka, stack.topics, replication=1)
    workers = [_begun(stack, kind) for kind in sorted(PROCESSES - {"provision"})]
    for each in workers:
        await each.says(unending.BEGUN)
        each.send(signal.SIGTERM)
    statuses = await asyncio.gather(*(asyncio.to_thread(each.wait) for each in workers))

    assert statuses == [EXIT_STOPPED] * len(workers), [each.log() for each in workers]
    for each in workers:
        assert "and something still waits" in each.log()


def _begun(stack: Stack, kind: str) -> Worker:
    worker = stack.worker(kind, **{
        "SCRUTIN_STOP_SECONDS": "2", f"SCRUTIN_{kind.upper()}_PORT": str(stack.ports.find()),
        "SCRUTIN_CLICKHOUSE_URL": "http://127.0.0.1:1"})
    worker.program = [sys.executable, str(Path(unending.__file__)), kind]
    worker.start()
    return worker


STUCK = """
import os
from processors.workers import batch_lane
from scrutin.process import log
from scrutin.process.stopping import LastMoment
from scrutin.settings import Settings
log.configure(Settings())
batch_lane.SAY_SECONDS = 0.2
LastMoment(0.1).begin()
while True:
    os.write(2, bytes(65536))
"""


def test_a_process_whose_log_nobody_takes_ends_in_time_all_the_same() -> None:
    """What it would say of its end stands in a write that does not return."""
    assert end_of(STUCK) == EXIT_STOPPED
