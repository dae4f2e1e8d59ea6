"""Any event to bytes and back, checked: the careful path, for everything but the hot loops.

Theory of operation: a value is the Confluent header and one Avro body. An event has exactly one
encoding: decoding re-encodes and compares, so a padded number, a split block or a trailing byte
is refused and every accepted byte counts. `hot` holds straight-line versions of the same rules
for the events of the ballot box; tests hold the two equal.
"""

import io
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
    problem = _out_of_bounds(schema.raw, fields, _named_types(schema.raw), event)
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
    problem = _out_of_bounds(schema.raw, fields, _named_types(schema.raw), schema.event)
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


def _named_types(schema: Any, found: dict[str, Any] | None = None) -> dict[str, Any]:
    """Collect the types a schema defines by name, so that later references resolve."""
    found = {} if found is None else found
    if isinstance(schema, list):
        for item in schema:
            _named_types(item, found)
    elif isinstance(schema, dict):
        if "name" in schema and schema.get("type") in ("record", "enum", "fixed"):
            found[schema["name"]] = schema
        for field in schema.get("fields", ()):
            _named_types(field["type"], found)
        for inner in ("type", "items", "values"):
            if isinstance(schema.get(inner), (dict, list)):
                _named_types(schema[inner], found)
    return found


def _out_of_bounds(schema: Any, datum: Any, named: dict[str, Any], path: str) -> str | None:
    """Say which field breaks a bound (`minLength`, `maxLength` in UTF-8 bytes, `maxItems`)."""
    if isinstance(schema, str):
        schema = named.get(schema, {"type": schema})
    if isinstance(schema, list):
        if datum is None:
            return None
        schema = named.get(schema[1], schema[1]) if isinstance(schema[1], str) else schema[1]
        return _out_of_bounds(schema, datum, named, path)
    kind = schema["type"]
    if kind == "record" and isinstance(datum, dict):
        return _first(
            _out_of_bounds(_bounded_type(field), datum.get(field["name"]), named,
                           f"{path}.{field['name']}")
            for field in schema["fields"]
        )
    if kind in ("array", "map") and isinstance(datum, (list, tuple, dict)):
        return _collection_out_of_bounds(schema, datum, named, path)
    if kind == "string" and isinstance(datum, str):
        return _text_out_of_bounds(schema, datum, path)
    return None


def _bounded_type(field: dict[str, Any]) -> Any:
    """Bring a bound written on the field itself down to its type."""
    kind = field["type"]
    bounds = {key: field[key] for key in ("minLength", "maxLength") if key in field}
    return {**kind, **bounds} if bounds and isinstance(kind, dict) else kind


def _collection_out_of_bounds(
    schema: dict[str, Any], datum: Any, named: dict[str, Any], path: str
) -> str | None:
    most = schema.get("maxItems")
    if most is not None and len(datum) > most:
        return f"{path}: {len(datum)} entries, at most {most} are allowed"
    inner = schema["items"] if schema["type"] == "array" else schema["values"]
    items = datum.values() if isinstance(datum, dict) else datum
    return _first(_out_of_bounds(inner, item, named, f"{path}[]") for item in items)


def _text_out_of_bounds(schema: dict[str, Any], datum: str, path: str) -> str | None:
    try:
        size = len(datum.encode())
    except UnicodeEncodeError:
        return f"{path}: not valid Unicode"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if size < least:
        return f"{path}: {size} bytes, at least {least} are needed"
    if most is not None and size > most:
        return f"{path}: {size} bytes, at most {most} are allowed"
    return None


def _first(problems: Any) -> str | None:
    return next((problem for problem in problems if problem), None)
