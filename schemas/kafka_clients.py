"""The one way to make a consumer or a producer of Kafka: what keeps events safe is said here once.

Callers add what they read and write at a time; who names one of the safe options again gets a
TypeError. Nothing is connected yet: callers start and stop what they are given.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


def new_consumer(kafka: str, **options: Any) -> AIOKafkaConsumer:
    """Return a consumer without a group: its caller keeps the position, and names the first one.

    A position that the log lost is an error (OffsetOutOfRangeError), never a silent jump.
    """
    return AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=None, enable_auto_commit=False,
        auto_offset_reset="none", **options)


def new_producer(kafka: str, **options: Any) -> AIOKafkaProducer:
    """Return a producer whose retries write nothing twice and which waits for every replica."""
    return AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, acks="all", linger_ms=0, **options)
