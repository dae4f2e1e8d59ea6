"""Topics that an earlier version made."""

from aiokafka.admin import NewTopic

from processors.workers.kafka_checks import connected_admin, described_settings
from processors.workers.provisioning import provision
from tests.harness import Stack


async def test_provisioning_tunes_topics_that_are_there_and_nothing_else(lone_stack: Stack) -> None:
    """Compacted topics roll their segments from then on; what an operator set for them stays."""
    topics = lone_stack.topics
    admin = await connected_admin(lone_stack.kafka)
    try:
        await admin.create_topics([NewTopic(topics.results, 1, 1, topic_configs={
            "cleanup.policy": "compact", "flush.messages": "7"})])
        await provision(lone_stack.kafka, topics, replication=1)
        [wanted] = [topic for topic in topics.specifications() if topic.name == topics.results]
        found = await described_settings(admin, topics.results)
    finally:
        await admin.close()

    assert wanted.tuning
    assert {name: setting.value for name, setting in found.items() if setting.of_topic} == {
        "cleanup.policy": "compact", "flush.messages": "7", **wanted.tuning}
