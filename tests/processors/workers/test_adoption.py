"""Rules 2 are adopted while votes come in: what was decided stays, what follows is theirs."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from processors.ledger.decisions import decode
from producers import adoption
from producers.errors import InvalidInput, Missing
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from schemas.genesis import FIRST_GENESIS, NEWEST_RULES
from tests.harness import (
    BEGAN_AT,
    Logs,
    Stack,
    connected_producer,
    decided,
    folded_decisions,
    prepared,
    read_to_end,
    write,
)
from tests.processors.ledger.logs_2 import of_version_2


PARTITIONS, FIRST, LATER = 2, 300, 200


def later_votes(partition: int) -> list[bytes]:
    """Make votes of version 2, by routes of all kinds."""
    return [
        of_version_2(
            "VoteCast", 10_000 + number, choice="agree", proposal=f"p{number % 6}",
            shown=("served", "asked", "unknown")[number % 3],
            voter=(partition + PARTITIONS * number).to_bytes(4, "big") + bytes(12))
        for number in range(LATER)]


async def announced(stack: Stack) -> int:
    """Read which rules the catalogue announces."""
    async with LogReader(stack.kafka) as reader:
        return (await read_catalogue(reader, stack.topics)).rules


async def box_of(stack: Stack) -> Logs:
    """Read the ballot box as it lies in Kafka."""
    found: Logs = [[] for _ in range(PARTITIONS)]
    for record in await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS):
        found[record.partition].append(record.value)
    return found


async def written(producer: AIOKafkaProducer, stack: Stack, box: Logs) -> None:
    """Write the first votes of each partition."""
    for partition, log in enumerate(box):
        await write(producer, stack.topics.votes, partition, log[1:], first_offset=1)


async def test_rules_are_adopted_in_mid_log_and_announced_last(stack: Stack) -> None:
    """Nothing before is decided anew, a ledger killed on the way goes on, and a repeat is quiet."""
    box = await prepared(stack, 5, size=FIRST, genesis=FIRST_GENESIS)
    ledger = stack.started("ledger", SCRUTIN_SNAPSHOT_DECISIONS="100")
    log = Log(stack.kafka, stack.topics, after_closing=False)
    async with connected_producer(stack.kafka) as producer:
        await written(producer, stack, box)
        before = await folded_decisions(stack, [FIRST + 1] * PARTITIONS)
        adopting = asyncio.create_task(adoption.adopt(log, 2, now=BEGAN_AT + 1_000 * (FIRST + 1)))
        await asyncio.sleep(0)
        ledger.kill()
        ledger.start()
        found = await adopting
        for partition in range(PARTITIONS):
            await write(producer, stack.topics.votes, partition, later_votes(partition),
                        first_offset=FIRST + 2)
    made = await folded_decisions(stack, [FIRST + LATER + 2] * PARTITIONS)
    again = await adoption.adopt(log, 2, now=BEGAN_AT)

    assert [(each.partitions, each.announced) for each in (found, again)] == [
        ([0, 1], True), ([], False)]
    assert await announced(stack) == 2
    assert made == decided(await box_of(stack))[1]
    for partition in range(PARTITIONS):
        assert made[partition][:FIRST + 1] == before[partition]
        assert [{decode(value).ledger_version for value in values} for values in (
            before[partition], made[partition][FIRST + 1:])] == [{1}, {2}]
        routes = {decode(value).changes[0].route for value in made[partition][FIRST + 2:]}
        assert len(routes) > 1


async def test_nothing_is_announced_before_every_partition_has_adopted(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a ledger the command says what to do; run again beside one, it finishes."""
    await prepared(stack, 6, size=0, genesis=FIRST_GENESIS)
    log = Log(stack.kafka, stack.topics, after_closing=False)
    monkeypatch.setattr(adoption, "ADOPTION_SECONDS", 0.5)
    with pytest.raises(Missing, match=r"votes partitions 0, 1 have not adopted rules 2 .* repeat"):
        await adoption.adopt(log, 2, now=BEGAN_AT)

    assert await announced(stack) == 1
    monkeypatch.undo()
    stack.started("ledger")
    found = await adoption.adopt(log, 2, now=BEGAN_AT)
    assert found.announced
    assert await announced(stack) == 2


@pytest.mark.parametrize("rules", [0, 1, NEWEST_RULES + 1])
async def test_rules_that_are_not_known_are_not_adopted(stack: Stack, rules: int) -> None:
    """Nothing is written for rules of no version."""
    with pytest.raises(InvalidInput, match=f"rules {rules} cannot be adopted"):
        await adoption.adopt(Log(stack.kafka, stack.topics, after_closing=False), rules, now=0)
