"""Blocks of a day: stretches of addresses in which networks lie, and who came from each. Pure.

Theory of operation: who rents one block has thousands of networks, and sends one voter from each.
So a block whose fresh voters came for one item, from many networks, is looked at as a stratum. A
mobile operator is a block, too: it brings voters for everything.
"""

from array import array

from processors.guard.window import ITEM_BITS


BLOCK_OF_INTEREST = 5
"""A block with so many networks is looked at."""


class Blocks:
    """Fresh voters of each block, and of each block and item."""

    def __init__(self) -> None:
        self.of_network = array("i")
        """Number of the block of each network; -1 where none is known."""
        self._numbers: dict[bytes, int] = {}
        self.clear()

    def clear(self) -> None:
        """Count anew, with the blocks that are known."""
        self.sizes = [0] * len(self._numbers)
        """Fresh voters of each block."""
        self.pairs: dict[int, list[int]] = {}
        """By block and item: fresh voters, and the networks they come from."""
        self.touched: set[int] = set()
        """Pairs of interest that have grown."""

    def add_network(self, name: bytes) -> None:
        """Take the next network, with its block's name: empty where none is known."""
        number = self._numbers.setdefault(name, len(self._numbers)) if name else -1
        if number == len(self.sizes):
            self.sizes.append(0)
        self.of_network.append(number)

    def count(self, network: int) -> None:
        """Count a fresh voter of a network."""
        block = self.of_network[network]
        if block >= 0:
            self.sizes[block] += 1

    def count_pair(self, network: int, item: int, *, is_first: bool) -> int:
        """Count one who came for an item, perhaps as the first of the network; return the block."""
        block = self.of_network[network]
        if block < 0:
            return block
        pair = block << ITEM_BITS | item
        counted = self.pairs.get(pair)
        if counted is None:
            counted = self.pairs[pair] = [0, 0]
        counted[0] += 1
        counted[1] += is_first
        if counted[1] >= BLOCK_OF_INTEREST and 2 * counted[0] > self.sizes[block]:
            self.touched.add(pair)
        return block

    def review(self) -> None:
        """Have all of interest be looked at again."""
        self.touched.update(
            pair for pair, counted in self.pairs.items() if counted[1] >= BLOCK_OF_INTEREST)
