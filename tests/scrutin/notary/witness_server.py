"""A small witness over HTTP (C2SP tlog-witness), honest or not as a test wishes."""

import asyncio
import base64
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.sinks.transparency.cosigning import Cosigner
from tests.sinks.transparency.rfc6962 import is_extension


Fault = Callable[["WitnessServer", str], Response]
"""What a dishonest witness answers to a checkpoint."""


class WitnessServer:
    """One witness, and what it has signed."""

    def __init__(self, label: str) -> None:
        self.label, self.cosigner = label, Cosigner(label)
        self.known: dict[str, tuple[int, bytes]] = {}
        """Size and root of the tree it signed last, by origin."""
        self.fault: Fault | None = None
        self.is_silent = False
        self.asked: list[str] = []
        """The first line of each submission."""
        self.application = Starlette(routes=[
            Route("/add-checkpoint", self._add, methods=["POST"])])

    async def _add(self, request: Request) -> Response:
        head, _, note = (await request.body()).decode().partition("\n\n")
        self.asked.append(head.splitlines()[0])
        while self.is_silent:
            await asyncio.sleep(0.05)
        return self.fault(self, note) if self.fault else self._answer(head, note)

    def _answer(self, head: str, note: str) -> Response:
        """Answer as the protocol says."""
        first, *path = head.splitlines()
        old = int(first.removeprefix("old "))
        origin, number, encoded = note.splitlines()[:3]
        size, root = int(number), base64.b64decode(encoded)
        known, known_root = self.known.get(origin, (0, b""))
        if old != known:
            return Response(f"{known}\n", 409, media_type="text/x.tlog.size")
        hashes = [base64.b64decode(each) for each in path]
        if known and not is_extension(known, known_root, size, root, hashes):
            return Response("the proof does not hold", 422)
        if not known and hashes:
            return Response("a proof out of nothing", 422)
        self.known[origin] = (size, root)
        return Response(self.cosigner.line(note, int(time.time())))
