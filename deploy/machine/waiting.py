"""Waiting for what another process does: nobody here is told of it, so it is asked for."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], *, seconds: float, poll_seconds: float) -> bool:
    """Ask until a condition holds: True, or False once so much time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_seconds)  # the pause between two questions to another process
    return True
