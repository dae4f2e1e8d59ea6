"""Does the archive contradict itself? Two records at one offset; columns that lie about the bytes.

Theory of operation: a table keeps the bytes of each record and, beside them, what they say. The
bytes are the record; SQL reads the columns. Whoever changes a column, or stores a second row for
an offset, changes what SQL counts without touching a decision, and the comparison of numbers shows
only that something is wrong. So rows are counted always, which costs nothing, and columns are
decoded again by the archive's own decoder where numbers differ or when asked. Timestamps come from
Kafka, not from the bytes: nothing here vouches for them.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from processors.ledger.decisions import decode
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from schemas.words import (
    CHOICES,
    KINDS,
    ORIGINS,
    OUTCOMES,
    QUALIFICATIONS,
    REASONS,
    REFUSALS,
    ROUTES,
    SHOWN,
    TRUSTS,
)
from sinks.catching_up import Say
from sinks.columns.records import Records, UnreadableRecord
from sinks.logs import ArchivedLog
from sinks.recount.checks import DIFFERENCES_MAX, EQUAL, INVALID, Check
from sinks.recount.reading import Reading


_IDENTITY = ("topic", "partition", "offset", "timestamp", "value")
"""What a row is and holds; every other column is decoded from the value."""
_WORDS = {
    "kind": KINDS, "outcome": OUTCOMES, "reason": REASONS, "choice": ("none", *CHOICES),
    "qualification": ("none", *QUALIFICATIONS), "trust": ("none", *TRUSTS),
    "origin": ("none", *ORIGINS), "shown": SHOWN, "refusal": REFUSALS, "routes": ROUTES,
}
_IDENTIFIERS = ("event_id", "voter", "chain", "finding")


def check_rows(reading: Reading) -> Check:
    """Check that no offset has two rows of other content."""
    expected = "one record at each offset"
    found = [
        {"table": log.table, "partition": partition, "offset": offset,
         "records": [_told(log, value) for value in values]}
        for log in reading.logs() for partition, offset, values in reading.contradicting(log)
    ]
    return Check("archive.rows", INVALID if found else EQUAL, expected,
                 found[:DIFFERENCES_MAX] or expected)


def check_columns(reading: Reading, *, say: Say) -> Check:
    """Check that the columns of every row are what its bytes decode to."""
    expected = "what the bytes say"
    found: list[dict[str, Any]] = []
    for log in reading.logs():
        say(f"columns: decoding {log.table} again")
        for partition in range(log.partitions):
            for rows in reading.rows(log, partition):
                found += _lies(log, partition, rows)
                if len(found) >= DIFFERENCES_MAX:
                    return Check("archive.columns", INVALID, expected, found[:DIFFERENCES_MAX])
    return Check("archive.columns", INVALID if found else EQUAL, expected, found or expected)


def _lies(log: ArchivedLog, partition: int, rows: pa.Table) -> Iterator[dict[str, Any]]:
    """Compare a piece of a table with its bytes decoded anew, one finding a row and column."""
    values = rows.column("value").to_pylist()
    offsets = rows.column("offset").to_pylist()
    try:
        decoded = log.columns(Records(log.topic, partition, offsets[0], [0] * len(values), values))
    except UnreadableRecord:
        # A schema this version does not know: the ledger stops there and says so.
        return
    names = [name for name in decoded.column_names if name not in _IDENTITY]
    lying = sorted(
        (row, place) for place, name in enumerate(names)
        for row in _unequal(rows.column(name), decoded.column(name)))
    for row, place in lying[:DIFFERENCES_MAX]:
        name = names[place]
        yield {"table": log.table, "partition": partition, "offset": offsets[row], "column": name,
               "archived": _word(name, _plain(rows.column(name))[row].as_py()),
               "decoded": _word(name, _plain(decoded.column(name))[row].as_py())}


def _unequal(archived: pa.ChunkedArray, decoded: pa.ChunkedArray) -> list[int]:
    """List the rows where two columns differ; columns are almost always equal as a whole."""
    one, other = _plain(archived), _plain(decoded)
    if one.equals(other):
        return []
    return [row for row, (kept, made) in enumerate(
        zip(one.to_pylist(), other.to_pylist(), strict=True)) if kept != made]


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in the one type that both sides can be cast to."""
    whole = column.combine_chunks()
    kind = whole.type
    if pa.types.is_list(kind):
        item = pa.uint8() if pa.types.is_integer(kind.value_type) else pa.binary()
        return pa.ListArray.from_arrays(whole.offsets, _cast(whole.values, item))
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        return whole.cast(pa.int64())
    return _cast(whole, pa.binary())


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(kind)


def _word(name: str, value: Any) -> Any:
    """Say a value in words: that of an enum by its name, an identifier in hexadecimal."""
    if isinstance(value, int) and name in _WORDS and value < len(_WORDS[name]):
        return _WORDS[name][value]
    if isinstance(value, list):
        return [_word(name, one) for one in value]
    if isinstance(value, bytes):
        return value.hex() if name in _IDENTIFIERS else value.decode("utf-8", "replace")
    return value


def _told(log: ArchivedLog, value: bytes | None) -> dict[str, Any]:
    """Describe one of two records at an offset; its salt is nobody's business."""
    told: dict[str, Any] = {"sha256": hashlib.sha256(value or b"").hexdigest()}
    if log.table == "decisions_log":
        try:
            told["decision"] = decode(value or b"").described()
        except (Undecodable, UnknownSchema) as error:
            told["decision"] = str(error)
    return told
