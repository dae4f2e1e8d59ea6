"""HTTP/1.1 over connections that are kept: bytes in, status and body out, and nothing else.

A load must cost less than what it loads: a usual client takes longer for a request than the
gateway for a vote, and would measure itself.
"""

import asyncio
from typing import Any, NamedTuple, Self


HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Answer(NamedTuple):
    """What came back."""

    status: int
    head: bytes
    body: bytes


class Connection(asyncio.Protocol):
    """A connection that asks one thing at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        return connection

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send a request; its answer, or ConnectionError."""
        assert self._answer is None, "one request at a time"
        self._answer = self._loop.create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self._transport.close()

    @property
    def closed(self) -> bool:
        """Whether either side has closed it: nothing more is answered."""
        return bool(self._transport.is_closing())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(HEAD_END)
        if end < 0:
            return
        head, body = self._received[:end], self._received[end + len(HEAD_END):]
        at = head.index(_LENGTH) + len(_LENGTH)
        if len(body) == int(head[at:].partition(b"\r")[0]):
            self._received = b""
            self._end().set_result(Answer(int(head[9:12]), head, body))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None:
            self._end().set_exception(error or ConnectionResetError("closed before an answer"))

    def _end(self) -> "asyncio.Future[Answer]":
        answer, self._answer = self._answer, None
        assert answer is not None, "an answer that nobody asked for"
        return answer


def request(
    method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> bytes:
    """Write a request."""
    if body is not None:
        headers = {**headers, "content-type": "application/json",
                   "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b"")
