"""The limits of networks, shared by the gateways of a deployment over Redis.

Theory of operation: no request waits for Redis. A gateway counts for itself, and four times a
second it tells Redis, in one question, how many requests of each network it has let in since, and
is told how many all gateways have in the minute that runs there. Between two answers it lets in no
more than its lease: a part of what was left, so small that gateways which do not know of each other
yet exceed the limit by an eighth at most, and so large that one gateway alone may let in seven
times the limit's pace. When the limit is used up the network waits, everywhere, for the minute in
Redis to end.

Redis away, or slow to answer: each gateway divides, as it does without Redis, until there are
answers again; what it let in meanwhile is not told. Redis holds a network under a name that only
the gateways can make of its address, for a minute.
"""

import asyncio
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from producers.gateway.cells import WINDOW_SECONDS
from producers.gateway.identity import Clock
from producers.gateway.rates import NETWORK_CELLS, Rate, Rates, part


EXCHANGE_SECONDS = 0.25
"""Between two questions: so long a network that is past its limit may go on at other gateways."""
LEASES = 8
"""Leases of a gateway's part of the limit: all gateways together exceed it by one each."""
ANSWER_SECONDS = 1.0
"""Longest wait for an answer; no request waits for it."""
AWAY_SECONDS = 2.0
"""Between two tries while Redis is away."""
NETWORKS_TOLD = 20_000
"""Networks told of in one question, some 4 MB: four times as many as a process can answer in a
quarter of a second. What further ones ask for is told of later or never."""
NETWORKS_AT_ONCE = 250
"""Networks of one call of the script: it and we are held up for a millisecond or two."""
_MINUTE_MILLISECONDS = 1_000 * WINDOW_SECONDS
_COUNT = """
local answers = {}
for place, name in ipairs(KEYS) do
    local total = redis.call('INCRBY', name, ARGV[place + 1])
    local rest = redis.call('PTTL', name)
    if rest < 0 then
        redis.call('PEXPIRE', name, ARGV[1])
        rest = tonumber(ARGV[1])
    end
    answers[2 * place - 1] = total
    answers[2 * place] = rest
end
return answers
"""
"""Adds to counts that end by themselves; gives each total, and the milliseconds until it ends."""


class SharedRates(Rates):
    """Limits of voters at one gateway, and of networks at all of them together."""

    def __init__(
        self, url: str, *, voter_per_minute: int, network_per_minute: int, gateways: int,
        name: Callable[[bytes], bytes], prefix: str,
    ) -> None:
        super().__init__(voter_per_minute=voter_per_minute, network_per_minute=network_per_minute,
                         gateways=gateways)
        self._whole, self._part = network_per_minute, part(network_per_minute, gateways)
        self._gateways = gateways
        self._lease = part(self._part, LEASES)
        self._leased = array("I")
        """By cell, 1 MB: how far its window may count until the next answer; 0: until it ends."""
        self._name, self._prefix = name, prefix.encode()
        self._untold: dict[bytes, int] = {}
        self._shares = False
        # Without retries: a count that was taken and not answered must not be told twice.
        self._redis: Any = Redis.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0))
        self._script = self._redis.register_script(_COUNT)
        self._logger = structlog.get_logger("gateway")

    @property
    def shares(self) -> bool:
        """Whether Redis answers, so that limits are shared and not divided."""
        return self._shares

    def count(self, voter: bytes, network: bytes, now: float) -> Rate:
        """Count a request as every gateway does, within the lease of its network."""
        if not (self._shares and network):
            return super().count(voter, network, now)
        cell, used, rest = self._networks.look(network, now)
        leased = self._leased[cell] if rest else self._lease
        if used >= leased:
            soon = int(rest) + 1 if not leased else 1
            return Rate("network", self._network_quota, -1, soon)
        rate = super().count(voter, network, now)
        if not rate.exceeded:
            self._leased[cell] = leased
            told = self._untold.get(network)
            if told is not None or len(self._untold) < NETWORKS_TOLD:
                self._untold[network] = (told or 0) + 1
        return rate

    async def share(self, clock: Clock) -> None:
        """Exchange with Redis, for ever, whether it is there or not."""
        try:
            while True:
                await asyncio.sleep(EXCHANGE_SECONDS if self._shares else 0)
                try:
                    await self._exchange(clock)
                except (RedisError, OSError, TimeoutError) as error:
                    self._divide(error)
                    # What was asked may be answered yet, and not to another question.
                    await self._redis.connection_pool.disconnect()
                    await asyncio.sleep(AWAY_SECONDS)
        finally:
            await self._redis.aclose()

    async def _exchange(self, clock: Clock) -> None:
        told, self._untold = list(self._untold.items()), {}
        if not self._shares:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._redis.ping()
            self._logger.info("limits of networks are shared over Redis")
            # Windows that are open may go on as far as they could without Redis.
            self._leased = array("I", [self._part]) * NETWORK_CELLS
            self._shares, self._network_quota = True, self._whole
        for begin in range(0, len(told), NETWORKS_AT_ONCE):
            some = told[begin : begin + NETWORKS_AT_ONCE]
            async with asyncio.timeout(ANSWER_SECONDS):
                answers = await self._script(
                    keys=[self._prefix + self._name(network) for network, _ in some],
                    args=[_MINUTE_MILLISECONDS, *(count for _, count in some)])
            self._learn([network for network, _ in some], answers, clock())

    def _learn(self, networks: Sequence[bytes], answers: Sequence[int], now: float) -> None:
        """Give each network a new lease, of what all gateways together have left."""
        for network, total, rest in zip(networks, answers[::2], answers[1::2], strict=True):
            cell, used, is_open = self._networks.look(network, now)
            if not is_open:
                continue
            self._networks.end(cell, now + min(rest / 1_000, WINDOW_SECONDS))
            left = self._whole - total - self._untold.get(network, 0)
            self._leased[cell] = used + min(self._lease, part(left, self._gateways)) if (
                left > 0) else 0

    def _divide(self, error: Exception) -> None:
        """Go on without Redis: its part of each limit is what this gateway may let in."""
        if self._shares:
            self._logger.warning("limits of networks are divided, Redis does not answer",
                                 reason=f"{type(error).__name__}: {error}")
        self._shares, self._network_quota = False, self._part
        self._untold.clear()
