"""HTTP/1.1 over connections that are kept: bytes in, status and body out, and nothing else.

A load must cost less than what it loads: a usual client takes longer for a request than the
gateway for a vote, and would measure itself.
"""

import asyncio
from typing import Any, NamedTuple, Self


HEAD_END = b"\r\n\r\n"
LINE_END = b"\r\n"
LAST_PIECE = b"\r\n0\r\n\r\n"
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
        self._rest: asyncio.Future[bytes] | None = None
        self._came_at = self._loop.time()

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        """Connect."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        return connection

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send a request; its answer, or ConnectionError. Of one that comes in pieces the first:
        `rest` waits for the others.
        """
        assert self._answer is None, "one request at a time"
        assert self._rest is None, "one answer after the other"
        self._answer = self._loop.create_future()
        self._transport.write(request)
        return self._answer

    async def rest(self) -> bytes:
        """Return what comes of an answer behind its first piece; nothing where it was whole."""
        return await self._rest if self._rest is not None else b""

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been asked, or awaited."""
        return self._loop.time() - self._came_at if self.is_free else 0.0

    @property
    def is_free(self) -> bool:
        """Whether something can be asked: nothing is awaited of it."""
        return self._answer is None and self._rest is None

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
        self._came_at = self._loop.time()
        if self._rest is not None:
            self._piece_received()
            return
        end = self._received.find(HEAD_END)
        if end < 0:
            return
        head, body = self._received[:end], self._received[end + len(HEAD_END):]
        at = head.find(_LENGTH)
        if at < 0:
            self._first_piece(head, body)
        elif len(body) == int(head[at + len(_LENGTH):].partition(b"\r")[0]):
            self._received = b""
            self._end().set_result(Answer(int(head[9:12]), head, body))

    def _first_piece(self, head: bytes, body: bytes) -> None:
        """Take the first piece of an answer without a length (RFC 9112, 7.1), if it is there."""
        size, _, piece = body.partition(LINE_END)
        if piece[int(size or b"0", 16):][:len(LINE_END)] == LINE_END:
            first, self._received = piece[:int(size, 16)], piece[int(size, 16) + len(LINE_END):]
            self._rest = self._loop.create_future()
            self._end().set_result(Answer(int(head[9:12]), head, first))
            self._piece_received()

    def _piece_received(self) -> None:
        """End the answer where its last piece is there: an empty one."""
        assert self._rest is not None
        if self._received.endswith(LAST_PIECE):
            rest, self._rest = self._rest, None
            found, self._received = self._received.removesuffix(LAST_PIECE), b""
            rest.set_result(found.partition(LINE_END)[2])

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None:
            self._end().set_exception(error or ConnectionResetError("closed before an answer"))
        if self._rest is not None:
            self._rest.set_exception(error or ConnectionResetError("closed within an answer"))

    def _end(self) -> "asyncio.Future[Answer]":
        answer, self._answer = self._answer, None
        assert answer is not None, "an answer that nobody asked for"
        return answer


def request(
    method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> bytes:
    """Write a request; its body is JSON where no header says otherwise."""
    if body is not None:
        headers = {"content-type": "application/json", **headers,
                   "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + (body or b"")
