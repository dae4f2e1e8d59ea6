"""Fresh voters of the last quarter of an hour, by item and network. Pure.

Theory of operation: what was counted is kept by minute; whole minutes leave. So what is in the
window follows from the votes and from now, not from when they arrived. A moment on television
explains itself by it: the item is as popular in all other networks.
"""

from array import array
from collections import Counter


MINUTE_MS = 60_000
WINDOW_MINUTES = 15
NETWORK_COUNTS_MOST = 50
"""So many voters of one network count, at most: nobody makes an item popular from one place."""
ITEM_BITS = 20
"""An item is a number below two to this power; a pair is a network above an item."""
ITEM_MASK = (1 << ITEM_BITS) - 1


class Window:
    """Voters with a network, by pair of network and item, and by network."""

    __slots__ = ("_minutes", "_networks", "_pairs", "items", "now", "voters")

    def __init__(self) -> None:
        self._minutes: dict[int, array[int]] = {}
        """Pairs and networks counted in a minute; a network is a negative number."""
        self._pairs: Counter[int] = Counter()
        self._networks: Counter[int] = Counter()
        self.items: Counter[int] = Counter()
        """Voters by item, no network counted more than so far."""
        self.voters = 0
        """All voters, counted alike."""
        self.now = 0
        """The minute up to which the window goes."""

    def add(self, time: int, network: int, pair: int | None) -> None:
        """Count a fresh voter of a network; `pair` is None where the first item was served."""
        minute = time // MINUTE_MS
        if minute <= self.now - WINDOW_MINUTES:
            return
        counted = self._minutes.get(minute)
        if counted is None:
            counted = self._minutes[minute] = array("q")
        counted.append(~network)
        held = self._networks[network] = self._networks.get(network, 0) + 1
        self.voters += held <= NETWORK_COUNTS_MOST
        if pair is not None:
            counted.append(pair)
            held = self._pairs[pair] = self._pairs.get(pair, 0) + 1
            self.items[pair & ITEM_MASK] += held <= NETWORK_COUNTS_MOST

    def move(self, now: int) -> None:
        """Let go of minutes that are over."""
        self.now = max(self.now, now // MINUTE_MS)
        for minute in [one for one in self._minutes if one <= self.now - WINDOW_MINUTES]:
            for number in self._minutes.pop(minute):
                if number < 0:
                    self.voters -= _less(self._networks, ~number)
                else:
                    self.items[number & ITEM_MASK] -= _less(self._pairs, number)

    def of_pair(self, pair: int) -> int:
        """Return the voters of a pair, as far as they count."""
        return min(self._pairs.get(pair, 0), NETWORK_COUNTS_MOST)

    def of_network(self, network: int) -> int:
        """Return the voters of a network, as far as they count."""
        return min(self._networks.get(network, 0), NETWORK_COUNTS_MOST)


def _less(counter: Counter[int], key: int) -> bool:
    """Count one less; say whether it had counted."""
    held = counter[key]
    if held == 1:
        del counter[key]
    else:
        counter[key] = held - 1
    return held <= NETWORK_COUNTS_MOST
