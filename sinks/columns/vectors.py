"""Read the same place of many records at once: the Avro of whole columns, with numpy. Pure.

Theory of operation: the values of a stretch lie end to end in one buffer. A `Cursor` holds, for
some of its rows, where each row is to be read next; reading advances all of them in a few vector
operations. What a row holds is believed only where it is plainly valid. A row that is not leaves
the fast path and is read by the careful decoder of its schema, which alone decides whether it is
an event: this file may refuse too much, at a cost of time, but never accept what the careful path
refuses. Tests compare the two.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sinks.columns.records import IDENTIFIER_BYTES


Bytes = npt.NDArray[np.uint8]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Identifiers = npt.NDArray[np.void]

PADDING_BYTES = 256
"""Zeros after the last value: no read of a fast path reaches further past the end of a record."""
LONG_BYTES_MAX = 10
"""An Avro long of 64 bits takes no more bytes."""
SHORT_STRING_SIZE_MAX = 126
"""The size byte of the longest string of the ballot box: 63 bytes, zigzag."""
CONTINUATION = 128
_IDENTIFIER = np.dtype(("V", IDENTIFIER_BYTES))


class Values:
    """The values of a stretch of records, end to end in one buffer."""

    def __init__(self, values: Sequence[bytes | None]) -> None:
        self.column = pa.array(values, pa.binary())
        _, offsets, data = self.column.buffers()
        bounds = np.frombuffer(offsets, np.int32)[: len(values) + 1].astype(np.int64)
        self.starts: Whole = bounds[:-1]
        self.sizes: Whole = np.diff(bounds)
        held = np.frombuffer(data, np.uint8)[: bounds[-1]] if data else np.zeros(0, np.uint8)
        self.buffer: Bytes = np.concatenate([held, np.zeros(PADDING_BYTES, np.uint8)])

    def rows_with(self, header: bytes, least_bytes: int) -> Whole:
        """Return the rows that begin with a header and are long enough for the fixed fields."""
        found: Flags = self.sizes >= least_bytes
        for place, byte in enumerate(header):
            found &= self.buffer[self.starts + place] == byte
        return np.flatnonzero(found)

    def cursor(self, rows: Whole, skip_bytes: int) -> "Cursor":
        """Begin to read some rows behind their headers."""
        return Cursor(self, rows, skip_bytes)


class Cursor:
    """Where each of some rows is read next, and which of them are plainly valid so far."""

    def __init__(self, values: Values, rows: Whole, skip_bytes: int) -> None:
        self._buffer = values.buffer
        self._starts = values.starts[rows]
        self._ends = self._starts + values.sizes[rows]
        self._at = self._starts + skip_bytes
        self.rows = rows
        self.valid: Flags = np.ones(len(rows), bool)

    @property
    def place(self) -> Whole:
        """Where in its own value each row is read next."""
        return self._at - self._starts

    def byte(self) -> Bytes:
        """Read one byte."""
        found = self._buffer[self._at]
        self._at = self._at + 1
        return found

    def expect(self, byte: int) -> None:
        """Read one byte that must be this one."""
        self.valid &= self.byte() == byte

    def symbol(self, symbols: int) -> Bytes:
        """Read an enum of so many symbols: its index."""
        found = self.byte()
        self.valid &= ((found & 1) == 0) & (found < 2 * symbols)
        return found >> np.uint8(1)

    def identifier(self) -> Identifiers:
        """Read sixteen bytes."""
        windows = np.ndarray(
            (len(self._buffer) - IDENTIFIER_BYTES + 1,), _IDENTIFIER, self._buffer, strides=(1,))
        found = windows[self._at]
        self._at = self._at + IDENTIFIER_BYTES
        return found

    def skip_text(self, least_bytes: int = 0) -> None:
        """Pass a short string."""
        size = self.byte().astype(np.int64)
        self.valid &= ((size & 1) == 0) & (size >= 2 * least_bytes)
        self.valid &= size <= SHORT_STRING_SIZE_MAX
        self._at = self._at + (size >> 1)
        self._stay_within()

    def long(self) -> Whole:
        """Read a long in its shortest form."""
        raw = np.zeros(len(self.rows), np.uint64)
        going: Flags = self.valid.copy()
        for place in range(LONG_BYTES_MAX):
            byte = self._buffer[self._at]
            raw |= np.where(going, byte & 127, 0).astype(np.uint64) << np.uint64(7 * place)
            self._at = self._at + going
            self.valid &= _shortest(place, byte) | ~going
            going &= byte >= CONTINUATION
            if not going.any():
                break
        self.valid &= ~going
        self._stay_within()
        sign = -(raw & np.uint64(1)).astype(np.int64)
        return (raw >> np.uint64(1)).astype(np.int64) ^ sign

    def end(self) -> None:
        """Keep only the rows whose value ends here."""
        self.valid &= self._at == self._ends

    def _stay_within(self) -> None:
        """Leave rows that ran past their end, and stop them there."""
        self.valid &= self._at <= self._ends
        self._at = np.minimum(self._at, self._ends)


def _shortest(place: int, byte: Bytes) -> Flags:
    """Whether a byte of a long may stand at its place: no padding, no more than 64 bits."""
    if not place:
        return np.ones(len(byte), bool)
    if place == LONG_BYTES_MAX - 1:
        return np.equal(byte, 1)
    return np.not_equal(byte, 0)


def no_identifiers(size: int) -> Identifiers:
    """Make a column of identifiers, all zeros."""
    return np.zeros(size, _IDENTIFIER)


def identifier_of(value: bytes) -> Identifiers:
    """Make one identifier fit for a column."""
    return np.frombuffer(value, _IDENTIFIER)[0]  # type: ignore[no-any-return]  # one V16


def identifier_column(found: Identifiers) -> pa.Array:
    """Make the Arrow column of identifiers."""
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(IDENTIFIER_BYTES), len(found), [None, pa.py_buffer(found.tobytes())])
