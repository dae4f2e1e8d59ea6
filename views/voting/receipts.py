"""The page that explains receipts and checks one: pasted, as a file, or by its place in the log.

Anybody may ask, before and after the closing; nothing is kept. Who checks here trusts the server
once more: the page gives what the command needs to check without it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas import problems
from views import asked, numbers
from views.pages import rendering
from views.responses import html, language_of
from views.voting import shown
from views.voting.desk import Desk, TurnedAway
from views.voting.places import NO_STORE, Place


FORM_BYTES = 32_768
"""Longest form: a receipt and its proof take three thousand bytes, pasted and as a file twice."""
FILE = "file"
"""Asks for the receipt with its proof, to take away."""


class Checked(NamedTuple):
    """What was found of a receipt, or of a place in the log alone."""

    verdict: str
    """logged, running (not yet), broken (overdue), differs (the log has another record there),
    unsigned (not what we signed) or unreadable."""
    fault: str = ""
    """Why it does not hold, for experts."""
    key: str = ""
    """Names the key that signed."""
    key_state: str = ""
    """in_use or retired, as the log says; unnamed (ours, and not in the log yet); unknown (the
    receipt is by a key that neither we nor the log have named)."""
    fields: Mapping[str, Any] | None = None
    """The event, where a receipt was read."""
    place: tuple[int, int] = (0, 0)
    due_at: float = 0
    """Until when a checkpoint must cover it, in seconds since 1970."""
    log: str = ""
    size: int = 0
    """Of the signed checkpoint that covers it."""
    witnesses: Sequence[tuple[str, int]] = ()
    """Who has countersigned that checkpoint, and when, in seconds since 1970."""
    document: str = ""
    """The receipt with its proof."""


class Checker(Protocol):
    """Knows the gateway's key and the logs."""

    prefix: str
    """First part of the topics' names: where the logs' keys are, and an option of the command."""

    def check(self, document: bytes, now: float) -> Checked:
        """Check a receipt."""

    def look(self, partition: int, offset: int) -> Checked | None:
        """Look at a place in the log; None where there is no such partition."""


class ReceiptPages:
    """The page, and what its form sends."""

    def __init__(self, desk: Desk, checker: Checker) -> None:
        self._desk, self._checker = desk, checker

    def routes(self) -> list[Route]:
        """Return the address."""
        path = "/c/{consultation}/vote/receipts"
        return [Route(path, self._asked), Route(path, self._sent, methods=["POST"])]

    async def _asked(self, request: Request) -> Response:
        place = _place(request)
        if place is None:
            return self._page(request, None)
        own = await self._own(request, place)
        if own is not None:
            return self._page(request, await self._check(own), own=True)
        return self._page(request, await run_in_threadpool(self._checker.look, *place))

    async def _sent(self, request: Request) -> Response:
        form = await _form(request)
        checked = await self._check(form.get("receipt", b"").strip() or form.get("upload", b""))
        if form.get("act") == FILE.encode() and checked.document:
            name = f"{request.path_params['consultation']}-{'-'.join(map(str, checked.place))}.json"
            return Response(checked.document, media_type="application/json", headers={
                **NO_STORE, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"})
        return self._page(request, checked)

    async def _check(self, document: bytes) -> Checked:
        return await run_in_threadpool(self._checker.check, document, self._desk.now / 1_000)

    async def _own(self, request: Request, place: tuple[int, int]) -> bytes | None:
        """Read the visitor's own receipt anew; None where it is not theirs, or voting is over."""
        try:
            visit = self._desk.enter(request, request.path_params["consultation"])
            return await visit.receipt(place)
        except TurnedAway:
            return None

    def _page(self, request: Request, checked: Checked | None, *, own: bool = False) -> Response:
        consultation = request.path_params["consultation"]
        described = self._desk.described(consultation)
        if described is None:
            raise HTTPException(404, detail=problems.UNKNOWN_CONSULTATION.name)
        place = Place(consultation)
        moment = shown.instant(described, checked.due_at) if checked else None
        cast = shown.instant(described, checked.fields["occurred_at"] / 1_000) if (
            checked and checked.fields) else None
        seen = [(name, shown.instant(described, at)) for name, at in checked.witnesses] if (
            checked) else []
        body = rendering.render(
            "vote_receipts.html", language_of(request), path=f"{place.booth}/receipts",
            consultation=described, **place.model(),
            checked=checked, own=own, cast=cast, due=moment, seen=seen, prefix=self._checker.prefix,
            proposals=self._desk.accepted(consultation))
        return html(request, body, headers=NO_STORE)


def _place(request: Request) -> tuple[int, int] | None:
    query = asked.query_of(request)
    given = [query.get(name, "") for name in ("partition", "offset")]
    if not all(numbers.NUMBER.fullmatch(text) for text in given):
        return None
    return int(given[0]), int(given[1])


async def _form(request: Request) -> dict[str, bytes]:
    return await asked.parts_of(request, FORM_BYTES)
