"""Strategies that make valid fields of any event straight from its schema."""

import functools
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from schemas.compatibility import named_types


property_test = settings(
    derandomize=True, max_examples=100, report_multiple_bugs=False)
"""The same examples on every run; nothing here measures time."""


def fields_of(schema: Any) -> st.SearchStrategy[Any]:
    """Return values that a schema allows, within its bounds."""
    return _fields_of(json.dumps(schema))


@functools.cache
def _fields_of(schema: str) -> st.SearchStrategy[Any]:
    """Make them once: hypothesis checks a new strategy at each draw, which takes longer than it."""
    found = json.loads(schema)
    return _values(found, named_types(found), {})


def texts(least: int, most: int) -> st.SearchStrategy[str]:
    """Return strings of `least` to `most` bytes in UTF-8."""
    letters = st.characters(codec="utf-8")
    return st.text(letters, min_size=least, max_size=min(most, 70)).filter(
        lambda text: least <= len(text.encode()) <= most)


def _values(
    schema: Any, named: dict[str, Any], bounds: dict[str, int]
) -> st.SearchStrategy[Any]:
    if isinstance(schema, str):
        schema = named.get(schema, {"type": schema})
    if isinstance(schema, list):
        return st.one_of([_values(branch, named, bounds) for branch in schema])
    kind = schema["type"]
    if isinstance(kind, (dict, list)):
        return _values(kind, named, bounds)
    strategy: st.SearchStrategy[Any] = _BY_TYPE[kind](schema, named, bounds)
    return strategy


def _record(schema: Any, named: dict[str, Any], _bounds: object) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({
        field["name"]: _values(field["type"], named, field) for field in schema["fields"]})


def _array(schema: Any, named: dict[str, Any], bounds: dict[str, Any]) -> st.SearchStrategy[Any]:
    rules = {**bounds, **schema}
    found = st.lists(_values(schema["items"], named, {}), max_size=min(rules.get("maxItems", 4), 4))
    return found.map(lambda items: sorted(set(items))) if rules.get("ascending") else found


def _map(schema: Any, named: dict[str, Any], _bounds: object) -> st.SearchStrategy[Any]:
    return st.dictionaries(texts(0, 9), _values(schema["values"], named, {}), max_size=3)


def _string(schema: Any, _named: object, bounds: dict[str, int]) -> st.SearchStrategy[Any]:
    return texts(bounds.get("minLength", 0), schema.get("maxLength", 63))


def _bytes(schema: Any, _named: object, _bounds: object) -> st.SearchStrategy[Any]:
    return st.binary(max_size=min(schema["maxLength"], 20))


def _fixed(schema: Any, _named: object, _bounds: object) -> st.SearchStrategy[Any]:
    return st.binary(min_size=schema["size"], max_size=schema["size"])


def _number(bits: int) -> Any:
    def number(
        schema: Any, _named: object, bounds: dict[str, int]
    ) -> st.SearchStrategy[int]:
        rules = {**bounds, **schema}
        least, most = rules.get("minimum", -2**bits), rules.get("maximum", 2**bits - 1)
        usual = st.integers(max(least, -70), min(most, 9_000))
        return st.integers(least, most) | usual

    return number


def _enum(schema: Any, _named: object, _bounds: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(schema["symbols"])


def _simple(strategy: st.SearchStrategy[Any]) -> Any:
    return lambda _schema, _named, _bounds: strategy


_BY_TYPE: dict[str, Any] = {
    "record": _record, "array": _array, "map": _map, "string": _string, "fixed": _fixed,
    "enum": _enum, "null": _simple(st.none()), "boolean": _simple(st.booleans()),
    "int": _number(31), "long": _number(63),
    "float": _simple(st.floats(width=32, allow_nan=False)),
    "double": _simple(st.floats(allow_nan=False)),
    "bytes": _bytes,
}


@functools.cache
def mutations() -> st.SearchStrategy[tuple[str, int, bytes]]:
    """Return ways to damage bytes: kind, place and what to put there."""
    return st.tuples(
        st.sampled_from(("cut", "replace", "insert", "append", "pad")), st.integers(0, 4_096),
        st.binary(min_size=1, max_size=6))


def mutated(value: bytes, mutation: tuple[str, int, bytes]) -> bytes:
    """Damage the body of a value (its header stays)."""
    kind, place, other = mutation
    at = 5 + place % max(len(value) - 5, 1)
    if kind == "cut":
        return value[:at]
    if kind == "replace":
        return value[:at] + other + value[at + len(other):]
    if kind == "insert":
        return value[:at] + other + value[at:]
    if kind == "append":
        return value + other
    # The same number in more bytes than it needs.
    return value[:at] + bytes((value[at] | 128 if at < len(value) else 128, 0)) + value[at + 1:]
