"""Told to stop, a process is not ready any more, and answers on for a while.

Theory of operation: whoever spreads requests over several processes asks each now and then whether
it is ready. A port that closes at once breaks off what comes until the next time it is asked. So
/readyz fails first, all else is answered as ever, and each answer has its connection closed behind
it, for the next request to come over another one, to another process. Then the port closes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


READY = "/readyz"
_CLOSE = (b"connection", b"close")


@dataclass
class Told:
    """Whether a process was told to stop: whoever says how it is asks here, its figures too."""

    begun: bool = False
    ends: Callable[[], None] = lambda: None
    """Called when no more is taken, and what is under way is to end."""


class Draining:
    """Middleware that says so once it has begun; no coroutine, as `StrictTransport` is none."""

    def __init__(self, app: ASGIApp, told: Told) -> None:
        self._app = app
        self.told = told

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass on what is asked; say that nothing more should come."""
        return (self._closing if self.told.begun else self._app)(scope, receive, send)

    async def _closing(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), _CLOSE]
            await send(message)

        answers = self._app
        if scope["type"] == "http" and scope["path"] == READY:
            answers = PlainTextResponse(
                "not ready: told to stop\n", 503, headers={"cache-control": "no-store"})
        await answers(scope, receive, closing)
