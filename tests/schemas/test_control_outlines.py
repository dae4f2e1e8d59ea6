"""An outline says of a control what the careful codec says, without opening its lists."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import Undecodable
from schemas.control_outlines import outline
from schemas.registry import Schema, current, versions
from schemas.words import CONTROL_ROLES
from tests.schemas.events import fields_of, mutated, mutations, property_test


CONTROLS = ("RulesAdopted", "VoterSuspended", "VoterReinstated", "ConsultationClosed",
            "ConsultationSealed")
VERSIONS = [schema for event in CONTROLS for schema in versions(event)]


def name_of(schema: Schema) -> str:
    """Name a version of an event."""
    return f"{schema.event}-{schema.version}"


def entry(item: Any) -> bytes:
    """Encode an entry of a list of a control."""
    if isinstance(item, int):
        return bytes((2 * item,))
    if "finding" in item:
        return bytes((2 * item["cause"],)) + bytes(item["finding"])
    return bytes((*item["id"], 2 * CONTROL_ROLES.index(item["role"]), *item["public"]))


def decoded(value: bytes) -> dict[str, Any] | None:
    """Read with the careful codec, each list as the bytes of its entries; None where refused."""
    try:
        _, fields = codec.decode(value)
    except Undecodable:
        return None
    return {name: b"".join(map(entry, found)) if isinstance(found, list) else found
            for name, found in fields.items()}


def outlined(value: bytes) -> dict[str, Any] | None:
    """Read in outline; None where refused."""
    try:
        return outline(value)
    except Undecodable:
        return None


@pytest.mark.parametrize("schema", VERSIONS, ids=name_of)
@given(data=st.data())
@property_test
def test_controls_are_read_alike(schema: Schema, data: st.DataObject) -> None:
    """Fields of the newest version, whatever the record's; lists are the bytes they stand in."""
    value = codec.encode_as(schema, **data.draw(fields_of(schema.raw)))

    assert outline(value) == decoded(value)


@pytest.mark.parametrize("schema", VERSIONS, ids=name_of)
@given(data=st.data(), random=st.none() | st.binary(max_size=160))
@property_test
def test_damaged_controls_are_refused_alike(
    schema: Schema, data: st.DataObject, random: bytes | None
) -> None:
    """On mutated and on random bytes both accept the same inputs, and read the same."""
    value = schema.header + (random or b"")
    if random is None:
        value = mutated(codec.encode_as(schema, **data.draw(fields_of(schema.raw))),
                        data.draw(mutations()))

    assert outlined(value) == decoded(value)


@pytest.mark.parametrize(("before", "after"), [
    (b"\x02\x06" + b"f" * 16, b"\x04\x06" + b"f" * 16),
    (b"\x02\x06" + b"f" * 16, b"\x01\x22\x06" + b"f" * 16),
    (b"\x02\x06" + b"f" * 16, b"\x02\x07" + b"f" * 16),
    (b"\x02\x06" + b"f" * 16, b"\x02\x20" + b"f" * 16),
    (b"\x02\x06" + b"f" * 16, b"\x82\x00\x06" + b"f" * 16),
    (b"\x02\x06" + b"f" * 16, b"\x82\x02" + 129 * (b"\x06" + b"f" * 16)),
    (b"\x04\x02\x04\x00", b"\x04\x04\x02\x00"), (b"\x04\x02\x04\x00", b"\x04\x02\x02\x00"),
    (b"\x04\x02\x04\x00", b"\x02\x02\x02\x04\x00")])
def test_a_list_has_one_form(before: bytes, after: bytes) -> None:
    """Another count, a block with its size, an odd cause or one too high, a padded or too long
    list, immunity out of order or in two blocks: the careful codec refuses each, and so does the
    outline."""
    value = codec.encode_as(
        versions("VoterReinstated")[1], event_id=bytes(16), voter=bytes(16), consultation="c",
        reason="r", salt=bytes(16), origin="operator", occurred_at=0,
        findings=[{"cause": 3, "finding": b"f" * 16}], immune=[1, 2])
    assert value.count(before) == 1

    assert decoded(value.replace(before, after)) is None
    assert outlined(value.replace(before, after)) is None


def test_an_event_without_an_outline_is_named() -> None:
    """A field that no control has raises at once, whatever the record says."""
    with pytest.raises(ValueError, match="has no outline"):
        outline(current("TalliesFlushed").header)
