"""A producer whose partition nobody leads does not ask for a leader without a pause."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.protocol.metadata import MetadataResponse_v1

from producers.unhurried import unhurried


BROKER, NOBODY = 1, -1
TURNS = 10
"""Turns of the loop in which an answer without a pause is told."""


@asynccontextmanager
async def asked(
    leader: int, *, known: bool, topic: str = "votes"
) -> AsyncIterator["asyncio.Future[bool]"]:
    """Ask for metadata that names this leader, or fails, and give it time to be told."""
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
    producer.client._topics.add(topic)
    producer.client.cluster.update_metadata(MetadataResponse_v1(
        [(BROKER, "127.0.0.1", 1, None)], BROKER,
        [(0, "votes", False, [(0, 0, leader, [BROKER], [BROKER])])]))
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    answer.set_result(known)
    producer.client.force_metadata_update = lambda: answer
    told: asyncio.Future[bool] = unhurried(producer).client.force_metadata_update()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    yield told
    await producer.stop()


async def test_a_leader_that_is_found_is_told_at_once() -> None:
    """Nobody waits for what is known."""
    async with asked(BROKER, known=True) as told:
        assert told.done()


@pytest.mark.parametrize(("leader", "known"), [(BROKER, False), (NOBODY, True), (NOBODY, False)])
async def test_what_found_no_leader_is_told_late(leader: int, known: bool) -> None:  # noqa: FBT001 -- a parameter
    """The sender asks again as soon as it is told."""
    async with asked(leader, known=known) as told:
        assert not told.done()
        assert await told is known


async def test_a_topic_that_is_not_known_is_told_late_too() -> None:
    """A broker that starts may not have heard of it yet."""
    async with asked(BROKER, known=True, topic="unheard") as told:
        assert not told.done()
