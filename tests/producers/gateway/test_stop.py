"""A gateway that is told to stop."""

import asyncio
import signal

import httpx2

from tests.harness import WAIT_SECONDS, Stack
from tests.producers.gateway import booths


async def test_live_streams_end_before_a_gateway_does(stack: Stack) -> None:
    """Whoever follows the figures is let go at once: the server need not break anything off."""
    await booths.opened(stack)
    for name in ("ledger", "ideas"):
        stack.started(name)
    gateway = booths.started(stack)
    await gateway.ready()
    address = f"{gateway.url}/v1/consultations/town/live"
    async with httpx2.AsyncClient(timeout=WAIT_SECONDS) as client:
        async with asyncio.timeout(WAIT_SECONDS):
            while (await client.get(address.removesuffix("live") + "results")).status_code != 200:
                await asyncio.sleep(0.05)
        async with client.stream("GET", address) as answer:
            lines = answer.aiter_lines()
            first = await anext(lines)
            gateway.worker.send(signal.SIGTERM)
            rest = [line async for line in lines]

    assert answer.status_code == 200
    assert first
    assert rest
    assert await asyncio.to_thread(gateway.worker.wait) == 0
    assert "exceeded" not in gateway.worker.log()
