"""How many requests a voter, and a network, may send in a minute: fixed windows, one process.

The memory is bounded. A window that began first is forgotten first, which favours the voter: at
worst somebody gets a second window early.
"""

import functools
from collections import OrderedDict
from typing import NamedTuple


WINDOW_SECONDS = 60
WINDOWS = 200_000
"""Windows remembered: two hundred thousand voters in a minute; some 60 MB."""
READS_PER_ACT = 3
"""Pages, files and forms that a network may ask for or send, for each request its voters may send:
in the booth an act is a form and the page that answers it, and some only read."""
ENDED_DROPPED = 2
"""Ended windows dropped for each one that begins: their number shrinks, no request pays for all."""


class Rate(NamedTuple):
    """What is left of a limit; below 0: it is exceeded."""

    name: str
    quota: int
    left: int
    reset_seconds: int

    @property
    def exceeded(self) -> bool:
        return self.left < 0


class Rates:
    """The limits of voters and networks."""

    def __init__(
        self, *, voter_per_minute: int, network_per_minute: int,
        readers_per_minute: int | None = None, windows: int = WINDOWS,
    ) -> None:
        self._voter_quota = voter_per_minute
        self._network_quota = network_per_minute
        self._readers_quota = readers_per_minute or READS_PER_ACT * network_per_minute
        self._windows_most = windows
        # A plain dict looks for its first key past all that were deleted before it: each time more.
        self._windows: OrderedDict[bytes, list[float]] = OrderedDict()
        """Count and end of a window, in the order in which they began."""

    @property
    def windows(self) -> int:
        """Windows that are remembered."""
        return len(self._windows)

    def count(self, voter: bytes, network: bytes, now: float) -> Rate:
        """Count a request; give the limit that is exceeded, else the one with the least left.

        What one voter asks for beyond their own limit takes nothing from their neighbours.
        """
        window = self._counted(voter, now)
        left = self._voter_quota - int(window[0])
        if network and left >= 0:
            of_network = self._counted(network, now)
            left_to_network = self._network_quota - int(of_network[0])
            if left_to_network < left:
                return Rate("network", self._network_quota, left_to_network, _rest(of_network, now))
        return Rate("voter", self._voter_quota, left, _rest(window, now))

    def count_reader(
        self, network: bytes, now: float, *, kind: str = "readers", cost: int = 1
    ) -> Rate:
        """Count what a network reads of a kind; `cost` is how many requests it stands for."""
        window = self._counted(kind[:1].encode() + network, now, cost)
        quota = self._readers_quota
        return Rate(kind, quota, quota - int(window[0]), _rest(window, now))

    def _counted(self, whom: bytes, now: float, cost: int = 1) -> list[float]:
        # Voters have 16 bytes, networks 3 or 6, their readers one more: no two meet.
        window = self._windows.get(whom)
        if window is None or window[1] <= now:
            self._windows.pop(whom, None)  # So that the new one stands last.
            window = self._windows[whom] = [0, now + WINDOW_SECONDS]
            self._forget(now)
        window[0] += cost
        return window

    def _forget(self, now: float) -> None:
        """Drop what has ended, oldest first, and what is too many."""
        for _ in range(ENDED_DROPPED):
            if next(iter(self._windows.values()))[1] > now:
                break
            self._windows.popitem(last=False)
        if len(self._windows) > self._windows_most:
            self._windows.popitem(last=False)


def _rest(window: list[float], now: float) -> int:
    """Give the seconds until a window has ended."""
    return int(window[1] - now) + 1


def headers_of(rate: Rate) -> dict[bytes, bytes]:
    """Write a limit as draft-ietf-httpapi-ratelimit-headers has it."""
    name, quota, left, reset = rate
    policy, begin = _policy(name, quota)
    headers = {b"ratelimit-policy": policy, b"ratelimit": begin % (max(left, 0), reset)}
    if left < 0:
        headers[b"retry-after"] = b"%d" % reset
    return headers


@functools.cache
def _policy(name: str, quota: int) -> tuple[bytes, bytes]:
    """Write the policy of a limit, and what is left of it but for its two numbers."""
    limit = name.encode()
    return b'"%b";q=%d;w=%d' % (limit, quota, WINDOW_SECONDS), b'"%b";r=%%d;t=%%d' % limit
