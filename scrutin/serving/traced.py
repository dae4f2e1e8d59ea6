"""A span for each request, where anybody listens to spans (`schemas.traces`)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.gateway import operations
from schemas import traces
from views.meter import UNCOUNTED, kind_of


def traced(app: ASGIApp) -> ASGIApp:
    """Return an application that tells of its requests; the same one where nobody listens."""
    return Traced(app) if traces.listening() else app


class Traced:
    """Middleware inside of who believes proxies: what it tells holds nothing of a visitor."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = route_of(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        began, status = traces.begin(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            traces.request(route, scope["method"], status, began,
                           traces.parent_in(scope["headers"]))


def route_of(path: str) -> str | None:
    """Return the address as we write it, or its kind; None for what is not told.

    That is who asks every second whether we live, and streams that last for hours.
    """
    if path in UNCOUNTED:
        return None
    kind = kind_of(path)
    return None if kind == "live" else operations.address_of(path) or kind
