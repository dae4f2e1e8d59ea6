"""Waiting for the archive: what is published of a record may be there before its row is.

Theory of operation: the archive gathers records of a quiet log for up to half a minute before it
stores them (`sinks.lane.TRICKLE_SECONDS`). Whoever compares something published with it therefore
asks again within a bound, and finds fault only with what is still not there then.
"""

import time
from collections.abc import Callable


WAIT_SECONDS = 60.0
"""Longest wait for the archive to hold what was published; it is half a minute behind at most."""
POLL_SECONDS = 0.2
"""Pause between two looks at how far the archive is."""

Say = Callable[[str], None]


def still_lacking(
    lacking: Callable[[], str], *, say: Say, seconds: float = WAIT_SECONDS
) -> str:
    """Ask what the archive lacks until it lacks nothing, or the time is over; return the answer.

    "" says that it has everything. What it waits for is said once, and when it is another.
    """
    deadline, told = time.monotonic() + seconds, ""
    while (answer := lacking()) and time.monotonic() <= deadline:
        if answer != told:
            say(f"waiting for the archive: {answer}")
            told = answer
        time.sleep(POLL_SECONDS)  # the archive is another process: it tells nobody
    return answer
