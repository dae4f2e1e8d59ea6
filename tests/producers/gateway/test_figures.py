"""What the gateway says of itself to operators."""

import asyncio
import re

import httpx2

from producers.gateway import operations
from producers.gateway.outlet import WAITING_EVENTS
from schemas import figures
from schemas.figures import GATEWAY_WAITING, INFO, READY, Reading, read
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import ANSWER_SECONDS, Browser, RunningGateway
from tests.views.test_hosts import NO_HOSTS


TOKEN = "correct-horse-battery-staple"


async def test_a_gateway_gives_its_figures_to_this_machine_alone(gateway: RunningGateway) -> None:
    """Kind, readiness and what waits; whoever a proxy asks for gets nothing without a token."""
    async with httpx2.AsyncClient(base_url=gateway.url) as client:
        local = await client.get("/metrics")
        forwarded = await client.get("/metrics", headers={"x-forwarded-for": "198.51.100.7"})
    said = read(local.text)

    assert [kind for kind, _, _ in said.labelled(INFO)] == ["gateway"]
    assert (said.one(READY.name), said.one(GATEWAY_WAITING.name)) == (1, 0)
    assert forwarded.status_code == 403
    assert "x-forwarded-for" in forwarded.text


async def test_with_a_token_a_gateway_asks_for_it_whoever_asks(shared_stack: Stack) -> None:
    """Also on this machine: a proxy of it may name its upstream as host and add nothing."""
    gateway = booths.started(shared_stack, "guarded", SCRUTIN_OPERATIONS_TOKEN=TOKEN)
    await gateway.ready()
    async with httpx2.AsyncClient(base_url=gateway.url) as client:
        without = [await client.get("/metrics", headers={"host": host})
                   for host in ("localhost", gateway.url.removeprefix("http://"))]
        shown = await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    gateway.worker.kill()

    assert [answer.status_code for answer in without] == [401, 401]
    assert read(shown.text).one(READY.name) == 1


async def test_no_host_makes_a_gateway_fail(gateway: RunningGateway) -> None:
    """Whatever stands there, for a vote, a page, figures or nothing at all: never a 500."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    paths = {re.sub(r"\{\w+\}", "town", each.path) for each in operations.OPERATIONS} | {
        "/", "/c/town", "/c/town/vote", "/c/town/vote/receipts", "/metrics", "/nothing", "/c/town/"}
    for named in NO_HOSTS:
        for path in sorted(paths):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (
                path.encode(), named))
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await reader.read()
            writer.close()

            assert answer.startswith(b"HTTP/1.1 ")
            assert not answer.startswith(b"HTTP/1.1 5"), (path, named)


async def test_a_gateway_says_how_many_follow_live(gateway: RunningGateway) -> None:
    """A stream counts while it is open."""
    async with Browser(gateway.url) as browser:
        before = (await figures_of(browser)).one(figures.LIVE_CLIENTS.name)
        async with browser.client.stream("GET", "/v1/consultations/town/live") as stream:
            assert stream.status_code == 200
            assert (await figures_of(browser)).one(figures.LIVE_CLIENTS.name) == 1

    assert before == 0


async def test_a_gateway_counts_what_it_answers_and_why_not(gateway: RunningGateway) -> None:
    """A receipt, refusals over the API and the pages, each by route, status and reason, timed."""
    async with Browser(gateway.url) as browser:
        before = await figures_of(browser)
        answers = [await browser.vote(), await browser.vote("nothing"),
                   await browser.client.put("/v1/consultations/town/votes"),
                   await browser.client.get("/c/shut/vote")]
        after = await figures_of(browser)

    def grown(figure: figures.Figure) -> dict[tuple[str, ...], float]:
        known = before.labelled(figure)
        return {labels: value - known.get(labels, 0) for labels, value
                in after.labelled(figure).items() if value != known.get(labels, 0)}

    assert [answer.status_code for answer in answers] == [202, 404, 405, 200]
    assert grown(figures.GATEWAY_ACKNOWLEDGED)[(gateway.topics.votes,)] == 1
    assert grown(figures.GATEWAY_ANSWERS) == {
        ("cast", "202"): 1, ("cast", "404"): 1, ("none", "405"): 1, ("pages", "200"): 2}
    assert grown(figures.GATEWAY_REFUSALS) == {
        ("unknown-proposal",): 1, ("method-not-allowed",): 1, ("closed",): 1}
    assert (grown(figures.GATEWAY_SECONDS_CLASSES)[("+Inf",)],
            grown(figures.GATEWAY_SECONDS_COUNT)[()]) == (2, 2)
    assert 0 < grown(figures.GATEWAY_SECONDS_SUM)[()] < 60


async def test_a_gateway_says_how_much_may_wait_and_that_a_broker_takes_it(
    gateway: RunningGateway,
) -> None:
    """The bound of what waits, and the connection, stand beside what was counted."""
    async with Browser(gateway.url) as browser:
        found = await figures_of(browser)

    assert found.one(figures.GATEWAY_WAITING_MOST.name) == WAITING_EVENTS
    assert found.one(figures.GATEWAY_CONNECTED.name) == 1


async def figures_of(browser: Browser) -> Reading:
    """Ask a gateway for its figures."""
    return read((await browser.client.get("/metrics")).text)
