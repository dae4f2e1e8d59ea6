"""Votes written chunk by chunk while releases take over from one another, and the exact count."""

import signal

from tests.harness import (
    Logs,
    Stack,
    Worker,
    connected_producer,
    decided,
    folded_decisions,
    read_to_end,
    write,
)


PARTITIONS, CHUNK = 2, 300


async def write_chunk(stack: Stack, box: Logs, number: int, *, size: int = CHUNK) -> None:
    """Write the next votes of each partition."""
    first = 1 + number * size
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[first:first + size],
                        first_offset=first)


async def exact(stack: Stack, records: int) -> list[list[bytes]]:
    """Hold the decisions against what the pure ledger makes of the ballot box, and give them."""
    made = await folded_decisions(stack, [records] * PARTITIONS)
    box: Logs = [[] for _ in range(PARTITIONS)]
    for record in await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS):
        box[record.partition].append(record.value)
    assert made == [decisions[:records] for decisions in decided(box)[1]]
    return made


def end(worker: Worker) -> None:
    """Tell a worker to stop, and see it do so in order."""
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0, worker.log()
