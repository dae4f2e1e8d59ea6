"""The transparency logs over HTTP: tiles and checkpoints as files, receipts' proofs.

After C2SP tlog-tiles. What lies under an address of a tile never changes; a checkpoint is asked
for again after seconds.
"""

import asyncio
import hashlib
from typing import Protocol, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from views import numbers, problems
from views.publications import Representation
from views.responses import represented


TILE_SECONDS = 31_536_000
"""Tiles may be kept for a year: their contents are part of what was signed."""
CHECKPOINT_SECONDS = 2
"""A cache may send a checkpoint, or a proof up to it, for so long."""
RETRY_SECONDS = 15
"""What is asked of whoever comes before the checkpoint: about the pause between two."""

Given = TypeVar("Given")


class SignedResults(Protocol):
    """The newest signed result of each consultation."""

    def note(self, consultation: str) -> str | None: ...

    def document(self, consultation: str) -> bytes | None: ...


class Logs(Protocol):
    """What the logs give by paths below the prefix: `sinks.transparency.serving.ServedLogs`."""

    @property
    def results(self) -> SignedResults: ...

    def text(self, path: str) -> str | None: ...

    def tile(self, path: str) -> bytes | None: ...

    def proof(self, partition: int, offset: int) -> str | None: ...


def routes(logs: Logs) -> list[Route]:
    """Serve logs."""
    served = _Served(logs)
    numbers.register()
    return [
        Route("/log/{path:path}", served.file),
        Route("/v1/receipts/{partition:number}/{offset:number}", served.receipt),
        Route("/v1/consultations/{consultation}/results/note", served.note),
        Route("/v1/consultations/{consultation}/results/signed", served.signed),
    ]


class _Served:
    """The addresses of logs; each reads files, in a thread."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    async def file(self, request: Request) -> Response:
        path = request.path_params["path"]
        text = await asyncio.to_thread(self._logs.text, path)
        if text is not None:
            return _text(text)
        data = _there(await asyncio.to_thread(self._logs.tile, path))
        life = _life(TILE_SECONDS, ", immutable")
        if "/tile/entries/" not in path:
            return Response(data, media_type="application/octet-stream", headers=life)
        # Bundles repeat their consultation: they are worth compressing, hashes are not.
        return await represented(request, _tagged(data), "application/octet-stream", life)

    async def receipt(self, request: Request) -> Response:
        place = request.path_params
        proof = await asyncio.to_thread(self._logs.proof, place["partition"], place["offset"])
        if proof is None:
            again = {"retry-after": str(RETRY_SECONDS)}
            raise HTTPException(404, detail=problems.NOT_IN_LOG.name, headers=again)
        return _text(proof)

    async def note(self, request: Request) -> Response:
        consultation = request.path_params["consultation"]
        return _text(_there(await asyncio.to_thread(self._logs.results.note, consultation)))

    async def signed(self, request: Request) -> Response:
        consultation = request.path_params["consultation"]
        body = _there(await asyncio.to_thread(self._logs.results.document, consultation))
        life = _life(CHECKPOINT_SECONDS)
        return await represented(request, _tagged(body), "application/json", life)


def _there(found: Given | None) -> Given:
    if found is None:
        raise HTTPException(404)
    return found


def _text(text: str) -> Response:
    return Response(text, media_type="text/plain", headers=_life(CHECKPOINT_SECONDS))


def _tagged(body: bytes) -> Representation:
    return Representation(body, hashlib.sha256(body).hexdigest()[:32])


def _life(seconds: int, more: str = "") -> dict[str, str]:
    """Give a life in caches to what programs of any site may read."""
    return {"cache-control": f"public, max-age={seconds}{more}",
            "access-control-allow-origin": "*"}
