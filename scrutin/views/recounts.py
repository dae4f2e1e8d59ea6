"""Look for batches of recounts that somebody made, for the guard's page."""

import asyncio

from views.guard.kept import Kept


LOOK_SECONDS = 15.0
"""Pause between two looks at the folder: a batch is made once a day or so."""


async def look_at_recounts(kept: Kept) -> None:
    """Look now and then, until cancelled."""
    while True:
        await asyncio.to_thread(kept.look)
        await asyncio.sleep(LOOK_SECONDS)
