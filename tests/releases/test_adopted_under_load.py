"""Rules 2 are adopted while votes are written and everything is killed: the count is exact."""

import asyncio
import sys

from processors.ledger.decisions import decode
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from schemas.genesis import FIRST_GENESIS
from schemas.registry import current
from tests.harness import Logs, Stack, Worker, connected_producer, prepared, read_to_end, write
from tests.processors.ledger.logs_2 import of_version_2
from tests.releases.rehearsal import CHUNK, PARTITIONS, everything_exact, write_chunk


BURST, PAUSE_SECONDS, LATER_BURSTS = 25, 0.05, 8
"""Votes written at once to a partition, between two of them, and how often after the adoption."""


async def vote(stack: Stack, box: Logs, adopted: asyncio.Event) -> None:
    """Write votes without a pause worth the name; of version 2 once rules 2 are announced."""
    left, number, later = [log[1 + CHUNK:] for log in box], 0, 0
    async with connected_producer(stack.kafka) as producer:
        while later < LATER_BURSTS:
            later += adopted.is_set()
            for partition, log in enumerate(left):
                number += BURST
                burst = [_of_version_2(partition, number + place) for place in range(BURST)]
                if not adopted.is_set():
                    burst, log[:BURST] = log[:BURST], []
                await write(producer, stack.topics.votes, partition, burst)
            await asyncio.sleep(PAUSE_SECONDS)


def _of_version_2(partition: int, number: int) -> bytes | None:
    """Make a vote that says its route."""
    return of_version_2(
        "VoteCast", number, choice="agree", proposal=f"p{number % 6}", shown="served",
        event_id=number.to_bytes(16, "big"),
        voter=(partition + PARTITIONS * number).to_bytes(4, "big") + bytes(12))


async def adoptions(stack: Stack) -> int:
    """Count the adoptions of rules 2 that lie in the ballot box."""
    header = current("RulesAdopted", 2).header
    votes = await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS)
    return sum((record.value or b"").startswith(header) for record in votes)


def killed_and_started(*workers: Worker) -> None:
    """Lose machines, and start them again."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.start()


async def test_rules_are_adopted_under_load_while_everything_is_killed(
    stack: Stack, release: dict[str, str]
) -> None:
    """0.1.0 is killed, its successors too, and the command that adopts: no vote is off by one."""
    box = await prepared(stack, 36, size=60 * CHUNK, genesis=FIRST_GENESIS)
    old = [stack.started(name, **release) for name in ("ledger", "ideas")]
    await write_chunk(stack, box, 0)
    adopted = asyncio.Event()
    voting = asyncio.create_task(vote(stack, box, adopted))
    for worker in old:
        worker.kill()
    first, second, ideas = (stack.started(*name, SCRUTIN_SNAPSHOT_DECISIONS="200") for name in (
        ("ledger", "1"), ("ledger", "2"), ("ideas", "1")))
    command = stack.worker("rules", "adopt")
    command.program = [sys.executable, "-m", "scrutin", "rules", "adopt", "2"]
    command.start()
    while not await adoptions(stack):
        assert command.running(), command.log()
    killed_and_started(command, first)
    killed_and_started(ideas, second)
    status = command.wait()
    adopted.set()
    killed_and_started(first)
    await voting
    decisions = await everything_exact(stack)
    async with LogReader(stack.kafka) as reader:
        announced = (await read_catalogue(reader, stack.topics)).rules

    assert (status, announced) == (0, 2), command.log()
    for log in decisions:
        versions = [decode(value).ledger_version for value in log]
        assert versions == sorted(versions)
        assert {*versions} == {1, 2}
        assert versions.index(2) > CHUNK
