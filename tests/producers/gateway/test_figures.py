"""What the gateway says of itself to operators."""

import httpx2

from schemas.figures import GATEWAY_WAITING, INFO, READY, read
from tests.producers.gateway.booths import RunningGateway


async def test_a_gateway_gives_its_figures_to_this_machine_alone(gateway: RunningGateway) -> None:
    """Kind, readiness and what waits; whoever a proxy asks for must show the token."""
    async with httpx2.AsyncClient(base_url=gateway.url) as client:
        local = await client.get("/metrics")
        forwarded = await client.get("/metrics", headers={"x-forwarded-for": "198.51.100.7"})
    said = read(local.text)

    assert [kind for kind, _, _ in said.labelled(INFO)] == ["gateway"]
    assert (said.one(READY.name), said.one(GATEWAY_WAITING.name)) == (1, 0)
    assert forwarded.status_code == 401
