"""Dangers of the decisions: a repeat with other bytes, and a broker that takes none."""

import hashlib

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from processors.ledger.decisions import decode, encode
from schemas.exit_codes import EXIT_STOPPED
from tests.harness import (
    Stack,
    connected_producer,
    decided,
    folded_decisions,
    prepared,
    write,
)


async def test_a_decision_repeated_with_other_bytes_ends_the_ledger(lone_stack: Stack) -> None:
    """Two ledgers under different rules, or a forgery: nobody goes on from there."""
    box = await prepared(lone_stack, 51, size=60)
    ledger = lone_stack.started("ledger")
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, lone_stack.topics.votes, 0, box[0][1:], first_offset=1)
        [found] = await folded_decisions(lone_stack, [61])
        ledger.kill()
        forged = decode(found[30])._replace(chain=hashlib.sha256(b"other").digest()[:16])
        await write(producer, lone_stack.topics.decisions, 0, [found[29], encode(forged)])
    ledger.start()

    assert ledger.wait() == EXIT_STOPPED
    assert "two different decisions of offset 30" in ledger.log()
    assert "stop all ledgers and run `scrutin audit recount`" in ledger.log()


async def test_a_ledger_whose_decisions_are_refused_ends_and_recovers(lone_stack: Stack) -> None:
    """An idempotent producer that failed once is poisoned: the worker ends, nothing is skipped."""
    box = await prepared(lone_stack, 52, size=60)
    decisions = lone_stack.topics.decisions
    ledger = lone_stack.started("ledger")
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, lone_stack.topics.votes, 0, box[0][1:31], first_offset=1)
        await folded_decisions(lone_stack, [31])
        await set_largest_message(lone_stack.kafka, decisions, "50")
        await write(producer, lone_stack.topics.votes, 0, box[0][31:], first_offset=31)
        assert ledger.wait() == EXIT_STOPPED
    assert "worker stopped" in ledger.log()
    await set_largest_message(lone_stack.kafka, decisions, "2097152")
    ledger.start()

    assert await folded_decisions(lone_stack, [61]) == decided(box)[1]


async def set_largest_message(kafka: str, topic: str, size: str) -> None:
    """Have the broker refuse larger batches of a topic; its other settings stay."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(
            ConfigResourceType.TOPIC, topic, configs={
                "max.message.bytes": size, "cleanup.policy": "delete", "retention.ms": "-1",
                "retention.bytes": "-1"})])
    finally:
        await admin.close()
