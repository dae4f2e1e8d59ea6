"""A request and its answer, as ASGI has them: no more than the gateway needs.

Theory of operation: routes and servers are Starlette's and uvicorn's; requests and answers are
our own, because a vote's time goes into exactly these. Starlette's headers search a list for each
question, its cookie parser unquotes every cookie, its handlers are wrapped four times: together
more than the signatures, the Avro and the broker's acknowledgement of a vote.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from producers.gateway.refusals import Refused
from schemas import problems, visitors
from schemas.visitors import Query, TooManyFields


BODY_BYTES = 4_096
"""Longest body: a vote needs some hundred bytes, a description with its receipt a thousand."""
QUERY_FIELDS = 8
"""Fields of a query, at most: no address takes more than four."""

JSON = b"application/json"
JSON_SEQUENCE = b"application/json-seq"
"""One JSON text after the other (RFC 7464), each between these:"""
TEXT_BEGINS, TEXT_ENDS = b"\x1e", b"\n"
SECURITY = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
"""On every answer: whoever opens it in a browser gets text that does nothing."""
NO_STORE: dict[bytes, bytes] = {b"cache-control": b"no-store"}


_SEQUENCE = (b"content-type", JSON_SEQUENCE)
_AS_IT_COMES = (b"x-accel-buffering", b"no")
"""Proxies hand it on at once."""


class Asked:
    """A request."""

    __slots__ = ("_query", "_receive", "headers", "limits", "scope", "via")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        """By lower-case name; of a header sent twice the last."""
        self.limits: dict[bytes, bytes] = {}
        """Headers that tell what is left to whoever asks, once that is known."""
        self.via = 0
        """Number of the partner on whose site it is said to come from; 0: our own, or a program."""
        self._receive = receive
        self._query: Query | None = None

    @property
    def path(self) -> str:
        path: str = self.scope["path"]
        return path

    @property
    def parts(self) -> dict[str, str]:
        """The named parts of the path."""
        parts: dict[str, str] = self.scope["path_params"]
        return parts

    def header(self, name: bytes) -> str | None:
        """Return a header as text."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def query(self) -> Query:
        """Return the fields of the query; raise Refused where there are too many."""
        if self._query is None:
            try:
                self._query = visitors.query(self.scope["query_string"], QUERY_FIELDS)
            except TooManyFields:
                raise Refused(problems.INVALID_REQUEST) from None
        return self._query

    def cookie(self, name: str) -> str | None:
        """Return a cookie as it was sent."""
        return visitors.cookie(self.headers.get(b"cookie", b"").decode("latin-1"), name)

    async def json_body(self, bytes_most: int = BODY_BYTES) -> bytes:
        """Read a body that says it is JSON, within bounds."""
        declared = self.headers.get(b"content-type", b"")
        if declared != JSON and declared.partition(b";")[0].strip().lower() != JSON:
            raise Refused(problems.NOT_JSON)
        body: bytes = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            body += message.get("body", b"")
            if len(body) > bytes_most:
                raise Refused(problems.TOO_LARGE)
            if not message.get("more_body", False):
                return body


class Disconnected(Exception):
    """Whoever asked is gone before the whole request was here."""


@dataclass(slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: dict[bytes, bytes] = field(default_factory=dict)
    cookies: tuple[bytes, ...] = ()
    """Values of Set-Cookie: the one header that may stand there twice."""
    more: Callable[[], Awaitable[bytes]] | None = None
    """Gives a second JSON text, which is sent as soon as it is there."""

    async def send(self, send: Send, *, with_body: bool = True) -> None:
        """Send it; without its body to somebody who asked for the head."""
        headers = [
            (b"content-type", self.media_type) if self.more is None else _SEQUENCE,
            (b"content-length", b"%d" % len(self.body)) if self.more is None else _AS_IT_COMES,
            *SECURITY,
            *self.headers.items(),
        ]
        if self.cookies:  # Hardly ever: most who vote have theirs.
            headers += [(b"set-cookie", cookie) for cookie in self.cookies]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.more is None:
            await send({"type": "http.response.body", "body": self.body if with_body else b""})
        else:
            await send({"type": "http.response.body", "more_body": True,
                        "body": TEXT_BEGINS + self.body + TEXT_ENDS})

    async def go_on(self, send: Send) -> None:
        """Send what comes later, if anything does."""
        if self.more is not None:
            body = TEXT_BEGINS + await self.more() + TEXT_ENDS
            await send({"type": "http.response.body", "body": body})


def encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Write headers as ASGI has them."""
    return {name.encode(): value.encode("latin-1") for name, value in headers.items()}


Handler = Callable[[Asked], Awaitable[Answer]]


class Endpoint:
    """An address: a handler, and what is said where it refuses or fails."""

    def __init__(
        self, handler: Handler, refused: Callable[[Asked, Exception], Answer],
        answered: Callable[[int, float], None],
    ) -> None:
        self._handler = handler
        self._refused = refused
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        asked = Asked(scope, receive)
        try:
            answer = await self._handler(asked)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 -- said to the caller, and logged by `refused`
            answer = self._refused(asked, error)
        await answer.send(send, with_body=scope["method"] != "HEAD")
        self._answered(answer.status, time.perf_counter() - began)
        await answer.go_on(send)


Fields = dict[str, Any]
