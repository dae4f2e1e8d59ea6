"""The views over HTTP: results as JSON and as pages, for reading only.

Every address gives the same bytes to everybody (per language and encoding), with an entity tag
and a short life in shared caches, so that a burst can be served without us.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from processors.results.results_document import described
from views import asked, paging, problems, transparency, well_known
from views.encoding import encode_json
from views.guard.routes import Guard, GuardPages
from views.live import HEADERS, PROPOSALS_MAX, Live, LiveStream, named
from views.oembed import OEmbed
from views.operations.pages import Operations
from views.pages import proposals_page, rendering
from views.publications import Publication, Publications
from views.responses import (
    SecurityHeaders,
    caching,
    explained,
    failed,
    html,
    language_of,
    problem_page,
    refused,
    represented,
    speaking,
    turned_away,
)
from views.sharing import SharedPages
from views.source import Source
from views.static_files import favicon, static
from views.voting import texts
from views.voting.desk import Desk
from views.voting.pages import VotePages
from views.voting.receipts import Checker, ReceiptPages
from views.workshop import TooManyReaders


ROBOTS_SECONDS = 86_400
"""A day: crawlers ask no more often."""


ROBOTS = """User-agent: *
Disallow: /c/*/vote
Disallow: /c/*/widget
Disallow: /v1/
Disallow: /ops
"""
"""What crawlers are asked to leave alone (RFC 9309): the booth, where each look draws proposals,
and the addresses of programs. Results have pages."""

SECURITY_TEXT_SECONDS = 3_600
"""A contact that changes is known everywhere within the hour."""

FILES = {
    "proposals.csv": "text/csv", "ideas.csv": "text/csv", "results.zip": "application/zip",
    "results.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
"""Files to take away, and what they are."""


@dataclass(frozen=True)
class Beside:
    """What a process has beside the published state; each part may be missing."""

    operations: Operations | None = None
    """The operators' page."""
    logs: transparency.Logs | None = None
    """Transparency logs."""
    receipts: Checker | None = None
    """Checks receipts, where there is a desk."""
    desk: Desk | None = None
    """Takes votes of people here..."""
    gateway_url: str = ""
    """... or else they are sent there."""
    views_url: str = ""
    """Has the operators' page, where this process has none."""
    security_contact: str = ""
    """Where to write about holes in security, as in the settings..."""
    public_url: str = ""
    """... of the service at this address."""
    guard: Guard | None = None
    """What is followed of the guard."""
    guarded: Callable[[ASGIApp], ASGIApp] = lambda pages: pages
    """Puts limits before all addresses."""


def application(
    source: Source, publications: Publications | None = None, live: Live | None = None,
    beside: Beside | None = None,
) -> ASGIApp:
    """Make the application that shows a source, and what there is beside it."""
    # From outside: Starlette answers faults of ours outside of every middleware it is given.
    guarded = (beside or Beside()).guarded
    return SecurityHeaders(guarded(routed(source, publications, live, beside)))


def routed(
    source: Source, publications: Publications | None = None, live: Live | None = None,
    beside: Beside | None = None,
) -> Starlette:
    """Make the application without the headers that every answer carries."""
    beside = beside or Beside()
    publications = publications or Publications(source.flushes, time.monotonic)
    live = live or Live(source.flushes, publications.documents)
    views = Views(source, publications, live)
    if beside.operations is not None:
        beside.operations.live_clients = lambda: live.clients
    routes = [
        # First: of a thousand requests of an evening 990 are of the booth.
        *_booth(beside, source, publications),
        Route("/", views.home),
        Route("/c/{consultation}", views.results_page),
        Route("/c/{consultation}/proposals", views.proposals_page),
        Route("/v1/consultations", views.consultations),
        Route("/v1/consultations/{consultation}/results", views.results),
        Route("/v1/consultations/{consultation}/draw", views.draw),
        *(Route(f"/v1/consultations/{{consultation}}/{name}", views.file) for name in FILES),
        Route("/v1/consultations/{consultation}/live", views.live),
        Route("/problems/{name}", views.problem_page),
        Route("/static/style.css", static),
        Route("/static/icon.svg", static),
        Route("/favicon.ico", favicon),
        Route("/static/live.js", static),
        Route("/static/vote.css", static),
        Route("/static/widget.css", static),
        Route("/static/vote.js", static),
        Route("/static/vote-api.js", static),
        Route("/static/vote-cards.js", static),
        Route("/static/vote-acts.js", static),
        Route("/static/vote-code.js", static),
        Route("/static/altcha-pbkdf2.js", static),
        *texts.routes(),
        Route("/robots.txt", robots),
        Route("/livez", livez),
        Route("/readyz", views.readyz),
        *SharedPages(publications, views).routes(),
        *OEmbed(source.flushes, publications.address).routes(),
        *_guard(beside, source, publications, views),
        *_operations(beside),
        *_security(beside),
        *(transparency.routes(beside.logs, lambda name: _hidden(source, name))
          if beside.logs else ()),
    ]
    return Starlette(routes=routes, exception_handlers={
        HTTPException: refused, TooManyReaders: turned_away, Exception: failed})


