"""What is shared: pages and pictures of consultations, ideas and proposals, and the full report.

Theory of operation: a link that many people get at once brings a page and a picture to each network
that shows it. A picture takes some hundredths of a second to draw, so that it is drawn once for
all, again after PICTURE_SECONDS at the soonest, and by turns of its own: whoever asks for thousands
of them holds up no page and no vote. One that hides how people vote, or words, is never sent in
the place of one that does not.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from views import asked
from views.aged import Aged
from views.pages import entry_page, picture, rendering, report_page
from views.pages.cards import Cards
from views.publications import (
    DOWNLOAD_SECONDS,
    Publication,
    Publications,
    Surroundings,
    hides,
)
from views.representation import Representation
from views.responses import (
    STALE_SECONDS,
    caching,
    language_of,
    policy_with_style,
    represented,
    speaking,
)
from views.tags import digest
from views.workshop import Workshop


PICTURE_SECONDS = 60.0
"""Least age of a picture before a newer one is drawn: networks keep theirs for days."""
PICTURES_BYTES = 16 << 20
"""Of the pictures that are held, the last asked for: some three hundred."""
REPORTS_BYTES = 32 << 20
"""Of the full reports that are held, the last asked for: two megabytes each at 3,000 proposals, and
as much again for their compressed forms."""
WAITING_MOST = 16
"""Pictures and reports that wait or are made: seconds of work; the next is turned away."""
KINDS = ("proposal", "idea")
"""What has a page and a picture of its own, beside the consultation."""

PictureKey = tuple[str, str, str, str, tuple[bool, frozenset[str]]]
ReportKey = tuple[str, str, tuple[bool, frozenset[str]]]


class Results(Protocol):
    """Whoever shows the results: `views.api.Views`."""

    async def published(self, request: Request) -> Publication:
        """Return what is published of the consultation asked for, or refuse."""
        ...


class SharedPages:
    """The addresses that are shared."""

    def __init__(self, publications: Publications, results: Results) -> None:
        self._publications, self._results = publications, results
        self._workshop = Workshop(waiting_most=WAITING_MOST)
        self._pictures: Aged[PictureKey] = Aged(
            publications.clock, seconds=PICTURE_SECONDS, bytes_most=PICTURES_BYTES)
        self._reports: Aged[ReportKey] = Aged(
            publications.clock, seconds=DOWNLOAD_SECONDS, bytes_most=REPORTS_BYTES)

    def routes(self) -> list[Route]:
        return [*(Route(f"/c/{{consultation}}/{kind}", self._entry_page) for kind in KINDS),
                Route("/c/{consultation}/picture.png", self._picture),
                Route("/c/{consultation}/report", self._report)]

    async def _entry_page(self, request: Request) -> Response:
        """Show a proposal, or an idea, by its identifier."""
        publication = await self._results.published(request)
        kind = asked.path_of(request).rpartition("/")[2]
        entry = _found(publication, kind, asked.query_of(request).get("id", ""))
        language, around = language_of(request), self._publications.around(publication)
        page = await publication.beside(
            [kind, entry["id"], language, rendering.revision(), around.phase, around.embeddable],
            lambda: rendering.render("entry.html", language, **entry_page.page(
                publication.shown, kind, entry, published_at=publication.published_at,
                phase=around.phase, address=around.address, embeddable=around.embeddable)))
        response = await represented(
            request, page, "text/html", caching(final=publication.final))
        return speaking(request, response)

    async def _picture(self, request: Request) -> Response:
        """Send the picture of the entry that the query names, else of the consultation."""
        publication = await self._results.published(request)
        query, language = asked.query_of(request), language_of(request)
        kind = next((kind for kind in KINDS if kind in query), "")
        name = query.get(kind, "")
        entry = _found(publication, kind, name) if kind else None
        around = self._publications.around(publication)
        consultation = publication.frame["consultation"]["id"]
        drawn = await self._pictures.made(
            (consultation, kind, name, language, hides(publication)),
            (publication.tag, around.phase), lambda: self._workshop.make(
                lambda: _drawn(publication, language, kind, entry, around.phase)))
        life = {"cache-control": f"public, max-age={PICTURE_SECONDS:.0f}, "
                                 f"stale-while-revalidate={STALE_SECONDS}"}
        response = await represented(request, drawn, picture.MEDIA_TYPE, life)
        response.headers.add_vary_header("Accept-Language")
        response.headers.add_vary_header("Cookie")
        return response


    async def _report(self, request: Request) -> Response:
        """Send the full report, under a policy that allows the one style within."""
        publication = await self._results.published(request)
        language, around = language_of(request), self._publications.around(publication)
        body = (await publication.results()).body
        made = await self._reports.made(
            (publication.frame["consultation"]["id"], language, hides(publication)),
            (publication.tag, publication.published_at, around), lambda: self._workshop.make(
                lambda: _reported(publication, language, around, body)))
        response = await represented(request, made, "text/html", {
            **caching(final=publication.final),
            "content-security-policy": policy_with_style(report_page.style_source())})
        return speaking(request, response)


def _reported(
    publication: Publication, language: str, around: Surroundings, body: bytes
) -> Representation:
    made = rendering.render("report.html", language, **report_page.page(
        publication.document, publication.published_at, body, phase=around.phase,
        told=around.told, address=around.address, costs=around.costs))
    return Representation(made, digest([
        "report", publication.tag, publication.published_at, language, rendering.revision(),
        around.phase, f"{around.told and around.told.told_at}", around.costs]))


def _found(publication: Publication, kind: str, name: str) -> Mapping[str, Any]:
    entry = publication.entry(kind, name)
    if entry is None:
        raise HTTPException(404)
    return entry


def _drawn(
    publication: Publication, language: str, kind: str, entry: Mapping[str, Any] | None,
    phase: str,
) -> Representation:
    cards, frame = Cards(language), publication.frame
    card = (cards.of_consultation(frame, phase) if entry is None
            else cards.of_entry(frame, kind, entry, phase))
    body = picture.draw(card)
    return Representation(body, digest(["picture", language, kind, card.title, publication.tag]))
