"""Each documented proxy before a real gateway and views: what it must let through, and what not."""

import asyncio
import json
import re

import httpx2
import pytest

from producers.gateway import operations
from schemas.figures import READY, read
from tests.deploy.proxies import fronts
from tests.deploy.proxies.conftest import TOKEN, Servers, until_up
from tests.deploy.proxies.fronts import Front
from tests.producers.gateway import booths
from tests.producers.gateway.booths import ANSWER_SECONDS
from tests.producers.gateway.test_heads import fields_of, size


HEAD_BYTES = 3_000
VOTE = {"proposal": "p1", "choice": "agree"}
VOTES = "/v1/consultations/town/votes"
INSIDE = ("/ops", "/ops/", "/ops/live", "/ops/login", "/metrics", "/%6fps", "/ops%2Flive",
          "/%6d%65trics", "//ops", "/./ops", "/x/../ops", "/ops?x=1", "/ops/../metrics")


async def head_of(front: Front, target: str, *headers: str) -> bytes:
    """Ask for a target as it stands, that no client would send so; return the status line."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", front.port, ssl=front.certificate.trust(), server_hostname=fronts.NAME)
    lines = (f"GET {target} HTTP/1.1", f"Host: {fronts.NAME}:{front.port}", *headers,
             "Connection: close")
    writer.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")
    async with asyncio.timeout(ANSWER_SECONDS):
        answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n")[0]


async def test_a_vote_passes_and_its_cookies_are_for_tls_alone(front: Front) -> None:
    """The page's origin is believed as it came, port and all; every answer asks for TLS."""
    async with front.client() as client:
        answer = await client.post(VOTES, json=VOTE, headers={
            "origin": front.url, "sec-fetch-site": "same-origin"})
        elsewhere = await client.post(VOTES, json=VOTE, headers={"origin": "https://evil.example"})
        page = await client.get("/c/town?lang=en")
        booth = await client.get("/c/town/vote?lang=en")

    assert answer.status_code == 202
    assert elsewhere.status_code == 403
    device = answer.headers["set-cookie"]
    assert device.startswith("__Host-scrutin-device=")
    for cookie in (device, page.headers["set-cookie"], *booth.headers.get_list("set-cookie")):
        assert "; secure" in cookie.lower()
    for each in (answer, elsewhere, page, booth):
        assert each.headers.get_list("strict-transport-security") == ["max-age=31536000"]


async def test_plain_http_is_led_to_tls_and_other_names_nowhere(front: Front) -> None:
    """Nothing is answered by plain HTTP, and a name that is not ours reaches no server of ours."""
    async with httpx2.AsyncClient(timeout=60) as client:
        led = await client.get(f"http://localhost:{front.plain_port}/c/town?lang=en")
        other = await client.get(f"http://127.0.0.1:{front.plain_port}/c/town", headers={
            "host": "evil.example"})
    by_tls = await head_of(front, "/c/town", "X-Other: y")
    evil = await answer_to(front, b"GET /c/town HTTP/1.1\r\nHost: evil.example\r\n"
                                  b"Connection: close\r\n\r\n")

    assert led.status_code == 308
    # Caddy takes the port that it is given for TLS for the usual one, which is not written.
    assert led.headers["location"] in {
        f"{front.url}/c/town?lang=en", "https://localhost/c/town?lang=en"}
    assert b"Que faire" not in other.content
    assert by_tls.endswith(b"200 OK")
    assert b"Que faire" not in evil


