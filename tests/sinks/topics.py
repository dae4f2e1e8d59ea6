"""Topics with records in them, on the broker of the tests."""

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import Topics
from tests.sinks.ballots import Log


async def create(kafka: str, topics: Topics) -> None:
    """Create every topic as it must be."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([
        NewTopic(one.name, one.partitions, 1, topic_configs=one.settings)
        for one in topics.specifications()])
    await admin.close()


async def append(kafka: str, topic: str, logs: Sequence[Log]) -> None:
    """Append a log to each partition of a topic."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, acks="all", linger_ms=2)
    await producer.start()
    sent = [
        await producer.send(
            topic, value=value, key=b"" if value is None else None, partition=partition,
            timestamp_ms=1000 + number)
        for partition, log in enumerate(logs) for number, value in enumerate(log)
    ]
    await producer.flush()
    for future in sent:
        await future
    await producer.stop()
