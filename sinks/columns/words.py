"""Columns of strings that recur: each distinct stretch of bytes is looked at once. Pure."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa


Pair = tuple[str, str]


class Pairs:
    """Consultation and proposal of each row, by the bytes that name both.

    `read` turns such bytes into the two strings and raises ValueError where they are no text.
    """

    def __init__(self, read: Callable[[bytes], Pair]) -> None:
        self._read = read
        self._codes: dict[bytes, int] = {}
        self._numbers: dict[Pair, int] = {}

    def codes(self, spans: Sequence[bytes]) -> list[int]:
        """Return a number for each span, -1 where it is no text."""
        known = self._codes
        for span in set(spans).difference(known):
            known[span] = self._code(span)
        return [known[span] for span in spans]

    def code(self, consultation: str, proposal: str) -> int:
        """Return the number of two strings that were read otherwise."""
        return self._numbers.setdefault((consultation, proposal), len(self._numbers))

    def _code(self, span: bytes) -> int:
        try:
            return self.code(*self._read(span))
        except ValueError:
            return -1

    def columns(self, codes: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> tuple[pa.Array, ...]:
        """Make the two Arrow columns of rows whose numbers these are."""
        pairs = list(self._numbers)
        return tuple(dictionary_column(codes, [pair[side] for pair in pairs]) for side in (0, 1))


def dictionary_column(
    codes: "np.ndarray[tuple[int], np.dtype[np.int64]]", texts: Iterable[str]
) -> pa.Array:
    """Make an Arrow dictionary column; ClickHouse wants each text once in its dictionary."""
    distinct: dict[str, int] = {}
    renumbered = np.array(
        [distinct.setdefault(text, len(distinct)) for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(renumbered[codes]), pa.array(list(distinct), pa.string()))
