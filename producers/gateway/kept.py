"""How many bytes a voter, and a network, may have kept for ever in a day, votes apart.

Theory of operation: votes are what the log is for, and rates bound them. What else a visitor can
have written into a topic that is kept for ever has an account of bytes here: one of the voter, so
that one device cannot use up what its neighbours have, and one of the network, so that many
devices cannot either. Accounts begin anew at midnight, UTC. They are a gateway's own: N gateways
allow N times as much, and one that restarts begins anew, which visitors cannot make it do. Their
number is bounded: past it voters are forgotten first come, first gone (their network's account
holds on), and networks that come when every place is taken share one.
"""

from collections import OrderedDict
from dataclasses import dataclass, field


ACCOUNTS_MOST = 65_536
"""Voters and networks with an account, so many of each; some 20 MB together."""
ACCOUNT_BYTES = 192
"""What an account takes, at most: a name, a number and their place."""
_EVERYBODY = b""
"""Account of the networks that have none, and of requests without an address."""


@dataclass(frozen=True)
class Allowance:
    """What one topic takes in a day."""

    voter_bytes: int
    network_bytes: int


SEQUENCES = Allowance(voter_bytes=64 << 10, network_bytes=16 << 20)
"""Of a voter three hundred sequences, more than any catalogue has proposals for; of a network
eighty thousand, the first votes of a large mobile operator's busiest prefix in a day."""
DESCRIPTIONS = Allowance(voter_bytes=2 << 10, network_bytes=4 << 20)
"""Of a voter twenty descriptions, of which the last one counts; of a network forty thousand."""


@dataclass
class Accounts:
    """The accounts of one topic."""

    allowance: Allowance
    most: int = ACCOUNTS_MOST
    _day: int = -1
    _voters: OrderedDict[bytes, int] = field(default_factory=OrderedDict)
    _networks: dict[bytes, int] = field(default_factory=dict)

    @property
    def held(self) -> int:
        """Accounts that are held."""
        return len(self._voters) + len(self._networks)

    def take(self, voter: bytes, network: bytes, size: int, day: int) -> bool:
        """Take bytes of both accounts on a day; false, and nothing taken, where one has too few."""
        if day > self._day:  # Not before: a clock that is set back frees nobody.
            self._day = day
            self._voters.clear()
            self._networks.clear()
        if network not in self._networks and len(self._networks) >= self.most:
            network = _EVERYBODY
        of_voter = self._voters.get(voter, 0) + size
        of_network = self._networks.get(network, 0) + size
        if of_voter > self.allowance.voter_bytes or of_network > self.allowance.network_bytes:
            return False
        self._voters[voter], self._networks[network] = of_voter, of_network
        if len(self._voters) > self.most:
            self._voters.popitem(last=False)
        return True
