"""oEmbed: what a site shows in the place of a link to one of our pages (oembed.com, 1.0).

Theory of operation: a site that was given a link asks here and puts the answer's HTML into its
page: the widget's line, of a consultation that has partners with sites, whoever asks. Browsers show
it on those sites alone. What is answered follows from the catalogue and the address, never from
votes.
"""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.partners import sites_of
from schemas.problems import MEDIA_TYPE
from views import asked
from views.encoding import encode_json
from views.flushes import Flushes
from views.pages import rendering
from views.pages.embed_line import HEIGHT, HEIGHT_LEAST, WIDTH, WIDTH_LEAST, embed_line
from views.pages.languages import LANGUAGES
from views.responses import language_of


CACHE_SECONDS = 3_600
"""A site may keep an answer for so long."""
URL_CHARACTERS = 1_000
"""Longest address that is looked at."""
PICTURE_PIXELS = (1_200, 630)
QUERY_FIELDS = 8
_PAGE = re.compile(r"/c/([^/]+)(?:/(?:vote|widget(?:/[0-9]+)?|proposal|idea|proposals))?")
_PRIVATE = re.compile(r"/ops(?:/|$)")
_PIXELS = re.compile(r"[0-9]{1,5}")


class _Refused(Exception):
    """By the specification 501 for other formats, 401 for what is private, 404 for all else that is
    not ours to embed."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class OEmbed:
    """The address that sites ask."""

    def __init__(self, flushes: Flushes, address: str) -> None:
        """`address` is where people reach the pages; empty: nothing is ours."""
        self._flushes, self._address = flushes, address

    def routes(self) -> list[Route]:
        return [Route("/oembed", self._answer)]

    async def _answer(self, request: Request) -> Response:
        try:
            return self._found(request)
        except _Refused as refused:
            return Response(
                encode_json({"status": refused.status, "title": refused.status.phrase}),
                refused.status, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})

    def _found(self, request: Request) -> Response:
        query = asked.query_of(request)
        if query.get("format", "json") != "json":
            raise _Refused(HTTPStatus.NOT_IMPLEMENTED)
        most = _most(query.get("maxwidth")), _most(query.get("maxheight"))
        consultation, page, fields = self._page_of(query.get("url", ""))
        language = fields.get("lang", "")
        language = language if language in LANGUAGES else language_of(request)
        title = rendering.question_of(consultation, language)[0]
        return Response(encode_json({
            "version": "1.0", "title": title, "provider_name": "scrutin",
            "provider_url": self._address, "cache_age": CACHE_SECONDS,
            **_picture(page, language, most),
            **_frame(page, title, language, fields.get("proposal", fields.get("id", "")), most),
        }), media_type="application/json", headers={
            "cache-control": f"public, max-age={CACHE_SECONDS}", "vary": "Accept-Language, Cookie"})

    def _page_of(self, url: str) -> tuple[dict[str, Any], str, dict[str, str]]:
        """Return the consultation that an address of ours shows, its page and the query."""
        ours = f"{self._address}/"
        if not self._address or not url.startswith(ours) or len(url) > URL_CHARACTERS:
            raise _Refused(HTTPStatus.NOT_FOUND)
        # Behind a host: what begins with two slashes would have one of its own, or be none at all.
        parts = urlsplit(f"http://ours{url[len(self._address):]}")
        if _PRIVATE.match(parts.path):
            raise _Refused(HTTPStatus.UNAUTHORIZED)
        found = _PAGE.fullmatch(parts.path)
        known = found and self._flushes.catalogue.consultations.get(unquote(found[1]))
        if not (found and known and known.described):
            raise _Refused(HTTPStatus.NOT_FOUND)
        if not any(map(sites_of, known.partners.values())):
            raise _Refused(HTTPStatus.NOT_FOUND)
        try:
            query = parse_qs(parts.query, max_num_fields=QUERY_FIELDS)
        except ValueError:
            raise _Refused(HTTPStatus.NOT_FOUND) from None
        fields = {name: values[-1] for name, values in query.items()}
        if parts.path.endswith("/idea"):
            fields.pop("id", None)
        return known.described, f"{self._address}/c/{found[1]}", fields


def _most(text: str | None) -> int | None:
    """Read a bound in pixels; none without one."""
    if text is None:
        return None
    if not _PIXELS.fullmatch(text):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    return int(text)


def _picture(
    page: str, language: str, most: tuple[int | None, int | None]
) -> dict[str, Any]:
    """Name the picture of the consultation, where it fits."""
    if any(bound is not None and size > bound
           for size, bound in zip(PICTURE_PIXELS, most, strict=True)):
        return {}
    width, height = PICTURE_PIXELS
    return {"thumbnail_url": f"{page}/picture.png?lang={language}", "thumbnail_width": width,
            "thumbnail_height": height}


def _frame(
    page: str, title: str, language: str, proposal: str, most: tuple[int | None, int | None]
) -> dict[str, Any]:
    """Return the frame as large as it may be; where that is too small, a link."""
    width, height = (size if bound is None else min(size, bound)
                     for size, bound in zip((WIDTH, HEIGHT), most, strict=True))
    if width < WIDTH_LEAST or height < HEIGHT_LEAST:
        return {"type": "link"}
    return {"type": "rich", "width": width, "height": height, "html": embed_line(
        page, title, language, proposal=proposal, width=str(width), height=height)}
