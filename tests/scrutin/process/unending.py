"""A program: a process of scrutin in which a thread waits for ever, once it has begun."""

import asyncio
import sys
import threading

from scrutin.main import main
from scrutin.process import pulse


BEGUN = "waits for what never comes"
beat = pulse.Pulse.beat


async def beat_beside(self: pulse.Pulse) -> None:
    """Beat as the process does, beside a thread for which Python waits at its end."""
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    sys.stderr.write(f"{BEGUN}\n")
    await beat(self)


if __name__ == "__main__":
    pulse.Pulse.beat = beat_beside  # type: ignore[method-assign]  # where all of them pass
    main(sys.argv[1:])
