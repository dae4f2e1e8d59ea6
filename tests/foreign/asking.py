"""One request of a stranger, put to an application itself: how it was answered, at what cost."""

import contextlib
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp

from tests.foreign.applications import Name
from tests.foreign.hostile import Sent


PIECE_BYTES = 4_096
"""A body arrives in pieces."""
_visitors = itertools.count(1)


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    sent: Sent | None = None

    def scope(self) -> dict[str, Any]:
        """Write it as a server does; each comes from a network of its own, so none is too many."""
        headers = [*self.headers, *([("content-type", self.sent.declared)] if self.sent else ())]
        number = next(_visitors)
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
            "method": self.method, "path": unquote(self.path), "root_path": "",
            "raw_path": self.path.encode("utf-8", "replace"), "state": {},
            "query_string": self.query.encode("latin-1", "replace"),
            "headers": [(Name(name.encode()), value.encode("latin-1", "replace"))
                        for name, value in headers],
            "client": (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 1),
            "server": ("127.0.0.1", 80)}


@dataclass
class _Line:
    """The two ends between a server and an application."""

    pieces: list[bytes]
    status: int = 0
    sent: list[bytes] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        if not self.pieces:
            return {"type": "http.disconnect"}
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.sent.append(message.get("body", b""))


async def asked(app: ASGIApp, wish: Wish) -> tuple[int, float]:
    """Return the status of the answer, and the processor seconds it took in all threads."""
    body = wish.sent.body if wish.sent else b""
    line = _Line([body[at:at + PIECE_BYTES] for at in range(0, max(1, len(body)), PIECE_BYTES)])
    scope = wish.scope()
    began = time.process_time()
    with contextlib.suppress(Exception):  # Said as 500 before it is raised for the server's log.
        await app(scope, line.receive, line.send)
    return line.status, time.process_time() - began


FACTOR = 8
"""Four times as much may cost so many times as much: twice what it should. What grows with the
square costs sixteen times as much."""
SIZES = (2_048, 8_192, 32_768)
"""Each four times the one before."""
ATTEMPTS = 12
"""Times that both are measured before what was measured is believed: the least of each counts, for
other work of the machine only adds."""


async def fault(app: ASGIApp, wishes: Sequence[Wish]) -> str:
    """Ask the same in growing sizes; say where it was no answer, or work grew too fast."""
    least: list[float] = []
    for wish in wishes:
        status, seconds = await asked(app, wish)
        if status in (0, 500):
            return f"answered {status or 'nothing'}"
        least.append(seconds)
    for place in range(1, len(wishes)):
        if not await _is_linear(app, wishes[place - 1:place + 1], least[place - 1:place + 1]):
            return f"four times as much takes {FACTOR} times as long and more"
    return ""


async def _is_linear(app: ASGIApp, pair: Sequence[Wish], least: list[float]) -> bool:
    for _ in range(ATTEMPTS):
        if least[1] <= FACTOR * least[0]:
            return True
        for place, wish in enumerate(pair):
            least[place] = min(least[place], (await asked(app, wish))[1])
    return False
