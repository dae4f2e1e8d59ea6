"""uvicorn's HTTP protocol, with one system call for an answer instead of two, and bounded requests.

uvicorn writes the head and the body of an answer one after the other, and the loop sends each at
once: two system calls of five microseconds, and whoever reads wakes twice. Here what is written
within one turn of the loop goes out together at its end.

uvicorn also keeps a head of any length until it is whole, takes what stands behind a body for
headers, and waits for the rest of a request, or for the first one, for ever. Here a head that is
too long is refused, also one that comes in one piece; so is a body in crumbs, and one with as much
beside it as a head may have; what stands behind a body is dropped; and a connection whose request
does not become whole in time is closed. A vote arrives whole, and costs no timer: its head is not
even measured where all that came with it is shorter than a head may be.

And uvicorn keeps whatever a client does not take; here that is bounded (`scrutin.serving.untaken`).
"""

import asyncio
import itertools
import weakref
from typing import Any, ClassVar

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scrutin.serving.unfinished import Unfinished
from scrutin.serving.untaken import Untaken


HEAD_BYTES = 16_384
"""Longest head: browsers keep 4 kB of a cookie, we give two, and proxies add some hundred bytes.
"""
BESIDE_BYTES = 2 * HEAD_BYTES
"""Most that comes of a request but its body: the head, the frames of pieces, what is behind."""
HEADERS_MOST = 128
"""Headers of a request, at most: a browser behind two proxies sends forty."""
BODY_PIECES_MOST = 1_024
"""Pieces of a body, at most: the longest body, a partner's batch, has 60 kB, and a packet of the
worst network 500 B."""

CONNECTIONS_MOST = 8_192
"""Connections at once, at most: streams take 2,500. Each may hold a request on its way, that is
BESIDE_BYTES and 64 KiB of a body, for REQUEST_SECONDS. One more takes the place of one that is not
being answered: nobody keeps others out by connections on which nothing is asked. Where all are
being answered it is closed before it is heard."""
IDLE_CUT = 256
"""Connections between two requests that are cut at once, of all that must be looked through."""
PIPELINED_MOST = 16
"""Requests of a connection that wait behind the one being answered: browsers send none, and of the
shortest a packet holds thousands."""
LONG_BYTES = 65_536
"""Parts of an answer so long are handed on as they are, not joined."""

REQUEST_SECONDS = 20.0
"""Longest wait for a whole request, from its first byte, or from the connection for the first one:
4 kB come in a second over the worst of networks, and who sends a byte a minute wants the socket."""


class _JoiningTransport:
    """A transport that gathers writes; everything else it leaves to the real one."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, untaken: Untaken
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._untaken = untaken
        self._parts: list[bytes] = []
        self._bodies: list[bytes] = []
        self.is_closing = transport.is_closing  # Asked for each request.
        self._waiting = transport.get_write_buffer_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        if len(data) >= LONG_BYTES:
            self._bodies.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            if self.is_closing():  # It was cut within this turn: some loops raise at a write then.
                self._bodies = []
                return
            if self._bodies:
                self._write_long(parts)
                return
            # Some loops send what they were handed at the end of their turn: all of it waits now.
            waited = self._waiting()
            self._transport.write(b"".join(parts))
            if waited:
                self._untaken.written(self._transport)

    def _write_long(self, parts: list[bytes]) -> None:
        """Write each part as it is: who joined them would make one more of a long one."""
        bodies, self._bodies = self._bodies, []
        for part in parts:
            self._transport.write(part)
        self._untaken.written(self._transport, bodies)


class JoinedWrites(HttpToolsProtocol):
    """HTTP/1.1 for uvicorn's `http` option."""

    _lines: ClassVar[weakref.WeakKeyDictionary[object, tuple[Untaken, Unfinished]]] = (
        weakref.WeakKeyDictionary())
    """What all connections of a server have not taken, and not sent, by that which they share."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the class it overrides
        self._in_head = False
        self._whole = True
        self._pieces = self._body_bytes = self._beside_bytes = self._begun = self._read_bytes = 0
        self._patience: asyncio.TimerHandle | None = None
        self._untaken, self._unfinished = self._lines.get(
            self.server_state) or self._lines.setdefault(
                self.server_state, (Untaken(self.loop), Unfinished()))
        self._real = transport
        super().connection_made(_JoiningTransport(transport, self.loop, self._untaken))  # type: ignore[arg-type]  # it behaves as one
        self._be_patient()
        # Who says nothing at all stands in line too.
        self._unfinished.came(transport, 0)
        if len(self.connections) > CONNECTIONS_MOST:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_content()
        self._untaken.gone(self._real)
        self._unfinished.whole(self._real)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED_MOST:
            raise HttpParserError("too many requests at once")
        self._in_head, self._whole = True, False
        self._pieces = self._beside_bytes = 0
        self._begun += 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._whole = True
        self._be_content()
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.headers) > HEADERS_MOST or (
                self._beside_bytes + self._read_bytes > HEAD_BYTES
                and _bytes_of(self.url, self.headers) > HEAD_BYTES):
            # The parser hands it to uvicorn's data_received, which answers and closes.
            raise HttpParserError("a head beyond its bounds")
        super().on_headers_complete()
        # The request has the list of its headers; what stands behind its body goes to this one.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._pieces += 1
        self._body_bytes += len(body)
        if self._pieces > BODY_PIECES_MOST and not self.cycle.response_complete:
            raise HttpParserError("a body in crumbs")
        super().on_body(body)

    def data_received(self, data: bytes) -> None:
        self._read_bytes, self._begun, self._body_bytes = len(data), 0, 0
        shared = not self._whole
        super().data_received(data)
        if not self._whole:
            # Where one request ends and another begins in what came, nobody knows whose it was.
            if self._begun + shared < 2:
                self._beside_bytes += len(data) - self._body_bytes
            if self._beside_bytes > (HEAD_BYTES if self._in_head else BESIDE_BYTES):
                self._refuse()
            self._unfinished.came(self._real, len(data))
        if not self._whole and self._patience is None:
            self._be_patient()

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            if self._in_head:
                self.send_400_response("The head of this request is too long.")
            else:
                self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: anybody may ask for a protocol that is not spoken here."""

    def _make_room(self) -> None:
        """Cut who began to ask first and has not yet, or asks nothing more, or takes nothing."""
        if self._unfinished.cut_first(but=self._real):
            return
        idle = list(itertools.islice((
            each for each in self.connections
            if isinstance(each, JoinedWrites) and each.timeout_keep_alive_task is not None
        ), IDLE_CUT))
        for each in idle:
            each.transport.abort()
        if not idle and not self._untaken.cut_first():
            self._real.abort()

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _be_content(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            self._unfinished.whole(self._real)


def _bytes_of(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """Measure a head: what separates its headers counts too."""
    return len(url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in headers)
