"""Controls read in outline: all that says whose they are, and lists unopened. Pure.

Theory of operation: anybody who can write to the ballot box can write controls with the longest
lists there are, so that must not cost a ledger more than short ones. An outline walks the fields of
a control; a list is checked as a whole, in a number of steps that does not grow with its entries,
and given as the bytes of its entries. What `codec.decode` refuses is refused here, and nothing
else: tests compare the two on random events and random bytes. Whoever takes the control decodes it.
"""

import functools
from collections.abc import Callable
from typing import Any

from schemas.codec import Undecodable, schema_of
from schemas.compatibility import named_types
from schemas.defaults import default_of
from schemas.hot import read_long
from schemas.registry import HEADER_BYTES, Schema, by_id, newest


Step = Callable[[bytes, int], tuple[Any, int]]
"""Reads a field at a place: its value, and the place behind it. It may give less than there ought
to be at the end of a record; then that place lies behind the end."""


def outline(value: bytes) -> dict[str, Any]:
    """Read a control: every field of its newest version, lists as the bytes of their entries.

    What an older version lacks has its default. Raises Undecodable, or UnknownSchema.
    """
    schema = schema_of(value)
    steps, lacking = _form(schema.id)
    fields, at = dict(lacking), HEADER_BYTES
    try:
        for name, step in steps:
            fields[name], at = step(value, at)
    except (IndexError, ValueError) as error:
        raise Undecodable(f"{schema.event}: truncated or malformed body ({error})") from error
    if at != len(value):
        raise Undecodable(f"{schema.event}: {len(value)} bytes, {at} were told")
    return fields


@functools.cache
def _form(schema_id: int) -> tuple[list[tuple[str, Step]], dict[str, Any]]:
    """Make the steps through a schema, and the defaults of what it lacks.

    Raises ValueError for an event that has other fields than controls have.
    """
    schema = by_id(schema_id)
    named = named_types(schema.raw)
    steps = [(field["name"], _step(field, named)) for field in schema.fields]
    return steps, _lacking(schema)


def _lacking(schema: Schema) -> dict[str, Any]:
    has = {field["name"] for field in schema.fields}
    missing = {field["name"]: default_of(field) for field in newest(schema.event).fields
               if field["name"] not in has}
    return {name: b"" if default == [] else default for name, default in missing.items()}


def _resolved(field: Any, named: dict[str, Any]) -> dict[str, Any]:
    """Return a type as one object, with the bounds that stand at its field."""
    kind = field["type"]
    if isinstance(kind, str):
        kind = named.get(kind, {"type": kind})
    bounds = {name: field[name] for name in _BOUNDS if name in field}
    return {**kind, **bounds}


_BOUNDS = ("minLength", "maxLength", "minimum", "maximum", "maxItems", "ascending")


def _step(field: dict[str, Any], named: dict[str, Any]) -> Step:
    kind = _resolved(field, named)
    if kind["type"] == "fixed":
        return _fixed(kind["size"])
    if kind["type"] == "enum":
        return _enum(kind["symbols"])
    if kind["type"] in ("int", "long"):
        return _number(kind.get("minimum", -2**63), kind.get("maximum", 2**63 - 1))
    if kind["type"] == "string":
        return _text(kind.get("minLength", 0), kind["maxLength"])
    if kind["type"] == "array":
        return _list(*_layout(kind["items"], named), kind["maxItems"],
                     ascending=kind.get("ascending", False))
    raise ValueError(f"{field['name']}: {kind['type']} has no outline")


def _fixed(size_bytes: int) -> Step:
    return lambda value, at: (value[at:at + size_bytes], at + size_bytes)


def _enum(symbols: list[str]) -> Step:
    found = {2 * index: symbol for index, symbol in enumerate(symbols)}

    def enum(value: bytes, at: int) -> tuple[str, int]:
        symbol = found.get(value[at])
        if symbol is None:
            raise ValueError("enum out of range")
        return symbol, at + 1

    return enum


def _number(least: int, most: int) -> Step:
    def number(value: bytes, at: int) -> tuple[int, int]:
        found, end = read_long(value, at)
        if not least <= found <= most:
            raise ValueError(f"{found} is out of bounds")
        return found, end

    return number


def _text(least: int, most: int) -> Step:
    def text(value: bytes, at: int) -> tuple[str, int]:
        size_bytes, begin = read_long(value, at)
        if not least <= size_bytes <= most:
            raise ValueError(f"a text of {size_bytes} bytes")
        return value[begin:begin + size_bytes].decode(), begin + size_bytes

    return text


Layout = tuple[int, list[tuple[int, bytes]]]
"""Bytes of an entry, and which bytes may stand at some places in it."""


def _layout(items: Any, named: dict[str, Any]) -> Layout:
    """Lay out entries that are all of one size."""
    size_bytes, allowed = 0, []
    is_record = isinstance(items, dict) and items["type"] == "record"
    for field in items["fields"] if is_record else [{"name": "items", "type": items}]:
        kind = _resolved(field, named)
        if kind["type"] == "fixed":
            size_bytes += kind["size"]
            continue
        least, most = ((0, len(kind["symbols"]) - 1) if kind["type"] == "enum"
                       else (kind["minimum"], kind["maximum"]))
        if not 0 <= least <= most <= _ONE_BYTE_MOST:
            raise ValueError(f"{field['name']}: entries that hold it differ in size")
        allowed.append((size_bytes, bytes(range(2 * least, 2 * most + 1, 2))))
        size_bytes += 1
    return size_bytes, allowed


_ONE_BYTE_MOST = 63


def _list(
    size_bytes: int, allowed: list[tuple[int, bytes]], most: int, *, ascending: bool
) -> Step:
    """Read a list of entries of one size, checked by whole columns of bytes."""
    def entries(value: bytes, at: int) -> tuple[bytes, int]:
        if not value[at]:
            return b"", at + 1
        count, begin = read_long(value, at)
        end = begin + count * size_bytes
        if not 0 < count <= most or value[end]:
            raise ValueError(f"a list of {count} entries in one block")
        found = value[begin:end]
        if any(found[place::size_bytes].translate(None, those) for place, those in allowed):
            raise ValueError("an entry out of bounds")
        if ascending and found != bytes(sorted({*found})):
            raise ValueError("each entry must be more than the one before")
        return found, end + 1

    return entries
