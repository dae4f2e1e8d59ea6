"""Strict transport (RFC 6797): whoever has come by TLS once comes by TLS from then on.

Said on every answer of a request that came by TLS, as the server or a proxy it believes says; by
plain HTTP the header means nothing, and on this machine there is no TLS.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StrictTransport:
    """Middleware outside of everything else: what answers is not asked whether it thought of it."""

    def __init__(self, app: ASGIApp, seconds: int) -> None:
        self._app = app
        self._header = (b"strict-transport-security", b"max-age=%d" % seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("scheme") != "https":
            await self._app(scope, receive, send)
            return
        header = self._header

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self._app(scope, receive, send_strictly)
