"""What a worker makes sure of before it starts: a broker that answers, topics as they must be."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from schemas.brokers import no_broker
from schemas.kafka_clients import new_admin, new_consumer
from schemas.topics import TopicSpecification


CONNECT_SECONDS = 20.0
"""So long a starting worker waits for the broker before it gives up."""
_SET_FOR_TOPIC = 1
"""Kafka's number for a setting whose source is the topic itself (DescribeConfigs, version 1)."""


class BrokerUnreachable(Exception):
    """No broker answers at the address."""

    def __init__(self, kafka: str, error: object) -> None:
        super().__init__(no_broker(kafka, error))


class WrongTopic(Exception):
    """A topic is missing or has settings under which votes could be lost."""


async def connected_admin(kafka: str) -> AIOKafkaAdminClient:
    """Connect to the broker within CONNECT_SECONDS, or raise BrokerUnreachable."""
    admin = new_admin(kafka, request_timeout_ms=10_000)
    deadline = asyncio.get_running_loop().time() + CONNECT_SECONDS
    while True:
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            if asyncio.get_running_loop().time() > deadline:
                await admin.close()
                raise BrokerUnreachable(kafka, error) from error
            await asyncio.sleep(0.5)
        else:
            return admin


async def check_topics(kafka: str, wanted: list[TopicSpecification]) -> None:
    """Raise WrongTopic unless every topic has its partition count and settings.

    BrokerUnreachable where no broker answers, or it goes away in the midst of it.
    """
    admin = await connected_admin(kafka)
    try:
        await _check_topics(admin, wanted)
    except (KafkaError, OSError) as error:
        raise BrokerUnreachable(kafka, error) from error
    finally:
        await admin.close()


async def _check_topics(admin: AIOKafkaAdminClient, wanted: list[TopicSpecification]) -> None:
    found = {d["topic"]: d for d in await admin.describe_topics([t.name for t in wanted])}
    for topic in wanted:
        description = found.get(topic.name)
        if description is None or description["error_code"]:
            raise WrongTopic(
                f"topic {topic.name} does not exist. Run `scrutin provision` once, before "
                "anything is written."
            )
        count = len(description["partitions"])
        if count != topic.partitions:
            raise WrongTopic(
                f"topic {topic.name} has {count} partitions, {topic.partitions} are expected. "
                "The count never changes within a topic generation: set SCRUTIN_PARTITIONS "
                f"to {count}, or start a new generation with another SCRUTIN_TOPIC_PREFIX."
            )
        await _check_settings(admin, topic)


async def _check_settings(admin: AIOKafkaAdminClient, topic: TopicSpecification) -> None:
    settings = await described_settings(admin, topic.name)
    for name, value in topic.settings.items():
        if settings[name].value != value:
            raise WrongTopic(
                f"topic {topic.name} has {name}={settings[name].value}, it must be {value}: "
                "records would be lost. Set it with `kafka-configs.sh --alter`, and check "
                "with `scrutin audit recount` that none are missing."
            )


class Setting(NamedTuple):
    """A setting of a topic."""

    value: str | None
    of_topic: bool
    """Whether it was set for this topic; else it is the broker's."""


async def described_settings(admin: AIOKafkaAdminClient, topic: str) -> dict[str, Setting]:
    """Return all settings of a topic by name."""
    return (await settings_of(admin, [topic])).get(topic, {})


async def settings_of(
    admin: AIOKafkaAdminClient, topics: Iterable[str]
) -> dict[str, dict[str, Setting]]:
    """Return all settings of topics by topic and name."""
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
    return {entry[3]: {name: Setting(value, source == _SET_FOR_TOPIC)
                       for name, value, _, source, *_ in entry[4]}
            for answer in await admin.describe_configs(wanted) for entry in answer.resources}


async def reader(kafka: str) -> AIOKafkaConsumer:
    """Start a plain consumer beside the worker's own, to look records and end offsets up."""
    consumer = new_consumer(kafka, max_partition_fetch_bytes=1 << 20)
    await consumer.start()
    return consumer
