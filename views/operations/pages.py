"""The addresses of operations: the page, its stream, the form for the token, /metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from processors.guard.published import Findings
from schemas import figures, visitors
from schemas.figures import Sample
from schemas.visitors import TooManyFields
from views import asked, paging, problems
from views.encoding import encode_json
from views.live import CLIENTS_MAX, HEADERS, LiveStream
from views.meter import Meter
from views.operations import findings
from views.operations.access import COOKIE, Access, from_another_site, outside
from views.operations.collector import Collector
from views.operations.model import page
from views.operations.samples import samples
from views.pages import rendering
from views.pages.languages import LANGUAGES
from views.responses import html, language_of
from views.static_files import static


OPERATORS_MAX = 20
"""Streams of this page at once: a control room, not an audience."""
FORM_BYTES_MAX = 1_024
"""Longest form that is read: a token and its name."""
FORM_FIELDS_MAX = 8
NO_STORE = {"cache-control": "no-store"}

Joined = Callable[[], Awaitable[bytes | None]]
"""Gives the figures of all workers as text; None where they do not come in time."""


class Streams:
    """The open streams of the page; each look marks all of them."""

    def __init__(self, show: Callable[[str], tuple[str, bytes]]) -> None:
        self._show = show
        self._marks: set[asyncio.Event] = set()
        self.closed = False

    @property
    def full(self) -> bool:
        return len(self._marks) >= OPERATORS_MAX

    def enter(self) -> asyncio.Event:
        """Take a place."""
        mark = asyncio.Event()
        self._marks.add(mark)
        return mark

    def leave(self, mark: asyncio.Event) -> None:
        """Give it back."""
        self._marks.discard(mark)

    @property
    def watched(self) -> bool:
        """Whether somebody follows."""
        return bool(self._marks)

    def mark(self) -> None:
        """Say that there is something newer."""
        for mark in self._marks:
            mark.set()

    def close(self) -> None:
        """End every stream."""
        self.closed = True
        self.mark()

    def snapshot(self, about: str, _proposals: tuple[str, ...]) -> tuple[str, bytes]:
        """Return the page's parts in a language."""
        return self._show(about)


