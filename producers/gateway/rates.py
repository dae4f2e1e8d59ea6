"""How many votes a voter, and a network, may send in a minute.

Counted by the `limits` library's fixed windows, one process alone. The library's own memory
starts a timer thread that walks every key a hundred times a second; with the hundred thousand
voters of a television evening that walk is all a process does. Hence a memory of our own: bounded,
and forgetting the window that began first.
"""

import time
from typing import NamedTuple

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter


WINDOWS = 200_000
"""Windows remembered: some 40 MB. Past it the oldest are forgotten, in favour of the voter."""
WINDOW_SECONDS = 60


class Rate(NamedTuple):
    """What is left of a limit."""

    name: str
    quota: int
    left: int
    reset_seconds: int

    @property
    def exceeded(self) -> bool:
        return self.left < 0


class BoundedMemory(Storage):
    """Counts of windows by key, the window that began first forgotten first."""

    STORAGE_SCHEME = ["scrutin-bounded"]  # noqa: RUF012 -- the library's own form

    def __init__(self, windows: int = WINDOWS) -> None:
        super().__init__()
        self._most = windows
        self._windows: dict[str, list[float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        window = self._windows.get(key)
        if window is None or window[1] <= now:
            self._windows.pop(key, None)  # So that the new one stands last.
            window = self._windows[key] = [0, now + expiry]
            if len(self._windows) > self._most:
                del self._windows[next(iter(self._windows))]
        window[0] += amount
        return int(window[0])

    def get(self, key: str) -> int:
        window = self._windows.get(key)
        return int(window[0]) if window and window[1] > time.time() else 0

    def get_expiry(self, key: str) -> float:
        window = self._windows.get(key)
        return window[1] if window else time.time()

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)


class Rates:
    """The limits of voters and networks."""

    def __init__(self, *, voter_per_minute: int, network_per_minute: int) -> None:
        memory = BoundedMemory()
        self._limiter = FixedWindowRateLimiter(memory)
        self._memory = memory
        self._voter = RateLimitItemPerMinute(voter_per_minute, namespace="voter")
        self._network = RateLimitItemPerMinute(network_per_minute, namespace="network")

    def count(self, voter: bytes, network: bytes) -> Rate:
        """Count a request; give the limit that is exceeded, else that with the least left."""
        rates = [self._counted(self._voter, voter)]
        if network:
            rates.append(self._counted(self._network, network))
        return min(rates, key=lambda rate: (rate.left, rate.quota))

    def _counted(self, item: RateLimitItemPerMinute, whom: bytes) -> Rate:
        key = whom.hex()
        taken = self._limiter.hit(item, key)
        reset, left = self._limiter.get_window_stats(item, key)
        seconds = max(1, int(reset - time.time() + 0.999))
        return Rate(item.namespace, item.amount, left if taken else -1, seconds)


def headers_of(rate: Rate) -> dict[str, str]:
    """Write a limit as draft-ietf-httpapi-ratelimit-headers has it."""
    headers = {
        "ratelimit-policy": f'"{rate.name}";q={rate.quota};w={WINDOW_SECONDS}',
        "ratelimit": f'"{rate.name}";r={max(rate.left, 0)};t={rate.reset_seconds}',
    }
    if rate.exceeded:
        headers["retry-after"] = str(rate.reset_seconds)
    return headers
