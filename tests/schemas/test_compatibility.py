"""Old events are replayed for ever: each rule of schema resolution, held against fastavro's own."""

import copy
import io
from typing import Any

import fastavro
import pytest
from fastavro.schema import parse_schema
from hypothesis import given
from hypothesis import strategies as st

from schemas.compatibility import incompatible, unreadable
from schemas.registry import all_schemas
from tests.schemas.events import fields_of, property_test


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    """Make an enum type."""
    return {"type": "enum", "name": "Colour", "symbols": list(symbols), **more}


def fixed(size: int) -> dict[str, Any]:
    """Make a fixed type."""
    return {"type": "fixed", "name": "Digest", "size": size}


def inner(*fields: dict[str, Any], name: str = "Inner", **more: Any) -> dict[str, Any]:
    """Make a record type."""
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    """Make a field."""
    return {"name": name, "type": kind, **more}


def event(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make an event that always has one field."""
    return {"type": "record", "name": "Happened", "namespace": "org.scrutin",
            "fields": [field("always", "long"), *fields], **more}


def read_through(reader: Any, writer: Any, datum: Any) -> Any:
    """Write under one schema and read under another, by fastavro."""
    body = io.BytesIO()
    written = parse_schema(copy.deepcopy(writer))
    fastavro.schemaless_writer(body, written, datum)
    body.seek(0)
    return fastavro.schemaless_reader(body, written, parse_schema(copy.deepcopy(reader)))


RULES: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "field added without default": (
        event(field("colour", "string")), event(), {"always": 1},
        "Happened.colour: the field is not there, and here it has no default"),
    "type changed": (
        event(field("size", "string")), event(field("size", "long")), {"always": 1, "size": 5},
        "Happened.size: its type is long there and string here"),
    "promotion the other way": (
        event(field("size", "int")), event(field("size", "long")), {"always": 1, "size": 2**40},
        "Happened.size: its type is long there and int here"),
    "enum symbol removed without default": (
        event(field("colour", enum("red"))), event(field("colour", enum("red", "blue"))),
        {"always": 1, "colour": "blue"},
        "Happened.colour: the enum symbol blue is unknown here, and the enum has no default"),
    "fixed size changed": (
        event(field("digest", fixed(4))), event(field("digest", fixed(8))),
        {"always": 1, "digest": bytes(8)},
        "Happened.digest: its size is 8 bytes there and 4 here"),
    "field renamed without alias": (
        event(field("colour", "string")), event(field("shade", "string")),
        {"always": 1, "shade": "x"},
        "Happened.colour: the field is not there, and here it has no default"),
    "made required": (
        event(field("colour", "string")), event(field("colour", ["null", "string"])),
        {"always": 1, "colour": None}, "Happened.colour: its type is null there and string here"),
    "union branch removed": (
        event(field("colour", ["null", "string"])),
        event(field("colour", ["null", "string", "boolean"])),
        {"always": 1, "colour": True},
        "Happened.colour: the union [null, string] here has no place for boolean"),
    "inner field added without default": (
        event(field("inner", inner(field("a", "long"), field("b", "long")))),
        event(field("inner", inner(field("a", "long")))), {"always": 1, "inner": {"a": 1}},
        "Happened.inner.b: the field is not there, and here it has no default"),
    "items changed": (
        event(field("many", {"type": "array", "items": "string"})),
        event(field("many", {"type": "array", "items": "long"})), {"always": 1, "many": [1]},
        "Happened.many[]: its type is long there and string here"),
    "values changed": (
        event(field("many", {"type": "map", "values": "boolean"})),
        event(field("many", {"type": "map", "values": "long"})), {"always": 1, "many": {"x": 1}},
        "Happened.many{}: its type is long there and boolean here"),
    "record of a union changed": (
        event(field("inner", ["null", inner(field("a", "long"), field("b", "long"))])),
        event(field("inner", ["null", inner(field("a", "long"))])),
        {"always": 1, "inner": {"a": 1}},
        "Happened.inner.b: the field is not there, and here it has no default"),
}
"""By rule: the reader, the writer, data the reader cannot read, the message."""


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_named_with_its_field(rule: str) -> None:
    """What one version cannot read is said by field and rule, and fastavro cannot read it."""
    reader, writer, datum, message = RULES[rule]
    with pytest.raises((fastavro.read.SchemaResolutionError, EOFError, ValueError, TypeError)):
        read_through(reader, writer, datum)
    [problem] = unreadable(reader, writer)

    assert f"{problem.field}: {problem.rule}" == message


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_found_in_either_order(rule: str) -> None:
    """FULL: it is incompatible whether the earlier or the later version cannot read the other."""
    reader, writer, _, _ = RULES[rule]
    later = incompatible({1: writer, 2: reader})
    earlier = incompatible({1: reader, 2: writer})

    assert any(": version 2 cannot read version 1: " in line for line in later)
    assert any(": version 1 cannot read version 2: " in line for line in earlier)


COMPATIBLE: dict[str, tuple[Any, Any]] = {
    "field added with default": (event(field("colour", "string", default="")), event()),
    "optional field added": (event(field("colour", ["null", "string"], default=None)), event()),
    "enum symbol added with defaults": (
        event(field("colour", enum("red", "blue", default="red"))),
        event(field("colour", enum("red", default="red")))),
    "field renamed with aliases": (
        event(field("colour", "string", aliases=["shade"])),
        event(field("shade", "string", aliases=["colour"]))),
    "record renamed with aliases": (
        event(field("inner", inner(field("a", "long"), name="Now", aliases=["Then"]))),
        event(field("inner", inner(field("a", "long"), name="Then", aliases=["Now"])))),
    "documentation and bounds": (
        event(field("colour", {"type": "string", "maxLength": 9}, doc="Colour."), doc="New."),
        event(field("colour", "string"))),
    "order of fields": (
        event(field("a", "long"), field("b", "string")),
        event(field("b", "string"), field("a", "long"))),
    "text as bytes": (event(field("colour", "bytes")), event(field("colour", "string"))),
}


@pytest.mark.parametrize("change", COMPATIBLE)
@given(data=st.data())
@property_test
def test_a_change_both_ways_readable_is_compatible(change: str, data: st.DataObject) -> None:
    """What each version reads of the other passes, and fastavro reads it."""
    one, other = COMPATIBLE[change]
    if change != "text as bytes":  # any bytes are not UTF-8: Avro allows it all the same
        for reader, writer in ((one, other), (other, one)):
            read_through(reader, writer, data.draw(fields_of(writer)))

    assert incompatible({1: one, 2: other}) == []


def test_every_pair_is_compared_not_only_neighbours() -> None:
    """TRANSITIVE: a field removed and added again with another type is found."""
    versions = {
        1: event(field("size", "long", default=0)), 2: event(),
        3: event(field("size", "string", default="")),
    }

    assert incompatible({1: versions[1], 2: versions[2]}) == []
    assert incompatible({2: versions[2], 3: versions[3]}) == []
    assert incompatible(versions) == [
        "Happened.size: version 1 cannot read version 3: its type is string there and long here",
        "Happened.size: version 3 cannot read version 1: its type is long there and string here",
    ]


def test_an_event_renamed_is_another_event() -> None:
    """The record itself keeps its name."""
    other = {**event(), "name": "Occurred"}

    assert incompatible({1: event(), 2: other}) == [
        f"{here}: version {reader} cannot read version {writer}: the record {there} was renamed "
        f"{here} without an alias"
        for reader, writer, here, there in (
            (1, 2, "Happened", "Occurred"), (2, 1, "Occurred", "Happened"))
    ]


def test_types_that_name_themselves_are_followed_once() -> None:
    """A recursive schema ends."""
    tree = event(field("next", ["null", "Happened"], default=None))
    longer = event(field("next", ["null", "Happened"], default=None), field("x", "long"))

    assert incompatible({1: tree, 2: tree}) == []
    assert len(incompatible({1: tree, 2: longer})) == 1


def test_every_published_version_reads_every_other() -> None:
    """FULL_TRANSITIVE, for every event of ours."""
    history: dict[str, dict[int, Any]] = {}
    for schema in all_schemas().values():
        history.setdefault(schema.event, {})[schema.version] = schema.raw
    problems = [line for versions in history.values() for line in incompatible(versions)]

    assert problems == []


# Random pairs, held against fastavro

PRIMITIVES = ("int", "long", "float", "double", "string", "boolean")


def kinds() -> st.SearchStrategy[Any]:
    """Return small types that often differ in one thing only."""
    symbols = st.lists(st.sampled_from("abc"), min_size=1, unique=True)
    enums = st.builds(
        lambda names, defaulted: enum(*names, **({"default": names[0]} if defaulted else {})),
        symbols, st.booleans())
    records = st.builds(
        lambda a, b: inner(field("a", a), *b), st.sampled_from(PRIMITIVES),
        st.lists(st.sampled_from((field("b", "long"), field("b", "long", default=7))), max_size=1))
    simple = st.one_of(
        *(st.just(name) for name in PRIMITIVES), enums, records, st.sampled_from((4, 8)).map(fixed))
    return st.one_of(
        simple, simple, st.builds(lambda items: {"type": "array", "items": items}, simple),
        st.builds(lambda values: {"type": "map", "values": values}, simple),
        st.builds(lambda other: ["null", other], simple),
        st.just(["null", "string", "long"]))


@given(data=st.data(), kinds_of=st.tuples(kinds(), kinds()))
@property_test
def test_what_is_called_readable_fastavro_reads(
    data: st.DataObject, kinds_of: tuple[Any, Any]
) -> None:
    """On random pairs of schemas, random data of the writer never fails where no rule is broken."""
    reader, writer = (event(field("field", kind)) for kind in kinds_of)
    if not unreadable(reader, writer):
        read_through(reader, writer, data.draw(fields_of(writer)))
