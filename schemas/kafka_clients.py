"""The one way to make a client of Kafka: what keeps events and secrets safe is said here once.

Callers add what they read and write at a time; who names one of the safe options again gets a
TypeError. Nothing is connected yet: callers start and stop what they are given. How the process
proves who it is (`kafka_security`) is said once, at its start; until then it does not.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from schemas.first_connections import close_when_given_up
from schemas.kafka_access import Access
from schemas.kafka_security import KafkaSecurity


CLOSE_SECONDS = 10.0
"""Longest wait for a consumer to close; it has nothing to tell the broker."""
LOOK_MILLISECONDS = 2_000
"""A consumer looks so often whether there is anything to ask for that nothing has told it of. All
there is, it is told of: answers, a place that was sought, partitions that are resumed or taken. The
default of 200 ms woke a quiet stack ninety times a second."""


class _Process:
    """What this process is to Kafka."""

    security = KafkaSecurity(Access())


def secure(access: Access) -> None:
    """Make every client of this process by this access, from now on.

    Raises SecretUnreadable, CertificateUnreadable.
    """
    _Process.security = KafkaSecurity(access)


def security() -> KafkaSecurity:
    """Return what clients of this process are made with, for those that others make."""
    return _Process.security


def new_consumer(kafka: str, **options: Any) -> AIOKafkaConsumer:
    """Return a consumer without a group: its caller keeps the position, and names the first one.

    A position that the log lost is an error (OffsetOutOfRangeError), never a silent jump.
    """
    made = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=None, enable_auto_commit=False,
        auto_offset_reset="none", consumer_timeout_ms=LOOK_MILLISECONDS, **security().options(),
        **options)
    _prepare(made._client)  # noqa: SLF001 -- it has no other door
    return made


def new_member(kafka: str, group: str, **options: Any) -> AIOKafkaConsumer:
    """Return a member of a group that takes part in sharing out, and reads nothing."""
    made = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=group, enable_auto_commit=False,
        auto_offset_reset="latest", consumer_timeout_ms=LOOK_MILLISECONDS, **security().options(),
        **options)
    security().keep_fresh(made._client)  # noqa: SLF001 -- as above
    return made


def new_producer(kafka: str, **options: Any) -> AIOKafkaProducer:
    """Return a producer whose retries write nothing twice and which waits for every replica."""
    made = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, acks="all", linger_ms=0,
        **security().options(), **options)
    _prepare(made.client)
    return made


def new_admin(kafka: str, **options: Any) -> AIOKafkaAdminClient:
    """Return a client that looks at topics, groups and settings, and makes topics."""
    made = AIOKafkaAdminClient(bootstrap_servers=kafka, **security().options(), **options)
    _prepare(made._client)  # noqa: SLF001 -- as above
    return made


def _prepare(client: Any) -> None:
    security().keep_fresh(client)
    close_when_given_up(client)


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
