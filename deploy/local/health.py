"""Ask a process of ours over HTTP whether it is ready."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable


# Loopback answers in a millisecond; a process too busy to answer is asked again.
QUESTION_SECONDS = 2.0

Ready = Callable[[], Awaitable[bool]]


def answers(url: str) -> bool:
    """Tell whether a GET of `url` is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=QUESTION_SECONDS) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def readiness(check: Callable[[], bool]) -> Ready:
    """Ask a blocking question from the supervisor's loop without holding it up."""

    async def ready() -> bool:
        return await asyncio.to_thread(check)

    return ready
