"""What clients do not take, and how much they send at once, is bounded for all of them together."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from scrutin.gateway.composition import http_options
from scrutin.serving import joined_writes, unfinished, untaken
from tests.memory import traced
from tests.waiting import WAIT_SECONDS, until


BODY_BYTES = 8 << 20
"""More than the kernel takes of it for a client that does not read."""
BYTES_MOST = 3 * BODY_BYTES
LOOK_SECONDS = 0.02
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@dataclass
class Site:
    """A server of long bodies, or of short ones."""

    server: uvicorn.Server
    address: tuple[str, int]
    answered: list[int]
    """Lengths of the bodies that were sent."""
    clients: list[socket.socket] = field(default_factory=list)

    @property
    def untaken_bytes(self) -> int:
        """What lies in this process for its clients."""
        return sum(each.transport.get_write_buffer_size()
                   for each in self.server.server_state.connections)

    async def asking(self, request: bytes = REQUEST) -> socket.socket:
        """Be a client that asks and does not read."""
        client = socket.socket()
        self.clients.append(client)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)  # noqa: FBT003 -- its only parameter
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, self.address)
        await loop.sock_sendall(client, request)
        return client


@contextlib.asynccontextmanager
async def serving(
    body: Callable[[], bytes], free: asyncio.Event | None = None
) -> AsyncIterator[Site]:
    """Run a server that answers everything with a body, once it is free to."""
    answered: list[int] = []

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        if free is not None:
            await free.wait()
        made = body()
        answered.append(len(made))
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", b"%d" % len(made))]})
        await send({"type": "http.response.body", "body": made})

    with socket.create_server(("127.0.0.1", 0)) as opened:
        server = uvicorn.Server(uvicorn.Config(application, **http_options()))
        task = asyncio.create_task(server.serve(sockets=[opened]))
        await until(lambda: server.started)
        site = Site(server, opened.getsockname(), answered)
        try:
            yield site
        finally:
            for client in site.clients:
                client.close()
            server.should_exit = server.force_exit = True
            await task


async def whole(client: socket.socket) -> int:
    """Read to the end; return how many bytes came, or less than none where it was cut off."""
    loop, found = asyncio.get_running_loop(), 0
    async with asyncio.timeout(WAIT_SECONDS):
        try:
            while piece := await loop.sock_recv(client, 1 << 20):
                found += len(piece)
                if found >= BODY_BYTES:
                    break
        except ConnectionError:
            return -1
    return found


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def in_loop(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Any], None]:
    """Run something on each kind of loop, with bounds for a test."""
    monkeypatch.setattr(untaken, "UNTAKEN_BYTES", BYTES_MOST)
    monkeypatch.setattr(untaken, "LOOK_SECONDS", LOOK_SECONDS)

    def run(work: Any) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(work)

    return run


def test_what_clients_do_not_take_is_bounded_in_bytes(in_loop: Callable[[Any], None]) -> None:
    """However many ask and do not read: who has waited longest is cut, and readers are served."""
    async def work() -> None:
        async with serving(lambda: bytes(BODY_BYTES)) as site:
            clients = []
            for _ in range(12):
                clients.append(await site.asking())
                reader = await site.asking()
                assert await whole(reader) >= BODY_BYTES
                reader.close()

                assert site.untaken_bytes <= BYTES_MOST
            taken = [await whole(client) for client in clients]
            assert taken[0] < BODY_BYTES
            assert taken[-1] >= BODY_BYTES

    in_loop(work())


def test_a_body_that_many_take_slowly_counts_once(in_loop: Callable[[Any], None]) -> None:
    """A crowd that reads the same results over slow lines is served to the last."""
    async def work() -> None:
        body = bytes(BODY_BYTES)
        async with serving(lambda: body) as site:
            clients = [await site.asking() for _ in range(12)]
            await until(lambda: site.untaken_bytes > BYTES_MOST)
            taken = [await whole(client) for client in clients]
            assert min(taken) >= BODY_BYTES

    in_loop(work())


def test_a_body_that_many_take_slowly_is_held_once() -> None:
    """On the loop that all who serve visitors run on: what is written to it is not copied."""
    commands = Path(__file__).parents[3] / "scrutin/commands"
    serving_visitors = [text for path in commands.glob("*.py")
                        if "listen(settings." in (text := path.read_text("utf-8"))]

    async def work() -> None:
        body = bytes(BODY_BYTES)
        async with serving(lambda: body) as site:
            with traced() as memory:
                for _ in range(12):
                    await site.asking()
                await until(lambda: len(site.answered) == 12 and site.untaken_bytes > BYTES_MOST)
            assert memory.size_bytes < BODY_BYTES

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
    assert len(serving_visitors) >= 2  # gateway, views
    for text in serving_visitors:
        assert "loop_factory=uvloop.new_event_loop)" in text
        assert "asyncio.run(" not in text


def test_a_client_that_takes_nothing_is_cut(
    in_loop: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some time, though there is room."""
    monkeypatch.setattr(untaken, "UNTAKEN_SECONDS", 5 * LOOK_SECONDS)

    async def work() -> None:
        async with serving(lambda: bytes(BODY_BYTES)) as site:
            client = await site.asking()
            await until(lambda: site.untaken_bytes > 0)
            await until(lambda: not site.server.server_state.connections)
            assert await whole(client) < BODY_BYTES

    in_loop(work())


