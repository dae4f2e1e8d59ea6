"""Forms with files: what browsers send is read, within bounds; what is none is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request

from views.asked import PART_HEADER_BYTES, PART_HEADERS, PARTS, NoForm, parameters, parts, parts_of


TYPE = "multipart/form-data; boundary=x"
NAMED = b'Content-Disposition: form-data; name="a"'


def form(*written: bytes, boundary: bytes = b"x") -> bytes:
    """Write a form of parts, each a head, an empty line and a content."""
    return b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in written) + b"--%s--\r\n" % (
        boundary)


def part(name: str = "a", content: bytes = b"1", more: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"{more}'
    return head.encode() + b"\r\n\r\n" + content


def test_a_browser_s_form_is_read() -> None:
    """A text, a file with its type and an empty file, as Firefox and Chromium write them."""
    boundary = "----geckoformboundary8d3b1f"
    body = form(
        part("receipt", b""),
        part("upload", b"{\r\n--x\r\n}", '; filename="re\u00e7u;1.json"\r\nContent-Type: text/x'),
        part("act", b"check"), boundary=boundary.encode())

    assert parts(f"multipart/form-data; boundary={boundary}", body) == {
        "receipt": b"", "upload": b"{\r\n--x\r\n}", "act": b"check"}


@given(contents=st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=9), st.binary(max_size=99), max_size=PARTS))
def test_what_was_written_is_read(contents: dict[str, bytes]) -> None:
    """Any bytes come back, whatever they look like."""
    boundary = "y" * 70
    body = form(*(part(name, content) for name, content in contents.items()),
                boundary=boundary.encode())

    assert parts(f'multipart/form-data; boundary="{boundary}"', body) == contents


@pytest.mark.parametrize("body", [
    b"", b"a=1", b"--x", b"--x\r\n", form(part())[:-4], form(b"\r\n1"),
    form(b"Content-Type: text/plain\r\n\r\n1"), form(b"Content-Disposition: form-data\r\n\r\n1"),
    form(b'Content-Disposition: attachment; name="a"\r\n\r\n1'), form(part(name="")),
    form(b"a b: c\r\n\r\n1"), form(*[part()] * (PARTS + 1)),
    form(b"\r\n".join([NAMED, *[b"a: b"] * PART_HEADERS]) + b"\r\n\r\n1"),
    form(NAMED + b"\r\na: ".ljust(PART_HEADER_BYTES + 4, b"b") + b"\r\n\r\n1"),
    form(b"Content-Disposition: form-data; name=" + b"(a)" * 400 + b"\r\n\r\n1"),
    form(b'Content-Disposition: form-data; name="' + b"\\" * 900 + b"\r\n\r\n1"),
], ids=lambda body: repr(body[:30]))
def test_what_is_no_form_is_refused(body: bytes) -> None:
    """Cut short, without a name, with too many parts or headers, or too long ones: NoForm."""
    with pytest.raises(NoForm):
        parts(TYPE, body)


@pytest.mark.parametrize("declared", [
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary= x",
    "multipart/form-data; boundary=" + "x" * 71, 'multipart/form-data; boundary="x',
    "multipart/form-data; a=" + "(a)" * 5_000 + "; boundary=x"])
def test_a_form_names_a_boundary(declared: str) -> None:
    """Without one of RFC 2046 near the beginning a form is none."""
    with pytest.raises(NoForm):
        parts(declared, form(part()))


@pytest.mark.parametrize(("header", "found"), [
    ("a", {}), ("a; b=c", {"b": "c"}), ('a;B="c;d\\"" ; e=f', {"b": 'c;d\\"', "e": "f"}),
    ("a; b=c; b=d", {"b": "c"}), ('a; b="', {}), ("a; b; c=d", {}), ("a; b=c d=e", {}),
])
def test_parameters_are_read_up_to_the_first_that_is_none(
    header: str, found: dict[str, str]
) -> None:
    """Plain and quoted, in either case, of two the first; nothing is made of what is none."""
    assert parameters(header) == found


def _request(declared: str, pieces: list[bytes]) -> Request:
    """Make a request whose body comes in pieces."""
    coming: Iterator[bytes] = iter(pieces)

    async def receive() -> dict[str, Any]:
        piece = next(coming, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [
        (b"content-type", declared.encode())]}, receive)


async def test_a_body_is_bounded_and_may_come_in_crumbs() -> None:
    """Byte by byte a form is read as in one piece; a byte too many is refused before the rest."""
    body = form(part())
    crumbs = [body[at:at + 1] for at in range(len(body))]

    assert await parts_of(_request(TYPE, crumbs), len(body)) == {"a": b"1"}
    assert await parts_of(_request("text/plain", crumbs), len(body)) == {}
    with pytest.raises(HTTPException, match="413"):
        await parts_of(_request(TYPE, [*crumbs, b"x"]), len(body))
    with pytest.raises(HTTPException, match="400"):
        await parts_of(_request(TYPE, crumbs[:-5]), len(body))


async def test_who_is_gone_before_the_whole_form_was_here_is_no_fault_of_ours() -> None:
    """It is refused as what is no form; nobody hears that, and no log has an error of it."""
    pieces: Iterator[dict[str, Any]] = iter((
        {"type": "http.request", "body": b"--x\r\n", "more_body": True},
        {"type": "http.disconnect"}))

    async def receive() -> dict[str, Any]:
        return next(pieces)

    request = Request({"type": "http", "method": "POST", "headers": [
        (b"content-type", TYPE.encode())]}, receive)
    with pytest.raises(HTTPException) as refused:
        await parts_of(request, 1_000)

    assert refused.value.status_code == 400
