"""Groups that are told of each further voter of a day, and what is usual for their items. Pure."""

from collections.abc import Callable, Iterable, Iterator

from processors.guard.counts import Ballots
from processors.guard.findings import Group
from processors.guard.window import ITEM_BITS, ITEM_MASK


class Watched:
    """Groups by pair of network and item, and strata by item."""

    def __init__(self, ballot_of: Callable[[int], bytes]) -> None:
        self._ballot_of = ballot_of
        """Gives the ballot of a row."""
        self.by_pair: dict[int, Group] = {}
        self.by_item: dict[int, list[Group]] = {}
        self.usual: dict[int, Ballots] = {}
        """By item: ballots of the first few of each network, in a group or not."""

    def add(self, item: int, group: Group, usual: Iterable[int], pair: int | None = None) -> None:
        """Watch a group: of a pair, or a stratum. `usual` are the first few rows of the item."""
        if pair is None:
            self.by_item.setdefault(item, []).append(group)
        else:
            self.by_pair[pair] = group
        if item not in self.usual:
            self.count(item, usual)

    def count(self, item: int, usual: Iterable[int]) -> None:
        """Count anew what is usual for an item."""
        found = self.usual[item] = Ballots()
        for row in usual:
            found.add(self._ballot_of(row))

    def at(self, pair: int, block: int) -> Iterator[Group]:
        """Go through the groups of who came from a network, of a block, for an item."""
        group = self.by_pair.get(pair)
        if group is not None:
            yield group
        for group in self.by_item.get(pair & ITEM_MASK, ()):
            if group.takes(pair >> ITEM_BITS, block):
                yield group

    def came(self, row: int, pair: int, block: int, *, is_usual: bool) -> None:
        """Take somebody who came for an item that is watched."""
        if is_usual:
            self.usual[pair & ITEM_MASK].add(self._ballot_of(row))
        for group in self.at(pair, block):
            group.came(row)

    def recast(self, row: int, pair: int, block: int, before: bytes, *, is_usual: bool) -> None:
        """Take somebody's ballot as it is now, and no longer as it was."""
        if is_usual:
            self.usual[pair & ITEM_MASK].recast(before, self._ballot_of(row))
        for group in self.at(pair, block):
            group.recast.setdefault(row, before)
