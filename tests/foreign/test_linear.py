"""Whatever strangers send to whatever address: work grows with its length alone, and nobody else
waits for them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import uvicorn

from deploy.local.services import Broker
from scrutin.gateway.composition import http_options
from tests.foreign.applications import (
    COOKIES,
    FIELDS,
    Address,
    Fields,
    Name,
    Reached,
    gateway_on,
    noting,
    views_in,
    worker,
)
from tests.foreign.asking import SIZES, Wish, asked, fault
from tests.foreign.hostile import TEXTS, Grown, Sent, bodies
from tests.waiting import WAIT_SECONDS, until
from views.ports import listen


ALWAYS = frozenset(("cookie", "accept-language", "content-type", "x-unknown"))
"""Headers that are tried at every address, whether it was seen to read them or not."""
SHARED_BY = 9
"""A header that most addresses look for is tried with every ninth text at each, with another
ninth at the next one: with all of them at any nine in a row."""
TAKE_BODIES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
GOOD_BODIES = (
    Sent("application/json", b'{"proposal":"p1","choice":"agree","qualification":"like_it"}'),
    Sent("application/x-www-form-urlencoded", b"act=agree&proposal=p1&key=0123456789abcdef"),
    Sent("multipart/form-data; boundary=x",
         b'--x\r\nContent-Disposition: form-data; name="receipt"\r\n\r\n{}\r\n--x--\r\n'))

Tries = Iterator[tuple[str, list[Wish]]]


@dataclass(frozen=True)
class Read:
    """What an address was seen to look for."""

    headers: frozenset[str]
    fields: frozenset[str]
    cookies: frozenset[str]

    def headers_of(self, number: int, own: frozenset[str]) -> list[str]:
        """Return which headers are tried with the text of a number: its own with each."""
        return sorted(own if number % SHARED_BY else self.headers | ALWAYS)

    def own_headers(self, all_reads: "list[Read]") -> frozenset[str]:
        """Return the headers that fewer than half of all addresses look for."""
        return frozenset(name for name in self.headers if 2 * sum(
            name in each.headers for each in all_reads) < len(all_reads))


async def test_the_work_of_a_gateway_is_linear(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Every address of the gateway, its pages, the booth, the logs and the figures."""
    async with gateway_on(broker, topic_prefix, tmp_path) as reached:
        assert {"/v1/consultations/{consultation}/votes", "/c/{consultation}/vote/receipts",
                "/metrics", "/log/{path:path}"} <= {each.path for each in reached.addresses}
        await all_linear(reached)
        await others_are_answered(reached)


async def test_the_work_of_views_is_linear(tmp_path: Path) -> None:
    """Every address of the views and of the operators' page."""
    reached = views_in(tmp_path)
    assert "/ops/login" in {each.path for each in reached.addresses}
    await all_linear(reached)
    await others_are_answered(reached)


async def test_the_work_of_a_worker_is_linear() -> None:
    """Every address of a worker's health port."""
    reached = worker()
    await all_linear(reached)
    await others_are_answered(reached)


async def all_linear(reached: Reached) -> None:
    """Fail at the first thing that is answered by a fault, or costs more than its length."""
    count = 0
    with noting():
        reads = [await read_at(reached, address) for address in reached.addresses]
        for place, (address, read) in enumerate(zip(reached.addresses, reads, strict=True)):
            texts = [(read.headers_of(place + number, read.own_headers(reads)), text)
                     for number, text in enumerate(TEXTS)]
            for what, wishes in tries(reached, address, read, texts):
                count += 1
                found = await fault(reached.app, wishes)
                assert not found, f"{address.method} {address.path}, {what}: {found}"
    assert count > len(reached.addresses) * len(TEXTS)


