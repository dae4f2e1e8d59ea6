"""A gateway names its keys of receipts in the log, and says where the log has ended one of them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import structlog

from producers.gateway.follower import Follower
from producers.gateway.key_watch import KeyWatch
from producers.gateway.keys import KeyFolder
from producers.gateway.outlet import Outlet
from producers.key_naming import naming
from schemas.named_keys import IN_USE, RETIRED, NamedKey
from scrutin.gateway.composition import written_topics
from tests.harness import Stack
from tests.sinks.ballots import Log
from tests.sinks.topics import append, create
from tests.waiting import until


def known_time() -> asyncio.Event:
    """Say that the time is known."""
    found = asyncio.Event()
    found.set()
    return found


@contextlib.asynccontextmanager
async def watching(stack: Stack, keys: KeyFolder) -> AsyncIterator[Follower]:
    """Follow the catalogue and watch a key folder, as a gateway does."""
    follower = Follower(stack.kafka, stack.topics)
    async with Outlet(stack.kafka, written_topics(stack.topics)) as outlet:
        watch = KeyWatch(keys, follower, outlet, stack.topics.catalogue, known_time())
        works = [asyncio.create_task(work) for work in (follower.follow(), watch.run(time.time))]
        try:
            yield follower
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works)


def of_receipts(keys: KeyFolder) -> bytes:
    """Return the public key that signs."""
    return keys.receipt.public_key().public_bytes_raw()


async def test_a_key_of_receipts_is_named_at_the_start(stack: Stack, tmp_path: Path) -> None:
    """In the catalogue, where everybody finds it."""
    await create(stack.kafka, stack.topics)
    keys = KeyFolder(tmp_path)
    async with watching(stack, keys) as follower:
        await until(lambda: follower.known.keys.find("receipt", of_receipts(keys)) is not None)
        found = follower.known.keys.find("receipt", of_receipts(keys))

    assert found is not None
    assert found.state == IN_USE


async def test_a_start_is_no_error(stack: Stack, tmp_path: Path) -> None:
    """The catalogue is read before events can be written: the key is named then, and at once."""
    await create(stack.kafka, stack.topics)
    keys, follower = KeyFolder(tmp_path), Follower(stack.kafka, stack.topics)
    outlet = Outlet(stack.kafka, written_topics(stack.topics))
    watch = KeyWatch(keys, follower, outlet, stack.topics.catalogue, known_time())
    with structlog.testing.capture_logs() as said:
        works = [asyncio.create_task(work) for work in (follower.follow(), watch.run(time.time))]
        await until(follower.ready.is_set)
        for _ in range(5):
            await asyncio.to_thread(keys.look)
        async with outlet:
            await until(
                lambda: follower.known.keys.find("receipt", of_receipts(keys)) is not None)
            for work in works:
                work.cancel()
            await asyncio.wait(works)

    assert [each for each in said if each["log_level"] == "error"] == []


async def test_a_gateway_on_an_older_copy_of_the_folder_says_that_its_key_is_retired(
    stack: Stack, tmp_path: Path
) -> None:
    """What it signs could be denied: where, and what to do is said; nothing is named anew."""
    await create(stack.kafka, stack.topics)
    keys = KeyFolder(tmp_path)
    ended: Log = [naming(NamedKey("receipt", "", of_receipts(keys), state), 1)
                  for state in (IN_USE, RETIRED)]
    await append(stack.kafka, stack.topics.catalogue, [ended])
    with structlog.testing.capture_logs() as said:
        async with watching(stack, keys) as follower:
            await until(_says(said, "the log says that it is retired"))

    assert _says(said, f"{tmp_path} is an older copy")()
    assert follower.offset == len(ended) - 1


def _says(said: list[Any], words: str) -> Callable[[], bool]:
    return lambda: any(words in str(each.get("reason")) for each in said)


async def test_no_key_is_named_before_the_time_is_known(stack: Stack, tmp_path: Path) -> None:
    """The machine's own clock may be an hour ahead: the broker would refuse the record."""
    await create(stack.kafka, stack.topics)
    follower, settled = Follower(stack.kafka, stack.topics), asyncio.Event()
    asked: list[float] = []

    def clock() -> float:
        asked.append(time.time())
        return asked[-1]

    async with Outlet(stack.kafka, written_topics(stack.topics)) as outlet:
        watch = KeyWatch(
            KeyFolder(tmp_path), follower, outlet, stack.topics.catalogue, settled)
        works = [asyncio.create_task(work) for work in (follower.follow(), watch.run(clock))]
        await until(lambda: follower.ready.is_set() and outlet.opened.is_set())
        await asyncio.sleep(0)
        assert not asked
        settled.set()
        await until(lambda: bool(asked))
        for work in works:
            work.cancel()
        await asyncio.wait(works)
