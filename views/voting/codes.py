"""The page that asks for a code, where a consultation takes votes of those alone who have one.

Theory of operation: a card's link bears its code behind the `#`, which browsers send to nobody. A
script takes it out of the address and posts it; without one it is typed. A code never stands in an
address that a server or a proxy gets to see, and what the browser keeps for us is not the code. The
list of visited pages keeps a link as it was opened, whatever a page does: people are told.
"""

from collections.abc import Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas import problems
from schemas.problems import ProblemKind
from views import asked
from views.pages import rendering
from views.responses import Endpoint, html, language_of
from views.voting import forms, shown
from views.voting.desk import Desk, TurnedAway
from views.voting.places import Place, place_of, sent_to


FORGET = "forget"
"""Has the browser forget whose code it votes with: for the next person at a shared one."""

KEPT = "kept"
"""In the query of the booth to which a code that was taken leads: who comes there without what
stands for it has a browser that keeps no cookie, as within some pages of other sites."""

TurnAway = Callable[[Request, Place, TurnedAway], Response]


class CodePages:
    """Asks for a code, and takes it."""

    def __init__(self, desk: Desk, turned_away: TurnAway) -> None:
        self._desk = desk
        self._turned_away = turned_away

    def routes(self, place: str) -> list[Route]:
        """Return the addresses below a booth or a widget."""
        return [Route(f"{place}/code", Endpoint(self._ask), methods=["GET"]),
                Route(f"{place}/code", Endpoint(self._take), methods=["POST"])]

    def page(
        self, request: Request, place: Place, problem: ProblemKind | None = None, *,
        given: bool = False,
    ) -> Response:
        """Ask for a code; say what was wrong with the one before, or that one was given."""
        looks = request.method in ("GET", "HEAD")
        status = problem.status if problem else 200 if looks else problems.CODE_NEEDED.status
        template = "vote_code.html"
        if looks and not given and KEPT in asked.query_of(request):
            template, status = "vote_cookies.html", 400
        described = self._desk.described(place.consultation)
        body = rendering.render(
            template, language_of(request), consultation=described, path=place.address,
            problem=problem, given=given, codes=True, **place.model(),
            closes=described and shown.moment(described, "closes_at"))
        return html(request, body, status=status, headers=place.headers)

    async def _ask(self, request: Request) -> Response:
        place = self._place(request)
        try:
            self._desk.enter(request, place.consultation, place.via)
        except TurnedAway as turned:
            return self._turned_away(request, place, turned)
        return self.page(request, place, given=True)

    async def _take(self, request: Request) -> Response:
        place = self._place(request)
        response = sent_to(f"{place.address}?{KEPT}")
        try:
            form = await forms.read(request)
            self._desk.take_code(
                request, place.consultation, _text(form), response, place.via)
        except TurnedAway as turned:
            if turned.problem == problems.WRONG_CODE:
                return self.page(request, place, turned.problem)
            return self._turned_away(request, place, turned)
        if form.get("act") == FORGET:
            response.headers["location"] = place.address
            place.forget(response, secure=asked.is_secure(request))
        return response

    def _place(self, request: Request) -> Place:
        place = place_of(request, self._desk)
        if not self._desk.asks_codes(place.consultation):
            raise HTTPException(404)
        return place


def _text(form: Mapping[str, str]) -> str:
    """Return what was typed: a form without it asks for nothing we offer."""
    if form.get("act") == FORGET:
        return ""
    if not form.get("code", "").strip():
        raise TurnedAway(problems.WRONG_CODE)
    return form["code"]
