"""The Host header is looked at before anything makes an address of it."""

from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Scope

from tests.views.operations.control_room import ControlRoom
from views import hosts
from views.api import Beside, routed
from views.responses import SecurityHeaders


NO_HOSTS = (
    b"", b"[", b"]", b"[]", b"[::1", b"::1", b"[::1]x", b"[::1]:", b"[:::::]", b"[1.2.3.4]",
    b"[::1%25lo]", b"a b", b" ", b"\xff", b"http://[", b"http://a", b"a/b", b"a?b", b"a#b", b"u@a",
    b"a:", b"a:b", b"a:65536", b"a:999999", b"a,b", b"a\x00", b"a\t", b'"', b"<a>", b"a%20b",
    b"x" * 301, b"\xc3\xa9.example",
)
HOSTS = {
    b"localhost": "localhost", b"LocalHost:80": "localhost", b"a.example.org": "a.example.org",
    b"a.example.org.": "a.example.org.", b"127.0.0.1:8080": "127.0.0.1",
    b"[::1]:8080": "::1", b"[2001:DB8::0:1]": "2001:db8::1", b"views:8080": "views",
    b"my_host": "my_host", b"a:65535": "a",
}


async def answered(app: Any, path: str, *, headers: list[tuple[bytes, bytes]],
                   method: str = "GET") -> tuple[int, dict[bytes, bytes]]:
    """Ask an application as a server does, whatever the headers; give status and headers."""
    scope: Scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "scheme": "http",
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8080)}
    started: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)

    await app(scope, receive, send)
    return started[0]["status"], dict(started[0]["headers"])


def paths_of(app: Any) -> set[str]:
    """List the addresses of an application, with something in each of their parts."""
    found = {route.path for route in app.routes}
    return {path.replace("{consultation}", "town").replace("{partition:number}", "1").replace(
        "{offset:number}", "2").replace("{name}", "closed").replace("{path:path}", "a/b")
        for path in found} | {"/nothing", "/ops/", "/v1/nothing", "/c/town/"}


@pytest.mark.parametrize("host", NO_HOSTS)
async def test_what_is_no_host_is_refused_at_every_address(tmp_path: Path, host: bytes) -> None:
    """No route fails for it, also those that a redirect would lead to: each answers 400."""
    room = ControlRoom(tmp_path)
    pages = routed(room.source, beside=Beside(operations=room.operations))
    for path in paths_of(pages):
        for method in ("GET", "POST"):
            status, headers = await answered(
                SecurityHeaders(pages), path, headers=[(b"host", host)], method=method)

            assert status == 400, (path, method)
            assert headers[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("headers", [[], [(b"host", b"localhost"), (b"host", b"evil.example")]])
async def test_no_host_and_two_hosts_are_refused(
    tmp_path: Path, headers: list[tuple[bytes, bytes]]
) -> None:
    """Two readers of such a request could each believe another one."""
    room = ControlRoom(tmp_path)

    assert (await answered(room.app, "/livez", headers=headers))[0] == 400


def test_a_host_is_read_as_a_name() -> None:
    """Without port and brackets, in one spelling; whatever is none is nobody's."""
    assert {host: hosts.name_in(host) for host in HOSTS} == HOSTS
    assert [host for host in NO_HOSTS if hosts.name_in(host) is not None] == []


def test_this_machine_has_few_names() -> None:
    """A name that only looks like one of them could lead here from a page of another site."""
    ours = ("localhost", "127.0.0.1", "127.255.0.1", "::1")
    others = ("localhost.", "localhost.example", "127.0.0.1.example", "0.0.0.0", "::", "127.1", "")

    assert all(map(hosts.is_loopback, ours))
    assert not any(map(hosts.is_loopback, others))
