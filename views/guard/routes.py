"""The guard's addresses: a page, JSON and CSV, made once for all who ask."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from processors.guard.published import Findings
from processors.results.results_document import shares_hidden
from views import asked, paging, problems
from views.encoding import encode_json
from views.flushes import Flushes
from views.guard import document, door, page, tables
from views.guard.document import Told
from views.guard.door import Door
from views.pages import rendering
from views.publications import Publication, Publications
from views.responses import caching, language_of, represented, speaking
from views.shelf import Shelf


@dataclass(frozen=True)
class Guard:
    """What the views follow of the guard."""

    findings: Findings = field(default_factory=Findings)
    recount_of: Callable[[str], dict[str, Any] | None] = lambda _consultation: None
    """Returns the last batch of recounts without rules of a consultation, if there is one."""
    door: Door = field(default_factory=Door)
    """What the archive tells of the door."""


class Results(Protocol):
    """Whoever shows the results: `views.api.Views`."""

    async def published(self, request: Request) -> Publication:
        """Return what is published of the consultation asked for, or refuse."""
        ...


TABLES = ("guard.csv", "guard-days.csv", "guard-without.csv", "guard-door.csv")
TOLD_BYTES = 16 << 20
"""Of what is known of consultations, the last asked for..."""
TOLD_BYTES_EACH = 8
"""... each with so much a finding: the findings themselves are held once."""


class GuardPages:
    """Shows what is followed, each time beside the newest publication."""

    def __init__(
        self, guard: Guard, flushes: Flushes, publications: Publications, results: Results,
    ) -> None:
        self._guard, self._flushes = guard, flushes
        self._publications, self._results = publications, results
        self._told: Shelf[str, tuple[Any, Told]] = Shelf(TOLD_BYTES)

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/c/{consultation}/guard", self.page),
            Route("/v1/consultations/{consultation}/guard", self.document),
            Route("/v1/consultations/{consultation}/guard/recount", self.recount),
            Route("/v1/consultations/{consultation}/guard/door", self.door),
            *(Route(f"/v1/consultations/{{consultation}}/{name}", self.table) for name in TABLES),
        ]

    async def page(self, request: Request) -> Response:
        publication = await self._results.published(request)
        told, language = self._known(request), language_of(request)
        phase = self._publications.around(publication).phase
        try:
            number = page.asked(asked.query_of(request))
            made = await publication.beside(
                ["guard.html", *_held(told), language, rendering.revision(), phase, number],
                lambda: rendering.render("guard.html", language, **page.page(
                    publication.shown, told, publication.published_at, phase=phase,
                    number=number)))
        except paging.BadPage:
            raise HTTPException(400, detail=problems.INVALID_REQUEST.name) from None
        except page.NoSuchPage:
            raise HTTPException(404) from None
        response = await represented(request, made, "text/html", caching(final=False))
        return speaking(request, response)

    async def document(self, request: Request) -> Response:
        """Send what is published, with a part of the findings."""
        publication = await self._results.published(request)
        try:
            wanted = document.asked(asked.query_of(request))
        except paging.BadPage:
            raise HTTPException(400, detail=problems.INVALID_REQUEST.name) from None
        told = self._known(request)
        made = await publication.beside(
            ["guard", *_held(told), wanted.limit, wanted.first], lambda: encode_json(
                document.document(publication.frame, told, publication.published_at, wanted)))
        return await represented(request, made, "application/json", caching(final=False))

    async def recount(self, request: Request) -> Response:
        """Send the last batch of recounts without rules, where somebody made one."""
        publication, told = await self._results.published(request), self._known(request)
        if told.recount is None:
            raise HTTPException(404)
        made = await publication.beside(
            ["guard/recount", *_held(told)], lambda: encode_json(document.recount_shown(
                told.recount, hidden=shares_hidden(publication.frame)) or {}))
        return await represented(request, made, "application/json", caching(final=False))

    async def door(self, request: Request) -> Response:
        """Send what was counted at the door, where anything was."""
        publication, told = await self._results.published(request), self._known(request)
        counted, name = told.at_the_door, request.path_params["consultation"]
        if counted is None:
            raise HTTPException(404)
        made = await publication.beside(
            ["guard/door", *_held(told)], lambda: encode_json(door.document(name, counted)))
        return await represented(request, made, "application/json", caching(final=False))

    async def table(self, request: Request) -> Response:
        """Send a table to take away, named after its consultation."""
        publication = await self._results.published(request)
        name, told = asked.path_of(request).rpartition("/")[2], self._known(request)
        made = await publication.beside(
            [name, *_held(told)],
            lambda: tables.made(name, publication.frame, told, publication.published_at))
        consultation = quote(request.path_params["consultation"], safe="")
        headers = caching(final=False) | {
            "content-disposition": f"attachment; filename*=UTF-8''{consultation}-{name}"}
        return await represented(request, made, "text/csv", headers)

    def _known(self, request: Request) -> Told:
        name = request.path_params["consultation"]
        recount, counted = self._guard.recount_of(name), self._guard.door.of(name)
        as_of = (self._guard.findings.judgement, self._flushes.catalogue.offset, _at(recount),
                 counted)
        known = self._told.get(name)
        if known is None or known[0] != as_of:
            known = as_of, Told.of(name, self._guard.findings, self._flushes.guard_rules, recount,
                                    counted)
            self._told.put(name, known, TOLD_BYTES_EACH * len(known[1].findings))
        return known[1]


def _held(told: Told) -> list[Any]:
    """Name what an answer rests on beside its publication, which knows the catalogue."""
    return [told.judgement, told.gone, len(told.findings), _at(told.recount),
            told.at_the_door.told_at.isoformat() if told.at_the_door else ""]


def _at(recount: dict[str, Any] | None) -> str:
    """Name a batch of recounts by when it was made."""
    return str(recount["recounted_at"]) if recount else ""
