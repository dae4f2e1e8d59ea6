"""Who guesses the operators' token is told to wait: wrong tokens are counted by network.

Theory of operation: a request that shows a token is counted before it is answered, so that many at
once are counted too, and given back where the answer is not that the token is wrong: a right one
costs nothing, however often. Past the limit a right token of that network is refused as well, for
an answer to it would be what the guesser waits for; who has shown the token before has a cookie,
and goes on. What a page of another site sends is no guess: it is refused unread, so that no page
that somebody has open can use up what a network may guess.
"""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.gateway import guards
from producers.gateway.cells import Cells
from producers.gateway.exchange import Asked
from producers.gateway.rates import Rate, part
from scrutin.gateway.readers import refuse
from views.operations.access import from_another_site


WRONG_TOKENS = 20
"""Wrong tokens a minute from one network: a person who mistypes needs three, and a guesser gets ten
million a year, of the 10^28 that sixteen random letters and digits are."""
CELLS = 1 << 16
"""Windows, 1.3 MB: to fill them with wrong tokens takes more requests than are answered."""
_SHOWN_IN_HEADER = ("/metrics", "/ops", "/ops/live")
_SHOWN_IN_FORM = "/ops/login"
_WRONG = (401, 403)


class Guesses:
    """Middleware before whatever asks for the operators' token."""

    def __init__(
        self, app: ASGIApp, clock: Callable[[], float] = time.time, *, workers: int = 1
    ) -> None:
        """Of several workers at one port each allows its part."""
        self._app = app
        self._clock = clock
        self._most = part(WRONG_TOKENS, workers)
        self._cells = Cells(CELLS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what shows no token, or not too many wrong ones."""
        asked = Asked(scope, receive) if _may_show(scope) else None
        if asked is None or not _shows(asked):
            await self._app(scope, receive, send)
            return
        now = self._clock()
        network = guards.network_of(asked)
        cell, used, rest = self._cells.look(network, now)
        if used >= self._most:
            await refuse(scope, receive, send, Rate("tokens", self._most, -1, int(rest) + 1))
            return
        if not rest:
            self._cells.begin(cell, network, now)
        self._cells.counts[cell] += 1

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] not in _WRONG:
                self._cells.counts[cell] = max(0, self._cells.counts[cell] - 1)
            await send(message)

        await self._app(scope, receive, noting)


def _may_show(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"] in (*_SHOWN_IN_HEADER, _SHOWN_IN_FORM)


def _shows(asked: Asked) -> bool:
    if asked.path == _SHOWN_IN_FORM:
        return asked.scope["method"] == "POST" and not from_another_site(Request(asked.scope))
    return b"authorization" in asked.headers
