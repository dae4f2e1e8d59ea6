"""Dangers of the ballot box: what is wrong with the votes ends the worker, or is decided so."""

import re
import signal

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from processors.workers.provisioning import provision
from producers import operations
from producers.errors import InvalidInput
from schemas import codec
from schemas.exit_codes import EXIT_STOPPED
from schemas.genesis import FIRST_GENESIS
from tests.harness import (
    BEGAN_AT,
    Logs,
    Stack,
    connected_producer,
    decided,
    folded_decisions,
    prepared,
    write,
)
from tests.processors.ledger import logs
from tests.waiting import until


async def votes_written(stack: Stack, log: list[bytes | None]) -> None:
    """Write what follows the rules into the only partition."""
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.votes, 0, log, first_offset=1)


async def decided_some(stack: Stack, seed: int, *, size: int = 100) -> Logs:
    """Write a small ballot box, have it decided, and kill the ledger."""
    box = await prepared(stack, seed, size=size)
    await votes_written(stack, box[0][1:])
    ledger = stack.started("ledger")
    await folded_decisions(stack, [size + 1])
    ledger.kill()
    return box


async def made_anew(stack: Stack) -> None:
    """Delete the votes topic and make it anew, with the rules as its only record."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    try:
        await admin.delete_topics([stack.topics.votes])
        present = {stack.topics.votes}
        while stack.topics.votes in present:
            present = set(await admin.list_topics())
    finally:
        await admin.close()
    await provision(stack.kafka, stack.topics, replication=1)


async def test_a_ballot_box_cut_below_the_last_decision_ends_the_ledger(
    lone_stack: Stack,
) -> None:
    """Votes that end before the last one decided are an alarm, not a new beginning."""
    box = await decided_some(lone_stack, 41)
    await made_anew(lone_stack)
    await votes_written(lone_stack, box[0][1:51])
    ledger = lone_stack.started("ledger")

    assert ledger.wait() == EXIT_STOPPED
    assert "holds offsets 0 to 50, but offset 100 was decided last" in ledger.log()
    assert "the ballot box was truncated. Restore the topic" in ledger.log()


async def test_a_ballot_box_with_another_last_vote_ends_the_ledger(lone_stack: Stack) -> None:
    """As many votes, but not those decided: the chain of the decisions does not hold."""
    await decided_some(lone_stack, 42)
    await made_anew(lone_stack)
    await votes_written(lone_stack, [logs.vote(number) for number in range(120)])
    ledger = lone_stack.started("ledger")

    assert ledger.wait() == EXIT_STOPPED
    assert "the vote at offset 100 is not the one that was decided" in ledger.log()


async def test_an_unknown_schema_id_ends_the_ledger_and_is_never_a_decision(
    lone_stack: Stack,
) -> None:
    """What a later version wrote waits for that version; all before it is decided."""
    box = await prepared(lone_stack, 43, size=20)
    ledger = lone_stack.started("ledger")
    await votes_written(lone_stack, [*box[0][1:], b"\0" + (9_999).to_bytes(4, "big") + b"later"])

    assert ledger.wait() == EXIT_STOPPED
    assert f"votes partition 0, offset {len(box[0])}: unknown schema id 9999" in ledger.log()
    assert "Install the version" in ledger.log()
    assert await folded_decisions(lone_stack, [len(box[0])]) == decided(box)[1]


async def test_a_transactional_marker_in_the_votes_ends_the_ledger(lone_stack: Stack) -> None:
    """A marker takes an offset that no reader sees: a hole, as if a vote were missing."""
    await prepared(lone_stack, 44, size=0)
    producer = AIOKafkaProducer(
        bootstrap_servers=lone_stack.kafka, transactional_id=f"{lone_stack.topics.prefix}-any")
    await producer.start()
    try:
        for number in range(2):
            async with producer.transaction():
                await producer.send(lone_stack.topics.votes, logs.vote(number), partition=0)
    finally:
        await producer.stop()
    ledger = lone_stack.started("ledger")

    assert ledger.wait() == EXIT_STOPPED
    assert "offset 3 came after 1" in ledger.log()
    assert "Records are missing from the ballot box (transaction" in ledger.log()


async def test_a_vote_in_the_wrong_partition_is_refused_and_counts_nowhere(
    stack: Stack,
) -> None:
    """A voter lives in one partition: elsewhere the vote is refused, and the ledger goes on."""
    box = await prepared(stack, 45, size=0)
    voter = (1).to_bytes(4, "big") + bytes(12)
    stray, home = (logs.vote(number, voter=voter) for number in range(2))
    ledger = stack.started("ledger")
    async with connected_producer(stack.kafka) as producer:
        for log, value in zip(box, (stray, home), strict=True):
            log.append(value)
            await write(producer, stack.topics.votes, box.index(log), [value], first_offset=1)
    found = await folded_decisions(stack, [2, 2])
    refused, counted = (codec.decode(decisions[1])[1] for decisions in found)

    assert (refused["outcome"], refused["reason"]) == ("refused", "misplaced")
    assert counted["outcome"] == "counted"
    assert found == decided(box)[1]
    assert ledger.running()


async def test_rules_adopted_in_the_middle_of_a_run_change_nothing_before_them(
    lone_stack: Stack,
) -> None:
    """The ledger goes on under the rules named; those it does not know end it, undecided."""
    box = await prepared(lone_stack, 46, size=40, genesis=FIRST_GENESIS)
    box[0].insert(20, logs.adopted(901, partition=0, partitions=1))
    ledger = lone_stack.started("ledger")
    await votes_written(lone_stack, box[0][1:])
    found = await folded_decisions(lone_stack, [len(box[0])])
    assert found == decided(box)[1]
    assert codec.decode(found[0][20])[1]["outcome"] == "adopted"

    await votes_written(
        lone_stack, [logs.adopted(902, partition=0, partitions=1, ledger_version=2)])
    assert ledger.wait() == EXIT_STOPPED
    assert "adopts ledger version 2, unknown here. Install a version of scrutin" in ledger.log()


async def test_mostly_undecodable_votes_end_the_ledger_until_an_operator_accepts_them(
    lone_stack: Stack,
) -> None:
    """A bad release must not have a campaign refused: starting again is not enough, a word is."""
    await prepared(lone_stack, 47, size=0)
    await votes_written(lone_stack, [b"{}"] * 1_200)
    ledger = lone_stack.started("ledger")
    await until(lambda: not ledger.running())
    assert ledger.wait() == EXIT_STOPPED
    [told] = re.findall(r"records up to offset (\d+) are undecodable", ledger.log())
    last = int(told)
    assert f"`scrutin accept-undecodable 0 --until {last} --reason TEXT`" in ledger.log()

    ledger.start()
    await until(lambda: not ledger.running())
    assert ledger.wait() == EXIT_STOPPED
    assert set(re.findall(r"up to offset (\d+) are undec", ledger.log())) == {told}
    operators = operations.Log(lone_stack.kafka, lone_stack.topics)
    with pytest.raises(InvalidInput, match="ends before offset 5000: give an offset below 1201"):
        await operations.accept_undecodable(
            operators, 0, 5_000, "mended", now=BEGAN_AT, salt=bytes(16))
    for written in (True, False):
        assert written == await operations.accept_undecodable(
            operators, 0, last, "mended", now=BEGAN_AT, salt=bytes(16))
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, lone_stack.topics.votes, 0, [b"{}"], first_offset=1_201)
    ledger.start()
    await folded_decisions(lone_stack, [1_202])
    ledger.send(signal.SIGTERM)
    assert ledger.wait() == 0


async def test_a_ratio_of_one_lets_undecodable_votes_pass(lone_stack: Stack) -> None:
    """Who sets it there, for a log of the past, has every record refused and none stopped at."""
    await prepared(lone_stack, 47, size=0)
    await votes_written(lone_stack, [b"{}"] * 1_200)
    ledger = lone_stack.started("ledger", SCRUTIN_UNDECODABLE_RATIO="1")
    await folded_decisions(lone_stack, [1_201])
    ledger.send(signal.SIGTERM)
    assert ledger.wait() == 0
