"""uvicorn's HTTP protocol, with one system call for an answer instead of two, and bounded heads.

uvicorn writes the head and the body of an answer one after the other, and the loop sends each at
once: two system calls of five microseconds, and whoever reads wakes twice. Here what is written
within one turn of the loop goes out together at its end.

uvicorn also keeps a head of any length until it is whole; here one that grows too long is refused.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


HEAD_BYTES = 65_536
"""Longest head that arrives in parts: what proxies let through is shorter."""


class _JoiningTransport:
    """A transport that gathers writes; everything else it leaves to the real one."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            joined, self._parts = b"".join(self._parts), []
            self._transport.write(joined)


class JoinedWrites(HttpToolsProtocol):
    """HTTP/1.1 for uvicorn's `http` option."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the class it overrides
        self._in_head = False
        super().connection_made(_JoiningTransport(transport, self.loop))  # type: ignore[arg-type]  # it behaves as one

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of this request is too long.")
