"""A gateway that is told to stop."""

import asyncio
import base64
import signal

import httpx2

from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway import booths
from tests.producers.gateway.booths import Browser


async def test_a_gateway_is_not_ready_before_it_takes_no_more_and_streams_end_before_it_does(
    stack: Stack
) -> None:
    """Told to stop it says so and takes votes; told again it lets streams go, and ends in order."""
    await booths.opened(stack)
    for name in ("ledger", "ideas"):
        stack.started(name)
    gateway = booths.started(stack, SCRUTIN_DRAIN_SECONDS="300")
    await gateway.ready()
    address = f"{gateway.url}/v1/consultations/town/live"
    async with httpx2.AsyncClient(timeout=WAIT_SECONDS) as client, Browser(gateway.url) as browser:
        async with asyncio.timeout(WAIT_SECONDS):
            while (await client.get(address.removesuffix("live") + "results")).status_code != 200:
                await asyncio.sleep(0.05)
        async with client.stream("GET", address) as answer:
            lines = answer.aiter_lines()
            first = await anext(lines)
            gateway.worker.send(signal.SIGTERM)
            async with asyncio.timeout(WAIT_SECONDS):
                await gateway.worker.says("not ready any more")
            unready = await client.get(f"{gateway.url}/readyz")
            alive = await client.get(f"{gateway.url}/livez")
            figures = await client.get(f"{gateway.url}/metrics")
            voted = await browser.vote()
            gateway.worker.send(signal.SIGTERM)
            rest = [line async for line in lines]

    assert [each.status_code for each in (answer, unready, alive, voted)] == [200, 503, 200, 202]
    assert first
    assert any(line.startswith("retry: ") for line in rest)
    assert await asyncio.to_thread(gateway.worker.wait) == 0
    assert ("exceeded" in gateway.worker.log(), "\nscrutin_ready 0" in figures.text) == (
        False, True), "figures say what /readyz says"
    receipt = voted.json()
    assert await gateway.value_at(receipt["partition"], receipt["offset"]) == (
        base64.b64decode(receipt["event"]))
