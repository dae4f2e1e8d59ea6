"""The door for readers: a network has its share of pages and of live streams, and no more."""

import asyncio
import re
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from producers.gateway.rates import Rates
from scrutin.gateway.readers import CHECK_COST, LIST_COST, STREAMS_PER_NETWORK, Door
from tests.views import campaign
from tests.views.test_api import PAGE, Clock, Published
from views.api import application, routed


def rates(readers_per_minute: int) -> Rates:
    return Rates(voter_per_minute=1, network_per_minute=1, readers_per_minute=readers_per_minute)


def test_a_network_that_reads_too_much_is_told_to_wait() -> None:
    """A search stands for several requests; past the bound 429 says until when, to one network."""
    source, clock = Published(campaign.flushes(4, closed=False)), Clock()
    source.ready.set()
    door = Door(application(source), rates(LIST_COST + 1), clock)
    one, other = (
        TestClient(door, client=(address, 1)) for address in ("192.0.2.7", "198.51.100.7"))
    answers = [one.get(path) for path in (f"{PAGE}/proposals?q=faut", PAGE, PAGE, "/v1/x")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert [answer.headers.get("retry-after") for answer in answers] == [None, None, "61", "61"]
    assert answers[3].json()["type"] == "/problems/too-many-requests"
    assert other.get(PAGE).status_code == 200
    clock.now = 60.0
    assert one.get(PAGE).status_code == 200


def test_what_neighbours_read_takes_nothing_from_the_booth() -> None:
    """Past the bound of pages the booth is open, and styles are given; and the other way round."""
    source = Published(campaign.flushes(4, closed=False))
    source.ready.set()
    client = TestClient(Door(application(source), rates(2), Clock()), client=("192.0.2.7", 1))
    read = [client.get(PAGE).status_code for _ in range(3)]
    booth = [client.get(f"{PAGE}/vote").status_code for _ in range(3)]

    assert read == [200, 200, 429]
    assert [status == 429 for status in booth] == [False, False, True]
    assert client.get("/static/style.css").status_code == 200
    assert client.get("/c/x/votes").status_code == 429


def test_forms_count_as_pages_do() -> None:
    """Whoever sends forms without a pause gets 429 as readers do: each is answered by a page."""
    source = Published(campaign.flushes(4, closed=False))
    source.ready.set()
    client = TestClient(Door(application(source), rates(2), Clock()), client=("192.0.2.7", 1))
    statuses = [client.post(f"{PAGE}/vote", data={"proposal": "p"}).status_code for _ in range(4)]

    assert statuses[2:] == [429, 429]
    assert 429 not in statuses[:2]


def test_a_check_of_a_receipt_stands_for_several_pages() -> None:
    """It takes as long as they do; asking for its page is one."""
    source = Published(campaign.flushes(4, closed=False))
    source.ready.set()
    client = TestClient(
        Door(application(source), rates(CHECK_COST + 1), Clock()), client=("192.0.2.7", 1))
    path = f"{PAGE}/vote/receipts"
    statuses = [client.post(path, data={"receipt": "x"}).status_code, client.get(path).status_code,
                client.get(path).status_code]

    assert [status == 429 for status in statuses] == [False, False, True]


def test_who_has_no_address_has_limits_too() -> None:
    """A socket's path, a word, an address with a port: pages, forms and streams are bounded."""
    source = Published(campaign.flushes(4, closed=False))
    source.ready.set()
    door = Door(application(source), rates(2), Clock())
    unknown = [TestClient(door, client=(address, 1)) for address in ("unknown", "/run/x.sock", "")]
    assert [client.get(PAGE).status_code for client in unknown] == [200, 200, 429]
    with_ports = [TestClient(door, client=(f"192.0.2.7:{port}", 1)) for port in (50_123, 50_124, 9)]
    assert [client.get(PAGE).status_code for client in with_ports] == [200, 200, 429]


def test_every_address_has_limits() -> None:
    """Whatever is asked for, by whoever has no address: all but styles are refused in the end."""
    source = Published(campaign.flushes(4, closed=False))
    source.ready.set()
    found = [route for route in routed(source).routes if isinstance(route, Route)]
    paths = {re.sub(r"{[^}]*}", "1", route.path) for route in found}
    assert len(paths) > 10
    unlimited = set()
    for path in paths:
        client = TestClient(
            Door(application(source), rates(1), Clock()), client=("unknown", 1),
            follow_redirects=False)
        client.get(path)
        if client.get(path).status_code != 429:
            unlimited.add(path)

    assert unlimited == {path for path in paths if path.startswith("/static/")}


@pytest.mark.parametrize("address", ["192.0.2.7", "unknown"])
async def test_no_network_takes_all_places_of_live_streams(address: str) -> None:
    """Past its share a network gets 429; a stream that ends gives its place back."""
    ended, open_streams = asyncio.Event(), 0

    async def streaming(_scope: Scope, _receive: Receive, _send: Send) -> None:
        nonlocal open_streams
        open_streams += 1
        await ended.wait()

    door = Door(streaming, rates(1_000), Clock())
    streams = [asyncio.create_task(status_of(door, address))
               for _ in range(STREAMS_PER_NETWORK)]
    await asyncio.sleep(0)
    same = "192.0.2.250" if address == "192.0.2.7" else "/run/proxy.sock"
    assert await status_of(door, same) == 429
    streams.append(asyncio.create_task(status_of(door, "198.51.100.7")))
    await asyncio.sleep(0)
    assert open_streams == STREAMS_PER_NETWORK + 1
    ended.set()
    await asyncio.gather(*streams)
    assert await status_of(door, address) is None


async def status_of(door: Door, address: str) -> int | None:
    """Follow from an address; return the status of a refusal."""
    found: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        found.extend([message["status"]] if "status" in message else [])

    await door({
        "type": "http", "method": "GET", "path": "/v1/consultations/x/live", "query_string": b"",
        "headers": [], "client": (address, 1), "scheme": "http", "server": ("x", 80),
    }, receive, send)
    return found[0] if found else None
