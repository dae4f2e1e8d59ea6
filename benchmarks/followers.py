"""People who follow live figures while others vote at a steady rate, as a process of their own.

`python -m benchmarks.followers GATEWAY_PORT VIEWS_PORT CLIENTS VOTES_PER_SECOND SECONDS` prints,
as JSON, the delays from a vote's receipt to the snapshot that holds it, at the first client, and
how many snapshots each client had. A snapshot's id names the offsets it holds, as receipts do.
"""

import asyncio
import itertools
import json
import sys
import time
from typing import Any

import uvloop

from benchmarks.house import PARTITIONS
from benchmarks.keep_alive import Connection, request
from benchmarks.latency import Clock
from benchmarks.voters import CONNECTIONS, HOST, KEY_CHARACTERS, browser, electorate
from benchmarks.votes import CONSULTATION


EVENT_END = b"\n\n"
OPENED_AT_ONCE = 100
"""Streams that connect together; the listening socket takes a burst of a few thousand."""
SEEN_SECONDS = 10.0
"""Longest wait for the last votes to be seen, and for all streams to begin."""


class Stream(asyncio.Protocol):
    """One client of the live stream, from its first snapshot on."""

    def __init__(self, port: int) -> None:
        self._head = request(
            "GET", f"/v1/consultations/{CONSULTATION}/live", browser(port))
        self._received = b""
        self.snapshots = 0
        self.moved = asyncio.Event()
        self.cut = False
        self.vectors: list[tuple[float, list[int]]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        sending: Any = transport
        sending.write(self._head)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        *whole, self._received = (self._received + data).split(EVENT_END)
        for event in whole:
            _, found, rest = event.partition(b"id: ")
            if found:
                self.snapshots += 1
                self.moved.set()
                named = rest.partition(b"\n")[0].split(b"-")[:PARTITIONS]
                if all(named):  # An offset before the first is negative: nothing is held yet.
                    self.vectors.append((now, [int(offset) for offset in named]))

    def connection_lost(self, _error: Exception | None) -> None:
        self.cut = True


async def opened(port: int, count: int) -> list[Stream]:
    """Connect so many streams, and wait until each has a snapshot."""
    loop = asyncio.get_running_loop()
    streams: list[Stream] = []
    while len(streams) < count:
        streams += [stream for _, stream in await asyncio.gather(*(
            loop.create_connection(lambda: Stream(port), HOST, port)
            for _ in range(min(OPENED_AT_ONCE, count - len(streams)))))]
    async with asyncio.timeout(SEEN_SECONDS):
        for stream in streams:
            await stream.moved.wait()
    return streams


async def vote(port: int, rate: float, seconds: float, clock: Clock) -> None:
    """Vote at a steady rate; note when each receipt came."""
    votes = itertools.cycle(await electorate(port))
    connections = [await Connection.open(HOST, port) for _ in range(CONNECTIONS)]
    began = time.monotonic()
    numbers = iter(range(int(rate * seconds)))

    async def vote_on(connection: Connection) -> None:
        for number in numbers:
            await asyncio.sleep(began + number / rate - time.monotonic())
            before, after = next(votes)
            key = f"{time.time_ns():0{KEY_CHARACTERS}}".encode()
            answer = await connection.ask(before + key + after)
            now = time.monotonic()
            assert answer.status == 202, answer.body
            receipt = json.loads(answer.body)
            clock.acknowledged[receipt["partition"], receipt["offset"]] = now

    await asyncio.gather(*map(vote_on, connections))
    for connection in connections:
        connection.close()


async def main() -> None:
    """Follow and vote; print what came of it."""
    gateway, views, clients = map(int, sys.argv[1:4])
    rate, seconds = map(float, sys.argv[4:6])
    clock = Clock()
    streams = await opened(views, clients)
    clock.vectors = streams[0].vectors
    before = [stream.snapshots for stream in streams]
    began = time.monotonic()
    await vote(gateway, rate, seconds, clock)
    took = time.monotonic() - began
    each = [(stream.snapshots - had) / took for stream, had in zip(streams, before, strict=True)]
    async with asyncio.timeout(SEEN_SECONDS):
        while not clock.holds_all():
            streams[0].moved.clear()
            await streams[0].moved.wait()
    print(json.dumps({
        "following": sum(not stream.cut for stream in streams),
        "snapshots_per_second": min(each),
        "milliseconds_p99": clock.percentile(clock.published()),
    }))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
