"""Strict transport: said on every answer that goes by TLS, and on no other."""

from pathlib import Path
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from tests.views.operations.control_room import ControlRoom
from tests.views.test_hosts import paths_of
from views.api import Beside, routed
from views.responses import SecurityHeaders
from views.transport import StrictTransport


SECONDS = 1_234
HEADER = b"strict-transport-security"


async def headers_of(app: Any, scheme: str, path: str, host: bytes) -> list[tuple[bytes, bytes]]:
    """Ask as a server does; return the headers of the answer."""
    started: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)

    await app({
        "type": "http", "http_version": "1.1", "method": "GET", "path": path, "scheme": scheme,
        "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", host)], "client": ("127.0.0.1", 5), "server": ("a", 1),
    }, receive, send)
    return [(name, value) for name, value in started[0]["headers"] if name == HEADER]


async def test_every_answer_by_tls_asks_for_tls_from_then_on(tmp_path: Path) -> None:
    """Pages, files, figures, streams, refusals and what is not there; by plain HTTP none does."""
    room = ControlRoom(tmp_path)
    room.operations.streams.close()
    pages = routed(room.source, beside=Beside(
        operations=room.operations, security_contact="mailto:a@b.example"))
    app = StrictTransport(SecurityHeaders(pages), SECONDS)
    paths = paths_of(pages)

    assert {"/ops", "/metrics", "/nothing", "/.well-known/security.txt"} <= paths
    for path in paths:
        for host in (b"vote.example", b"["):
            assert await headers_of(app, "https", path, host) == [
                (HEADER, b"max-age=%d" % SECONDS)], path
            assert await headers_of(app, "http", path, host) == []


async def test_nothing_is_taken_from_an_answer() -> None:
    """Its own headers stay as they are, also where it has none."""
    for given in ([], [(b"a", b"1"), (b"a", b"2")]):
        async def app(scope: Scope, receive: Receive, send: Send, given: Any = given) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": given})

        assert await headers_of(StrictTransport(app, 0), "https", "/", b"a") == [
            (HEADER, b"max-age=0")]
