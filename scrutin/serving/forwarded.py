"""Addresses of visitors behind proxies, as uvicorn reads them of what is safe to read.

Of `*`, any proxy, uvicorn takes the front of the list, which every visitor can write; it is handed
the last address alone, which whoever is connected to us wrote. So one proxy may stand there: of two
in a row the visitors' address is the last but one, and all of them share what is left to the outer
proxy's network.
"""

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from scrutin.serving.proxies import ANY, believed


_FORWARDED_FOR = b"x-forwarded-for"


def behind(app: ASGIApp, named: str) -> ASGIApp:
    """Return an application that believes the proxies named about addresses; empty: none."""
    trusted = believed(named)
    if not trusted:
        return app
    reading: ASGIApp = ProxyHeadersMiddleware(app, trusted)  # type: ignore[arg-type, assignment]  # uvicorn's types of the same
    return LastHop(reading) if trusted == ANY else reading


class LastHop:
    """Middleware before uvicorn's: it leaves of X-Forwarded-For the address that came last."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            values = [value for name, value in scope["headers"] if name == _FORWARDED_FOR]
            if values:
                others = [pair for pair in scope["headers"] if pair[0] != _FORWARDED_FOR]
                last = values[-1].rpartition(b",")[2].strip()
                scope = {**scope, "headers": [*others, (_FORWARDED_FOR, last)]}
        await self._app(scope, receive, send)
