"""Who gives up while a client of Kafka begins leaves no connection open."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from schemas.kafka_clients import new_admin, new_consumer, new_producer
from tests.harness import WAIT_SECONDS


METADATA, VERSIONS = 3, 18
"""Kafka's numbers for what a client asks first, and before that."""


class SilentBroker:
    """Says which requests it takes, and then nothing more."""

    def __init__(self) -> None:
        self.address = ""
        self.asked, self.left = asyncio.Event(), asyncio.Event()
        """Set once somebody asked for the brokers, and once they closed the connection."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while True:
                size, = struct.unpack(">i", await reader.readexactly(4))
                kind, _, number = struct.unpack(">hhi", (await reader.readexactly(size))[:8])
                if kind == METADATA:
                    self.asked.set()
                else:
                    taken = struct.pack(">ihi6h", number, 0, 2, METADATA, 0, 1, VERSIONS, 0, 0)
                    writer.write(struct.pack(">i", len(taken)) + taken)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def silent_broker() -> AsyncIterator[SilentBroker]:
    """Listen at an address."""
    broker = SilentBroker()
    async with await asyncio.start_server(broker.answer, "127.0.0.1", 0) as server:
        broker.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield broker


@pytest.mark.parametrize("make", [new_consumer, new_producer, new_admin])
async def test_who_gives_up_before_the_brokers_are_known_leaves_no_connection(
    make: Callable[[str], Any],
) -> None:
    """As a gateway gives up after five seconds, again and again, while a broker is too busy."""
    async with asyncio.timeout(WAIT_SECONDS), silent_broker() as broker:
        client = make(broker.address)
        starting = asyncio.create_task(client.start())
        await broker.asked.wait()
        starting.cancel()
        ended = await asyncio.gather(starting, return_exceptions=True)
        await broker.left.wait()
        await (client.close() if make is new_admin else client.stop())

    assert isinstance(ended[0], asyncio.CancelledError)
