"""A worker without partitions: it ends where nobody has them, and waits where somebody does."""

import asyncio
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer

from schemas.exit_codes import EXIT_STOPPED
from tests.harness import Stack, folded_decisions, prepared
from tests.processors.workers.dangers import outcast


async def test_a_worker_that_cannot_join_its_group_ends(stack: Stack) -> None:
    """A stranger is in it and holds none of its partitions: it says so, and does not wait on."""
    await prepared(stack, 69, size=1)
    group = f"{stack.topics.prefix}-ledger"
    stranger = AIOKafkaConsumer(
        stack.topics.networks, bootstrap_servers=stack.kafka, group_id=group)
    await stranger.start()
    try:
        worker = stack.worker("ledger")
        worker.program = [sys.executable, str(Path(outcast.__file__))]
        worker.start()
        status = await asyncio.to_thread(worker.wait)
    finally:
        await stranger.stop()

    assert status == EXIT_STOPPED, worker.log()
    assert f"nobody in the group {group} holds" in worker.log()


async def test_a_ledger_without_partitions_that_another_holds_waits(lone_stack: Stack) -> None:
    """It is there for the time when the other one is not."""
    await prepared(lone_stack, 70, size=1)
    lone_stack.started("ledger", "1")
    await folded_decisions(lone_stack, [1])
    second = lone_stack.worker("ledger", "2")
    second.program = [sys.executable, str(Path(outcast.__file__))]
    second.start()

    await second.says("every partition of the group has a holder", 2)
