"""One partition of the votes takes nothing: a gateway says which, and takes the votes of others."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaStorageError

from scrutin.gateway.composition import connected
from scrutin.settings import Settings
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser
from tests.waiting import until_found


VOTERS = 12
"""So many that hardly ever all lie in one of two partitions."""


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[httpx2.AsyncBaseTransport]:
    """Run a gateway in this process, once it takes votes."""
    await booths.opened(stack)
    settings = Settings(data_dir=stack.folder / "data", partitions=2)
    async with (connected(settings, stack.kafka, stack.topics) as (application, _, _),
                Browser("http://127.0.0.1", httpx2.ASGITransport(application)) as browser):
        async def ready() -> bool:
            return (await browser.client.get("/readyz")).status_code == 200
        await until_found(ready)
        yield httpx2.ASGITransport(application)


async def test_a_gateway_says_which_partition_is_away_and_takes_the_votes_of_others(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In refusals, at /readyz, which stays ready, and in a figure; until it is back."""
    topic, mended = stack.topics.votes, asyncio.Event()
    send_batch, start = AIOKafkaProducer.send_batch, AIOKafkaProducer.start

    async def failing(
        self: AIOKafkaProducer, batch: Any, topic: str, *, partition: int) -> Any:
        if not mended.is_set() and (topic, partition) == (stack.topics.votes, 1):
            raise KafkaStorageError
        return await send_batch(self, batch, topic, partition=partition)

    async def late(self: AIOKafkaProducer) -> None:
        await mended.wait()
        await start(self)

    async with opened(stack) as transport, AsyncExitStack() as exits:
        voters = [await exits.enter_async_context(Browser("http://127.0.0.1", transport))
                  for _ in range(VOTERS)]
        lying = [(await each.vote()).json()["partition"] for each in voters]
        there, away = (voters[lying.index(partition)] for partition in (0, 1))
        monkeypatch.setattr(AIOKafkaProducer, "send_batch", failing)
        monkeypatch.setattr(AIOKafkaProducer, "start", late)
        unknown, refused = await away.vote("p2"), await away.vote("p2")
        taken, ready = await there.vote("p2"), await there.client.get("/readyz")
        figures = re.findall(r'partition_away{partition="(.)",topic="(.*)"} (.)',
                             (await there.client.get("/metrics")).text)
        mended.set()

        async def back() -> bool:
            return (await away.vote("p2")).status_code == 202
        await until_found(back)
        ready_again = await there.client.get("/readyz")

    assert [each.status_code for each in (unknown, refused, taken, ready)] == [504, 503, 202, 200]
    assert [each.json()["away"] for each in (unknown, refused)] == [[f"{topic}/1"]] * 2
    assert ready.text == f"ok, but for {topic}/1: away\n"
    assert {("0", topic, "0"), ("1", topic, "1")} < {*figures}
    assert ready_again.text == "ok\n"
