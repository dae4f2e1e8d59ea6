"""The one way to make a consumer or a producer of Kafka: what keeps events safe is said here once.

Callers add what they read and write at a time; who names one of the safe options again gets a
TypeError. Nothing is connected yet: callers start and stop what they are given.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


CLOSE_SECONDS = 10.0
"""Longest wait for a consumer to close; it has nothing to tell the broker."""


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


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, whatever the broker does, and whatever has ended in it before.

    In tasks of their own: aiokafka lets a cancellation of its own tasks out, which would end
    whoever waits for it, and then leaves its connections open.
    """
    client: Any = consumer._client  # noqa: SLF001 -- see above: nobody else closes them
    for closing in (consumer.stop, client.close):
        task = asyncio.create_task(closing())
        ended, _ = await asyncio.wait([task], timeout=CLOSE_SECONDS)
        if ended and not task.cancelled():
            task.result()
