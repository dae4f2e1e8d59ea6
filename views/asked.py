"""What visitors ask for, as the pages read it: address, query, cookies and forms, within bounds.

Theory of operation: what arrives here is anybody's bytes, and pages share a loop with votes. So no
page asks the framework for a request's cookies, query, form or whole address, whose readers have
no bound (or take time that grows with the square of what they read), but this module; a test
holds it to that. Forms with files are taken apart by python-multipart, a machine that goes through
the bytes once; the few parameters of its headers are read here, for there the library copies a
reader of e-mail that takes far more than browsers send.
"""

import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, MultipartState
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from schemas import problems, visitors
from schemas.visitors import Query, TooManyFields


if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


QUERY_FIELDS = 32
"""Fields of an address, at most: pages read seven, and who sends a link adds some of his own."""
PARTS = 8
"""Parts of a form with files, at most: the form for receipts has four."""
PART_HEADERS = 4
"""Headers of a part: browsers send two."""
PART_HEADER_BYTES = 1_024
"""Longest header of a part: the name of a file has 255 bytes, and may be written with three each.
"""
TYPE_CHARACTERS = 256
"""Longest Content-Type that is read: a boundary has at most 70 characters."""
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")
"""RFC 2046, 5.1.1; a space, which it allows within, no browser sends."""

_WIDGET = re.compile(r"/c/[^/]+/widget/[0-9]+(?=/|$)")
_PARAMETER = re.compile(
    r""";[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^";\s]*))[ \t]*(?=;|\Z)""",
    re.ASCII | re.DOTALL)

# The library warns of each form that is none: anybody could fill the operator's log.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class NoForm(ValueError):
    """A body is not the form that it says it is."""


def path_of(request: Request) -> str:
    """Return the path, decoded."""
    path: str = request.scope["path"]
    return path


def address_of(request: Request) -> str:
    """Return the path as it stands in an address."""
    return quote(path_of(request))


def widget_of(request: Request) -> str:
    """Return the address of the widget that a request is for; empty where it is for none."""
    found = _WIDGET.match(address_of(request))
    return found[0] if found else ""


def raw_query_of(request: Request) -> str:
    """Return the query as it was sent."""
    raw: bytes = request.scope["query_string"]
    return raw.decode("latin-1")


def is_secure(request: Request) -> bool:
    """Whether it came over TLS."""
    return bool(request.scope["scheme"] == "https")


def query_of(request: Request) -> Query:
    """Return the fields of the query; refuse where there are too many."""
    try:
        return visitors.query(request.scope["query_string"], QUERY_FIELDS)
    except TooManyFields:
        raise _refused(problems.INVALID_REQUEST) from None


def wanted_language(request: Request) -> str | None:
    """Return the `lang` of the query; None where that cannot be read: a refusal has a language too.
    """
    try:
        return query_of(request).get("lang")
    except HTTPException:
        return None


def cookie_of(request: Request, name: str) -> str | None:
    """Return a cookie as it was sent."""
    return visitors.cookie(request.headers.get("cookie", ""), name)


def media_type_of(request: Request) -> str:
    """Say what a body says that it is."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def body_of(request: Request, bytes_most: int) -> bytes:
    """Read a body; refuse one that is longer, as soon as that is known, or never comes whole.

    Who is gone hears no refusal; but it is no fault of ours, for the log to hold.
    """
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > bytes_most:
                raise _refused(problems.TOO_LARGE)
    except ClientDisconnect:
        raise _refused(problems.INVALID_REQUEST) from None
    return bytes(body)


async def parts_of(request: Request, bytes_most: int) -> dict[str, bytes]:
    """Read a form that may hold a file; another one is empty, a broken one is refused."""
    body = await body_of(request, bytes_most)
    if media_type_of(request) != "multipart/form-data":
        return {}
    try:
        return parts(request.headers["content-type"], body)
    except NoForm:
        raise _refused(problems.INVALID_REQUEST) from None


def parts(content_type: str, body: bytes) -> dict[str, bytes]:
    """Take a form of RFC 7578 apart, by name; raise NoForm."""
    boundary = parameters(content_type[:TYPE_CHARACTERS]).get("boundary", "")
    if not BOUNDARY.fullmatch(boundary):
        raise NoForm("no boundary")
    gathered = _Parts()
    parser = MultipartParser(
        boundary, gathered.callbacks(), max_header_count=PART_HEADERS,
        max_header_size=PART_HEADER_BYTES)
    try:
        parser.write(body)
    except MultipartParseError as error:
        raise NoForm(str(error)) from error
    if parser.state != MultipartState.END:
        raise NoForm("it is cut short")
    return gathered.found


class _Parts:
    """What the parser finds, part by part."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}
        self._count = 0

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin, "on_header_field": self._head, "on_header_end": self._end,
            "on_header_value": self._value, "on_part_data": self._data, "on_part_end": self._part}

    def _begin(self) -> None:
        self._count += 1
        if self._count > PARTS:
            raise NoForm(f"more than {PARTS} parts")
        self._header, self._said, self._name = bytearray(), bytearray(), ""
        self._content = bytearray()

    def _head(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._said += data[start:end]

    def _end(self) -> None:
        if self._header.lower() == b"content-disposition":
            kind, _, _ = self._said.partition(b";")
            if kind.strip().lower() != b"form-data":
                raise NoForm("a part is none of a form")
            self._name = parameters(self._said.decode(errors="replace")).get("name", "")
        self._header, self._said = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _part(self) -> None:
        if not self._name:
            raise NoForm("a part has no name")
        self.found[self._name] = bytes(self._content)


def parameters(header: str) -> dict[str, str]:
    """Read the parameters of a header, up to the first that is none; of two of a name the first."""
    found: dict[str, str] = {}
    at = header.find(";")
    while at >= 0 and (match := _PARAMETER.match(header, at)):
        name, quoted, plain = match.groups()
        found.setdefault(name.lower(), plain if quoted is None else quoted)
        at = match.end()
    return found


def _refused(problem: problems.ProblemKind) -> HTTPException:
    return HTTPException(problem.status, detail=problem.name)
