"""Topics that an earlier version made, and what a log begins with."""

import pytest
from aiokafka.admin import NewTopic

from processors.workers.kafka_checks import WrongTopic, connected_admin, described_settings
from processors.workers.provisioning import create, provision
from producers.signing import own_key
from schemas import codec
from schemas.control_roles import public_key
from schemas.corrections import Authority
from schemas.genesis import Genesis, announced
from tests.harness import Stack, connected_producer, read_to_end, write


async def test_provisioning_tunes_topics_that_are_there_and_nothing_else(lone_stack: Stack) -> None:
    """Compacted topics roll their segments from then on; what an operator set for them stays."""
    topics = lone_stack.topics
    admin = await connected_admin(lone_stack.kafka)
    try:
        await admin.create_topics([NewTopic(topics.results, 1, 1, topic_configs={
            "cleanup.policy": "compact", "flush.messages": "7",
            "unclean.leader.election.enable": "true"})])
        done = await provision(lone_stack.kafka, topics, replication=1)
        again = await provision(lone_stack.kafka, topics, replication=1)
        [wanted] = [topic for topic in topics.specifications() if topic.name == topics.results]
        found = await described_settings(admin, topics.results)
    finally:
        await admin.close()

    given = {name: setting.value for name, setting in found.items() if setting.of_topic}
    assert wanted.tuning
    assert given == {
        "cleanup.policy": "compact", "flush.messages": "7", **wanted.tuning,
        "unclean.leader.election.enable": "false"}
    assert (f"{topics.results} had unclean.leader.election.enable=true; it has false now."
            in done.changed)
    assert again.changed == []


async def test_another_announcement_is_not_taken_for_that_of_the_log(lone_stack: Stack) -> None:
    """One without keys stands in nobody's way: the log's own is written, once, and counts."""
    topics, keys = lone_stack.topics, (public_key("operator", own_key(bytes(32)).public),)
    await create(lone_stack.kafka, topics.specifications(), replication=1)
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, topics.catalogue, 0, [
            b"garbage", announced(2, 0, (), occurred_at=0)])
    for _ in range(2):
        await provision(lone_stack.kafka, topics, replication=1, genesis=Genesis(keys=keys))
    records = await read_to_end(lone_stack.kafka, topics.catalogue, 1)
    authority = Authority()
    for record in records[1:]:
        authority.announce(codec.decode(record.value)[1], record.value)

    assert (len(records), authority.keys) == (3, keys)


async def test_a_log_whose_keys_another_announced_first_is_not_provisioned(
    lone_stack: Stack
) -> None:
    """Its own announcement would not count: that is said, and nothing seems to be as it must."""
    topics, ours, theirs = lone_stack.topics, *((public_key(
        "operator", own_key(bytes([number] * 32)).public),) for number in (1, 2))
    await create(lone_stack.kafka, topics.specifications(), replication=1)
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, topics.catalogue, 0, [announced(2, 1, theirs, occurred_at=0)])

    with pytest.raises(WrongTopic, match="announces keys of controls that are not those"):
        await provision(lone_stack.kafka, topics, replication=1, genesis=Genesis(keys=ours))


async def test_a_topic_that_cannot_be_made_is_said_with_the_reason(lone_stack: Stack) -> None:
    """More replicas than brokers: a sentence, not a trace."""
    with pytest.raises(WrongTopic, match=r"could not be created: .*InvalidReplicationFactor"):
        await provision(lone_stack.kafka, lone_stack.topics, replication=2)
