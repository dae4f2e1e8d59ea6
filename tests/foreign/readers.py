"""What a reader of foreign bytes promises, and how that is held to it.

A reader gives a value or raises one of its own errors, whatever it is given, and in a number of
steps that its length bounds.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import strategies as st


SEEDS = Path(__file__).parent / "seeds"
"""Bytes that once broke a reader, or nearly: a folder a reader, tried at each run."""
STEPS_AT_LEAST = 50_000
"""Lines of Python that any reader may go through, also where nothing is given: tables are made
once."""
STEPS_PER_BYTE = 400
"""And for each byte: a document's fields each have a model and a message."""
EXAMPLE_BYTES = 1_024
FRAGMENTS = (
    b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r\n", b'"', b"'", b"\\", b"[", b"{", b"}", b"]",
    b",", b";", b":", b"=", b"&", b"%", b"--", b"-1", b"1e999", b"NaN", b"null", b"true", b"0",
    "\N{EM DASH} ".encode(),
    b"9" * 20, b"9" * 5_000, b"[" * 2_000, b"\\ud800", "\u202e\u00e9\u2028".encode(), b"PK\3\4",
    b"\xff\xff\xff\x7f", b"a" * 300, b" FORMAT CSV\n", b"../", b"()",
)
"""What is put in where a good example is changed."""


@dataclass(frozen=True)
class Reader:
    """A reader of foreign bytes."""

    name: str
    read: Callable[[bytes], Any]
    errors: tuple[type[Exception], ...] = ()
    """All that it may raise; anything else is a fault."""
    good: tuple[bytes, ...] = (b"",)
    """Examples of what it reads."""

    def tried(self, given: bytes) -> int:
        """Read, or raise what is none of the reader's errors; return the steps it took."""
        steps = 0

        def count(_frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal steps
            steps += event == "line"
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            self._read(given)
        finally:
            sys.settrace(before)
        return steps

    def seconds(self, given: bytes) -> float:
        """Return the processor time of reading."""
        began = time.process_time()
        self._read(given)
        return time.process_time() - began

    def _read(self, given: bytes) -> None:
        with contextlib.suppress(*self.errors):
            self.read(given)

    def examples(self) -> st.SearchStrategy[bytes]:
        """Return bytes: any at all, good ones changed in places, good JSON with other values."""
        documents = [json.loads(good) for good in self.good if _is_document(good)]
        others = [st.builds(_with, st.sampled_from(documents), st.integers(0, 400), _values())
                  ] if documents else []
        return st.one_of(
            st.binary(max_size=EXAMPLE_BYTES), changed(st.sampled_from(self.good)), *others)

    def seeds(self) -> Iterator[Path]:
        return iter(sorted((SEEDS / self.name).glob("*.seed")))


def is_within_bounds(given: bytes, steps: int) -> bool:
    """Whether reading took no more steps than its length allows."""
    return steps <= STEPS_AT_LEAST + STEPS_PER_BYTE * len(given)


@st.composite
def changed(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Change bytes in up to four places: other ones, more, fewer, twice."""
    raw = draw(good)
    for _ in range(draw(st.integers(0, 4))):
        begin, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        put = draw(st.one_of(
            st.sampled_from(FRAGMENTS), st.binary(max_size=4), st.just(raw[begin:end] * 2)))
        end = draw(st.sampled_from((begin, min(begin + len(put), len(raw)), end)))
        raw = raw[:begin] + put + raw[end:]
    return raw


def _is_document(good: bytes) -> bool:
    try:
        return bool(json.loads(good))
    except (ValueError, RecursionError):
        return False


def _values() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
        st.sampled_from((2**31, 2**63, 2**64, -1, 10**30, 1e308, "\x00", "\u202e", "[" * 50)))
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(max_size=8), inner, max_size=3), max_leaves=5)


def _with(document: Any, place: int, value: Any) -> bytes:
    """Write a document with another value at one of its places."""
    places = list(_places(document, ()))
    copy = json.loads(json.dumps(document))
    at: Any = copy
    *above, last = places[place % len(places)]
    for name in above:
        at = at[name]
    at[last] = value
    return json.dumps(copy).encode()


def _places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for name, each in inner:
        yield from _places(each, (*path, name))
