"""Pages and pictures for those who share: of a consultation, an idea, a proposal.

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
from views.pages import picture
from views.pages.cards import Cards
from views.publications import Publication, Publications, digest, hides
from views.representation import Representation
from views.responses import STALE_SECONDS, caching, language_of, represented, speaking
from views.workshop import Workshop


PICTURE_SECONDS = 60.0
"""Least age of a picture before a newer one is drawn: networks keep theirs for days."""
PICTURES_BYTES = 16 << 20
"""Of the pictures that are held, the last asked for: some three hundred."""
PICTURES_WAITING_MOST = 16
"""Pictures that wait or are drawn: less than a second of work; the next is turned away."""
KINDS = ("proposal", "idea")
"""What has a page and a picture of its own, beside the consultation."""

PictureKey = tuple[str, str, str, str, tuple[bool, frozenset[str]]]


class Results(Protocol):
    """Whoever shows the results: `views.api.Views`."""

    async def published(self, request: Request) -> Publication:
        """Return what is published of the consultation asked for, or refuse."""
        ...


class SharedPages:
    """The addresses that are shared."""

    def __init__(self, publications: Publications, results: Results) -> None:
        self._publications, self._results = publications, results
        self._workshop = Workshop(waiting_most=PICTURES_WAITING_MOST)
        self._pictures: Aged[PictureKey] = Aged(
            publications.clock, seconds=PICTURE_SECONDS, bytes_most=PICTURES_BYTES)

    def routes(self) -> list[Route]:
        return [*(Route(f"/c/{{consultation}}/{kind}", self._entry_page) for kind in KINDS),
                Route("/c/{consultation}/picture.png", self._picture)]

    async def _entry_page(self, request: Request) -> Response:
        """Show a proposal, or an idea, by its identifier."""
        publication = await self._results.published(request)
        kind = asked.path_of(request).rpartition("/")[2]
        entry = _found(publication, kind, asked.query_of(request).get("id", ""))
        page = await publication.entry_page(
            language_of(request), self._publications.around(publication), kind, entry)
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
        drawn = await self._pictures.get(
            (consultation, kind, name, language, hides(publication)),
            (publication.tag, around.phase), lambda: self._workshop.make(
                lambda: _drawn(publication, language, kind, entry, around.phase)))
        life = {"cache-control": f"public, max-age={PICTURE_SECONDS:.0f}, "
                                 f"stale-while-revalidate={STALE_SECONDS}"}
        response = await represented(request, drawn, picture.MEDIA_TYPE, life)
        response.headers.add_vary_header("Accept-Language")
        response.headers.add_vary_header("Cookie")
        return response


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
