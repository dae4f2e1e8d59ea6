"""How answers leave: languages, entity tags, compression, caches, problems, security headers."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas import visitors
from schemas.problems import ProblemKind
from views import asked, hosts, problems, tags
from views.pages import languages, rendering
from views.representation import Representation


OPEN_SECONDS = 2
"""A cache may send results of an open consultation for so long without asking."""

STALE_SECONDS = 30
"""And for so long while it asks: nobody waits for us in a burst."""

FINAL_SECONDS = 300
"""Final results move only when an operator changes the catalogue or suspends a voter."""

COOKIE_SECONDS = 31_536_000
"""A chosen language is remembered for a year."""

COMPRESSED_BYTES = 1_024
"""Smaller bodies are sent as they are: compression would not save a packet."""

SECURITY_HEADERS = {
    # Nothing but our own files: no script within a page, so none can be slipped in.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
        "img-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "cross-origin-opener-policy": "same-origin",
}


_SECURITY = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
_READABLE = b"access-control-allow-origin", b"*"


def policy_with_style(source: str) -> str:
    """Return the policy of all pages, and one style within, named by its digest."""
    policy = SECURITY_HEADERS["content-security-policy"]
    return policy.replace("style-src 'self'", f"style-src 'self' {source}")


def policy_framed_by(sites: Sequence[str]) -> str:
    """Return the policy of all pages, and that these sites may frame this one."""
    policy = SECURITY_HEADERS["content-security-policy"]
    return policy.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(sites)}")


def keep_cookie(
    response: Response, name: str, value: str, *, path: str, seconds: int, secure: bool,
    embedded: bool = False,
) -> None:
    """Have a browser keep a cookie for a time; for none, forget it.

    An embedded one is sent within pages of other sites, and kept apart by them.
    """
    given_to = visitors.EMBEDDED if embedded else "SameSite=Lax" + "; Secure" * secure
    response.headers.append(
        "set-cookie", f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; {given_to}")


class SecurityHeaders:
    """Middleware: every answer carries SECURITY_HEADERS; the API may be read from any site.

    A request whose Host no library could make an address of gets no further than here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                held = {name for name, _ in headers}
                headers += [each for each in _SECURITY if each[0] not in held]
                if _READABLE[0] not in held and scope["path"].startswith("/v1/"):
                    headers.append(_READABLE)
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _is_addressed(scope):
            await self._app(scope, receive, send_secured)
        else:
            await _without_address(scope)(scope, receive, send_secured)


class Endpoint:
    """What answers an address, as ASGI has it: the framework's wrapper takes longer than a route.
    """

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)


def _is_addressed(scope: Scope) -> bool:
    """Whether a request says once, and in a name, whom it is for; HTTP/1.0 needs not say it."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    if not named:
        return scope.get("http_version") == "1.0"
    return len(named) == 1 and hosts.name_in(named[0]) is not None


def _without_address(scope: Scope) -> Response:
    """Explain it, without looking at the Host again."""
    headers = [header for header in scope["headers"] if header[0] != b"host"]
    request = Request({**scope, "headers": headers})
    return explained(request, problems.INVALID_HOST, as_json=_is_api(request))


def language_of(request: Request) -> str:
    """Return the language of the visitor: `?lang=`, then the cookie, then Accept-Language."""
    return languages.negotiate(
        asked.wanted_language(request),
        asked.cookie_of(request, languages.COOKIE),
        request.headers.get("accept-language"),
    )


def caching(*, final: bool) -> dict[str, str]:
    """Return the life of results in caches."""
    fresh = FINAL_SECONDS if final else OPEN_SECONDS
    return {
        "cache-control": f"public, max-age={fresh}, stale-while-revalidate={STALE_SECONDS}"
    }


async def represented(
    request: Request, what: Representation, media_type: str, headers: dict[str, str]
) -> Response:
    """Send a representation, compressed where the visitor takes it, or 304 where he has it.

    Also where he has a later one, of another process.
    """
    compressed = _takes_gzip(request) and len(what.body) >= COMPRESSED_BYTES
    # Two encodings are two representations: a strong tag must tell them apart (RFC 9110, 8.8.3).
    tag = f'"{what.tag}-gzip"' if compressed else f'"{what.tag}"'
    headers = {**headers, "etag": tag, "vary": "Accept-Encoding"}
    if (held := _held(request, tag)) is not None:
        return Response(status_code=304, headers={**headers, "etag": held})
    if not compressed:
        return Response(what.body, media_type=media_type, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(await what.compressed(), media_type=media_type, headers=headers)


def html(
    request: Request, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Send a page in the visitor's language."""
    return speaking(
        request, Response(body, status, headers=headers, media_type="text/html"))


