"""The transparency logs over HTTP: tiles and checkpoints as files, receipts' proofs.

After C2SP tlog-tiles. What lies under an address of a tile never changes; a checkpoint is asked
for again after seconds.

Theory of operation: files are read in threads. Those that are worth compressing, signed results and
bundles of entries, are megabytes and take a tenth of a second: they are made in a workshop, once
for all who ask meanwhile, and kept within a bound in bytes. Otherwise anybody could have each of a
hundred requests hold such a file, and compress it.
"""

import asyncio
import functools
import gzip
import hashlib
import json
from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from views import numbers, problems
from views.representation import COMPRESSION_LEVEL, Representation
from views.responses import COMPRESSED_BYTES, represented
from views.shelf import Shelf
from views.workshop import Workshop


TILE_SECONDS = 31_536_000
"""Tiles may be kept for a year: their contents are part of what was signed."""
CHECKPOINT_SECONDS = 2
"""A cache may send a checkpoint, or a proof up to it, for so long."""
RETRY_SECONDS = 15
"""What is asked of whoever comes before the checkpoint: about the pause between two."""
FILES_BYTES = 64 << 20
"""Of signed results and bundles that are held with their compressed forms, the last asked for: a
result takes ten megabytes at 3,000 proposals, a bundle of votes a hundred kilobytes."""

Given = TypeVar("Given")


SHOWN_BYTES = 4 << 20
"""Of names of proposals whose words are in signed results, where some are hidden."""


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


def routes(logs: Logs, hidden: Callable[[str], Collection[str]]) -> list[Route]:
    """Serve logs; `hidden` names the proposals of a consultation whose words nobody is shown."""
    served = _Served(logs, hidden)
    numbers.register()
    return [
        Route("/log/{path:path}", served.file),
        Route("/v1/receipts/{partition:number}/{offset:number}", served.receipt),
        Route("/v1/consultations/{consultation}/results/note", served.note),
        Route("/v1/consultations/{consultation}/results/signed", served.signed),
    ]


class _Served:
    """The addresses of logs; each reads files, in a thread."""

    def __init__(self, logs: Logs, hidden: Callable[[str], Collection[str]]) -> None:
        self._logs, self._hidden = logs, hidden
        self._shown: Shelf[tuple[str, str], frozenset[str]] = Shelf(SHOWN_BYTES)
        """Of a consultation and its note the proposals whose words the signed document shows."""
        self._workshop = Workshop()
        self._files: Shelf[tuple[str, ...], asyncio.Task[Representation | None]] = (
            Shelf(FILES_BYTES))

    async def file(self, request: Request) -> Response:
        path = request.path_params["path"]
        text = await asyncio.to_thread(self._logs.text, path)
        if text is not None:
            return _text(text)
        life = _life(TILE_SECONDS, ", immutable")
        if "/tile/entries/" not in path:
            data = _there(await asyncio.to_thread(self._logs.tile, path))
            return Response(data, media_type="application/octet-stream", headers=life)
        # Bundles repeat their consultation: they are worth compressing, hashes are not.
        bundle = await self._made(("bundle", path), lambda: self._logs.tile(path))
        return await represented(request, bundle, "application/octet-stream", life)

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
        # The note names the document: under a newer one it is made anew.
        note = _there(await asyncio.to_thread(self._logs.results.note, consultation))
        if hidden := self._hidden(consultation):
            await self._require_hidden(consultation, note, hidden)
        result = await self._made(
            ("result", consultation, note), lambda: self._logs.results.document(consultation))
        return await represented(request, result, "application/json", _life(CHECKPOINT_SECONDS))

    async def _require_hidden(
        self, consultation: str, note: str, hidden: Collection[str]
    ) -> None:
        """Raise where the signed document shows what is hidden since: it cannot be changed."""
        shown = self._shown.get((consultation, note))
        if shown is None:
            body = await asyncio.to_thread(self._logs.results.document, consultation)
            shown = await asyncio.to_thread(_shown_in, _there(body))
            self._shown.put((consultation, note), shown, sum(map(len, shown)) + 1)
        if not shown.isdisjoint(hidden):
            again = {"retry-after": str(problems.HIDDEN_RETRY_SECONDS)}
            raise HTTPException(503, detail=problems.HIDDEN_SINCE.name, headers=again)

    async def _made(
        self, key: tuple[str, ...], read: Callable[[], bytes | None]
    ) -> Representation:
        """Return a file ready to be sent; the first caller starts the work, the others wait for it.

        What is not there is looked for anew each time: it may come.
        """
        making = self._files.get(key)
        if making is None:
            making = asyncio.create_task(self._workshop.make(lambda: _represented(read())))
            self._files.put(key, making)
            making.add_done_callback(functools.partial(self._weigh, key))
        # Shielded: a visitor who leaves must not stop what others wait for.
        return _there(await asyncio.shield(making))

    def _weigh(
        self, key: tuple[str, ...], making: asyncio.Task[Representation | None]
    ) -> None:
        """Weigh what was made; forget what failed, or is not there."""
        made = None if making.cancelled() or making.exception() else making.result()
        if made is not None:
            self._files.weigh(key, making, made.size_bytes)
        elif self._files.get(key) is making:
            self._files.drop(key)


def _there(found: Given | None) -> Given:
    if found is None:
        raise HTTPException(404)
    return found


def _text(text: str) -> Response:
    return Response(text, media_type="text/plain", headers=_life(CHECKPOINT_SECONDS))


def _represented(body: bytes | None) -> Representation | None:
    """Compress a file, in the thread that has read it: most who ask for it take it so."""
    if body is None:
        return None
    packed = gzip.compress(body, COMPRESSION_LEVEL, mtime=0) if (
        len(body) >= COMPRESSED_BYTES) else None
    return Representation(body, hashlib.sha256(body).hexdigest()[:32], packed)


def _life(seconds: int, more: str = "") -> dict[str, str]:
    """Return a life in caches for what programs of any site may read."""
    return {"cache-control": f"public, max-age={seconds}{more}",
            "access-control-allow-origin": "*"}


def _shown_in(body: bytes) -> frozenset[str]:
    """Name the proposals whose words a signed document shows."""
    return frozenset(entry["id"] for entry in json.loads(body).get("proposals") or ()
                     if not (entry.get("retired") or {}).get("text_hidden"))
