"""What /readyz of a gateway says: votes can be taken, and what the pages show is read."""

import asyncio

import httpx2

from processors.workers.provisioning import create
from tests.harness import WAIT_SECONDS, Stack, connected_producer, write
from tests.producers.gateway import booths
from tests.producers.gateway.booths import CATALOGUE, Browser


async def test_a_gateway_that_has_not_read_the_results_takes_votes_and_is_not_ready(
    stack: Stack
) -> None:
    """Votes are kept before results can be read; no proxy sends readers here until they are."""
    results = stack.topics.results
    every = stack.topics.specifications()
    await create(stack.kafka, [topic for topic in every if topic.name != results], replication=1)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, CATALOGUE)
    gateway = booths.started(stack)
    async with Browser(gateway.url) as browser:
        await _taken(gateway, browser)
        asked = {path: (await browser.client.get(path)).status_code for path in (
            "/readyz", "/livez")}
        assert asked == {"/readyz": 503, "/livez": 200}

        await create(stack.kafka, every, replication=1)
        await gateway.ready()
        assert (await browser.vote(name="p2")).status_code == 202


async def _taken(gateway: booths.RunningGateway, browser: Browser) -> None:
    """Vote until a vote is taken."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            assert gateway.worker.running(), gateway.worker.log()
            try:
                if (await browser.vote()).status_code == 202:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)
