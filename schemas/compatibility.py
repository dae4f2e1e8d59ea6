"""Whether every published version of an event reads every other: FULL_TRANSITIVE. Pure.

Theory of operation: `unreadable` follows Avro's rules of schema resolution and lists what a
reader's schema cannot make of a writer's. Old events are replayed for ever, and a worker that is
rolled back meets events of its successor, so `incompatible` asks of every pair of versions, both
ways. What Avro allows one way only, a promotion of int to long for one, is therefore refused.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


Schema = Any
"""An Avro schema as JSON gives it: a name, an object or a list (a union)."""

PROMOTIONS = {
    "int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"},
    "string": {"bytes"}, "bytes": {"string"},
}
"""What a reader may make of a writer's primitive type, itself apart."""
_NAMED = ("record", "enum", "fixed")


class Problem(NamedTuple):
    """Something the reader's schema cannot read."""

    field: str
    """Path of the field, from the event on."""
    rule: str
    """The rule it breaks, as half a sentence."""


class _Scope(NamedTuple):
    """Named types of reader and writer, and the pairs of them that are being compared."""

    reader: dict[str, Schema]
    writer: dict[str, Schema]
    entered: set[tuple[str, str]]


def incompatible(versions: Mapping[int, Schema]) -> list[str]:
    """Say for every pair of versions, both ways, what one cannot read of the other."""
    return [
        f"{problem.field}: version {reader} cannot read version {writer}: {problem.rule}"
        for reader, writer in itertools.permutations(sorted(versions), 2)
        for problem in unreadable(versions[reader], versions[writer])
    ]


def unreadable(reader: Schema, writer: Schema) -> list[Problem]:
    """List what `reader` cannot read of data written under `writer`; empty where it reads all."""
    scope = _Scope(named_types(reader), named_types(writer), set())
    return list(_compare(reader, writer, _label(reader), scope))


def named_types(schema: Schema, found: dict[str, Schema] | None = None) -> dict[str, Schema]:
    """Collect the records, enums and fixed types of a schema by their unqualified name."""
    found = {} if found is None else found
    if isinstance(schema, list):
        for branch in schema:
            named_types(branch, found)
    elif isinstance(schema, dict):
        if schema.get("type") in _NAMED:
            found[_unqualified(schema["name"])] = schema
        for field in schema.get("fields", ()):
            named_types(field["type"], found)
        for inner in ("type", "items", "values"):
            named_types(schema.get(inner), found)
    return found


def _compare(reader: Schema, writer: Schema, path: str, scope: _Scope) -> Iterator[Problem]:
    reader, writer = _resolved(reader, scope.reader), _resolved(writer, scope.writer)
    if isinstance(writer, list):
        for branch in writer:
            yield from _compare(reader, branch, path, scope)
    elif isinstance(reader, list):
        yield from _compare_to_union(reader, writer, path, scope)
    elif reader["type"] != writer["type"]:
        if reader["type"] not in PROMOTIONS.get(writer["type"], ()):
            yield Problem(
                path, f"its type is {_label(writer)} there and {_label(reader)} here")
    else:
        yield from _compare_same_type(reader, writer, path, scope)


def _compare_to_union(
    reader: list[Schema], writer: Schema, path: str, scope: _Scope
) -> Iterator[Problem]:
    for branch in reader:
        trial = scope._replace(entered=set(scope.entered))
        if not list(_compare(branch, writer, path, trial)):
            return
    same = [branch for branch in reader if _label(branch) == _label(writer)]
    if len(same) == 1:
        yield from _compare(same[0], writer, path, scope)
    else:
        yield Problem(path, f"the union {_label(reader)} here has no place for {_label(writer)}")


def _compare_same_type(
    reader: dict[str, Schema], writer: dict[str, Schema], path: str, scope: _Scope
) -> Iterator[Problem]:
    kind = reader["type"]
    if kind in _NAMED:
        yield from _compare_named(reader, writer, path, scope)
    elif kind == "array":
        yield from _compare(reader["items"], writer["items"], f"{path}[]", scope)
    elif kind == "map":
        yield from _compare(reader["values"], writer["values"], f"{path}{{}}", scope)


def _compare_named(
    reader: dict[str, Schema], writer: dict[str, Schema], path: str, scope: _Scope
) -> Iterator[Problem]:
    name, pair = _unqualified(writer["name"]), (_label(reader), _label(writer))
    if name not in _names(reader):
        yield Problem(path, f"the {writer['type']} {name} was renamed {_label(reader)} without "
                            "an alias")
        return
    if pair in scope.entered:
        return
    scope.entered.add(pair)
    if reader["type"] == "record":
        yield from _compare_fields(reader, writer, path, scope)
    elif reader["type"] == "enum":
        yield from _compare_symbols(reader, writer, path)
    elif reader["size"] != writer["size"]:
        yield Problem(path, f"its size is {writer['size']} bytes there and {reader['size']} here")


def _compare_fields(
    reader: dict[str, Schema], writer: dict[str, Schema], path: str, scope: _Scope
) -> Iterator[Problem]:
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        inner = f"{path}.{field['name']}"
        names = [name for name in _names(field) if name in written]
        if names:
            yield from _compare(field["type"], written[names[0]]["type"], inner, scope)
        elif "default" not in field:
            yield Problem(inner, "the field is not there, and here it has no default")


def _compare_symbols(
    reader: dict[str, Schema], writer: dict[str, Schema], path: str
) -> Iterator[Problem]:
    missing = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if missing and "default" not in reader:
        yield Problem(path, f"the enum symbol {', '.join(missing)} is unknown here, and the enum "
                            "has no default")


def _names(named: dict[str, Schema]) -> list[str]:
    """Return the name of a type or field, then its aliases."""
    return [_unqualified(name) for name in (named["name"], *named.get("aliases", ()))]


def _resolved(schema: Schema, named: dict[str, Schema]) -> Schema:
    """Return a schema as an object, or as a list where it is a union."""
    if isinstance(schema, str):
        return named.get(_unqualified(schema)) or {"type": schema}
    if isinstance(schema, dict) and isinstance(schema["type"], (dict, list)):
        return _resolved(schema["type"], named)
    return schema


def _label(schema: Schema) -> str:
    """Name a schema for people."""
    if isinstance(schema, list):
        return f"[{', '.join(map(_label, schema))}]"
    if isinstance(schema, str):
        return _unqualified(schema)
    return _unqualified(schema["name"]) if "name" in schema else str(schema["type"])


def _unqualified(name: str) -> str:
    """Cut the namespace off: versions are resolved by unqualified names (Avro 1.12)."""
    return name.rpartition(".")[2]
