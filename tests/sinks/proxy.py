"""A TCP proxy between archive and ClickHouse that can lose an answer."""

import asyncio
import contextlib
import ssl
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
        self.requests = 0
        """Requests that were answered, whatever they were."""
        self.url = ""
        self.user = parts.netloc.rpartition("@")[0]
        self._connections: set[asyncio.Task[None]] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until it or the proxy ends."""
        task = asyncio.create_task(self.handle(reader, writer))
        self._connections.add(task)
        await asyncio.wait([task])
        self._connections.discard(task)

    async def end(self) -> None:
        """End what clients left open: those that were killed."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

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
                self.requests += bool(asked)
                asked.clear()
        except ConnectionError:
            pass
        finally:
            there.cancel()
            for end in (writer, target_writer):
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()

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
async def proxied(url: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a URL, which speaks TLS where it is told how."""
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0, ssl=tls)
    scheme, port = "https" if tls else "http", server.sockets[0].getsockname()[1]
    proxy.url = f"{scheme}://{proxy.user}@127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
