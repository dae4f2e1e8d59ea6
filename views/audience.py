"""Who looks at what a process shows: where nobody does, nothing needs to be new at once.

Theory of operation: a request under way is somebody who looks, a stream as long as it lasts, and so
is one that ended a moment ago, for people go on to the next page. Questions of programs about the
process itself are none. Who keeps the shown state rests between two looks at the broker while there
is no audience; the first request ends the rest.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


REST_SECONDS = 0.5
"""A rest while nobody looks: the first to come may be shown what is so much older..."""
STAY_SECONDS = 10.0
"""... and none who asks again within so long."""
NOT_LOOKING = frozenset({"/livez", "/readyz", "/metrics"})
"""Addresses that programs ask again and again."""


class Audience:
    """The requests of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._present = 0
        self._stays_until = 0.0
        self._came = asyncio.Event()

    def enter(self) -> None:
        """Count a request in."""
        self._present += 1
        self._came.set()

    def leave(self) -> None:
        """Count it out."""
        self._present -= 1
        self._stays_until = self._clock() + STAY_SECONDS

    @property
    def here(self) -> bool:
        """Whether somebody looks, or did a moment ago."""
        return self._present > 0 or self._clock() < self._stays_until

    async def rest(self) -> None:
        """Rest while nobody looks."""
        if self.here:
            return
        self._came.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), REST_SECONDS)


class Counted:
    """Counts the requests that an application answers."""

    def __init__(self, application: ASGIApp, audience: Audience) -> None:
        self._application, self._audience = application, audience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and count it as long as it lasts."""
        if scope["type"] != "http" or scope["path"] in NOT_LOOKING:
            await self._application(scope, receive, send)
            return
        self._audience.enter()
        try:
            await self._application(scope, receive, send)
        finally:
            self._audience.leave()
