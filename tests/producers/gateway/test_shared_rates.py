"""Gateways share the limits of networks over a real Redis, and divide them while it is away."""

import asyncio
import contextlib
import secrets
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.local.ports import find_free
from producers.gateway.shared_rates import LEASES, SharedRates
from scrutin.settings import Settings
from tests.harness import Stack
from tests.producers.gateway import booths
from tests.producers.gateway.test_limits import vote
from tests.waiting import WAIT_SECONDS, until


NETWORK, OTHER = b"\xc6\x33\x64", b"\xcb\0\x71"
LIMIT, GATEWAYS = 800, 4
PART = LIMIT // GATEWAYS


class Server:
    """A Redis of a test's own, that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("redis-server")
        assert found, "there is no redis-server: make setup installs it, or apt install it"
        self._port = find_free(1)[0]
        self._command = [found, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "",
                         "--appendonly", "no", "--dir", str(folder), "--logfile", "redis.log"]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.stop()


def rates(server: Server) -> SharedRates:
    return SharedRates(
        server.url, voter_per_minute=10, network_per_minute=LIMIT, gateways=GATEWAYS,
        name=lambda network: b"name of " + network, prefix="test:")


@contextlib.asynccontextmanager
async def sharing(server: Server, count: int) -> AsyncIterator[list[SharedRates]]:
    """Yield gateways' limits that have found the server, and share as gateways do."""
    found = [rates(server) for _ in range(count)]
    tasks = [asyncio.create_task(each.share(time.time)) for each in found]
    try:
        await until(lambda: all(each.shares for each in found))
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def admitted(limits: SharedRates, requests: int, network: bytes = NETWORK) -> int:
    """Count how many of so many new devices are let in."""
    now = time.time()
    return sum(not limits.count(secrets.token_bytes(16), network, now).exceeded
               for _ in range(requests))


async def test_one_gateway_may_use_the_whole_limit(server: Server) -> None:
    """A network whose voters all come to one gateway has all of its limit there, and no more."""
    async with sharing(server, 2) as (busy, idle):
        taken = 0
        for _ in range(400):
            taken += admitted(busy, LIMIT)
            await busy._exchange(time.time)

        assert LIMIT - 1 <= taken <= LIMIT
        assert admitted(idle, LIMIT) <= PART // LEASES
        await idle._exchange(time.time)
        assert admitted(idle, LIMIT) == 0
        assert admitted(idle, 1, OTHER) == 1


async def test_gateways_together_exceed_a_limit_by_an_eighth_at_most(server: Server) -> None:
    """Whatever order they ask and are asked in, however much more is asked for."""
    async with sharing(server, GATEWAYS) as gateways:
        taken = Counter[int]()
        for turn in range(200):
            for number, limits in enumerate(gateways):
                taken[number] += admitted(limits, 50)
                if (turn + number) % 3 == 0:
                    await limits._exchange(time.time)

        assert LIMIT * 0.95 <= taken.total() <= LIMIT * (1 + 1 / LEASES)


async def test_who_is_refused_is_told_how_long_to_wait(server: Server) -> None:
    """Until the next answer where there is something left, else until the minute ends."""
    async with sharing(server, 1) as (limits,):
        while admitted(limits, 1):
            pass
        assert limits.count(bytes(16), NETWORK, time.time()).reset_seconds == 1
        for _ in range(400):
            admitted(limits, LIMIT)
            await limits._exchange(time.time)
        assert limits.count(bytes(16), NETWORK, time.time()).reset_seconds > 30


@pytest.mark.parametrize("how", ["stop", "freeze"])
async def test_while_redis_is_away_limits_are_divided(server: Server, how: str) -> None:
    """Killed or frozen, nobody waits for it: each gateway has its part, until it answers again."""
    async with sharing(server, 2) as (limits, other):
        getattr(server, how)()
        admitted(limits, 1)
        admitted(other, 1)
        await until(lambda: not limits.shares and not other.shares)
        assert [admitted(each, LIMIT, OTHER) for each in (limits, other)] == [PART, PART]
        server.stop()
        server.start()
        await until(lambda: limits.shares and other.shares)


async def test_without_redis_at_the_start_limits_are_divided(server: Server) -> None:
    """A gateway starts without it."""
    server.stop()
    limits = rates(server)
    sharing_task = asyncio.create_task(limits.share(time.time))
    assert admitted(limits, LIMIT) == PART
    server.start()
    await until(lambda: limits.shares)
    sharing_task.cancel()
    await asyncio.gather(sharing_task, return_exceptions=True)


async def test_two_gateways_share_a_limit_and_outlive_redis(
    shared_stack: Stack, server: Server
) -> None:
    """One lets in more than its part, then the other refuses; without Redis both take votes."""
    limit = 8
    gateways = [booths.started(
        shared_stack, f"shared-{number}", SCRUTIN_GATEWAY_COUNT="2",
        SCRUTIN_GATEWAY_PROXIES="127.0.0.1", SCRUTIN_RATES_URL=server.url,
        SCRUTIN_GATEWAY_NETWORK_RATE=str(limit)) for number in range(2)]
    for gateway in gateways:
        await gateway.ready()
        await gateway.worker.says("shared over Redis")
    taken = 0
    async with asyncio.timeout(WAIT_SECONDS):
        while taken < limit - 1:
            taken += (await vote(gateways[0].url, "198.51.100.9")).status_code == 202
    taken += sum([(await vote(gateway.url, "198.51.100.9")).status_code == 202
                  for _ in range(3 * limit) for gateway in gateways])

    assert limit <= taken <= limit + 2
    server.stop()
    assert [(await vote(gateway.url, "203.0.113.9")).status_code for gateway in gateways] == [
        202, 202]


@pytest.mark.parametrize(("settings", "said"), [
    ({"rates_url": "redis://x"}, "set SCRUTIN_GATEWAY_COUNT"),
    ({"rates_url": "http://x", "gateway_count": 2}, "pattern")])
def test_a_redis_needs_several_gateways(settings: dict[str, str], said: str) -> None:
    """Without their number nothing could be divided while it is away."""
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate(settings)
