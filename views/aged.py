"""What takes long to make, kept for a while even where something newer is there to be made.

Theory of operation: a file of half a second or a drawn picture follows the votes at a distance, so
that making them takes a bounded share of the processor however many votes come in and however many
people ask. What must never be sent in the place of another (one that hides words, of one that
shows them) differs in its key.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from views.representation import Representation
from views.shelf import Shelf


Key = TypeVar("Key", bound=Hashable)
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class _Made:
    making: asyncio.Task[Representation]
    made_at: float
    made_from: Any


class Aged(Generic[Key]):
    """Things by key, no more of them than a number of bytes, none newer before so many seconds."""

    def __init__(self, clock: Callable[[], float], *, seconds: float, bytes_most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._held: Shelf[Key, _Made] = Shelf(bytes_most)

    @property
    def size_bytes(self) -> int:
        """What is held takes so much, at most."""
        return self._held.size_bytes

    async def made(
        self, key: Key, made_from: Any, make: Callable[[], Awaitable[Representation]],
    ) -> Representation:
        """Return what is under a key, made anew where it is old and was made from something else.

        Whoever asks while it is made waits for the same.
        """
        kept = self._held.get(key)
        if kept is None or (kept.made_from != made_from
                            and self._clock() - kept.made_at >= self._seconds):
            making = asyncio.ensure_future(make())
            kept = _Made(making, self._clock(), made_from)
            self._held.put(key, kept)
            making.add_done_callback(functools.partial(weigh, self._held, key, kept))
        # Shielded: a visitor who leaves must not stop what others wait for.
        return await asyncio.shield(kept.making)


def weigh(
    shelf: Shelf[Key, Kept], key: Key, kept: Kept, making: asyncio.Future[Representation]
) -> None:
    """Weigh what was made; forget what failed, and only that."""
    if not making.cancelled() and making.exception() is None:
        shelf.weigh(key, kept, making.result().size_bytes)
    elif shelf.get(key) is kept:
        shelf.drop(key)
