"""Where a starting ideas worker finds what was published last."""

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


@pytest.mark.parametrize("figures", [0, 3, 40])
async def test_the_last_marker_is_found_however_far_before_the_end(
    lone_stack: Stack, monkeypatch: pytest.MonkeyPatch, figures: int
) -> None:
    """Figures whose marker never came lie behind it; before any, nothing was published."""
    monkeypatch.setattr(ideas_worker, "TAIL_RECORDS", 4)
    await prepared(lone_stack, 1, size=0)
    results = TopicPartition(lone_stack.topics.results, 0)
    looker = await reader(lone_stack.kafka)
    try:
        async with connected_producer(lone_stack.kafka) as producer:
            assert await ideas_worker.last_vector(looker, results, 1, 0) == (-1,)
            for offset in (7, 9):
                await producer.send_and_wait(
                    results.topic, marker(offset), key=FLUSH_KEY, partition=0)
            for number in range(figures):
                await producer.send_and_wait(
                    results.topic, b"figure", key=b"%d" % number, partition=0)
        # What lies behind the end that is asked for is somebody else's.
        assert await ideas_worker.last_vector(looker, results, 1, 1) == (7,)
        assert await ideas_worker.last_vector(looker, results, 1, 2 + figures) == (9,)
    finally:
        await looker.stop()


async def test_a_marker_that_readers_pass_by_holds_up_nobody(
    lone_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of no term behind a claim, or of one that cannot be: however far its vector is."""
    monkeypatch.setattr(ideas_worker, "TAIL_RECORDS", 2)
    await prepared(lone_stack, 1, size=0)
    results = TopicPartition(lone_stack.topics.results, 0)
    looker = await reader(lone_stack.kafka)
    try:
        async with connected_producer(lone_stack.kafka) as producer:
            await producer.send_and_wait(
                results.topic, claim("one", 0), key=LEASE_KEY, partition=0)
            for offset, term in ((7, term_of(0)), (99, 0), (99, 1 << 60), (98, 0), (97, 0)):
                await producer.send_and_wait(
                    results.topic, marker(offset), key=FLUSH_KEY, partition=0,
                    headers=headers(term))
        assert await ideas_worker.last_vector(looker, results, 1, 6) == (7,)
    finally:
        await looker.stop()
