"""A program: a process of scrutin whose loop stands still as soon as it has begun to beat."""

import asyncio
import sys
import threading

from scrutin.main import main
from scrutin.process import pulse


beat = pulse.Pulse.beat


def stand_here() -> None:
    """Wait for what never comes, in the loop's own thread."""
    threading.Event().wait()


async def beat_once(self: pulse.Pulse) -> None:
    """Beat as the process does, until the loop comes round the first time."""
    asyncio.get_running_loop().call_soon(stand_here)
    await beat(self)


if __name__ == "__main__":
    pulse.STILL_LOOKS, pulse.LOOK_SECONDS = 20, 0.05
    pulse.Pulse.beat = beat_once  # type: ignore[method-assign]  # where all of them pass
    main(sys.argv[1:])