def speaking(request: Request, response: Response) -> Response:
    """Say which language a page is in, and remember it where the visitor chose it just now."""
    language = language_of(request)
    response.headers["content-language"] = language
    response.headers.add_vary_header("Accept-Language")
    response.headers.add_vary_header("Cookie")
    chosen = asked.wanted_language(request) == language
    if chosen and asked.cookie_of(request, languages.COOKIE) != language:
        widget = asked.widget_of(request)
        keep_cookie(response, languages.COOKIE, language, path=widget or "/",
                    seconds=COOKIE_SECONDS, secure=asked.is_secure(request), embedded=bool(widget))
        # A shared cache must not hand this visitor's cookie to others.
        if response.headers.get("cache-control") != "no-store":
            response.headers["cache-control"] = f"private, max-age={OPEN_SECONDS}"
    return response


async def refused(request: Request, error: Exception) -> Response:
    """Explain a request that was refused: as a problem to programs, as a page to people."""
    assert isinstance(error, HTTPException)
    problem = problems.PROBLEMS.get(error.detail) or problems.of_status(error.status_code)
    response = explained(request, problem, as_json=_is_api(request))
    response.headers.update(error.headers or {})
    return response


async def turned_away(request: Request, _error: Exception) -> Response:
    """Ask to come back later: more is asked for than can be made soon."""
    return explained(request, problems.TOO_MANY_READERS, as_json=_is_api(request))


async def failed(request: Request, _error: Exception) -> Response:
    """Explain a fault of ours; the server logs it, the visitor learns nothing of our insides."""
    return explained(request, problems.INTERNAL, as_json=_is_api(request))


def explained(request: Request, problem: ProblemKind, *, as_json: bool) -> Response:
    """Answer with a problem."""
    if not as_json:
        return problem_page(request, problem, status=problem.status)
    language = language_of(request)
    body = problems.encode(problem, language, asked.path_of(request))
    headers = {**_life_of(problem), "content-language": language, "vary": "Accept-Language"}
    return Response(body, problem.status, headers=headers, media_type=problems.MEDIA_TYPE)


def problem_page(request: Request, problem: ProblemKind, *, status: int) -> Response:
    """Answer with the page of a problem."""
    body = rendering.render(
        "problem.html", language_of(request), problem=problem, path=problem.address)
    return html(request, body, status=status, headers=_life_of(problem))


def _life_of(problem: ProblemKind) -> dict[str, str]:
    again = {"retry-after": str(problem.retry_seconds)} if problem.retry_seconds else {}
    return {"cache-control": "no-store", **again}


def _is_api(request: Request) -> bool:
    return asked.path_of(request).startswith("/v1/")


def _takes_gzip(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _held(request: Request, tag: str) -> str | None:
    """Return the tag of this very representation, or a later one, that the visitor holds.

    Compared weakly (RFC 9110, 13.1.2).
    """
    held = request.headers.get("if-none-match")
    if held is None:
        return None
    found = [part.strip().removeprefix("W/") for part in held.split(",")]
    if "*" in found:
        return tag
    later = tags.is_held(tag.strip('"'), (each.strip('"') for each in found))
    return later and f'"{later}"'
