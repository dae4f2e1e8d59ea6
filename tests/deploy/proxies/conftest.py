"""A gateway and views, and each documented proxy before them."""

import asyncio
import uuid
from collections.abc import Iterator

import httpx2
import pytest

from deploy.local.services import Broker
from schemas.topics import Topics
from tests.deploy.proxies import fronts
from tests.deploy.proxies.fronts import Front
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.waiting import POLL_SECONDS, WAIT_SECONDS, until_answered


TOKEN = "correct-horse-battery-staple"
SETTINGS = {
    "SCRUTIN_OPERATIONS_TOKEN": TOKEN, "SCRUTIN_GATEWAY_PROXIES": "127.0.0.1",
    "SCRUTIN_VIEWS_PROXIES": "127.0.0.1", "SCRUTIN_GATEWAY_VOTER_RATE": "1000000"}


class Servers:
    """What stands behind a proxy."""

    def __init__(self, stack: Stack, gateway: booths.RunningGateway, views: str) -> None:
        self.stack, self.gateway, self.views = stack, gateway, views

    @property
    def ports(self) -> tuple[int, int]:
        """Ports of gateway and views."""
        return int(self.gateway.url.rpartition(":")[2]), int(self.views.rpartition(":")[2])


@pytest.fixture(scope="module")
def servers(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Run the whole way of a vote: gateway, ledger, ideas, views."""
    topics = Topics(f"test_{uuid.uuid4().hex[:12]}", 2)
    stack = Stack(broker.address, topics, tmp_path_factory.mktemp("proxied"))
    try:
        asyncio.run(booths.opened(stack))
        for worker in ("ledger", "ideas"):
            stack.started(worker)
        port = stack.ports.find()
        stack.started("views", SCRUTIN_VIEWS_PORT=str(port), **SETTINGS)
        found = Servers(stack, booths.started(stack, **SETTINGS), f"http://127.0.0.1:{port}")
        asyncio.run(found.gateway.ready())
        asyncio.run(until_answered(f"{found.views}/v1/consultations/town/results"))
        yield found
    finally:
        stack.stop()


@pytest.fixture(scope="module", params=list(fronts.FILES))
def front(request: pytest.FixtureRequest, servers: Servers) -> Front:
    """Run one of the proxies before them."""
    gateway, views = servers.ports
    found = fronts.started(servers.stack, request.param, gateways=(gateway,), views=views)
    asyncio.run(until_up(found))
    return found


async def until_up(front: Front) -> None:
    """Wait until a proxy reaches what is behind it."""
    async with asyncio.timeout(WAIT_SECONDS), front.client() as client:
        while True:
            assert front.worker.running(), front.worker.log()
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(POLL_SECONDS)
