"""The columns of the ballot box."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.codec import Undecodable
from schemas.registry import HEADER_BYTES, Schema, UnknownSchema
from schemas.words import CHOICES, ORIGINS, QUALIFICATIONS, SHOWN, TRUSTS
from sinks.ballots import BALLOT_VERSIONS, KIND_OF_EVENT, decode_ballot
from sinks.columns.records import (
    IDENTIFIER_BYTES,
    Records,
    UnreadableRecord,
    identity_columns,
    instants,
)
from sinks.columns.vectors import (
    Values,
    identifier_column,
    identifier_of,
    no_identifiers,
)
from sinks.columns.words import Pair, Pairs


_SYMBOLS = {
    "choice": CHOICES, "qualification": QUALIFICATIONS, "trust": TRUSTS, "origin": ORIGINS,
}
"""Words of which the column has one more: none, for an event that has no such field."""
_OF_VERSION_2: dict[str, tuple[Any, int]] = {
    "shown": (np.int8, SHOWN.index("unknown")), "pause": (np.uint8, 15), "via": (np.uint16, 0),
    "wording": (np.int64, -1), "cause": (np.uint8, 0),
}
"""Numbers that version 2 added, with what they are in every other record."""


def votes_table(records: Records) -> pa.Table:
    """Decode a stretch of the ballot box; raise UnreadableRecord at the first unknown schema."""
    values = Values(records.values)
    columns = _Columns(len(records))
    for schema in BALLOT_VERSIONS:
        _read_ballots(schema, values, records, columns)
    for row in np.flatnonzero(~columns.decoded).tolist():
        _read_carefully(row, records, columns)
    return pa.table({**identity_columns(records, values.column), **columns.arrow()})


class _Columns:
    """The decoded columns while they are filled; a row not filled is of kind unknown."""

    def __init__(self, size: int) -> None:
        self.decoded = np.zeros(size, bool)
        self.kind = np.zeros(size, np.int8)
        self.event_id, self.voter = no_identifiers(size), no_identifiers(size)
        self.symbols = {name: np.zeros(size, np.int8) for name in _SYMBOLS}
        self.occurred_at = np.zeros(size, np.int64)
        self.ledger_version = np.zeros(size, np.uint32)
        self.numbers = {name: np.full(size, otherwise, kind)
                        for name, (kind, otherwise) in _OF_VERSION_2.items()}
        self.finding = no_identifiers(size)
        self.pairs = Pairs(_read_span)
        self.pair_codes = np.full(size, self.pairs.code("", ""), np.int64)
        self.texts = {name: [""] * size for name in ("reason", "fault")}

    def arrow(self) -> dict[str, pa.Array]:
        consultation, proposal = self.pairs.columns(self.pair_codes)
        return {
            "kind": pa.array(self.kind),
            "event_id": identifier_column(self.event_id),
            "voter": identifier_column(self.voter),
            "consultation": consultation,
            "proposal": proposal,
            **{name: pa.array(column) for name, column in self.symbols.items()},
            "occurred_at": instants(self.occurred_at),
            "ledger_version": pa.array(self.ledger_version),
            **{name: pa.array(column, pa.string()) for name, column in self.texts.items()},
            **{name: pa.array(column) for name, column in self.numbers.items()},
            "finding": identifier_column(self.finding),
        }


def _read_span(span: bytes) -> Pair:
    """Read consultation and proposal as they lie in a ballot event."""
    end = 1 + (span[0] >> 1)
    return span[1:end].decode(), span[end + 1:].decode()


@dataclass(frozen=True)
class _Shape:
    """The fields of a version of a ballot event: fixed ones first, then two strings and numbers."""

    header: bytes
    fixed: tuple[tuple[str, int], ...]
    """Name and number of symbols of each leading field; 0 for sixteen bytes."""
    numbers: tuple[tuple[str, int, int], ...]
    """Name and bounds of what follows the instant."""
    bytes_min: int


def _shape(schema: Schema) -> _Shape:
    names = [field["name"] for field in schema.fields]
    at = names.index("consultation")
    if names[at:at + 3] != ["consultation", "proposal", "occurred_at"]:
        raise AssertionError(f"{schema.event} has changed its shape: read it anew here")
    fixed = tuple((field["name"], _symbols(field)) for field in schema.fields[:at])
    numbers = tuple((field["name"], field["minimum"], field.get("maximum", 2**63 - 1))
                    for field in schema.fields[at + 3:])
    sizes = sum(1 if symbols else IDENTIFIER_BYTES for _, symbols in fixed)
    return _Shape(schema.header, fixed, numbers,
                  HEADER_BYTES + sizes + len("ccp1t") + len(numbers))


def _symbols(field: dict[str, Any]) -> int:
    """Say how many values a field of one byte has; 0 for an identifier."""
    kind = field["type"]
    if isinstance(kind, dict) and kind["type"] == "enum":
        return len(kind["symbols"])
    return field["maximum"] + 1 if kind == "int" else 0


_SHAPES = {schema.header: _shape(schema) for schema in BALLOT_VERSIONS}


def _read_ballots(schema: Schema, values: Values, records: Records, columns: _Columns) -> None:
    """Read all plainly valid records of one version of an event."""
    shape = _SHAPES[schema.header]
    cursor = values.cursor(values.rows_with(shape.header, shape.bytes_min), HEADER_BYTES)
    found: dict[str, Any] = {
        name: cursor.symbol(symbols) if symbols else cursor.identifier()
        for name, symbols in shape.fixed
    }
    begin = cursor.place
    cursor.skip_text(least_bytes=1)
    cursor.skip_text(least_bytes=1)
    end = cursor.place
    found["occurred_at"] = cursor.long()
    for name, least, most in shape.numbers:
        number = found[name] = cursor.long()
        cursor.valid &= (number >= least) & (number <= most)
    cursor.end()
    plain = np.flatnonzero(cursor.valid)
    rows = cursor.rows[plain]
    held: list[Any] = records.values
    codes = columns.pairs.codes([
        held[row][start:stop] for row, start, stop in
        zip(rows.tolist(), begin[plain].tolist(), end[plain].tolist(), strict=True)
    ])
    pair_codes = np.array(codes, np.int64)
    is_text = pair_codes >= 0
    plain, rows = plain[is_text], rows[is_text]
    columns.decoded[rows] = True
    columns.kind[rows] = KIND_OF_EVENT[schema.event]
    columns.pair_codes[rows] = pair_codes[is_text]
    columns.event_id[rows] = found["event_id"][plain]
    columns.voter[rows] = found["voter"][plain]
    columns.occurred_at[rows] = found["occurred_at"][plain]
    for name, column in columns.symbols.items():
        if name in found:
            column[rows] = found[name][plain] + 1
    for name, column in columns.numbers.items():
        if name in found:
            column[rows] = found[name][plain]


def _read_carefully(row: int, records: Records, columns: _Columns) -> None:
    """Read one record by the careful decoder: a control, or something odd."""
    try:
        event, fields = decode_ballot(records.values[row])
    except Undecodable as error:
        columns.texts["fault"][row] = str(error)
        return
    except UnknownSchema as error:
        raise UnreadableRecord(records, row, error) from error
    columns.kind[row] = KIND_OF_EVENT[event]
    columns.event_id[row] = identifier_of(fields["event_id"])
    if "voter" in fields:
        columns.voter[row] = identifier_of(fields["voter"])
    for name, symbols in _SYMBOLS.items():
        if name in fields:
            columns.symbols[name][row] = symbols.index(fields[name]) + 1
    columns.pair_codes[row] = columns.pairs.code(
        fields.get("consultation", ""), fields.get("proposal", ""))
    columns.occurred_at[row] = fields["occurred_at"]
    columns.ledger_version[row] = max(0, fields.get("ledger_version", 0))
    columns.texts["reason"][row] = fields.get("reason", "")
    for name, column in columns.numbers.items():
        if name in fields:
            column[row] = SHOWN.index(fields[name]) if name == "shown" else fields[name]
    if "finding" in fields:
        columns.finding[row] = identifier_of(fields["finding"])
