"""What a connection may send beside a body: heads, headers, pieces, trailers, other protocols."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from scrutin.gateway.composition import http_options
from scrutin.serving.joined_writes import (
    BESIDE_BYTES,
    BODY_PIECES_MOST,
    HEAD_BYTES,
    HEADERS_MOST,
    _JoiningTransport,
)
from scrutin.serving.untaken import Untaken
from tests.waiting import WAIT_SECONDS, until
from views.ports import listen


async def _telling(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what came, once the body is whole."""
    request = Request(scope, receive)
    body = await request.body()
    await JSONResponse({
        "headers": len(request.headers.raw), "late": "late" in request.headers, "body": len(body),
    })(scope, receive, send)


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """Serve with the gateway's options; yield the port."""
    with listen("127.0.0.1", 0) as opened:
        server = uvicorn.Server(uvicorn.Config(_telling, **http_options()))
        task = asyncio.create_task(server.serve(sockets=[opened]))
        await until(lambda: server.started)
        try:
            yield opened.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def answered(port: int, *pieces: bytes) -> tuple[int, dict[str, Any]]:
    """Send pieces one after the other; return the answer, 0 where there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            said = await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, {}
    finally:
        writer.close()
    status = int(head.split(b" ", 2)[1])
    return status, json.loads(said) if status == 200 else {}


def head(*lines: bytes, size: int = 0, method: bytes = b"GET") -> bytes:
    """Write a head, filled up to a size as the server measures it."""
    lines = (b"Host: x", b"Connection: close", *lines)
    if size:
        rest = size - len(b"/") - sum(len(line) + 2 for line in lines) - len(b"Filled: \r\n")
        lines = (*lines, b"Filled: " + b"x" * rest)
    return method + b" / HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


async def test_a_head_is_bounded_in_one_piece_and_in_many() -> None:
    """As long as it may be it is answered, a byte longer refused, however it comes."""
    fits, longer = head(size=HEAD_BYTES), head(size=HEAD_BYTES + 1)
    async with serving() as port:
        assert await answered(port, fits) == (
            200, {"headers": 3, "late": False, "body": 0})
        assert (await answered(port, longer))[0] == 400
        assert (await answered(port, longer[:9], longer[9:]))[0] == 400
        assert (await answered(port, head(size=200_000)))[0] != 200


def test_what_waits_for_a_connection_that_is_cut_is_dropped() -> None:
    """Cut and written to within one turn of the loop: nobody is told of an error."""
    async def run() -> list[str]:
        loop, said = asyncio.get_running_loop(), list[str]()
        loop.set_exception_handler(lambda _loop, context: said.append(context["message"]))

        class Cutting(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                joining = _JoiningTransport(transport, loop, Untaken(loop))
                transport.abort()
                joining.write(b"too late")

        server = await loop.create_server(Cutting, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), WAIT_SECONDS)
            writer.close()
        return said

    assert uvloop.run(run()) == []


async def test_headers_are_counted() -> None:
    """As many as there may be are answered, one more is refused."""
    async with serving() as port:
        fits = await answered(port, head(*[b"a:b"] * (HEADERS_MOST - 2)))
        more = await answered(port, head(*[b"a:b"] * (HEADERS_MOST - 1)))

    assert (fits[0], fits[1]["headers"], more[0]) == (200, HEADERS_MOST, 400)


async def test_nothing_behind_a_body_becomes_a_header() -> None:
    """Trailers are dropped: what was checked is what was sent before; without end they are cut."""
    chunked = head(b"Transfer-Encoding: chunked", method=b"POST") + b"1\r\na\r\n0\r\n"
    endless = [b"late: ", *[b"x" * BESIDE_BYTES] * 16]
    async with serving() as port:
        found = await answered(port, chunked + b"Late: yes\r\n\r\n")
        cut = await answered(port, chunked, *endless)

    assert found == (200, {"headers": 3, "late": False, "body": 1})
    assert cut[0] != 200


async def test_a_body_in_crumbs_is_refused() -> None:
    """A body comes in as many pieces as there may be, and in no more."""
    opening, end = head(b"Transfer-Encoding: chunked", method=b"POST"), b"0\r\n\r\n"
    async with serving() as port:
        fits = await answered(port, opening + b"1\r\na\r\n" * BODY_PIECES_MOST + end)
        more = await answered(port, opening + b"1\r\na\r\n" * (BODY_PIECES_MOST + 1) + end)

    assert (fits[0], fits[1]["body"], more[0]) == (200, BODY_PIECES_MOST, 400)


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_other_protocols_are_not_spoken(protocol: bytes) -> None:
    """Who asks to go on in another protocol is answered in this one: no more parsers to reach."""
    upgrade = (b"Upgrade: " + protocol, b"Sec-WebSocket-Key: " + b"A" * 22 + b"==",
               b"Sec-WebSocket-Version: 13")
    async with serving() as port:
        asked = head(*upgrade).replace(b"Connection: close", b"Connection: close, Upgrade")
        assert (await answered(port, asked))[0] == 200