class Views:
    """The addresses that show the published state."""

    def __init__(self, source: Source, publications: Publications, live: Live) -> None:
        self._source = source
        self._live = live
        self._publications = publications

    async def home(self, request: Request) -> Response:
        """List the consultations, or lead to the only one."""
        self._check_ready()
        found = self._listed()
        language = language_of(request)
        if len(found) == 1:
            query = _query_of(request)
            life = {"cache-control": "no-store"}
            return RedirectResponse(f"{_page_address(found[0]['id'])}{query}", 302, headers=life)
        listed = [{**each, "phase": self._phase(each["id"], each["state"])} for each in found]
        body = rendering.render("home.html", language, consultations=listed, path="/")
        return html(request, body, headers=caching(final=False))

    async def results_page(self, request: Request) -> Response:
        publication = await self.published(request)
        page = await publication.page(
            language_of(request), self._publications.around(publication))
        response = await represented(request, page, "text/html", caching(final=publication.final))
        return speaking(request, response)

    async def proposals_page(self, request: Request) -> Response:
        """Show a page of the list of proposals that the query asks for."""
        publication = await self.published(request)
        around, document = self._publications.around(publication), publication.frame
        try:
            wanted = proposals_page.asked(asked.query_of(request), document)
            page = await publication.proposals(language_of(request), around, wanted)
        except proposals_page.BadPart as error:
            return self._faulty(request, 400, proposals_page.fault(
                document, error.name, phase=around.phase))
        except proposals_page.NoSuchPage as error:
            return self._faulty(request, 404, proposals_page.fault(
                document, "page_beyond", phase=around.phase, pages=error.pages))
        response = await represented(request, page, "text/html", caching(final=publication.final))
        return speaking(request, response)

    def _faulty(self, request: Request, status: int, model: dict[str, Any]) -> Response:
        body = rendering.render("all_proposals.html", language_of(request), **model)
        return html(request, body, status=status, headers={"cache-control": "no-store"})

    async def file(self, request: Request) -> Response:
        """Send a file to take away, named after its consultation."""
        publication = await self.published(request)
        name = asked.path_of(request).rpartition("/")[2]
        made = await self._publications.file(publication, name)
        consultation = quote(request.path_params["consultation"], safe="")
        headers = caching(final=publication.final) | {
            "content-disposition": f"attachment; filename*=UTF-8''{consultation}-{name}"}
        return await represented(request, made, FILES[name], headers)

    async def results(self, request: Request) -> Response:
        """Send the results document, or a page of it where the address asks for one."""
        try:
            wanted = paging.asked(asked.query_of(request))
        except paging.BadPage:
            raise HTTPException(400, detail=problems.INVALID_REQUEST.name) from None
        if wanted is not None:
            return await self._part(request, wanted)
        publication = await self.published(request)
        if len(publication.shown.entries) > paging.WHOLE_PROPOSALS:
            raise HTTPException(400, detail=problems.RESULTS_IN_PAGES.name)
        life = caching(final=publication.final)
        return await represented(request, await publication.results(), "application/json", life)

    async def _part(self, request: Request, wanted: paging.Asked) -> Response:
        self._check_ready()
        name = request.path_params["consultation"]
        publication = await self._publications.paged(name, wanted.tag)
        if publication is None:
            gone = bool(wanted.tag) and self._source.flushes.knows(name)
            raise HTTPException(410 if gone else 404, detail=(
                problems.PAGE_GONE if gone else problems.UNKNOWN_CONSULTATION).name)
        life = caching(final=publication.final)
        return await represented(
            request, await publication.part(wanted), "application/json", life)

    async def draw(self, request: Request) -> Response:
        """Say what a drawn vote on a chosen proposal costs, where it was measured."""
        publication = await self.published(request)
        found = self._publications.costs.asked(request.path_params["consultation"])
        if found is None:
            raise HTTPException(404)
        return Response(encode_json(found), media_type="application/json",
                        headers=caching(final=publication.final))

    async def live(self, request: Request) -> Response:
        """Stream what changes: totals, and the proposals that the query names."""
        self._check_ready()
        consultation = request.path_params["consultation"]
        if consultation not in self._source.flushes.consultations():
            raise HTTPException(404, detail=problems.UNKNOWN_CONSULTATION.name)
        query = asked.query_of(request)
        proposals = named(query.get("proposals", ""))
        if len(proposals) > PROPOSALS_MAX:
            raise HTTPException(400, detail=problems.TOO_MANY_NAMED.name)
        if self._live.full:
            raise HTTPException(503, detail=problems.TOO_MANY_STREAMS.name)
        if request.method == "HEAD":
            return Response(headers=HEADERS, media_type=LiveStream.media_type)
        last_id = request.headers.get("last-event-id")
        return LiveStream(self._live, consultation, proposals, last_id, once="once" in query)

    async def consultations(self, _request: Request) -> Response:
        self._check_ready()
        body = encode_json({"consultations": self._listed()})
        return Response(body, media_type="application/json", headers=caching(final=False))

    async def problem_page(self, request: Request) -> Response:
        """Explain a kind of problem: the address in its `type` leads here."""
        problem = problems.PROBLEMS.get(request.path_params["name"])
        if problem is None:
            raise HTTPException(404)
        return problem_page(request, problem, status=200)

    async def readyz(self, request: Request) -> Response:
        """Say whether requests should come here."""
        if self._source.ready.is_set():
            return Response("ok\n", media_type="text/plain", headers={"cache-control": "no-store"})
        return explained(request, problems.NOT_READY, as_json=True)

    async def published(self, request: Request) -> Publication:
        """Return what is published of the consultation asked for, or refuse."""
        self._check_ready()
        found = await self._publications.ready(request.path_params["consultation"])
        if found is None:
            raise HTTPException(404, detail=problems.UNKNOWN_CONSULTATION.name)
        return found

    def _check_ready(self) -> None:
        if not self._source.ready.is_set():
            raise HTTPException(503, detail=problems.NOT_READY.name)

    def _listed(self) -> list[dict[str, Any]]:
        return [
            {
                "id": name,
                "question": self._question(name),
                "state": self._publications.documents.state(name),
                "urls": {"page": _page_address(name), "results": _results_address(name)},
            }
            for name in self._source.flushes.consultations()
        ]

    def _phase(self, name: str, state: str) -> str:
        known = self._source.flushes.catalogue.consultations.get(name)
        return self._publications.phase(state, described(known) if known else {})

    def _question(self, name: str) -> dict[str, str]:
        known = self._source.flushes.catalogue.consultations.get(name)
        question: dict[str, str] = known.described["question"] if known and known.described else {}
        return question


