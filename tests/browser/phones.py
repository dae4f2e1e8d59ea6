"""The network of a telephone: a proxy that holds each answer until it is whole, and loses some."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit


HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"

Meets = Callable[[bytes], Awaitable[bool]]
"""Given the head of a request that the service has answered: whether the answer goes on."""


class Phone:
    """Passes requests on, one a connection; of an answer the browser sees nothing until its end."""

    def __init__(self, service: str) -> None:
        self._service = urlsplit(service)
        self.url = ""
        self.sends: Meets = _whole
        """Whether a request gets as far as the service; by default it does."""
        self.answers: Meets = _whole
        """Whether the answer comes back; by default it does."""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            head = await reader.readuntil(HEAD_END)
            body = await reader.readexactly(_length_of(head))
            if await self.sends(head):
                answer = await self._answer(head, body)
                if await self.answers(head):
                    writer.write(answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The browser went away: so do telephones.
        finally:
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(
            self._service.hostname, self._service.port)
        try:
            lines = [line for line in head.removesuffix(HEAD_END).split(b"\r\n")
                     if not line.lower().startswith(b"connection:")]
            writer.write(b"\r\n".join([*lines, b"connection: close"]) + HEAD_END + body)
            return await reader.read()
        finally:
            writer.close()


async def _whole(_head: bytes) -> bool:
    return True


def _length_of(head: bytes) -> int:
    return next((int(line[len(_LENGTH):]) for line in head.lower().split(b"\r\n")
                 if line.startswith(_LENGTH)), 0)


@contextlib.asynccontextmanager
async def phone(service: str) -> AsyncIterator[Phone]:
    """Run one before a service; what it still holds at the end is dropped."""
    found, tasks = Phone(service), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await found.take(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1")
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        server.close()
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