async def read_at(reached: Reached, address: Address) -> Read:
    """Ask as somebody who means well, and see what is looked for."""
    for names in (Name.looked_up, Fields.looked_up, COOKIES):
        names.clear()
    for sent in GOOD_BODIES if address.method in TAKE_BODIES else (None,):
        status, _ = await asked(reached.app, Wish(
            address.method, address.at(), "", tuple(reached.headers.items()), sent))
        assert status not in (0, 405, 500), f"{address}: {status}"
    return Read(*map(frozenset, (Name.looked_up, Fields.looked_up, COOKIES)))


def tries(
    reached: Reached, address: Address, read: Read, texts: list[tuple[list[str], Grown]]
) -> Tries:
    """Yield everything that is tried at an address, each in all sizes.

    Texts come with the headers that they are tried as.
    """
    plain = tuple(reached.headers.items())

    def wish(path: str = "", query: str = "", sent: Sent | None = None,
             header: tuple[str, str] = ("x", "")) -> Wish:
        named = dict((*plain, header))
        return Wish(address.method, path or address.at(), query, tuple(named.items()), sent)

    for headers, text in texts:
        kind = repr(text(12))
        for name in headers:
            yield f"header {name}: {kind}", [wish(header=(name, text(size))) for size in SIZES]
        for name in sorted(read.cookies):
            yield f"cookie {name}={kind}", [
                wish(header=("cookie", f"{name}={text(size)}")) for size in SIZES]
        for name in sorted({*read.fields, ""}):
            before = f"{name}=" if name else ""
            yield f"query {before}{kind}", [wish(query=before + text(size)) for size in SIZES]
        for name in address.parts:
            yield f"{name} in the path {kind}", [
                wish(address.at(name, quote(text(size), safe="%/:;,="))) for size in SIZES]
    yield "many headers", [
        Wish(address.method, address.at(), "", (*plain, *(("x", "y"),) * (size // 4)))
        for size in SIZES]
    if address.method in TAKE_BODIES:
        for body in bodies(FIELDS):
            yield f"body {body(60)}", [wish(sent=body(size)) for size in SIZES]


# Others meanwhile


async def others_are_answered(reached: Reached) -> None:
    """While each hostile body is under way, and while it is read, somebody else is answered."""
    async with asyncio.timeout(WAIT_SECONDS):
        with listen("127.0.0.1", 0) as opened:
            server = uvicorn.Server(uvicorn.Config(reached.app, **http_options()))
            task = asyncio.create_task(server.serve(sockets=[opened]))
            await until(lambda: server.started)
            port = opened.getsockname()[1]
            for address in reached.addresses:
                for sent in hostile_at(address):
                    await another_is_answered(port, raw(reached, address, sent), address)
            server.should_exit = True
            await task


def hostile_at(address: Address) -> Iterator[Sent | None]:
    """Yield what is sent to an address over a socket."""
    if address.method not in TAKE_BODIES:
        yield None
        return
    for number, body in enumerate(bodies(())):
        if number % 7 == 0:
            yield body(SIZES[1])


def raw(reached: Reached, address: Address, sent: Sent | None) -> bytes:
    """Write a request as it goes over a socket."""
    body = sent.body if sent else b""
    headers = {**reached.headers, "connection": "close", "cookie": 'a="' + "\\" * SIZES[0],
               "content-length": str(len(body)), **(
                   {"content-type": sent.declared} if sent else {})}
    lines = [f"{address.method} {address.at()} HTTP/1.1",
             *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body


async def another_is_answered(port: int, request: bytes, address: Address) -> None:
    """Send all but the last byte, be answered elsewhere, send it, be answered elsewhere again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request[:-1])
        await writer.drain()
        assert await is_alive(port)
        writer.write(request[-1:])
        assert await is_alive(port)
        answer = await reader.readline()
        assert b" 500 " not in answer, f"{address}: {request[:200]!r}"
    except ConnectionError:
        pass  # It was refused before it was whole.
    finally:
        writer.close()


async def is_alive(port: int) -> bool:
    """Ask whether the process answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.readline()
    writer.close()
    return b" 200 " in answer