def _hidden(source: Source, consultation: str) -> set[str]:
    """Name the proposals of a consultation whose words nobody is shown."""
    known = source.flushes.catalogue.consultations.get(consultation)
    return {name for name, found in known.retired.items() if found.hidden} if known else set()


def _operations(beside: Beside) -> list[Route]:
    """Return the operators' page, or the way to it."""
    if beside.operations is not None:
        return beside.operations.routes()
    return [Route("/ops", _sending_to(beside.views_url))] if beside.views_url else []


def _guard(
    beside: Beside, source: Source, publications: Publications, views: "Views",
) -> list[Route]:
    """Return the guard's page and data, or the way to them."""
    if beside.guard is not None:
        return GuardPages(beside.guard, source.flushes, publications, views).routes()
    sent_on = ("/c/{consultation}/guard", "/v1/consultations/{consultation}/guard")
    return [Route(path, _sending_to(beside.views_url)) for path in sent_on] if (
        beside.views_url) else []


def _booth(beside: Beside, source: Source, publications: Publications) -> list[Route]:
    """Return where people vote; without a desk, the way to it."""
    if beside.desk is None:
        return [Route("/c/{consultation}/vote", _sending_to(beside.gateway_url))] if (
            beside.gateway_url) else []
    found = VotePages(beside.desk, source.flushes, publications.documents).routes()
    return found + (ReceiptPages(beside.desk, beside.receipts).routes() if beside.receipts else [])


def _security(beside: Beside) -> list[Route]:
    """Say where to write about holes, where anybody reads it; a file without that is none."""
    if not beside.security_contact:
        return []

    async def answer(_request: Request) -> Response:
        text = well_known.security_text(
            beside.security_contact, beside.public_url, datetime.now(UTC))
        life = {"cache-control": f"public, max-age={SECURITY_TEXT_SECONDS}"}
        return Response(text, media_type="text/plain", headers=life)

    return [Route("/.well-known/security.txt", answer)]


def _sending_to(url: str) -> Callable[[Request], Awaitable[Response]]:
    """Send people on to the same address of another process."""
    async def send_on(request: Request) -> Response:
        return RedirectResponse(f"{url}{asked.address_of(request)}{_query_of(request)}", 302)

    return send_on


def _query_of(request: Request) -> str:
    """Return the query with its mark, to send somebody on with it."""
    query = asked.raw_query_of(request)
    return f"?{query}" if query else ""


def _page_address(consultation: str) -> str:
    return f"/c/{quote(consultation, safe='')}"


def _results_address(consultation: str) -> str:
    return f"/v1/consultations/{quote(consultation, safe='')}/results"


async def livez(_request: Request) -> Response:
    """Say that the process answers: it asks nothing of anybody."""
    return Response("ok\n", media_type="text/plain", headers={"cache-control": "no-store"})


async def robots(_request: Request) -> Response:
    life = {"cache-control": f"public, max-age={ROBOTS_SECONDS}"}
    return Response(ROBOTS, media_type="text/plain", headers=life)
