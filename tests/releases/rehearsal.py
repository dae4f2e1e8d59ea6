"""Votes written chunk by chunk while releases take over from one another, and the exact count."""

import asyncio
import json
import signal
from typing import Any

from tests.harness import (
    WAIT_SECONDS,
    Logs,
    Stack,
    Worker,
    connected_producer,
    decided,
    folded_decisions,
    read_to_end,
    write,
)
from tests.sinks.ballots import CONSULTATION
from tests.sinks.published import published
from views.documents import Documents
from views.reader import ResultsReader


PARTITIONS, CHUNK = 2, 300


async def write_chunk(stack: Stack, box: Logs, number: int, *, size: int = CHUNK) -> None:
    """Write the next votes of each partition."""
    first = 1 + number * size
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[first:first + size],
                        first_offset=first)


async def everything_exact(stack: Stack) -> list[list[bytes]]:
    """Hold decisions and results against the pure count of all that was written; give decisions.

    Whatever wrote it, at whatever time.
    """
    box: Logs = [[] for _ in range(PARTITIONS)]
    for record in await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS):
        box[record.partition].append(record.value)
    ledgers, decisions = decided(box)
    assert await folded_decisions(stack, [len(log) for log in box], spaced=False) == decisions
    catalogue = [record.value for record in await read_to_end(
        stack.kafka, stack.topics.catalogue, 1)]
    expected = published(ledgers, catalogue)
    assert await _document(stack, expected["as_of"]) == expected
    return decisions


async def _document(stack: Stack, as_of: dict[str, Any]) -> dict[str, Any]:
    """Read the results until they hold all of the logs."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            reader = ResultsReader(stack.kafka, stack.topics)
            await reader.read(until_ready=True)
            found = Documents(reader.flushes).whole_document(CONSULTATION)
            if found is not None and found["as_of"] == as_of:
                document: dict[str, Any] = json.loads(json.dumps(found))
                return document


async def exact(stack: Stack, records: int) -> list[list[bytes]]:
    """Hold the decisions against what the pure ledger makes of the ballot box, and return them."""
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
