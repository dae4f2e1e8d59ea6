"""Judgements are followed on a real broker: from their beginning, as they come, each once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from deploy.local.services import Broker
from processors.guard.published import Findings
from processors.workers.provisioning import provision
from schemas.topics import Topics
from tests.harness import connected_producer, write
from tests.views import guarding
from tests.waiting import until
from views.guard.reader import TopicReader


NEWER = b"\x00\xff\xff\xff\xff" + bytes(20)
"""A record under a schema id that no release has."""


@pytest.fixture
async def topics(broker: Broker, topic_prefix: str) -> Topics:
    """Make the topics."""
    found = Topics(topic_prefix, 1)
    await provision(broker.address, found, replication=1)
    return found


@contextlib.asynccontextmanager
async def following(
    broker: Broker, topics: Topics, findings: Findings
) -> AsyncIterator[asyncio.Task[None]]:
    """Follow the judgements meanwhile."""
    task = asyncio.create_task(TopicReader(broker.address, topics.patrol, findings.take).read())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_lies_there_and_what_comes_is_taken_once(
    broker: Broker, topics: Topics
) -> None:
    """Strays between them are passed over."""
    values = [guarding.judgement(number, guarding.finding("town", ordinal=number))
              for number in range(1, 5)]
    findings = Findings()
    async with connected_producer(broker.address) as producer:
        await write(producer, topics.patrol, 0, [*values[:2], b"garbage", values[1]])
        async with following(broker, topics, findings):
            await until(lambda: findings.judgement == 2)
            await write(producer, topics.patrol, 0, values[2:], first_offset=4)
            await until(lambda: findings.judgement == 4)

    assert len(findings.of("town")) == 4


async def test_what_only_a_later_version_can_read_ends_the_following_and_nothing_else(
    broker: Broker, topics: Topics
) -> None:
    """What was read until then stays; nobody goes on behind what cannot be read."""
    findings = Findings()
    async with connected_producer(broker.address) as producer:
        await write(producer, topics.patrol, 0, [
            guarding.judgement(1, guarding.finding("town")), NEWER, guarding.judgement(2)])
        async with following(broker, topics, findings) as task:
            await until(task.done)

    assert task.exception() is None
    assert findings.judgement == 1
