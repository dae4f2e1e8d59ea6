"""The server under every page and every `/status`: it wakes once a second, and when it is to end.

Apart from the pages, for workers that have none need nothing of what draws them.
"""

import asyncio
import contextlib

import uvicorn


TICK_SECONDS = 1.0
"""So often the date in answers is written anew: it has whole seconds."""


class SeldomWaking(uvicorn.Server):
    """A server that wakes once a second, to write the date anew, and at once when it is to end.

    uvicorn's own looks ten times a second whether it is to end, in each of eight processes.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Stay until told to end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TICK_SECONDS)

    def end(self) -> None:
        """End once the answers under way are sent; call it from the event loop."""
        self.should_exit = True
        self._ending.set()
