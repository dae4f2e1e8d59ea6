"""What was made and is kept to be sent again: bounded in bytes, the last asked for. Pure."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar


ENTRY_BYTES = 1_024
"""What an entry takes beside the bytes it is weighed by: its key, its place, what holds it."""

Key = TypeVar("Key", bound=Hashable)
Kept = TypeVar("Kept")


class Shelf(Generic[Key, Kept]):
    """Things by key, of a weight in bytes each, and no more of them than a bound in bytes allows.

    What was put or taken longest ago goes first. The last one put is kept whatever its weight, so
    that whoever asked for it gets it.
    """

    def __init__(self, bytes_most: int) -> None:
        self._bytes_most = bytes_most
        self._held: OrderedDict[Key, tuple[Kept, int]] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """What is held weighs so much."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._held)

    def put(self, key: Key, kept: Kept, size: int = 0) -> None:
        """Keep something in place of what was under its key; it may be weighed later."""
        self.drop(key)
        self._held[key] = (kept, size)
        self._bytes += size + ENTRY_BYTES
        self._make_room()

    def get(self, key: Key) -> Kept | None:
        """Return what is under a key; None where nothing is, or is any more."""
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def weigh(self, key: Key, kept: Kept, size: int) -> None:
        """Say what something weighs, if it is still there."""
        found = self._held.get(key)
        if found is not None and found[0] is kept:
            self._held[key] = (kept, size)
            self._bytes += size - found[1]
            self._make_room()

    def drop(self, key: Key) -> None:
        """Let go of what is under a key."""
        found = self._held.pop(key, None)
        if found is not None:
            self._bytes -= found[1] + ENTRY_BYTES

    def drop_all(self, of: Callable[[Key], bool]) -> None:
        """Let go of what is under some keys."""
        for key in [key for key in self._held if of(key)]:
            self.drop(key)

    def clear(self) -> None:
        """Let go of everything."""
        self._held.clear()
        self._bytes = 0

    def _make_room(self) -> None:
        while self._bytes > self._bytes_most and len(self._held) > 1:
            _, (_, size) = self._held.popitem(last=False)
            self._bytes -= size + ENTRY_BYTES
