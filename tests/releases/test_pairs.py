"""What one release or version writes the other reads, or refuses with a sentence: every event."""

import functools
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from schemas import codec
from schemas.registry import Schema, UnknownSchema, all_schemas
from tests.releases.conftest import WHEEL
from tests.schemas.events import fields_of


EXAMPLES = 15
PROGRAM = Path(__file__).parent / "read_by_release.py.txt"
SCHEMAS = Path(__file__).parents[2] / "schemas"
with zipfile.ZipFile(WHEEL) as opened:
    OLD = {name.removeprefix("schemas/"): opened.read(name) for name in opened.namelist()
           if name.startswith("schemas/history/") or name == "schemas/ids.json"}
    """The published schemas of release 0.1.0, and their ids."""
OLD_IDS: dict[str, Any] = json.loads(OLD.pop("ids.json"))


def test_schemas_of_the_old_release_are_what_they_were() -> None:
    """Every published version, byte for byte, under the id it was given."""
    assert len(OLD) > 30
    assert {name: (SCHEMAS / name).read_bytes() for name in OLD} == OLD
    ids = json.loads((SCHEMAS / "ids.json").read_text("utf-8"))
    assert {number: ids[number] for number in OLD_IDS} == OLD_IDS


@functools.cache
def drawn(schema_id: int) -> list[dict[str, Any]]:
    """Draw fields of a published version, the same each time."""
    found: list[dict[str, Any]] = []

    @settings(derandomize=True, max_examples=EXAMPLES, database=None)
    @given(fields_of(all_schemas()[schema_id].raw))
    def draw(fields: dict[str, Any]) -> None:
        found.append(fields)

    draw()
    return found


def read_by_release(release: dict[str, str], values: list[bytes]) -> list[list[str]]:
    """Have release 0.1.0 read records."""
    answer = subprocess.run(
        [sys.executable, "-"], env={**os.environ, **release}, capture_output=True, check=True,
        input=PROGRAM.read_text("utf-8").replace(
            "sys.stdin", repr([value.hex() for value in values])), text=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_what_is_written_in_an_old_version_the_old_release_reads_and_writes_so(
    release: dict[str, str]
) -> None:
    """The same fields, and for its newest versions the same bytes: so this release reads them."""
    known = [schema for number, schema in all_schemas().items() if str(number) in OLD_IDS]
    fields = [(schema, each) for schema in known for each in drawn(schema.id)]
    values = [codec.encode_as(schema, **each) for schema, each in fields]
    newest = {schema.event: schema.id for schema in known}

    for (schema, each), value, said in zip(
            fields, values, read_by_release(release, values), strict=True):
        assert said[:2] == [schema.event, json.dumps(each, sort_keys=True, default=bytes.hex)]
        if newest[schema.event] == schema.id:
            assert said[2] == value.hex()


def test_what_the_old_release_cannot_read_it_refuses_by_id(release: dict[str, str]) -> None:
    """Every version that came after it: what to install, and that nothing is lost.

    Nothing of it is ever taken for a damaged record, which a ledger would pass by.
    """
    later = {number: schema for number, schema in all_schemas().items()
             if str(number) not in OLD_IDS}
    values = [codec.encode_as(schema, **drawn(schema.id)[-1]) for schema in later.values()]

    assert len(later) > 12
    assert read_by_release(release, values) == [
        ["UnknownSchema", str(UnknownSchema(number))] for number in later]


def pairs() -> list[tuple[Schema, Schema]]:
    """Return every two versions of one event, in both orders."""
    return [(one, other) for one in all_schemas().values() for other in all_schemas().values()
            if one.event == other.event and one is not other]


def unsaid(reader: Schema, fields: dict[str, Any]) -> set[str]:
    """Name the fields that a version has no place for, as its refusal names them; none: it has."""
    try:
        value = codec.encode_as(reader, **fields)
    except codec.OutOfBounds as error:
        return set(str(error).rpartition(": ")[2].split(", "))
    assert codec.decode(value) == (reader.event, fields)
    return set()


@pytest.mark.parametrize(
    ("writer", "reader"), pairs(),
    ids=[f"{one.event}-{one.version}-{other.version}" for one, other in pairs()])
def test_one_version_says_what_another_said_or_names_the_field_it_has_not(
    writer: Schema, reader: Schema
) -> None:
    """Read as the newest and written in the other version: nothing is lost without a word."""
    names = {field["name"] for field in reader.fields}
    for fields in drawn(writer.id):
        _, read = codec.decode(codec.encode_as(writer, **fields))
        assert unsaid(reader, read) <= {*fields} - names
