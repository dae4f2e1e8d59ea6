"""Connections on which no request becomes whole are closed, whatever they dribble."""

import asyncio
import socket

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from scrutin.gateway.composition import http_options
from scrutin.serving import joined_writes
from tests.waiting import WAIT_SECONDS, until


HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"
REQUEST_SECONDS = 0.2


async def _reading(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer once the whole body is here."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            await PlainTextResponse("read")(scope, receive, send)
            return


@pytest.mark.parametrize("sent", [b"", b"GET / HT", HEAD[:-2], HEAD, HEAD + b"abc"])
@pytest.mark.parametrize("earlier", [b"", HEAD + b"abcd"])
async def test_a_request_that_does_not_become_whole_is_cut(
    monkeypatch: pytest.MonkeyPatch, earlier: bytes, sent: bytes
) -> None:
    """Nothing, half a head, half a body; alone or after a request that was answered."""
    monkeypatch.setattr(joined_writes, "REQUEST_SECONDS", REQUEST_SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as opened:
        server = uvicorn.Server(uvicorn.Config(
            _reading, **{**http_options(), "timeout_keep_alive": 1}))
        task = asyncio.create_task(server.serve(sockets=[opened]))
        await until(lambda: server.started)
        reader, writer = await asyncio.open_connection(*opened.getsockname())
        async with asyncio.timeout(WAIT_SECONDS):
            if earlier:
                writer.write(earlier)
                assert (await reader.readuntil(b"read")).startswith(b"HTTP/1.1 200 ")
            writer.write(sent)
            assert await reader.read() == b""
        writer.close()
        server.should_exit = True
        await task
