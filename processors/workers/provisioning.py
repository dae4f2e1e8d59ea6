"""Make the topics of a generation and adopt the rules: the first records of every partition."""

import asyncio
import hashlib
import time
from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from processors.workers.kafka_checks import check_topics, connected_admin, described_settings
from schemas import codec
from schemas.kafka_clients import new_consumer, new_producer
from schemas.registry import FIRST_RULES
from schemas.topics import Topics, TopicSpecification


VISIBLE_SECONDS = 30.0
"""A topic just created is known to every broker by then."""
VISIBLE_POLL_SECONDS = 0.05


async def provision(kafka: str, topics: Topics, *, replication: int) -> list[int]:
    """Create missing topics, check all, adopt the rules; give the partitions that adopted now.

    Finished after a kill: a partition that holds a record has adopted its rules already.
    """
    await create(kafka, topics.specifications(), replication=replication)
    await check_topics(kafka, topics.specifications())
    return await _adopt(kafka, topics)


async def create(
    kafka: str, topics: Sequence[TopicSpecification], *, replication: int
) -> None:
    """Create the topics that are missing, and wait until they are known."""
    admin = await connected_admin(kafka)
    try:
        present = set(await admin.list_topics())
        missing = [
            NewTopic(topic.name, topic.partitions, replication,
                     topic_configs={**topic.settings, **topic.tuning})
            for topic in topics if topic.name not in present
        ]
        answer = await admin.create_topics(missing) if missing else None
        for error in answer.topic_errors if answer else ():
            kind = for_code(error[1])
            if error[1] and kind is not TopicAlreadyExistsError:
                raise kind(f"topic {error[0]} could not be created: {error[-1]}")
        # The controller has made them; a busy broker may hear of that a little later.
        async with asyncio.timeout(VISIBLE_SECONDS):
            wanted = {topic.name for topic in missing}
            while wanted - set(await admin.list_topics()):  # noqa: ASYNC110 -- nobody tells us
                await asyncio.sleep(VISIBLE_POLL_SECONDS)
        for topic in topics:
            if topic.name in present and topic.tuning:
                await _tune(admin, topic)
    finally:
        await admin.close()


async def _tune(admin: AIOKafkaAdminClient, topic: TopicSpecification) -> None:
    """Give a topic that an earlier version made the settings it would be made with now."""
    found = await described_settings(admin, topic.name)
    if any(found[name].value != value for name, value in topic.tuning.items()):
        # What is not named in the request would go back to its default.
        own = {name: setting.value for name, setting in found.items() if setting.of_topic}
        await admin.alter_configs([ConfigResource(
            ConfigResourceType.TOPIC, topic.name, configs={**own, **topic.tuning})])


async def _adopt(kafka: str, topics: Topics) -> list[int]:
    partitions = [TopicPartition(topics.votes, n) for n in range(topics.partitions)]
    consumer = new_consumer(kafka)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    empty = [tp.partition for tp in partitions if not ends[tp]]
    producer = new_producer(kafka)
    await producer.start()
    try:
        for partition in empty:
            now = int(time.time() * 1000)
            await producer.send_and_wait(
                topics.votes, rules_adopted(topics, partition, now),
                partition=partition, timestamp_ms=now)
    finally:
        await producer.stop()
    return empty


def rules_adopted(topics: Topics, partition: int, occurred_at: int) -> bytes:
    """Encode the adoption of the current rules, the first record of a partition."""
    seed = f"RulesAdopted/{FIRST_RULES}/{topics.votes}"
    return codec.encode(
        "RulesAdopted", event_id=hashlib.sha256(seed.encode()).digest()[:16],
        ledger_version=FIRST_RULES, partition=partition, partitions=topics.partitions,
        salt=hashlib.sha256(f"{seed}/{partition}/salt".encode()).digest()[:16],
        origin="operator", occurred_at=occurred_at,
    )
