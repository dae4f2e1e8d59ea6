"""The transparency logs over HTTP: tiles and checkpoints as files, receipts' proofs.

After C2SP tlog-tiles. What lies under an address of a tile never changes; a checkpoint is asked
for again after seconds.
"""

import asyncio
import hashlib
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from views import problems
from views.publications import Representation
from views.responses import represented


TILE_SECONDS = 31_536_000
"""Tiles may be kept for a year: their contents are part of what was signed."""
CHECKPOINT_SECONDS = 2
"""A cache may send a checkpoint, or a proof up to it, for so long."""
RETRY_SECONDS = 15
"""What is asked of whoever comes before the checkpoint: about the pause between two."""

TEXT = "text/plain"
"""Starlette adds the charset."""


class Logs(Protocol):
    """What the logs give by paths below the prefix: `sinks.transparency.serving.ServedLogs`."""

    def text(self, path: str) -> str | None: ...

    def tile(self, path: str) -> bytes | None: ...

    def proof(self, partition: int, offset: int) -> str | None: ...


def routes(logs: Logs) -> list[Route]:
    """Serve logs."""

    async def file(request: Request) -> Response:
        path = request.path_params["path"]
        text = await asyncio.to_thread(logs.text, path)
        if text is not None:
            return Response(text, media_type=TEXT, headers=_life(CHECKPOINT_SECONDS))
        data = await asyncio.to_thread(logs.tile, path)
        if data is None:
            raise HTTPException(404)
        life = _life(TILE_SECONDS, ", immutable")
        if "/tile/entries/" not in path:
            return Response(data, media_type="application/octet-stream", headers=life)
        # Bundles repeat their consultation: they are worth compressing, hashes are not.
        bundle = Representation(data, hashlib.sha256(data).hexdigest()[:32])
        return await represented(request, bundle, "application/octet-stream", life)

    async def receipt(request: Request) -> Response:
        place = request.path_params
        proof = await asyncio.to_thread(logs.proof, place["partition"], place["offset"])
        if proof is None:
            again = {"retry-after": str(RETRY_SECONDS)}
            raise HTTPException(404, detail=problems.NOT_IN_LOG.name, headers=again)
        return Response(proof, media_type=TEXT, headers=_life(CHECKPOINT_SECONDS))

    return [
        Route("/log/{path:path}", file),
        Route("/v1/receipts/{partition:int}/{offset:int}", receipt),
    ]


def _life(seconds: int, more: str = "") -> dict[str, str]:
    """Give a life in caches to what programs of any site may read."""
    return {"cache-control": f"public, max-age={seconds}{more}",
            "access-control-allow-origin": "*"}
