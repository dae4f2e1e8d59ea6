"""Makes pages, documents and files in threads: whoever votes does not wait for who reads.

Theory of operation: a page of thousands of proposals takes a tenth of a second, and on the event
loop no vote would be answered meanwhile. What is made here is made of documents that nobody
changes any more. Threads share one interpreter, so that more of them make nothing sooner.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar


PLACES = 2
"""Pieces of work at once: a file of half a second does not hold up every page."""
WAITING_MOST = 64
"""Pieces of work that wait or are under way: some seconds of work; the next is turned away."""

Made = TypeVar("Made")


class TooManyReaders(Exception):
    """More is asked for than can be made soon."""


class Workshop:
    """The places of one process."""

    def __init__(self, *, waiting_most: int = WAITING_MOST) -> None:
        self._places = asyncio.Semaphore(PLACES)
        self._waiting_most = waiting_most
        self._waiting = 0

    async def make(self, work: Callable[[], Made]) -> Made:
        """Do a piece of work in a thread, in turn; raise TooManyReaders where too many wait."""
        if self._waiting >= self._waiting_most:
            raise TooManyReaders
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