@pytest.mark.parametrize("sent", [b"", b"GET / HT", REQUEST])
@pytest.mark.parametrize("taken", [True, False])
def test_connections_that_ask_nothing_keep_nobody_out(
    in_loop: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch, sent: bytes, *, taken: bool
) -> None:
    """All places are taken by who says nothing, half a request, nothing more, or does not read."""
    monkeypatch.setattr(joined_writes, "CONNECTIONS_MOST", 3)
    monkeypatch.setattr(joined_writes, "REQUEST_SECONDS", 10 * WAIT_SECONDS)
    body = b"short" if taken else bytes(BODY_BYTES)

    async def work() -> None:
        async with serving(lambda: body) as site:
            state, loop = site.server.server_state, asyncio.get_running_loop()
            for number in range(3):
                client = await site.asking(sent)
                await until(lambda held=number + 1: len(state.connections) == held)  # type: ignore[misc]  # bound now
                if sent == REQUEST and taken:
                    assert (await loop.sock_recv(client, 4_096)).startswith(b"HTTP/1.1 200")
            await until(lambda: sent != REQUEST or len(site.answered) == 3)
            for _ in range(5):
                asker = await site.asking()
                assert (await loop.sock_recv(asker, 4_096)).startswith(b"HTTP/1.1 200")
                await until(lambda: len(state.connections) <= 3)

    in_loop(work())


def test_connections_are_bounded(
    in_loop: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all are being answered one more is closed unheard, and others are not disturbed."""
    monkeypatch.setattr(joined_writes, "CONNECTIONS_MOST", 3)

    async def work() -> None:
        free = asyncio.Event()
        async with serving(lambda: b"short", free) as site:
            clients = [await site.asking() for _ in range(3)]
            await until(lambda: len(site.server.server_state.tasks) == 3)
            assert await whole(await site.asking()) <= 0
            free.set()
            loop = asyncio.get_running_loop()
            for client in [*clients, await site.asking()]:
                assert (await loop.sock_recv(client, 4_096)).startswith(b"HTTP/1.1 200")

    in_loop(work())


@pytest.mark.parametrize("requests", [joined_writes.PIPELINED_MOST, 5_000])
def test_requests_that_wait_behind_another_are_bounded(
    in_loop: Callable[[Any], None], requests: int
) -> None:
    """Some are answered in turn; thousands in one packet are refused, not kept."""
    async def work() -> None:
        async with serving(lambda: b"short") as site:
            client = await site.asking()
            loop = asyncio.get_running_loop()
            assert (await loop.sock_recv(client, 4_096)).startswith(b"HTTP/1.1 200")
            await loop.sock_sendall(client, requests * REQUEST)
            if requests == joined_writes.PIPELINED_MOST:
                await until(lambda: len(site.answered) == requests + 1)
            else:
                await until(lambda: not site.server.server_state.connections)
                assert len(site.answered) <= joined_writes.PIPELINED_MOST + 2

    in_loop(work())


def test_requests_that_are_not_whole_are_bounded_in_bytes(
    in_loop: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many begin one and go no further: who began first is cut, and others are answered."""
    begun = b"GET / HTTP/1.1\r\nhost: x\r\nx: ".ljust(4_000, b"x")
    monkeypatch.setattr(unfinished, "UNFINISHED_BYTES", 5 * len(begun))
    monkeypatch.setattr(joined_writes, "REQUEST_SECONDS", 10 * WAIT_SECONDS)

    async def work() -> None:
        async with serving(lambda: b"short") as site:
            state, loop = site.server.server_state, asyncio.get_running_loop()
            for _ in range(20):
                client = await site.asking(begun)
                asker = await site.asking()
                assert (await loop.sock_recv(asker, 4_096)).startswith(b"HTTP/1.1 200")
                asker.close()
                await until(lambda: len(state.connections) <= 5)
            await loop.sock_sendall(client, b"\r\n\r\n")
            assert (await loop.sock_recv(client, 4_096)).startswith(b"HTTP/1.1 200")
            assert len(site.answered) == 20 + 1

    in_loop(work())
