"""Dangers of a recovery: answers that do not come in time, or never."""

import asyncio
import sys
from pathlib import Path

from schemas.exit_codes import EXIT_STOPPED
from tests.harness import Stack, connected_producer, decided, folded_decisions, prepared, write
from tests.processors.workers.dangers import unanswered_ledger, unrecovered_ledger


async def test_a_recovery_that_gets_no_answer_begins_again(lone_stack: Stack) -> None:
    """Of the ends of its decisions, and of where it reads on: it decides all the same.

    So a process that was frozen in one of these steps recovers: Faust would never more.
    """
    box = await prepared(lone_stack, 91, size=5)
    worker = lone_stack.worker("ledger")
    worker.program = [sys.executable, str(Path(unanswered_ledger.__file__))]
    worker.start()
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, lone_stack.topics.votes, 0, box[0][1:], first_offset=1)
    await worker.says("recovery begins again", 2)

    assert await folded_decisions(lone_stack, [6]) == decided(box)[1]


async def test_a_ledger_that_never_recovers_ends(lone_stack: Stack) -> None:
    """From its first rebalance on, and though no vote waits: else nobody has its partitions."""
    await prepared(lone_stack, 92, size=1)
    worker = lone_stack.worker("ledger", SCRUTIN_STALL_SECONDS="2")
    worker.program = [sys.executable, str(Path(unrecovered_ledger.__file__))]
    worker.start()
    status = await asyncio.to_thread(worker.wait)

    assert status == EXIT_STOPPED, worker.log()
    assert "recovered  " not in worker.log()
    assert "while recovering. A restart recovers from the log" in worker.log()
