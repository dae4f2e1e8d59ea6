"""uvicorn's HTTP protocol, with one system call for an answer instead of two, and bounded requests.

uvicorn writes the head and the body of an answer one after the other, and the loop sends each at
once: two system calls of five microseconds, and whoever reads wakes twice. Here what is written
within one turn of the loop goes out together at its end.

uvicorn also keeps a head of any length until it is whole, and waits for the rest of a request, or
for the first one, for ever; here a head that grows too long is refused, and a connection whose
request does not become whole in time is closed. A vote arrives whole, and costs no timer.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


HEAD_BYTES = 65_536
"""Longest head that arrives in parts: what proxies let through is shorter."""

REQUEST_SECONDS = 20.0
"""Longest wait for a whole request, from its first byte, or from the connection for the first one:
4 kB come in a second over the worst of networks, and who sends a byte a minute wants the socket."""


class _JoiningTransport:
    """A transport that gathers writes; everything else it leaves to the real one."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing  # Asked for each request.

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
        self._whole = True
        self._patience: asyncio.TimerHandle | None = None
        super().connection_made(_JoiningTransport(transport, self.loop))  # type: ignore[arg-type]  # it behaves as one
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_content()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._whole = True, 0, False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._whole = True
        self._be_content()
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of this request is too long.")
        if not self._whole and self._patience is None:
            self._be_patient()

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _be_content(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