async def answer_to(front: Front, request: bytes) -> bytes:
    """Send bytes; give all that comes back."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", front.port, ssl=front.certificate.trust(), server_hostname=fronts.NAME)
    writer.write(request)
    async with asyncio.timeout(ANSWER_SECONDS):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("target", INSIDE)
async def test_operators_addresses_are_closed_from_outside(front: Front, target: str) -> None:
    """However they are written, and to whoever has the token too: none is answered 200."""
    status = await head_of(front, target, f"Authorization: Bearer {TOKEN}")

    assert re.match(rb"HTTP/1\.1 (404|308|301|400) ", status), status


async def test_inside_the_token_opens_what_a_proxy_closes(front: Front, servers: Servers) -> None:
    """The same addresses are there for operators, who ask for them without the proxy."""
    async with httpx2.AsyncClient() as client:
        for url in (servers.gateway.url, servers.views):
            without = await client.get(f"{url}/metrics")
            shown = await client.get(f"{url}/metrics", headers={
                "authorization": f"Bearer {TOKEN}"})
            assert without.status_code == 401
            assert read(shown.text).one(READY.name) == 1


async def test_every_address_leads_to_who_answers_it(front: Front, servers: Servers) -> None:
    """Those of the gateway answer as the gateway does, all others as somebody who has them."""
    ours = {re.sub(r"\{\w+\}", "town", each.path) for each in operations.OPERATIONS}
    booth = {"/c/town/vote", "/c/town/vote/mine", "/c/town/vote/you", "/c/town/vote/receipts"}
    pages = {"/", "/c/town", "/c/town/proposals", "/v1/consultations", "/static/vote.js",
             "/v1/consultations/town/results", "/problems/closed", "/nothing"}
    async with front.client() as client, httpx2.AsyncClient() as direct:
        for path in ours | booth | pages:
            through = await client.get(path)
            wanted = await direct.get(f"{servers.gateway.url}{path}")
            assert through.status_code == wanted.status_code, path
            assert media_type(through) == media_type(wanted), path


def media_type(answer: httpx2.Response) -> str:
    return answer.headers.get("content-type", "").partition(";")[0]


async def test_events_pass_as_they_come(front: Front) -> None:
    """A stream shows the state at once and a vote as soon as it is counted, and stays open."""
    received = []
    async with (
        front.client() as client, front.client() as voter, asyncio.timeout(ANSWER_SECONDS * 3),
        client.stream("GET", "/v1/consultations/town/live") as stream,
    ):
        assert media_type(stream) == "text/event-stream"
        async for line in stream.aiter_lines():
            totals = json.loads(line.removeprefix("data: "))["totals"] if (
                line.startswith("data: ")) else None
            if totals is None:  # A comment, or nothing is counted yet.
                continue
            received.append(totals["received"])
            if len(received) == 1:
                assert (await voter.post(VOTES, json=VOTE)).status_code == 202
            elif received[-1] > received[0]:
                break

    assert received[-1] > received[0]


async def test_the_heads_of_somebody_who_voted_much_pass(front: Front) -> None:
    """A browser whose cookie is as large as it gets goes on voting; nothing is cut or refused."""
    async with front.client() as client:
        client.headers.update({"origin": front.url, "sec-fetch-site": "same-origin",
                               "user-agent": "x" * 200, "accept": "y" * 200})
        page = await client.get("/c/town/vote?proposal=p1")
        fields = fields_of(page.text)
        answer = page
        padding = "; ".join(f"other{number}={'z' * 97}" for number in range(12))
        for act in ("agree", "+like_it", "disagree", "+no_way", "neutral"):
            answer = await client.post("/c/town/vote", data={**fields, "act": act}, headers={
                "cookie": f"{padding}; " + "; ".join(
                    f"{name}={value}" for name, value in client.cookies.items())})
            assert answer.status_code == 303, answer.text
            assert size(answer.request.headers) > HEAD_BYTES / 2
        large = await client.get("/c/town", headers={"x-large": "x" * 100_000})

    assert 400 <= large.status_code < 500


@pytest.mark.parametrize("length", [4_097, 65_537 + 4_096])
async def test_bodies_are_bounded(front: Front, length: int) -> None:
    """What no form of ours needs is refused, behind the proxy or by it."""
    async with front.client() as client:
        answer = await client.post(VOTES, content=b" " * length, headers={
            "content-type": "application/json"})

    # Caddy finds out while it sends the body on, and may say that it could not.
    assert answer.status_code == 413 or (front.kind, answer.status_code) == ("caddy", 502)


async def test_a_forged_address_is_not_believed(servers: Servers, front: Front) -> None:
    """The limit of a network is that of the address that connected, whatever visitors say of
    themselves; visitors of another network have theirs."""
    gateway = booths.started(
        servers.stack, f"strict-{front.kind}", SCRUTIN_GATEWAY_PROXIES="127.0.0.1",
        SCRUTIN_GATEWAY_NETWORK_RATE="3")
    await gateway.ready()
    found = fronts.started(
        servers.stack, front.kind, gateways=(int(gateway.url.rpartition(":")[2]),),
        views=servers.ports[1], instance="strict")
    await until_up(found)
    async with found.client("127.0.7.1") as one, found.client("127.0.8.1") as other:
        statuses = []
        for number in range(8):
            one.cookies.clear()
            answer = await one.post(VOTES, json=VOTE, headers=forged(f"198.51.{number}.9"))
            statuses.append(answer.status_code)
        neighbour = await other.post(VOTES, json=VOTE)
    gateway.worker.kill()
    found.worker.kill()

    assert 429 in statuses
    assert set(statuses[statuses.index(429):]) == {429}
    assert neighbour.status_code == 202


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
async def test_who_reads_too_much_of_the_views_waits(servers: Servers, kind: str) -> None:
    """Past the documented rate an address gets 429, whatever it says of itself; others read on."""
    gateway, views = servers.ports
    changes = {"nginx": {"rate=300r/s": "rate=1r/m", "burst=1000": "burst=5"},
               "haproxy": {"gt 3000": "gt 5"}}
    found = fronts.started(servers.stack, kind, gateways=(gateway,), views=views,
                           instance="narrow", changes=changes[kind])
    await until_up(found)
    async with found.client("127.0.7.1") as one, found.client("127.0.8.1") as other:
        statuses = [
            (await one.get("/v1/consultations", headers=forged(f"198.51.{number}.9"))).status_code
            for number in range(12)]
        neighbour = await other.get("/v1/consultations")
    found.worker.kill()

    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert neighbour.status_code == 200


def forged(address: str) -> dict[str, str]:
    """All that a visitor can say of where he comes from."""
    return {"x-forwarded-for": f"{address}, 127.0.0.1", "x-real-ip": address,
            "forwarded": f"for={address}", "x-forwarded-host": "evil.example",
            "x-forwarded-proto": "http", "x-client-ip": address, "via": "1.1 x"}


async def test_a_request_that_never_ends_is_let_go(servers: Servers, front: Front) -> None:
    """A head or a body that does not arrive whole in time ends its connection, as documented."""
    gateway, views = servers.ports
    changes = {
        "nginx": {"_timeout 20s": "_timeout 1s"},
        "haproxy": {"http-request 20s": "http-request 1s"},
        "caddy": {"read_header 20s": "read_header 1s", "read_body 20s": "read_body 1s"}}
    hasty = fronts.started(servers.stack, front.kind, gateways=(gateway,), views=views,
                           instance="hasty", changes=changes[front.kind])
    await until_up(hasty)
    head = await answer_to(hasty, b"GET /c/town HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    body = await answer_to(hasty, b"POST /v1/consultations/town/votes HTTP/1.1\r\n"
                                  b"Host: localhost\r\nContent-Type: application/json\r\n"
                                  b"Content-Length: 500\r\n\r\n{")
    hasty.worker.kill()

    assert b"Que faire" not in head
    # Caddy answers 200 and nothing, which the booth's script takes for no answer of ours.
    assert not body.startswith(b"HTTP/1.1 202")
    assert b"receipt" not in body


class Failing:
    """A server that is ready, and closes every other connection once it has the request."""

    def __init__(self) -> None:
        self.met: list[tuple[str, str]] = []
        """Method and key of each request."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if "/readyz" in head:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
                             b"Connection: close\r\n\r\nok\n")
                await writer.drain()
            else:
                key = re.search(r"(?i)idempotency-key: (\S+)", head)
                self.met.append((head.split()[0], key[1] if key else ""))
        except asyncio.IncompleteReadError:
            pass
        writer.close()


async def test_a_vote_that_was_sent_is_not_sent_again(servers: Servers, front: Front) -> None:
    """Two gateways fail in the middle of a vote: it has reached one of them, once, and whoever
    sent it learns that it failed, from the proxy or by a connection that ends."""
    failing = Failing()
    listening = [await asyncio.start_server(failing.answer, "127.0.0.1", 0) for _ in range(2)]
    first, second = (each.sockets[0].getsockname()[1] for each in listening)
    found = fronts.started(servers.stack, front.kind, gateways=(first, second),
                           views=servers.ports[1], instance="failing")
    await until_up(found)
    statuses = set()
    async with found.client() as client:
        for number in range(6):
            try:
                answer = await client.post(
                    VOTES, json=VOTE, headers={"idempotency-key": f"k-{number}"})
            except httpx2.RemoteProtocolError:
                continue
            statuses.add(answer.status_code)
    found.worker.kill()
    for each in listening:
        each.close()
        await each.wait_closed()

    assert statuses <= {502, 503, 504}
    assert failing.met
    assert len(set(failing.met)) == len(failing.met)
    assert {method for method, _ in failing.met} == {"POST"}
