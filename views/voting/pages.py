"""The addresses of the booth: a proposal at a time, one's own votes, receipts, a description.

Theory of operation: every act is a form that is answered by 303 to the page of its proposal, so
that the back button and a reload repeat nothing. But for a vote of which the door asks something:
its answer is the page itself, for it bears what is asked, which nobody else keeps. The script acts
by `/v1` and says here what it did (`views.voting.cards`). What the visitor did is in his paper
(`views.voting.paper`), what everybody did in the results: a page that shows shares first waits
until they hold the visitor's own act.
"""

import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas import problems, words
from views import asked, numbers
from views.documents import Documents
from views.flushes import Flushes
from views.pages import rendering
from views.responses import Endpoint, html, language_of
from views.voting import cards, folded, forms, shown
from views.voting.codes import CodePages
from views.voting.desk import Challenge, Desk, TurnedAway
from views.voting.everybody import Everybody
from views.voting.first_page import FirstPages
from views.voting.places import (
    NO_STORE,
    PAPER_COOKIE,
    Guest,
    Place,
    embedded,
    place_of,
    sent_to,
)
from views.voting.roll import Roll


Handler = Callable[[Guest], Awaitable[Response]]


class VotePages:
    """The pages where people vote: the booth, and the same again as a widget."""

    def __init__(self, desk: Desk, flushes: Flushes, documents: Documents) -> None:
        self._desk = desk
        self._documents = documents
        self._rolls: dict[str, Roll] = {}
        """By consultation that somebody has entered: as many as the catalogue describes."""
        self._codes = CodePages(desk, self._turned_away)
        self._everybody = Everybody(flushes, documents)
        self._first_pages = FirstPages()

    def routes(self) -> list[Route]:
        """Return the addresses."""
        numbers.register()
        return [
            *self._routes("/c/{consultation}/vote"),
            Route("/c/{consultation}/widget", self._embedded),
            *self._routes("/c/{consultation}/widget/{via:number}"),
        ]

    def _routes(self, place: str) -> list[Route]:
        return [
            self._route("POST", f"{place}/cards", self._said),  # First: it comes with every vote.
            self._route("GET", f"{place}/cards", self._cards),
            self._route("GET", place, self._ballot),
            self._route("POST", place, self._act),
            self._route("GET", f"{place}/mine", self._mine),
            self._route("GET", f"{place}/you", self._you),
            self._route("POST", f"{place}/you", self._describe),
            self._route("GET", f"{place}/receipts/{{partition:number}}-{{offset:number}}.json",
                        self._receipt),
            *self._codes.routes(place),
        ]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        return Route(path, Endpoint(functools.partial(self._answer, handler)), methods=[method])

    async def _embedded(self, request: Request) -> Response:
        return embedded(request, self._desk)

    async def _answer(self, handler: Handler, request: Request) -> Response:
        place = place_of(request, self._desk)
        try:
            guest = self._enter(request, place)
            response = await handler(guest)
        except TurnedAway as turned:
            return self._turned_away(request, place, turned)
        self._keep(guest, response)
        return response

    def _enter(self, request: Request, place: Place) -> Guest:
        consultation = place.consultation
        visit = self._desk.enter(request, consultation, place.via)
        described = self._desk.described(consultation)
        assert described is not None, "the desk lets nobody into what is not described"
        held = folded.read(asked.cookie_of(request, PAPER_COOKIE), visit.seal,
                           self._roll(consultation), visit.is_sealed)
        accepted = self._desk.proposals(consultation)
        held.sequence = [name for name in held.sequence if name in accepted]
        return Guest(request, place, described, visit, held)

    def _roll(self, consultation: str) -> Roll:
        """Return the proposals by number, as far as they are accepted now."""
        accepted = self._desk.accepted(consultation)
        found = self._rolls.setdefault(consultation, Roll())
        found.follow(accepted, len(accepted))
        return found

    # What is shown

    async def _ballot(self, guest: Guest) -> Response:
        query = asked.query_of(guest.request)
        proposal = query.get("proposal")
        if proposal is None:
            return await self._first(guest)
        retired = await self._turn_to(guest, proposal)
        return await self._shown(
            guest, proposal, retired=retired, leave=forms.leave(query.get("leave", "")))

    async def _turn_to(self, guest: Guest, proposal: str) -> bool:
        """Serve a proposal that is asked for, where it is not in turn; whether it is retired."""
        if proposal not in self._desk.accepted(guest.consultation):
            raise TurnedAway(problems.UNKNOWN_PROPOSAL)
        retired = proposal not in self._desk.proposals(guest.consultation)
        if retired and not guest.paper.of(proposal):
            raise TurnedAway(problems.RETIRED_PROPOSAL)
        if proposal not in guest.paper.sequence and not guest.paper.of(proposal):
            await self._serve(guest, [proposal])
        return retired

    async def _shown(
        self, guest: Guest, proposal: str, *, retired: bool = False, leave: str = "",
        challenge: Challenge | None = None,
    ) -> Response:
        """Show a proposal, with what the door asks for the visitor's vote on it."""
        said = self._desk.accepted(guest.consultation)[proposal]
        counted = await self._is_counted(guest, proposal)
        language, query = language_of(guest.request), urlencode({"proposal": proposal})
        mark, entry = guest.paper.of(proposal), None
        if mark and mark.choice:  # To nobody else it is shown.
            entry = self._everybody.entry(guest.consultation, proposal)
        model = shown.ballot(
            guest.paper, guest.visit, proposal, said, entry, self._desk.now, language)
        body = self._first_pages.page(language, {
            **self._around(guest), **model, "path": f"{guest.address}?{query}", "query": query,
            "counted": counted, "embargoed": self._documents.embargoed(guest.consultation),
            "retired": retired, "leave": leave, "challenge": challenge})
        return html(guest.request, body, headers=guest.place.headers)

    async def _cards(self, guest: Guest) -> Response:
        """Give all proposals in turn at once, and the one that the page shows."""
        proposal = asked.query_of(guest.request).get("proposal", "")
        await self._turn_to(guest, proposal)
        given = self._given(guest, proposal, [proposal, *guest.paper.sequence])
        return _json({
            **given, "sequence": guest.paper.sequence, "known": guest.visit.known})

    async def _said(self, guest: Guest) -> Response:
        """Take what was done by `/v1` into the paper; say what everybody votes, with it."""
        said = await cards.read(guest.request)
        cards.mark(guest.paper, await guest.visit.noted(said.notes))
        retired, asks = await self._turn_to(guest, said.proposal), said.challenge
        if asks is not None:
            return await self._shown(guest, said.proposal, retired=retired, challenge=asks)
        await self._is_counted(guest, said.proposal)
        return _json(self._given(guest, said.proposal, [said.proposal]))

    def _given(self, guest: Guest, shown: str, names: Iterable[str]) -> dict[str, Any]:
        accepted, language = self._desk.accepted(guest.consultation), language_of(guest.request)
        open_ones, mark = self._desk.proposals(guest.consultation), guest.paper.of(shown)
        voted = mark is not None and mark.choice is not None
        counted = mark is None or not voted or self._everybody.holds(
            guest.paper.partition, mark.last)
        return {
            "cards": [cards.card(guest.paper, guest.visit, name, accepted[name], language,
                                 retired=name not in open_ones)
                      for name in dict.fromkeys(names)],
            "shares": self._everybody.shares(guest.consultation, shown) if voted else None,
            "counted": counted,
            "described": guest.paper.described,
        }

    async def _first(self, guest: Guest) -> Response:
        """Lead to the next proposal without a vote, or to the visitor's own votes."""
        if not guest.paper.sequence:
            await self._serve(guest, [])
        found = guest.paper.open_after(None)
        return guest.to(found) if found else guest.at("/mine")

    async def _serve(self, guest: Guest, included: list[str]) -> None:
        given = await guest.visit.serve(included, guest.paper.every())
        guest.paper.serve(given, included, tells_routes=guest.visit.tells_routes,
                          counts_as_drawn=guest.visit.counts_as_drawn)

    async def _is_counted(self, guest: Guest, proposal: str) -> bool:
        """Wait a moment for the visitor's own act to be in the results."""
        mark = guest.paper.of(proposal)
        return mark is None or mark.choice is None or await self._everybody.counted(
            guest.paper.partition, mark.last)

    async def _mine(self, guest: Guest) -> Response:
        open_ones = self._desk.proposals(guest.consultation)
        return self._page(
            guest, "vote_mine.html", path=f"{guest.address}/mine",
            votes=shown.mine(guest.paper, self._desk.accepted(guest.consultation)),
            held=guest.paper, aside=guest.visit.aside(),
            next=guest.paper.open_after(None),
            more=any(not guest.paper.of(name) and name not in guest.paper.sequence
                     for name in open_ones),
            any_proposal=bool(open_ones), open_ones=open_ones, key=shown.new_key())

    async def _you(self, guest: Guest) -> Response:
        return self._page(
            guest, "vote_you.html", path=f"{guest.address}/you", offered=words.ANSWERS,
            may=guest.paper.last_cast() is not None,
            thanks="thanks" in asked.query_of(guest.request))

    async def _receipt(self, guest: Guest) -> Response:
        place = guest.request.path_params["partition"], guest.request.path_params["offset"]
        found = await guest.visit.receipt(place)
        if found is None:
            raise TurnedAway(problems.NOT_FOUND)
        name = f"{guest.consultation}-{place[0]}-{place[1]}.json"
        return Response(found, media_type="application/json", headers={
            **NO_STORE, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"})

    # What is done

    async def _act(self, guest: Guest) -> Response:
        form = await forms.read(guest.request)
        if not guest.visit.known:
            return self._page(guest, "vote_cookies.html", 400, path=guest.address)
        if form.get("act") == forms.MORE:
            await self._serve(guest, [])
            return sent_to(guest.address)
        if form.get("act") == forms.REVIEW:
            return await self._review(guest, form)
        wanted = forms.intention(form)
        # Sent again by the script or a reload: its cookie came, but not the page with it.
        is_repeated = guest.paper.done == wanted.mark()
        if is_repeated or wanted.is_second_click(self._desk.now):
            return guest.to(wanted.act.proposal)
        try:
            challenge = await self._record(guest, wanted)
        except TurnedAway as turned:
            if not turned.may_be_sent_again:
                raise
            return self._again(guest, turned, form)
        return guest.to(wanted.act.proposal) if challenge is None else (
            await self._shown(guest, wanted.act.proposal, challenge=challenge))

    async def _review(self, guest: Guest, form: Mapping[str, str]) -> Response:
        """Have a person asked to look at what a rule set aside."""
        try:
            await guest.visit.ask_review()
        except TurnedAway as turned:
            if not turned.may_be_sent_again:
                raise
            return self._again(guest, turned, form)
        return sent_to(f"{guest.address}/mine#aside")

    async def _record(self, guest: Guest, wanted: forms.Intention) -> Challenge | None:
        """Record an act; return what the door asks before it counts."""
        act, held = wanted.act, guest.paper
        mark = held.of(act.proposal)
        key = wanted.idempotency_key(mark.acts if mark else 0)
        done = await guest.visit.act(act, key)
        # All of it before anything is marked: what fails on the way is sent again as a whole.
        again = [(more, f"+{more.word}", await guest.visit.act(more, f"{key}.{more.word}"))
                 for more in (act._replace(event="QualificationAdded", word=word)
                              for word in held.lost_by(act, done))]
        for each in ((act, wanted.word, done), *again):
            held.mark(*each)
        held.done = wanted.mark()
        return done.challenge

    async def _describe(self, guest: Guest) -> Response:
        form = await forms.read(guest.request)
        if form.get("act") == forms.DECLINE:
            guest.paper.described = True
            return sent_to(guest.address)
        cast = guest.paper.last_cast()
        if cast is None:
            raise TurnedAway(problems.NO_VOTE)
        try:
            await guest.visit.describe((guest.paper.partition, cast), shown.answers(form))
        except TurnedAway as turned:
            if not turned.may_be_sent_again:
                raise
            return self._again(guest, turned, form)
        guest.paper.described = True
        return sent_to(f"{guest.address}/you?thanks")

    # How

    def _again(self, guest: Guest, turned: TurnedAway, form: Mapping[str, str]) -> Response:
        """Offer the same form once more, under the same key."""
        response = self._page(
            guest, "vote_again.html", turned.problem.status, path=guest.address,
            problem=turned.problem, form=form, action=asked.address_of(guest.request),
            wait_seconds=turned.headers.get("retry-after"))
        _headers(response, turned)
        return response

    def _page(self, guest: Guest, template: str, status: int = 200, **model: Any) -> Response:
        body = rendering.render(
            template, language_of(guest.request), **self._around(guest), **model)
        return html(guest.request, body, status=status, headers=guest.place.headers)

    def _around(self, guest: Guest) -> dict[str, Any]:
        """Return what the template of every page asks for."""
        return {
            "consultation": guest.described, "codes": self._desk.asks_codes(guest.consultation),
            "closes": shown.moment(guest.described, "closes_at"), **guest.place.model()}

    def _turned_away(self, request: Request, place: Place, turned: TurnedAway) -> Response:
        """Say why nobody can vote here, or not now."""
        described = self._desk.described(place.consultation)
        if described is None and turned.problem != problems.UNAVAILABLE:
            raise HTTPException(turned.problem.status, detail=turned.problem.name)
        if turned.problem == problems.CODE_NEEDED:
            return self._codes.page(request, place)
        wanted = request.method in ("GET", "HEAD")
        settled = turned.problem in (problems.CLOSED, problems.NOT_YET_OPEN)
        body = rendering.render(
            "vote_state.html", language_of(request), problem=turned.problem,
            consultation=described, path=place.address, asked=wanted, **place.model(),
            codes=self._desk.asks_codes(place.consultation), stopped=True,
            opens=described and shown.moment(described, "opens_at"),
            closes=described and shown.moment(described, "closes_at"))
        status = 200 if wanted and settled else turned.problem.status
        response = html(request, body, status=status, headers=place.headers)
        _headers(response, turned)
        if turned.problem == problems.CLOSED and asked.cookie_of(request, PAPER_COOKIE) is not None:
            # Nothing reads it after the closing, and it tells what this browser voted.
            place.forget(response, secure=asked.is_secure(request))
        return response

    def _keep(self, guest: Guest, response: Response) -> None:
        """Hand the paper back, and a new device its cookie."""
        guest.visit.remember(response)
        written = folded.written(
            guest.paper, guest.visit.seal, self._roll(guest.consultation))
        # A page that changed nothing must not undo what another tab has written meanwhile.
        if written != asked.cookie_of(guest.request, PAPER_COOKIE):
            guest.place.keep(response, written, secure=guest.visit.secure)


def _json(what: Mapping[str, Any]) -> Response:
    return Response(to_json(what), media_type="application/json", headers=NO_STORE)


def _headers(response: Response, turned: TurnedAway) -> None:
    response.headers.update(turned.headers)
    if turned.problem.retry_seconds:
        response.headers["retry-after"] = str(turned.problem.retry_seconds)
