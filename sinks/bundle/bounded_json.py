"""JSON of anybody's make, read only once it is known to be small in memory. Pure.

Theory of operation: three bytes of JSON (`{},`) can become seventy in memory, so a bound on a
file's bytes is none on what is read. Before reading, the marks that make values are counted, which
costs nothing: each brace, bracket, colon and comma stands for at most one thing of known size.
Marks within texts are counted too, so the estimate is never too low; honest documents take about
half of it.
"""

import json
from collections.abc import Callable
from typing import Any

from sinks.bundle.faults import Unreadable


OBJECT_BYTES, FILLED_BYTES, LIST_BYTES = 64, 120, 64
"""An object of JSON in memory, what the first name adds to it, and a list (CPython, 64 bits)."""
NAME_BYTES = 88
"""A name in an object: its place, and half a text, for a name that comes again is kept once."""
VALUE_BYTES, TEXT_BYTES = 41, 20
"""A number and its place in a list; what a text takes more, besides its letters."""

_BELOW_FOUR = bytes(range(0xF0))
_BELOW_TWO = bytes(range(0xC4))
"""Bytes of letters that make the letters of their text less than four bytes wide, or than two."""
ReadObject = Callable[[list[tuple[str, Any]]], Any]


def held_bytes_at_most(body: bytes) -> int:
    """Say how many bytes JSON takes in memory, at most, once it is read."""
    objects, lists = body.count(b"{"), body.count(b"[")
    names = body.count(b":")
    values = body.count(b",") + objects + lists
    texts = max(0, min(values, body.count(b'"') // 2 - names))
    return (letter_bytes(body) * len(body) + OBJECT_BYTES * objects
            + FILLED_BYTES * min(objects, names) + NAME_BYTES * names + LIST_BYTES * lists
            + VALUE_BYTES * values + TEXT_BYTES * texts)


def letter_bytes(body: bytes) -> int:
    """Say how wide the widest letter of JSON can be: it makes each letter of its text so wide."""
    if b"\\u" in body or body.translate(None, _BELOW_FOUR):
        return 4
    return 2 if body.translate(None, _BELOW_TWO) else 1


def read_json(
    name: str, body: bytes, held_bytes_max: int, each_object: ReadObject | None = None
) -> Any:
    """Read JSON; raise Unreadable. `each_object` makes each object, from its names and values."""
    if held_bytes_at_most(body) > held_bytes_max:
        raise Unreadable(name, f"it may take more than {held_bytes_max:,} bytes of memory once it "
                         "is read: no file of its kind is so large")
    try:
        return json.loads(body, object_pairs_hook=each_object)
    except (ValueError, RecursionError) as error:
        raise Unreadable(name, f"not JSON as bundles have it: {type(error).__name__} {error}"
                         ) from error
