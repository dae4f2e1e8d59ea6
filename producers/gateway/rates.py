"""How many requests a voter, and a network, may send in a minute: windows of a fixed number.

Theory of operation: a window begins with the first request that is let in and ends a minute later.
Whoever is refused leaves no trace: no window begins, none is pushed out, nothing is counted. So no
flood of refused requests frees a network or a voter, or takes anything from others. Both limits are
asked before either counts: what a voter asks for beyond their own limit takes nothing from their
network, and a network that has used up its limit fills no window with new devices.

All requests whose address cannot be read come from one network, `identity.UNKNOWN_NETWORK`.
Requests without a cookie have a window of their own, as large, so that a flood of new devices takes
nothing from those who were here before. Far below its end they are more than people send: then the
door asks devices of the network for more (`producers.gateway.door`), and nobody is refused.
"""

import functools
from typing import NamedTuple

from producers.gateway.cells import CELL_BYTES, FAR_SECONDS, WINDOW_SECONDS, Cells
from producers.gateway.identity import Clock


VOTER_CELLS = 1 << 20
"""Windows of voters: more than the requests that a process can answer in a minute."""
NETWORK_CELLS = 1 << 18
"""Windows of networks, and of what they read: to fill them, each may ask but twice a minute."""
CELLS_BYTES = CELL_BYTES * (VOTER_CELLS + NETWORK_CELLS)
"""What all windows take, empty or full: 26 MB."""
UNLIMITED = 1 << 32
"""What is left to a network that is none: more than any limit."""
READS_PER_ACT = 3
"""Pages, files and forms that a network may ask for or send, for each request its voters may send:
in the booth an act is a form and the page that answers it, and some only read."""


COOKIELESS_SHARE = 4
"""Requests without a cookie are a crowd past a quarter of a network's limit: of 6,000 past 1,500,
where a large mobile operator's busiest prefix brings 1,300 new voters in its busiest minute."""
_COOKIELESS = b"c"


class Rate(NamedTuple):
    """What is left of a limit; below 0: it is exceeded, and nothing was counted."""

    name: str
    quota: int
    left: int
    reset_seconds: int

    @property
    def exceeded(self) -> bool:
        return self.left < 0


_new = tuple.__new__


class Rates:
    """The limits of voters and networks at one gateway.

    Of `gateways` that share a deployment each allows a network its part. A voter may use the whole
    limit at each of them: a browser keeps to one while it is connected.
    """

    def __init__(
        self, *, voter_per_minute: int, network_per_minute: int,
        readers_per_minute: int | None = None, gateways: int = 1,
    ) -> None:
        readers = readers_per_minute or READS_PER_ACT * network_per_minute
        self.gateways = gateways
        """That share the limits of what is none of a voter or a network."""
        self._voter_quota = voter_per_minute
        self._network_quota = part(network_per_minute, gateways)
        self._readers_quota = part(readers, gateways)
        self._voters, self._networks = Cells(VOTER_CELLS), Cells(NETWORK_CELLS)

    @property
    def windows(self) -> int:
        """Windows that are open; every cell is looked at, which takes a while."""
        return self._voters.open() + self._networks.open()

    @property
    def size_bytes(self) -> int:
        """What the windows take."""
        return self._voters.size_bytes + self._networks.size_bytes

    async def share(self, clock: Clock) -> None:
        """Share limits with other gateways, for ever, where that is set up: here it is not."""

    def count(self, voter: bytes, network: bytes, now: float) -> Rate:
        """Count a request; return the limit that is exceeded, else the one with the least left.

        Without a network (empty) the voter's limit stands alone.
        """
        voters, networks = self._voters, self._networks
        # Twice what `Cells.look` does, without its calls: every vote comes here.
        code = hash(network)
        theirs = code & networks.mask
        network_rest = networks.ends[theirs] - now
        if networks.names[theirs] == code and 0 < network_rest < FAR_SECONDS:
            used = networks.counts[theirs]
        else:
            theirs, used, network_rest = networks.search(code, now)
        left_to_network = self._network_quota - used - 1 if network else UNLIMITED
        if left_to_network < 0:
            return Rate("network", self._network_quota, left_to_network, int(network_rest) + 1)
        code = hash(voter)
        mine = code & voters.mask
        rest = voters.ends[mine] - now
        if voters.names[mine] == code and 0 < rest < FAR_SECONDS:
            used = voters.counts[mine]
        else:
            mine, used, rest = voters.search(code, now)
        left = self._voter_quota - used - 1
        if left < 0:
            return Rate("voter", self._voter_quota, left, int(rest) + 1)
        rest = rest or voters.begin(mine, voter, now)
        voters.counts[mine] += 1
        if network:
            network_rest = network_rest or networks.begin(theirs, network, now)
            networks.counts[theirs] += 1
        if left_to_network < left:
            return Rate("network", self._network_quota, left_to_network, int(network_rest) + 1)
        # A named tuple without the call that gives its names: half the time.
        return _new(Rate, ("voter", self._voter_quota, left, int(rest) + 1))

    def is_crowd(self, network: bytes, now: float) -> bool:
        """Whether more requests without a cookie have come from a network than people send."""
        _, used, rest = self._networks.look(cookieless(network), now)
        return bool(rest) and used > self._network_quota // COOKIELESS_SHARE

    def count_reader(
        self, network: bytes, now: float, *, kind: str = "readers", cost: int = 1
    ) -> Rate:
        """Count what a network reads of a kind; `cost` is how many requests it stands for."""
        # Networks have 1, 3 or 6 bytes, what they read one more: no two names are the same.
        networks, quota = self._networks, self._readers_quota
        name = kind[:1].encode() + network
        cell, used, rest = networks.look(name, now)
        left = quota - used - cost
        if left >= 0:
            rest = rest or networks.begin(cell, name, now)
            networks.counts[cell] += cost
        return Rate(kind, quota, left, int(rest) + 1)


def cookieless(network: bytes) -> bytes:
    """Name what comes from a network without a cookie: no other name is so long or begins so."""
    return _COOKIELESS + network


def part(quota: int, gateways: int) -> int:
    """Return one gateway's part of a limit, at least one request; all parts make the whole."""
    return -(-quota // gateways)


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
