"""Where a starting ideas worker finds what was published last."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition

from processors.workers import ideas_worker
from processors.workers.ideas_worker import claim
from processors.workers.kafka_checks import reader
from schemas import codec
from schemas.leases import headers, term_of
from schemas.topics import FLUSH_KEY, LEASE_KEY
from tests.harness import Stack, connected_producer, prepared


def marker(*offsets: int) -> bytes:
    """The end of a publication."""
    return codec.encode(
        "ResultsPublished", offsets=list(offsets), catalogue_offset=1, participants_offset=1,
        undecodable=0, decided={}, scores_version="make-org/2022", published_at=0)


@asynccontextmanager
async def empty_results(stack: Stack) -> AsyncIterator[
        tuple[Callable[..., Awaitable[Any]], Callable[[int], Awaitable[tuple[int, ...]]]]]:
    """Give what writes a record of the results, and what looks for the last vector before one."""
    await prepared(stack, 1, size=0)
    results = TopicPartition(stack.topics.results, 0)
    looker = await reader(stack.kafka)
    try:
        async with connected_producer(stack.kafka) as producer:
            yield (functools.partial(producer.send_and_wait, results.topic, partition=0),
                   functools.partial(ideas_worker.last_vector, looker, results, 1))
    finally:
        await looker.stop()


@pytest.mark.parametrize("figures", [0, 3, 40])
async def test_the_last_marker_is_found_however_far_before_the_end(
    lone_stack: Stack, monkeypatch: pytest.MonkeyPatch, figures: int
) -> None:
    """Figures whose marker never came lie behind it; before any, nothing was published."""
    monkeypatch.setattr(ideas_worker, "TAIL_RECORDS", 4)
    async with empty_results(lone_stack) as (publish, last_before):
        assert await last_before(0) == (-1,)
        for offset in (7, 9):
            await publish(marker(offset), key=FLUSH_KEY)
        for number in range(figures):
            await publish(b"figure", key=b"%d" % number)
        # What lies behind the end that is asked for is somebody else's.
        assert await last_before(1) == (7,)
        assert await last_before(2 + figures) == (9,)


async def test_a_marker_that_readers_pass_by_holds_up_nobody(
    lone_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of no term behind a claim, or of one that cannot be: however far its vector is."""
    monkeypatch.setattr(ideas_worker, "TAIL_RECORDS", 2)
    async with empty_results(lone_stack) as (publish, last_before):
        await publish(claim("one", 0), key=LEASE_KEY)
        for offset, term in ((7, term_of(0)), (99, 0), (99, 1 << 60), (98, 0), (97, 0)):
            await publish(marker(offset), key=FLUSH_KEY, headers=headers(term))
        assert await last_before(6) == (7,)
