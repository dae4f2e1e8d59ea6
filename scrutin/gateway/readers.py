"""The door for readers at the gateway: what one network may ask for, so that votes come first.

Theory of operation: pages and votes share a process. Pages are made in threads and held, but each
costs some of its time, and a live stream holds one of a bounded number of places. Here, where
proxies are known and clients have addresses, every network has its share; the views alone, behind
an ingress, would see one network. A network may be a school or a mobile operator: so what one of
its people reads or searches takes nothing from the booth of the others, where acts have their
limits anyway, and what every page needs is always given. Who has no address that can be read is of
the network of all such, and so is no way around the limits.
"""

import re
from collections import Counter
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from producers.gateway import guards
from producers.gateway.cells import WINDOW_SECONDS
from producers.gateway.exchange import Asked
from producers.gateway.rates import Rate, Rates, headers_of, part
from schemas import problems
from views.responses import explained


STREAMS_PER_NETWORK = 50
"""Live streams of one network: a room of people, a fiftieth of all places, which bound the memory
of who holds how many, too."""
BOOTH = re.compile(r"/c/[^/]+/(?:vote|widget)(?:/|$)")
"""The booth's pages and forms, the widget's too."""
LIST_COST = 20
"""Requests that a search stands for: it makes a page that nobody else may want."""
CHECK = re.compile(r"/c/[^/]+/vote/receipts$")
CHECK_COST = 3
"""Requests that the check of a receipt stands for: signature, path and page take 1.4 ms."""


class Door:
    """Lets readers in to the pages."""

    def __init__(
        self, pages: ASGIApp, rates: Rates, clock: Callable[[], float], *, workers: int = 1
    ) -> None:
        """Of several workers at one port each has its part of a network's streams."""
        self._pages = pages
        self._rates = rates
        self._clock = clock
        self._streams_most = part(STREAMS_PER_NETWORK, workers)
        self._streams: Counter[bytes] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that it is too much."""
        # A form counts too: what is answered, if only with a refusal, is a page.
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._pages(scope, receive, send)
            return
        path, network = scope["path"], guards.network_of(Asked(scope, receive))
        rate = self._rates.count_reader(
            network, self._clock(), kind="booth" if BOOTH.match(path) else "readers",
            cost=_cost(scope))
        if rate.exceeded:
            await refuse(scope, receive, send, rate)
        elif path.startswith("/v1/") and path.endswith("/live"):
            await self._follow(network, scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def _follow(self, network: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        if self._streams[network] >= self._streams_most:
            await _too_many(scope, receive, send, {"retry-after": str(WINDOW_SECONDS)})
            return
        self._streams[network] += 1
        try:
            await self._pages(scope, receive, send)
        finally:
            self._streams[network] -= 1
            if not self._streams[network]:
                del self._streams[network]


def _cost(scope: Scope) -> int:
    """Return how many requests one stands for."""
    if scope["path"].endswith("/proposals") and scope["query_string"]:
        return LIST_COST
    return CHECK_COST if scope["method"] == "POST" and CHECK.match(scope["path"]) else 1


async def refuse(scope: Scope, receive: Receive, send: Send, rate: Rate) -> None:
    """Answer that a limit is exceeded, and until when."""
    await _too_many(scope, receive, send, {
        name.decode(): value.decode() for name, value in headers_of(rate).items()})


async def _too_many(scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
    request = Request(scope, receive)
    response = explained(
        request, problems.TOO_MANY_REQUESTS, as_json=scope["path"].startswith("/v1/"))
    response.headers.update(headers)
    await response(scope, receive, send)
