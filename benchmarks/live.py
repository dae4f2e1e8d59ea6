"""How soon a vote is seen by who follows the live figures, and what a crowd of followers costs."""

import asyncio
from typing import Any

from benchmarks.gateway import NO_LIMIT, answers, consultation
from benchmarks.house import House, Process, told_by
from benchmarks.ledger import Measured
from benchmarks.soak import sampled, slope
from benchmarks.votes import BEGAN_AT
from deploy.local.ports import find_free
from producers.operations import Log, apply


RATE = 2_000
SECONDS = 10.0
CLIENTS = 2_000
CROWD_RATE = 200
"""Votes a second that move the crowd's figures: every snapshot of its pace has something new."""
CROWD_SECONDS = 90.0
SAMPLE_SECONDS = 1.0


async def live(house: House, _count: int) -> Measured:
    """Vote through a gateway; follow by the views, alone and then as a crowd."""
    topics = await house.filled(0)
    await apply(Log(house.kafka, topics), consultation(), now=BEGAN_AT)
    port, views_port = find_free(2)
    views = house.worker("views", topics, SCRUTIN_VIEWS_PORT=str(views_port))
    workers = [
        house.worker("ledger", topics), house.worker("ideas", topics), views,
        house.worker("gateway", topics, SCRUTIN_GATEWAY_PORT=str(port),
                     SCRUTIN_GATEWAY_VOTER_RATE=NO_LIMIT, SCRUTIN_GATEWAY_NETWORK_RATE=NO_LIMIT)]
    for worker, address in ((workers[-1], port), (views, views_port)):
        await answers(worker, f"http://127.0.0.1:{address}/readyz")
    alone = await _followed(port, views_port, 1, RATE, SECONDS)
    crowd, slope_per_minute = await _crowd(port, views_port, views)
    for worker in workers:
        worker.stop()
    return {
        "live_latency_milliseconds_p99": alone["milliseconds_p99"],
        "live_clients": crowd["following"],
        "live_clients_snapshots_per_second": crowd["snapshots_per_second"],
        "live_clients_latency_milliseconds_p99": crowd["milliseconds_p99"],
        "live_clients_memory_megabytes_per_minute": slope_per_minute,
    }


async def _crowd(port: int, views_port: int, views: Process) -> tuple[dict[str, Any], float]:
    """Let a crowd follow; return what it saw, and the slope of the views' memory meanwhile."""
    sampling = asyncio.create_task(sampled({"views": views}, CROWD_SECONDS, SAMPLE_SECONDS))
    crowd = await _followed(port, views_port, CLIENTS, CROWD_RATE, CROWD_SECONDS)
    return crowd, slope((await sampling)["views"])


async def _followed(
    port: int, views_port: int, clients: int, rate: float, seconds: float
) -> dict[str, Any]:
    """Let so many follow while people vote, in a process of their own."""
    return await told_by(
        "benchmarks.followers", *map(str, (port, views_port, clients, rate, seconds)))
