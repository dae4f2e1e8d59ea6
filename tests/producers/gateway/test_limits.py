"""Limits of running gateways: nobody is without one, and several gateways divide a network's."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from producers.gateway.operations import OPERATIONS, Operation
from scrutin.views.guesses import WRONG_TOKENS
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser, RunningGateway
from tests.waiting import WAIT_SECONDS


LIMIT = 6
TOKEN = "correct-horse-battery-staple"
NO_ADDRESS = ("unknown", "_hidden", "not an address", "203.0.113", "6.6.6.6, ?", "[::1", "x" * 200)
"""What proxies forward where they do not know, and what none should."""
ADDRESSES = ("198.51.100.9:50123", "[2001:db8::1]:50123", "203.0.113.9")
"""What others forward."""


async def vote(url: str, forwarded: str) -> httpx2.Response:
    """Vote as a new device, from an address that a proxy forwards."""
    async with Browser(url) as browser:
        return await browser.vote(headers={"x-forwarded-for": forwarded})


async def read(url: str, forwarded: str, path: str = "/problems/closed") -> httpx2.Response:
    """Ask for a page."""
    async with httpx2.AsyncClient(base_url=url, timeout=booths.ANSWER_SECONDS) as client:
        return await client.get(path, headers={"x-forwarded-for": forwarded})


async def admitted(asked: Callable[[str], Awaitable[httpx2.Response]], most: int) -> int:
    """Ask from no address, each time in other words; return how often that was not too much."""
    statuses = [(await asked(forwarded)).status_code
                for forwarded in itertools.islice(itertools.cycle(NO_ADDRESS), most)]
    return most - statuses.count(429)


@pytest.fixture
async def behind_a_proxy(shared_stack: Stack, request: pytest.FixtureRequest) -> RunningGateway:
    """Run a gateway that believes this machine as a proxy, with low limits."""
    found = booths.started(
        shared_stack, request.node.name[5:40], SCRUTIN_GATEWAY_PROXIES="127.0.0.1",
        SCRUTIN_GATEWAY_NETWORK_RATE=str(LIMIT))
    await found.ready()
    return found


async def test_voters_without_an_address_share_one_limit(behind_a_proxy: RunningGateway) -> None:
    """Whatever stands for the address: together they have one network's limit, and no name."""
    gateway = behind_a_proxy
    before = len(await gateway.events(gateway.topics.networks))

    assert await admitted(lambda forwarded: vote(gateway.url, forwarded), 3 * LIMIT) == LIMIT
    for forwarded in ADDRESSES:
        assert (await vote(gateway.url, forwarded)).status_code == 202
    seen = 0
    async with asyncio.timeout(WAIT_SECONDS):
        while seen < len(ADDRESSES):
            written = (await gateway.events(gateway.topics.networks))[before:]
            seen = sum(len(fields["events"]) for _, _, fields in written)
    assert seen == len(ADDRESSES)


@pytest.mark.parametrize("path", [
    "/problems/closed", "/v1/consultations", "/v1/keys", "/v1/openapi.json", "/log/x",
    "/v1/receipts/0/0", "/c/town/vote/receipts"])
async def test_readers_without_an_address_share_one_limit(
    shared_stack: Stack, path: str
) -> None:
    """Pages, results, keys, proofs and the check of receipts have limits for them too."""
    gateway = booths.started(
        shared_stack, path.strip("/").replace("/", "-").replace(".", "-")[:40],
        SCRUTIN_GATEWAY_PROXIES="127.0.0.1", SCRUTIN_GATEWAY_NETWORK_RATE="2")
    await gateway.ready()

    assert await admitted(lambda forwarded: read(gateway.url, forwarded, path), 9) == 6
    assert (await read(gateway.url, "198.51.100.9", path)).status_code != 429
    assert (await read(gateway.url, "unknown", "/readyz")).status_code == 200


async def test_no_operation_is_without_a_limit(shared_stack: Stack) -> None:
    """Once the unknown network has used up its limits no operation but health answers it."""
    gateway = booths.started(
        shared_stack, "operations", SCRUTIN_GATEWAY_PROXIES="127.0.0.1",
        SCRUTIN_GATEWAY_NETWORK_RATE="1")
    await gateway.ready()

    async def ask(operation: Operation, forwarded: str) -> int:
        path = re.sub(r"{[^}]*}", "town", operation.path)
        async with httpx2.AsyncClient(base_url=gateway.url) as client:
            answer = await client.request(
                operation.method, path, headers={"x-forwarded-for": forwarded})
            return answer.status_code

    for operation in OPERATIONS * 4:
        await ask(operation, "unknown")
    answered = {each.handler for each in OPERATIONS if await ask(each, "_hidden") != 429}
    assert answered == {"livez", "readyz"}
    for number, operation in enumerate(OPERATIONS):
        assert await ask(operation, f"198.51.{number}.9") != 429


@pytest.mark.parametrize("kind", ["gateway", "views"])
async def test_guesses_of_the_token_are_limited(shared_stack: Stack, kind: str) -> None:
    """Gateways and views refuse a network that shows wrong tokens, the right one too."""
    port = shared_stack.ports.find()
    worker = shared_stack.started(
        kind, f"guessed-{kind}", SCRUTIN_OPERATIONS_TOKEN=TOKEN,
        **{f"SCRUTIN_{kind.upper()}_PORT": str(port),
           f"SCRUTIN_{kind.upper()}_PROXIES": "127.0.0.1"})
    gateway = RunningGateway(
        worker, f"http://127.0.0.1:{port}", shared_stack.topics, shared_stack.kafka)
    await gateway.ready()

    async def show(token: str, forwarded: str) -> int:
        async with httpx2.AsyncClient(base_url=gateway.url) as client:
            answer = await client.get("/metrics", headers={
                "authorization": f"Bearer {token}", "x-forwarded-for": forwarded})
            return answer.status_code

    statuses = [await show("wrong", "198.51.100.9") for _ in range(WRONG_TOKENS + 1)]
    assert statuses == [401] * WRONG_TOKENS + [429]
    assert await show(TOKEN, "198.51.100.77") == 429
    assert await show(TOKEN, "203.0.113.9") == 200


async def test_two_gateways_divide_the_limit_of_a_network(shared_stack: Stack) -> None:
    """Of a network's requests each of two lets in half of what it may send: together the limit."""
    gateways = [booths.started(
        shared_stack, f"divided-{number}", SCRUTIN_GATEWAY_COUNT="2",
        SCRUTIN_GATEWAY_NETWORK_RATE=str(LIMIT)) for number in range(2)]
    for gateway in gateways:
        await gateway.ready()
    answers = [await vote(gateway.url, "") for _ in range(LIMIT) for gateway in gateways]

    assert [answer.status_code for answer in answers].count(202) == LIMIT
    assert answers[-1].headers["ratelimit-policy"] == f'"network";q={LIMIT // 2};w=60'
