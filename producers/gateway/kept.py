"""How many bytes a voter, and a network, may have kept for ever in a day, votes apart.

Theory of operation: votes are what the log is for, and rates bound them. What else a visitor can
have written into a topic that is kept for ever is counted here in bytes: for the voter, so that one
device cannot use up what its neighbours have, and for the network, so that many devices cannot
either. Counting begins anew at midnight, UTC. It takes the same memory whoever comes: a name has a
place in each of two rows, by its hash, and the lesser count is its own or more, never less (a
count-min sketch with conservative updates). So no crowd of names can free anybody or push anybody
out; who shares both places with others has less than a whole allowance, and nobody can choose with
whom, for Python draws the key of its hashes for each process anew.

Several gateways divide what a network has. One that restarts begins anew, which no visitor can make
it do.
"""

from array import array
from dataclasses import dataclass


VOTER_PLACES = 1 << 20
"""In a row of voters: three times the voters of the largest day."""
NETWORK_PLACES = 1 << 18
PLACE_BYTES = 4
ACCOUNTS_BYTES = 2 * PLACE_BYTES * (VOTER_PLACES + NETWORK_PLACES)
"""What the counts of one topic take, from the first to the last: 10 MB."""


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


class _Counts:
    """Bytes by name, never less than was counted."""

    def __init__(self, places: int) -> None:
        assert places & (places - 1) == 0, "the mask takes whole bits"
        self._mask = places - 1
        self.clear()

    @property
    def size_bytes(self) -> int:
        return sum(row.itemsize * len(row) for row in self._rows)

    def of(self, name: bytes) -> int:
        return min(row[place] for row, place in self._places(name))

    def raise_to(self, name: bytes, count: int) -> None:
        for row, place in self._places(name):
            row[place] = max(row[place], count)

    def clear(self) -> None:
        self._rows = _zeros(self._mask + 1), _zeros(self._mask + 1)

    def _places(self, name: bytes) -> tuple[tuple["array[int]", int], ...]:
        code = hash(name)
        return tuple(zip(self._rows, (code & self._mask, code >> 32 & self._mask), strict=True))


def _zeros(places: int) -> "array[int]":
    return array("I", (0,)) * places


class Accounts:
    """What is kept of voters and networks in one topic, at one of so many gateways."""

    def __init__(
        self, allowance: Allowance, *, gateways: int = 1, voter_places: int = VOTER_PLACES,
        network_places: int = NETWORK_PLACES,
    ) -> None:
        self._of_voter = allowance.voter_bytes
        self._of_network = -(-allowance.network_bytes // gateways)
        self._day = -1
        self._voters, self._networks = _Counts(voter_places), _Counts(network_places)

    @property
    def size_bytes(self) -> int:
        """What the counts take."""
        return self._voters.size_bytes + self._networks.size_bytes

    def take(self, voter: bytes, network: bytes, size: int, day: int) -> bool:
        """Take bytes of both on a day; false, and nothing taken, where one has too few."""
        if day > self._day:  # Not before: a clock that is set back frees nobody.
            self._day = day
            self._voters.clear()
            self._networks.clear()
        of_voter, of_network = self._voters.of(voter) + size, self._networks.of(network) + size
        if of_voter > self._of_voter or of_network > self._of_network:
            return False
        self._voters.raise_to(voter, of_voter)
        self._networks.raise_to(network, of_network)
        return True
