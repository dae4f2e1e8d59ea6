"""Where somebody votes: on our own pages, or in the widget of a partner; and how answers leave.

Theory of operation: the widget is the booth again, at an address of its own that names the partner:
the same pages in a plainer frame, the same forms and script. Three things differ. Its pages may be
framed, by the sites that the catalogue names and nobody else; every other page may not. Its cookies
are sent within a page of another site, and browsers keep them apart by that site (`Partitioned`),
under names and paths of their own: what is voted on our own pages is neither read nor written. And
what leads elsewhere opens a window of its own, for it may not be framed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from schemas.partners import site_of, sites_of
from views import asked
from views.pages.languages import LANGUAGES
from views.responses import keep_cookie, policy_framed_by
from views.voting.desk import Desk, Visit
from views.voting.paper import Paper


PAPER_COOKIE = "scrutin-paper"
PAPER_SECONDS = 31_536_000
"""As long as the device it belongs to is known."""
NO_STORE = {"cache-control": "no-store"}
_OUTWARD = Markup(' target="_blank" rel="noopener"')


@dataclass(frozen=True)
class Place:
    """The booth of a consultation, or its widget on the site of a partner."""

    consultation: str
    via: int = 0
    """Number of the partner; 0: our own page."""
    sites: tuple[str, ...] = ()
    """May frame it."""

    @property
    def home(self) -> str:
        """The address of the results."""
        return f"/c/{quote(self.consultation, safe='')}"

    @property
    def booth(self) -> str:
        return f"{self.home}/vote"

    @property
    def address(self) -> str:
        return f"{self.home}/widget/{self.via}" if self.via else self.booth

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a page here."""
        if not self.sites:
            return NO_STORE
        return {**NO_STORE, "content-security-policy": policy_framed_by(self.sites)}

    def model(self) -> dict[str, Any]:
        """Return what every template of a page here asks for."""
        return {
            "address": self.address, "results_address": self.home, "booth_address": self.booth,
            "widget": bool(self.via), "outward": _OUTWARD if self.via else ""}

    def keep(self, response: Response, paper: str, *, secure: bool) -> None:
        """Have the browser keep a paper for what lies below."""
        keep_cookie(response, PAPER_COOKIE, paper, path=self.address, seconds=PAPER_SECONDS,
                    secure=secure, embedded=bool(self.via))

    def forget(self, response: Response, *, secure: bool) -> None:
        """Have it forget the paper."""
        keep_cookie(response, PAPER_COOKIE, "", path=self.address, seconds=0,
                    secure=secure, embedded=bool(self.via))


@dataclass
class Guest:
    """A visitor at such a place, with his paper."""

    request: Request
    place: Place
    described: Mapping[str, Any]
    visit: Visit
    paper: Paper

    @property
    def consultation(self) -> str:
        return self.place.consultation

    @property
    def address(self) -> str:
        return self.place.address

    def to(self, proposal: str) -> Response:
        """Send the visitor to the page of a proposal."""
        return self.at(proposal=proposal)

    def at(self, path: str = "", **query: str) -> Response:
        """Send the visitor to an address below, in the language that he chose with this one: it is
        remembered by the page that he comes to."""
        language = asked.wanted_language(self.request)
        fields = query | ({"lang": language} if language in LANGUAGES else {})
        return sent_to(f"{self.address}{path}?{urlencode(fields)}".rstrip("?"))


def sent_to(address: str) -> Response:
    """Send somebody on, after an act as after a look."""
    return RedirectResponse(address, 303, headers=NO_STORE)


def embedded(request: Request, desk: Desk) -> Response:
    """Lead a page that embeds the widget to the address of its partner, others to our own page.

    The browser says which site it is on; who is no partner may not frame what it is led to.
    """
    consultation = request.path_params["consultation"]
    site = site_of(request.headers.get("referer", ""))
    found = (number for number, described in sorted(desk.partners(consultation).items())
             if site in sites_of(described))
    query = asked.raw_query_of(request)
    address = Place(consultation, next(found, 0)).address
    return sent_to(f"{address}?{query}" if query else address)


def place_of(request: Request, desk: Desk) -> Place:
    """Return where a request of a booth or a widget is."""
    parts: Mapping[str, Any] = request.path_params
    consultation, via = parts["consultation"], parts.get("via", 0)
    if "via" in parts and not via:
        raise HTTPException(404)
    return Place(consultation, via, sites_of(desk.partners(consultation).get(via)) if via else ())
