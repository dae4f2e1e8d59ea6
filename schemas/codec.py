"""Any event to bytes and back, checked: the careful path, for everything but the hot loops.

Theory of operation: a value is the Confluent header and one Avro body. An event has exactly one
encoding: decoding re-encodes and compares, so a padded number, a split block or a trailing byte
is refused and every accepted byte counts. `hot` holds straight-line versions of the same rules
for the events of the ballot box; tests hold the two equal.
"""

import functools
import io
from collections.abc import Callable
from typing import Any

import fastavro

from schemas.registry import HEADER_BYTES, MAGIC, Schema, by_id, current


MAX_VALUE_BYTES = 1_048_576
"""No record of ours is larger: the largest are decisions that suspend a voter of 5,000 votes."""


class Undecodable(Exception):
    """The bytes are not one whole event of a known schema; the message says what is wrong."""


class OutOfBounds(Exception):
    """A field of an event to be written breaks the bounds of its schema."""


def encode(event: str, /, **fields: Any) -> bytes:
    """Encode an event under its newest schema; raise OutOfBounds where a field does not fit."""
    schema = current(event)
    problem = _out_of_bounds(schema, fields)
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
    """Decode any event of ours to its name and fields (enums as symbols, instants in ms)."""
    schema = schema_of(value)
    assert value is not None
    if len(value) > MAX_VALUE_BYTES:
        raise Undecodable(f"{schema.event}: {len(value)} bytes, at most {MAX_VALUE_BYTES} are read")
    fields = _read(schema, value)
    problem = _out_of_bounds(schema, fields)
    if problem:
        raise Undecodable(problem)
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


Check = Callable[[Any, str], str | None]
"""Given a datum and its path: says which bound it breaks, if any."""


@functools.cache
def _bounds(schema_id: int) -> Check | None:
    """Make the check of all bounds of a schema; None where nothing is bounded.

    Bounds are `minLength`, `maxLength` (in bytes; of a text in UTF-8) and `maxItems`. The schema is
    walked once: what holds no bounded field costs nothing afterwards.
    """
    return _check_of(by_id(schema_id).raw, {})


def _check_of(schema: Any, named: dict[str, Check | None]) -> Check | None:
    if isinstance(schema, str):
        return named.get(schema)
    if isinstance(schema, list):
        return _check_of_optional(schema, named)
    kind, check = schema["type"], None
    if kind == "record":
        check = _check_of_record(schema, named)
    elif kind in ("array", "map"):
        check = _check_of_collection(schema, named)
    elif kind == "string":
        check = _check_of_text(schema)
    elif kind == "bytes":
        check = _check_of_bytes(schema)
    if "name" in schema:
        named[schema["name"]] = check
    return check


def _check_of_optional(branches: list[Any], named: dict[str, Check | None]) -> Check | None:
    """Check the other branch of a union with null."""
    inner = _check_of(branches[1], named)
    if inner is None:
        return None
    return lambda datum, path: None if datum is None else inner(datum, path)


def _check_of_record(schema: dict[str, Any], named: dict[str, Check | None]) -> Check | None:
    checks = []
    for field in schema["fields"]:
        kind = field["type"]
        bounds = {key: field[key] for key in ("minLength", "maxLength") if key in field}
        check = _check_of({**kind, **bounds} if bounds and isinstance(kind, dict) else kind, named)
        if check is not None:
            checks.append((field["name"], check))

    def record(datum: Any, path: str) -> str | None:
        if not isinstance(datum, dict):
            return None
        return next(filter(None, (
            check(datum.get(name), f"{path}.{name}") for name, check in checks)), None)

    return record if checks else None


def _check_of_collection(schema: dict[str, Any], named: dict[str, Check | None]) -> Check | None:
    most: int | None = schema.get("maxItems")
    inner = _check_of(schema["items"] if schema["type"] == "array" else schema["values"], named)
    if most is None and inner is None:
        return None

    def collection(datum: Any, path: str) -> str | None:
        if not isinstance(datum, (list, tuple, dict)):
            return None
        if most is not None and len(datum) > most:
            return f"{path}: {len(datum)} entries, at most {most} are allowed"
        if inner is None:
            return None
        items = datum.values() if isinstance(datum, dict) else datum
        return next(filter(None, (inner(item, f"{path}[]") for item in items)), None)

    return collection


def _check_of_text(schema: dict[str, Any]) -> Check | None:
    least, most = schema.get("minLength", 0), schema.get("maxLength")

    def text(datum: Any, path: str) -> str | None:
        if not isinstance(datum, str):
            return None
        try:
            size = len(datum.encode())
        except UnicodeEncodeError:
            return f"{path}: not valid Unicode"
        if size < least:
            return f"{path}: {size} bytes, at least {least} are needed"
        if most is not None and size > most:
            return f"{path}: {size} bytes, at most {most} are allowed"
        return None

    return text


def _check_of_bytes(schema: dict[str, Any]) -> Check | None:
    most = schema.get("maxLength")

    def octets(datum: Any, path: str) -> str | None:
        if most is None or not isinstance(datum, bytes) or len(datum) <= most:
            return None
        return f"{path}: {len(datum)} bytes, at most {most} are allowed"

    return octets


def _out_of_bounds(schema: Schema, fields: Any) -> str | None:
    check = _bounds(schema.id)
    return check(fields, schema.event) if check is not None else None
