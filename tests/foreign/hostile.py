"""What strangers send: texts that some reader takes too long over, or falls over; at any length."""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from producers.gateway.operations import OPERATIONS


Grown = Callable[[int], str]
"""Writes a text of about so many characters."""


def _repeated(unit: str, before: str = "", after: str = "") -> Grown:
    return lambda size: before + unit * (max(0, size - len(before + after)) // len(unit)) + after


TEXTS: tuple[Grown, ...] = (
    _repeated("a"), _repeated("(a)"), _repeated("("), _repeated("\\"), _repeated("\\\\", '"', '"'),
    _repeated('"'), _repeated("a,"), _repeated(";"), _repeated("a=b;"), _repeated('a="b;" '),
    _repeated("=?u?q?a?= ", '"'), _repeated(" "), _repeated("\t ", "a", "b"), _repeated("%"),
    _repeated("%41"), _repeated("&"), _repeated("[", "http://"), _repeated("1."), _repeated(":"),
    _repeated("9"), _repeated("../"), _repeated("x000/", "log/tile/0/", "000"), _repeated("-"),
    _repeated("fr;q=0.", "", "1"), _repeated("\u00ff"), _repeated("W/"), _repeated("A"),
)
"""Comments, quotes, escapes, lists, parameters, encoded words, spaces, numbers, paths."""

JSON: tuple[Grown, ...] = (
    _repeated("["), _repeated('{"a":'), _repeated("[]", "[", "]"), _repeated("9"),
    _repeated("9", "1e"), _repeated("\\u0000", '"', '"'), _repeated("\\ud800", '{"a":"', '"}'),
    _repeated('"a":1,', "{", '"b":1}'), _repeated('"a",', "[", "1]"), _repeated(" "),
    _repeated("\\", '"'),
)


class Sent(NamedTuple):
    """A body, and what it says that it is."""

    declared: str
    body: bytes


Body = Callable[[int], Sent]


def bodies(fields: tuple[str, ...]) -> Iterator[Body]:
    """Yield bodies of every kind, broken and whole, each field of each form in turn."""
    yield from map(_json, JSON)
    names = {name for each in OPERATIONS if each.body for name in each.body.model_fields}
    for name in sorted(names):
        for grown in TEXTS[:6]:
            yield _json_field(name, grown)
    for grown in TEXTS:
        yield _urlencoded("", grown)
        yield _multipart_type(grown)
        yield _multipart_head(grown)
        yield _multipart_whole(grown)
    for unit in ("--x\r\n\r\na\r\n", '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n',
                 "--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n", "\r\n--x", "--x"):
        yield _multipart_whole(_repeated(unit))
    for field in fields:
        for grown in (TEXTS[0], TEXTS[4], TEXTS[14], JSON[0], JSON[1]):
            yield _urlencoded(f"{field}=", grown)
            yield _multipart_field(field, grown)


def _json(grown: Grown) -> Body:
    return lambda size: Sent("application/json", grown(size).encode("utf-8", "replace"))


def _json_field(name: str, grown: Grown) -> Body:
    def body(size: int) -> Sent:
        return Sent("application/json", json.dumps({
            "proposal": "p1", "choice": "agree", "qualification": "like_it", name: grown(size),
        }).encode())

    return body


def _urlencoded(before: str, grown: Grown) -> Body:
    return lambda size: Sent(
        "application/x-www-form-urlencoded", (before + grown(size)).encode("latin-1", "replace"))


FORM = "multipart/form-data; boundary=x"
_WHOLE = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n--x--\r\n'


def _multipart_type(grown: Grown) -> Body:
    return lambda size: Sent(f"{FORM}; a={grown(size)}", _WHOLE)


def _multipart_head(grown: Grown) -> Body:
    return lambda size: Sent(FORM, _WHOLE.replace(
        b'"a"', grown(size).encode("latin-1", "replace")))


def _multipart_whole(grown: Grown) -> Body:
    return lambda size: Sent(FORM, grown(size).encode("latin-1", "replace"))


def _multipart_field(name: str, grown: Grown) -> Body:
    return lambda size: Sent(FORM, (
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{grown(size)}\r\n--x--\r\n'
    ).encode("latin-1", "replace"))
