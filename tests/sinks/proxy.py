"""A TCP proxy between archive and ClickHouse that can lose an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """Forward connections; while `answers_to_lose` > 0, inserts get no answer.

    The request is forwarded whole, so ClickHouse does its work; then the connection is cut.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self.answers_to_lose = 0
        self.answers_lost = 0
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        asked = bytearray()
        there = asyncio.create_task(self._forward(reader, target_writer, asked))
        try:
            while answer := await target_reader.read(65_536):
                if self.answers_to_lose and _inserts(asked):
                    self.answers_to_lose -= 1
                    self.answers_lost += 1
                    break
                writer.write(answer)
                await writer.drain()
                asked.clear()
        except ConnectionError:
            pass
        finally:
            there.cancel()
            writer.close()
            target_writer.close()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytearray
    ) -> None:
        while data := await reader.read(65_536):
            asked += data
            writer.write(data)
            await writer.drain()


def _inserts(asked: bytearray) -> bool:
    return b"insert_deduplication_token" in asked


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a URL."""
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