class Operations:
    """The operators' page and the figures of this process."""

    def __init__(
        self, collector: Collector, token: str, findings: Findings | None = None,
        joined: Joined | None = None,
    ) -> None:
        self.collector = collector
        self._joined = joined
        self._findings = findings or Findings()
        self.streams = Streams(self._parts)
        self._access = Access(token)
        self._shown: dict[str, tuple[str, bytes]] = {}
        self.meter = Meter()
        """Counts what the views answer."""
        self.live_clients: Callable[[], int] = lambda: 0
        """Says how many live streams are open, once somebody serves them."""
        collector.on_look = self._looked

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/ops", self.page, methods=["GET"]),
            Route("/ops/findings", self.findings, methods=["GET"]),
            Route("/ops/login", self.login, methods=["POST"]),
            Route("/ops/logout", self.logout, methods=["POST"]),
            Route("/ops/live", self.live, methods=["GET"]),
            Route("/metrics", metrics(self._access, self.samples, self._joined), methods=["GET"]),
            Route("/static/operations.css", static, methods=["GET"]),
            Route("/static/operations.js", static, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """Show everything, complete without JavaScript."""
        if not self._access.allowed(request):
            return self._form(request, wrong=False)
        self.collector.watched()
        language = language_of(request)
        body = rendering.render(
            "operations.html", language, path="/ops", **self._model(),
            left=asked.cookie_of(request, COOKIE) is not None)
        response = html(request, body)
        response.headers.update(NO_STORE)
        return response

    async def findings(self, request: Request) -> Response:
        """Show findings page by page, from the newest on; `first` says where to begin."""
        if not self._access.allowed(request):
            return self._form(request, wrong=False)
        try:
            first = paging.number(asked.query_of(request).get("first", "0"))
        except paging.BadPage:
            first = 0
        body = rendering.render(
            "operations_findings.html", language_of(request), path="/ops/findings",
            findings=self._of_the_guard(first))
        response = html(request, body)
        response.headers.update(NO_STORE)
        return response

    async def live(self, request: Request) -> Response:
        """Stream the parts of the page, after every look."""
        if not self._access.allowed(request):
            return Response(status_code=401, headers=NO_STORE)
        if self.streams.full:
            raise HTTPException(503, detail=problems.TOO_MANY_STREAMS.name)
        wanted = asked.query_of(request).get("lang")
        language = wanted if wanted in LANGUAGES else language_of(request)
        if request.method == "HEAD":
            return Response(headers=HEADERS, media_type=LiveStream.media_type)
        return LiveStream(self.streams, language, (), None)

    async def login(self, request: Request) -> Response:
        """Take the token from the form; where none is set, this machine needs none."""
        _check_site(request)
        if not self._access.has_token and self._access.allowed(request):
            return RedirectResponse("/ops", 303, headers=NO_STORE)
        try:
            body = await asked.body_of(request, FORM_BYTES_MAX)
            shown = visitors.query(body, FORM_FIELDS_MAX).get("token", "")
        except (HTTPException, TooManyFields):
            return self._form(request, wrong=True)
        if not self._access.is_token(shown):
            return self._form(request, wrong=True)
        response = RedirectResponse("/ops", 303, headers=NO_STORE)
        self._access.remember(request, response)
        return response

    async def logout(self, request: Request) -> Response:
        """Forget the visitor."""
        _check_site(request)
        response = RedirectResponse("/ops", 303, headers=NO_STORE)
        response.delete_cookie(COOKIE, path="/ops")
        return response

    def _form(self, request: Request, *, wrong: bool) -> Response:
        body = rendering.render(
            "operations_login.html", language_of(request), path="/ops", wrong=wrong,
            has_token=self._access.has_token, outside=outside(request))
        return html(request, body, status=401 if self._access.has_token else 403,
                    headers=NO_STORE)

    def samples(self) -> Iterator[Sample]:
        """Yield the figures of this process."""
        self.collector.watched()
        yield from self.collector.itself()
        yield Sample(figures.LIVE_CLIENTS, self.live_clients())
        yield Sample(figures.LIVE_CLIENTS_MOST, CLIENTS_MAX)
        yield from self.meter.samples()
        yield from samples(self.collector.watch)

    def _model(self) -> dict[str, Any]:
        return {**page(self.collector.watch, self.collector.hottest.top(), time.time()),
                "findings": self._of_the_guard(0)}

    def _of_the_guard(self, first: int) -> dict[str, Any]:
        flushes = self.collector.flushes
        return findings.page(findings.Known(
            self._findings, flushes.guard_rules.acts, flushes.catalogue), first, time.time())

    def _looked(self) -> None:
        self._shown.clear()
        self.streams.mark()
        if self.streams.watched:
            self.collector.watched()

    def _parts(self, language: str) -> tuple[str, bytes]:
        """Make the parts once a look and language, whoever follows."""
        if language not in self._shown:
            made = rendering.render("operations_parts.html", language, **self._model())
            looked_at = f"{self.collector.watch.looked_at:.3f}"
            self._shown[language] = (looked_at, encode_json({"parts": made.decode()}))
        return self._shown[language]


def _check_site(request: Request) -> None:
    if from_another_site(request):
        raise HTTPException(problems.OTHER_SITE.status, detail=problems.OTHER_SITE.name)


def metrics(
    access: Access, found: Callable[[], Iterable[Sample]], joined: Joined | None = None,
) -> Callable[[Request], Awaitable[Response]]:
    """Make the address under which a public process gives its figures to Prometheus.

    Where it is one of several workers `joined` gives those of all.
    """

    async def answer(request: Request) -> Response:
        if not access.allowed(request):
            return _withheld(access, request)
        said = figures.exposition(found()) if joined is None else await joined()
        if said is None:  # One worker's alone would look as if all had begun anew.
            return PlainTextResponse("No sum of all workers came in time.\n", 503,
                                     headers=NO_STORE)
        return Response(said, media_type=figures.MEDIA_TYPE, headers=NO_STORE)

    return answer


def _withheld(access: Access, request: Request) -> Response:
    """Say to a program what it must send, or why nothing it sends will do."""
    if access.has_token:
        return PlainTextResponse(
            "Send the bearer token SCRUTIN_OPERATIONS_TOKEN, from this machine too.\n", 401,
            headers={**NO_STORE, "www-authenticate": "Bearer"})
    found = outside(request)
    assert found is not None, "without a token this machine is let in"
    return PlainTextResponse(
        "No SCRUTIN_OPERATIONS_TOKEN is set: figures are for programs of this machine alone, and "
        f"this request is not of it ({found.sign} {found.what!a}).\n", 403,
        headers=NO_STORE)
