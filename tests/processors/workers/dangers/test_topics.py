"""Dangers around the log: topics as they must not be, and no broker at all."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.ports import find_free
from processors.workers.provisioning import provision
from schemas.exit_codes import EXIT_MISSING
from tests.harness import Stack


@pytest.mark.parametrize(("topic", "setting", "value"), [
    ("votes", "retention.ms", "604800000"), ("decisions", "retention.bytes", "1000000"),
    ("catalogue", "cleanup.policy", "compact")])
async def test_a_log_that_forgets_records_keeps_the_ledger_from_starting(
    lone_stack: Stack, topic: str, setting: str, value: str
) -> None:
    """Retention by time, by size or by key: the setting, its value and the remedy are named."""
    await provision(lone_stack.kafka, lone_stack.topics, replication=1)
    name = getattr(lone_stack.topics, topic)
    admin = AIOKafkaAdminClient(bootstrap_servers=lone_stack.kafka)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(
            ConfigResourceType.TOPIC, name, configs={setting: value})])
    finally:
        await admin.close()
    ledger = lone_stack.started("ledger")

    assert ledger.wait() == EXIT_MISSING
    assert f"topic {name} has {setting}={value}, it must be" in ledger.log()
    assert "records would be lost. Set it with `kafka-configs.sh --alter`" in ledger.log()


async def test_another_partition_count_keeps_the_ledger_from_starting(
    lone_stack: Stack,
) -> None:
    """A voter's partition follows from the count: it never changes within a generation."""
    await provision(lone_stack.kafka, lone_stack.topics, replication=1)
    ledger = lone_stack.started("ledger", SCRUTIN_PARTITIONS="3")

    assert ledger.wait() == EXIT_MISSING
    assert "has 1 partitions, 3 are expected" in ledger.log()
    assert "set SCRUTIN_PARTITIONS to 1, or start a new generation" in ledger.log()


async def test_without_a_broker_every_worker_says_where_it_looked(lone_stack: Stack) -> None:
    """Nobody answers: a sentence that names the address and what to do, and status 3."""
    address = f"127.0.0.1:{find_free(1)[0]}"
    workers = [lone_stack.started(command, SCRUTIN_KAFKA=address)
               for command in ("ledger", "ideas", "provision")]
    for worker in workers:
        assert worker.wait() == EXIT_MISSING
        assert f"no Kafka broker answers at {address}" in worker.log()
        assert "Start the local stack with `scrutin up`, or set SCRUTIN_KAFKA" in worker.log()
