"""Of two ideas workers one publishes; the other takes over, and the first harms nothing."""

import os
import signal
import sys
from itertools import groupby
from pathlib import Path

from schemas import codec
from schemas.leases import term_in, term_of
from schemas.topics import FLUSH_KEY, LEASE_KEY
from tests.harness import (
    Stack,
    connected_producer,
    decided,
    expected_document,
    prepared,
    published_document,
    read_to_end,
    write,
)
from tests.processors.workers.dangers import zombie_ideas


async def test_a_standby_goes_on_where_a_killed_or_frozen_holder_stood(stack: Stack) -> None:
    """The frozen one wakes with a publication in its hands: written, and of no account."""
    ends = (500, 1_000, 2_000, 3_000)
    box = await prepared(stack, 71, size=ends[-1], voters=300)
    stack.started("ledger")
    first, second = stack.started("ideas", "first"), stack.worker("ideas", "second")
    second.program = [sys.executable, str(Path(zombie_ideas.__file__))]

    async def votes_up_to(place: int) -> None:
        begin = 1 + ends[place - 1] if place else 1
        async with connected_producer(stack.kafka) as producer:
            for partition, log in enumerate(box):
                await write(producer, stack.topics.votes, partition, log[begin:ends[place] + 1],
                            first_offset=begin)

    async def publishes(place: int) -> None:
        until = ends[place]
        assert await published_document(stack, [until, until]) == expected_document(
            decided([log[:until + 1] for log in box])[0])

    await votes_up_to(0)
    await publishes(0)
    second.start()
    await second.says("stands by")
    first.kill()
    await votes_up_to(1)
    await publishes(1)
    first.start()
    await first.says("stands by")
    await votes_up_to(2)
    await second.frozen()
    await publishes(2)
    os.kill(second.pid, signal.SIGCONT)
    await second.says("stands by", 2)
    await votes_up_to(3)
    await publishes(3)

    assert first.running()
    assert second.running()
    records = await read_to_end(stack.kafka, stack.topics.results, 1)
    claims = [(record.offset, codec.decode(record.value)[1]["instance"]) for record in records
              if record.key == LEASE_KEY]
    assert [name for name, _ in groupby(name for _, name in claims)] == ["first", "second", "first"]
    handed_over = max(offset for offset, name in claims if name == "second")
    again = min(offset for offset, name in claims if name == "first" and offset > handed_over)
    strays = [record for record in records if record.offset > again
              and term_in(record.headers, record.offset) == term_of(handed_over)]
    assert FLUSH_KEY in {record.key for record in strays}, "it wrote what it had in its hands"
