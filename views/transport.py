"""Strict transport (RFC 6797): whoever has come by TLS once comes by TLS from then on.

Said on every answer of a request that came by TLS, as the server or a proxy it believes says; by
plain HTTP the header means nothing, and on this machine there is no TLS.
"""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StrictTransport:
    """Middleware outside of everything else: what answers is not asked whether it thought of it.

    It is no coroutine: by plain HTTP, as behind most proxies, a request goes through it without a
    frame of its own. Servers have to be told that it is of ASGI 3 (`interface`).
    """

    def __init__(self, app: ASGIApp, seconds: int) -> None:
        self._app = app
        self._header = (b"strict-transport-security", b"max-age=%d" % seconds)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope.get("scheme") != "https":
            return self._app(scope, receive, send)
        return self._strictly(scope, receive, send)

    async def _strictly(self, scope: Scope, receive: Receive, send: Send) -> None:
        header = self._header

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self._app(scope, receive, send_strictly)
