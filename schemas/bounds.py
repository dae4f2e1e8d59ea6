"""The bounds that a schema sets for its fields, beyond their types. Pure."""

import functools
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from schemas.registry import Schema, by_id


Check = Callable[[Any, str], str | None]
"""Given a datum and its path: says which bound it breaks, if any."""


@functools.cache
def _bounds(schema_id: int) -> Check | None:
    """Make the check of all bounds of a schema; None where nothing is bounded.

    Bounds are `minLength`, `maxLength` (in bytes; of a text in UTF-8), `minimum` and `maximum`,
    `maxItems` and `ascending` (each item more than the one before). The schema is walked once: what
    holds no bounded field costs nothing afterwards.
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
    elif kind in ("int", "long"):
        check = _check_of_number(schema)
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


_BOUNDS = ("minLength", "maxLength", "minimum", "maximum", "maxItems", "ascending")
"""Bounds that may stand at a field instead of at its type."""


def _check_of_number(schema: dict[str, Any]) -> Check | None:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None and most is None:
        return None

    def number(datum: Any, path: str) -> str | None:
        if not isinstance(datum, int):
            return None
        if least is not None and datum < least:
            return f"{path}: {datum}, at least {least} is needed"
        if most is not None and datum > most:
            return f"{path}: {datum}, at most {most} is allowed"
        return None

    return number


def _check_of_record(schema: dict[str, Any], named: dict[str, Check | None]) -> Check | None:
    checks = []
    for field in schema["fields"]:
        kind = field["type"]
        bounds = {key: field[key] for key in _BOUNDS if key in field}
        if bounds:
            kind = {**(kind if isinstance(kind, dict) else {"type": kind}), **bounds}
        check = _check_of(kind, named)
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
    ascending = schema.get("ascending", False)
    if most is None and inner is None and not ascending:
        return None

    def collection(datum: Any, path: str) -> str | None:
        if not isinstance(datum, (list, tuple, dict)):
            return None
        if most is not None and len(datum) > most:
            return f"{path}: {len(datum)} entries, at most {most} are allowed"
        if ascending and any(after <= before for before, after in pairwise(datum)):
            return f"{path}: each entry must be more than the one before"
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


def out_of_bounds(schema: Schema, fields: Any) -> str | None:
    """Say which bound of a schema some fields break, with the path to it; None where none."""
    check = _bounds(schema.id)
    return check(fields, schema.event) if check is not None else None
