"""Any event to bytes and back: one encoding each, every bound checked, every fault named."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import OutOfBounds, Undecodable
from schemas.registry import HEADER_BYTES, UnknownSchema, all_schemas, current, versions
from tests.schemas.events import fields_of, mutated, mutations, property_test


EVENTS = sorted({schema.event for schema in all_schemas().values()})
THEME: dict[str, Any] = {
    "event_id": bytes(16), "consultation": "jeunes", "theme": "t1", "title": {"fr": "Emploi"},
    "origin": "operator", "occurred_at": 1_647_900_000_000,
}


@pytest.mark.parametrize("event", EVENTS)
@given(data=st.data())
@property_test
def test_every_event_comes_back_as_it_was_written(event: str, data: st.DataObject) -> None:
    """Encoding and decoding any valid event gives its fields, and fastavro's own bytes."""
    schema = data.draw(st.sampled_from(versions(event)))
    fields = data.draw(fields_of(schema.raw))
    value = codec.encode_as(schema, **fields)
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema.parsed, fields)

    name, read = codec.decode(value)

    assert name == event
    assert holds(read, fields)
    assert value == schema.header + body.getvalue()


def holds(read: Any, written: Any) -> bool:
    """Whether everything written was read; what the newest version has more may be there too."""
    if isinstance(written, dict):
        return all(holds(read[name], value) for name, value in written.items())
    if isinstance(written, list):
        return len(read) == len(written) and all(map(holds, read, written))
    return bool(read == written)


@pytest.mark.parametrize("event", EVENTS)
@given(data=st.data())
@property_test
def test_an_event_has_one_encoding(event: str, data: st.DataObject) -> None:
    """Whatever bytes are accepted are the ones their fields are written as."""
    schema = data.draw(st.sampled_from(versions(event)))
    fields = data.draw(fields_of(schema.raw))
    value = mutated(codec.encode_as(schema, **fields), data.draw(mutations()))
    try:
        _, found = codec.decode(value)
    except Undecodable:
        return

    assert codec.encode_as(schema, **found) == value


@given(body=st.binary(max_size=300))
@property_test
def test_random_bytes_are_decoded_or_refused(body: bytes) -> None:
    """No bytes at all raise anything but Undecodable."""
    for event in EVENTS:
        value = current(event).header + body
        try:
            _, fields = codec.decode(value)
        except Undecodable as error:
            assert str(error)  # noqa: PT017 -- an error is one of two right answers
        else:
            assert codec.encode(event, **fields) == value


@pytest.mark.parametrize(("value", "message"), [
    (None, "0 bytes: shorter than the 5-byte header"),
    (b"", "0 bytes: shorter"),
    (b"\0\0\0\0", "4 bytes: shorter"),
    (b"\1\0\0\0\1" + bytes(50), "first byte is 0x01, not 0x00"),
    (b'{"choice": "agree"}', "first byte is 0x7b, not 0x00"),
])
def test_a_value_without_our_header_is_named(value: bytes | None, message: str) -> None:
    """Empty, short and foreign values say what they begin with."""
    with pytest.raises(Undecodable, match=message):
        codec.decode(value)


def test_an_unknown_schema_id_is_an_error_of_its_own() -> None:
    """An id of no version known here is never taken for a damaged record."""
    message = r"unknown schema id 4000.*Install the version"
    with pytest.raises(UnknownSchema, match=message) as caught:
        codec.decode(b"\0" + (4_000).to_bytes(4, "big") + b"body")

    assert caught.value.schema_id == 4_000


def test_trailing_bytes_are_counted() -> None:
    """A whole event with more behind it is refused, saying how much."""
    with pytest.raises(Undecodable, match="ThemeDescribed: 3 trailing bytes"):
        codec.decode(codec.encode("ThemeDescribed", **THEME) + b"abc")


@pytest.mark.parametrize("size", [HEADER_BYTES, 20, 40])
def test_a_truncated_body_is_named(size: int) -> None:
    """An event cut short is refused by its name."""
    with pytest.raises(Undecodable, match="ThemeDescribed: truncated or malformed body"):
        codec.decode(codec.encode("ThemeDescribed", **THEME)[:size])


@pytest.mark.parametrize(("changes", "message"), [
    ({"consultation": ""}, "ThemeDescribed.consultation: 0 bytes, at least 1"),
    ({"consultation": "é" * 32}, "ThemeDescribed.consultation: 64 bytes, at most 63"),
    ({"title": {"fr": "x" * 501}}, r"ThemeDescribed.title\[\]: 501 bytes, at most 500"),
    ({"title": {"fr": "\ud800"}}, "ThemeDescribed.title.*not valid Unicode"),
    ({"origin": "elsewhere"}, "ThemeDescribed: "),
    ({"event_id": b"short"}, "ThemeDescribed: "),
    ({"occurred_at": 2**63}, "ThemeDescribed: "),
    ({"occurred_at": "yesterday"}, "ThemeDescribed: "),
    ({"colour": "red"}, "ThemeDescribed: .*colour"),
])
def test_a_field_that_does_not_fit_is_not_written(changes: dict[str, Any], message: str) -> None:
    """Fields over their bounds, of the wrong type or unknown raise, naming the field or event."""
    with pytest.raises(OutOfBounds, match=message):
        codec.encode("ThemeDescribed", **{**THEME, **changes})


def test_a_missing_field_is_not_written() -> None:
    """A field left out raises: nothing is filled in silently."""
    with pytest.raises(OutOfBounds, match=r"ThemeDescribed: .*theme"):
        codec.encode("ThemeDescribed", **{k: v for k, v in THEME.items() if k != "theme"})


def test_fields_over_their_bounds_are_not_read() -> None:
    """What another writer wrote over the bounds of the schema is undecodable."""
    schema, body = current("ThemeDescribed"), io.BytesIO()
    fastavro.schemaless_writer(body, schema.parsed, {**THEME, "consultation": "x" * 64})
    with pytest.raises(Undecodable, match="consultation: 64 bytes, at most 63"):
        codec.decode(schema.header + body.getvalue())


def test_values_over_a_mebibyte_are_neither_written_nor_read() -> None:
    """One bound holds for every record."""
    title = {f"language{number}": "x" * 500 for number in range(2_100)}
    with pytest.raises(OutOfBounds, match="at most 1048576 are written"):
        codec.encode("ThemeDescribed", **{**THEME, "title": title})
    with pytest.raises(Undecodable, match="at most 1048576 are read"):
        codec.decode(codec.encode("ThemeDescribed", **THEME) + bytes(1 << 20))
