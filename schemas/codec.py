"""Any event to bytes and back, checked: the careful path, for everything but the hot loops.

Theory of operation: a value is the Confluent header and one Avro body. An event has exactly one
encoding: decoding re-encodes and compares, so a padded number, a split block or a trailing byte
is refused and every accepted byte counts. `hot` holds straight-line versions of the same rules
for the events of the ballot box; tests hold the two equal.
"""

import io
from typing import Any

import fastavro

from schemas.bounds import out_of_bounds
from schemas.defaults import fitted, upgrade
from schemas.registry import HEADER_BYTES, MAGIC, Schema, by_id, current


ID_BYTES = 16
"""An Identifier: of events, voters, findings, and salts."""
MAX_VALUE_BYTES = 1_048_576
"""No record of ours is larger: the largest are decisions that suspend a voter of 5,000 votes."""


class Undecodable(Exception):
    """The bytes are not one whole event of a known schema; the message says what is wrong."""


class OutOfBounds(Exception):
    """A field of an event to be written breaks the bounds of its schema."""


def encode(event: str, /, **fields: Any) -> bytes:
    """Encode an event as it is written under the first rules; raise OutOfBounds where it cannot."""
    return encode_as(current(event), **fields)


def encode_as(schema: Schema, /, **fields: Any) -> bytes:
    """Encode an event in a version of it; raise OutOfBounds where a field does not fit.

    Fields that have a default may be left out.
    """
    event, fields = schema.event, fitted(schema, fields)
    problem = out_of_bounds(schema, fields)
    if problem:
        raise OutOfBounds(problem)
    value = _write(schema, fields)
    if len(value) > MAX_VALUE_BYTES:
        raise OutOfBounds(f"{event}: {len(value)} bytes, at most {MAX_VALUE_BYTES} are written")
    return value


def schema_of(value: bytes | None) -> Schema:
    """Read the header of a value: Undecodable without one, UnknownSchema for an id not ours."""
    if not value or len(value) < HEADER_BYTES:
        size = len(value or b"")
        raise Undecodable(f"{size} bytes: shorter than the {HEADER_BYTES}-byte header")
    if value[0] != MAGIC:
        raise Undecodable(f"first byte is 0x{value[0]:02x}, not 0x00 (Confluent wire format V0)")
    return by_id(int.from_bytes(value[1:HEADER_BYTES], "big"))


def decode(value: bytes | None) -> tuple[str, dict[str, Any]]:
    """Decode any event of ours to its name and fields (enums as symbols, instants in ms).

    Fields are those of the newest version: what an older one lacks has the default.
    """
    schema = schema_of(value)
    assert value is not None
    if len(value) > MAX_VALUE_BYTES:
        raise Undecodable(f"{schema.event}: {len(value)} bytes, at most {MAX_VALUE_BYTES} are read")
    fields = _read(schema, value)
    problem = out_of_bounds(schema, fields)
    if problem:
        raise Undecodable(problem)
    upgrade(schema, fields)
    return schema.event, fields


def _write(schema: Schema, fields: dict[str, Any]) -> bytes:
    body = io.BytesIO()
    body.write(schema.header)
    try:
        fastavro.schemaless_writer(body, schema.parsed, fields, strict=True)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        raise OutOfBounds(f"{schema.event}: {error}") from error
    return body.getvalue()


def _read(schema: Schema, value: bytes) -> dict[str, Any]:
    body = io.BytesIO(value)
    body.seek(HEADER_BYTES)
    try:
        fields = fastavro.schemaless_reader(body, schema.parsed, None)
        again = _write(schema, fields)  # type: ignore[arg-type]  # a record schema reads a dict
    except (EOFError, ValueError, IndexError, OverflowError, MemoryError, OutOfBounds) as error:
        raise Undecodable(f"{schema.event}: truncated or malformed body ({error})") from error
    if again != value:
        trailing = len(value) - body.tell()
        what = f"{trailing} trailing bytes" if trailing else "not the one encoding of its fields"
        raise Undecodable(f"{schema.event}: {what}")
    return fields  # type: ignore[return-value]  # as above
