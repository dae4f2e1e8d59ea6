"""The straight-line codecs accept and give exactly what the careful ones do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec, hot
from schemas.codec import OutOfBounds, Undecodable
from schemas.registry import HEADER_BYTES, Schema, current, newest, versions
from schemas.words import CHOICES, ORIGINS, QUALIFICATIONS, SHOWN, TRUSTS
from tests.schemas.events import fields_of, mutated, mutations, property_test


BALLOT_EVENTS = ("VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn")
HOT_EVENTS = (*BALLOT_EVENTS, "ProposalTallied")
VERSIONS = [schema for event in HOT_EVENTS for schema in versions(event)]
BALLOT_VERSIONS = [schema for schema in VERSIONS if schema.event in BALLOT_EVENTS]
SYMBOLS: dict[str, tuple[str, ...]] = {
    "choice": CHOICES, "trust": TRUSTS, "origin": ORIGINS, "qualification": QUALIFICATIONS,
    "shown": SHOWN}
SPAN = ("consultation", "proposal")
VOTE: tuple[Any, ...] = (
    bytes(16), bytes(range(16)), bytes(16), 1, 0, 2, "jeunes", "p1", 1_647_900_000_000)


def as_tuple(schema: Schema, fields: dict[str, Any]) -> tuple[Any, ...]:
    """Return fields as the hot codecs do: in schema order, enums by index."""
    values = ((field["name"], fields[field["name"]]) for field in schema.fields)
    return tuple(SYMBOLS[name].index(value) if name in SYMBOLS else value
                 for name, value in values)


def name_of(schema: Schema) -> str:
    """Name a version of an event."""
    return f"{schema.event}-{schema.version}"


@pytest.mark.parametrize("schema", VERSIONS, ids=name_of)
@given(data=st.data())
@property_test
def test_events_are_written_and_read_alike(schema: Schema, data: st.DataObject) -> None:
    """On valid events both codecs give the same bytes and the same fields."""
    fields = data.draw(fields_of(schema.raw))
    value = codec.encode_as(schema, **fields)

    assert hot.encoder(schema.event, schema.version)(*as_tuple(schema, fields)) == value
    assert decoder_of(schema)(value) == as_tuple(schema, fields)


def decoder_of(schema: Schema, *wanted: hot.Wanted) -> hot.Decoder:
    """Make the decoder of a version of an event."""
    return hot.decoder(schema.event, *wanted, version=schema.version)


@pytest.mark.parametrize("event", HOT_EVENTS)
@given(data=st.data())
@property_test
def test_every_version_is_read_as_the_newest(event: str, data: st.DataObject) -> None:
    """Fields that an older version lacks have the newest one's default, in both codecs."""
    for schema in versions(event):
        fields = data.draw(fields_of(schema.raw))
        value = codec.encode_as(schema, **fields)
        names = [field["name"] for field in newest(event).fields]
        _, read = codec.decode(value)

        assert sorted(read) == sorted(names)
        assert as_tuple(newest(event), read) == hot.decoders(event, *names)[schema.header](value)


@pytest.mark.parametrize("schema", VERSIONS, ids=name_of)
@given(data=st.data(), random=st.none() | st.binary(max_size=120))
@property_test
def test_damaged_events_are_refused_alike(
    schema: Schema, data: st.DataObject, random: bytes | None
) -> None:
    """On mutated and on random bytes both codecs accept the same inputs, and read the same."""
    value = schema.header + (random or b"")
    if random is None:
        fields = data.draw(fields_of(schema.raw))
        value = mutated(codec.encode_as(schema, **fields), data.draw(mutations()))
    try:
        expected: tuple[Any, ...] | None = as_tuple(schema, codec.decode(value)[1])
    except Undecodable:
        expected = None

    assert expected == attempted(decoder_of(schema), value)


def attempted(decoder: hot.Decoder, value: bytes) -> tuple[Any, ...] | None:
    """Decode, None where refused."""
    try:
        return decoder(value)
    except Undecodable:
        return None


@pytest.mark.parametrize("schema", BALLOT_VERSIONS, ids=name_of)
@given(data=st.data())
@property_test
def test_a_projection_reads_the_fields_it_names(schema: Schema, data: st.DataObject) -> None:
    """Some fields, in any order, and neighbouring strings as one span of their encoding."""
    fields = data.draw(fields_of(schema.raw))
    value = codec.encode_as(schema, **fields)
    names = data.draw(st.permutations(sorted(fields)).map(lambda found: found[:3]))
    schema_order = [field["name"] for field in schema.fields]
    whole = dict(zip(schema_order, as_tuple(schema, fields), strict=True))
    span = b"".join(hot.short_string(fields[name]) for name in SPAN)

    assert decoder_of(schema, *names)(value) == tuple(whole[name] for name in names)
    assert decoder_of(schema, "trust", SPAN)(value) == (whole["trust"], span)


@pytest.mark.parametrize("schema", BALLOT_VERSIONS, ids=name_of)
@given(data=st.data())
@property_test
def test_a_projection_refuses_what_the_whole_decoder_refuses(
    schema: Schema, data: st.DataObject
) -> None:
    """Fields that are not asked for are checked all the same, save UTF-8 in a span."""
    fields = data.draw(fields_of(schema.raw))
    value = mutated(codec.encode_as(schema, **fields), data.draw(mutations()))
    whole = attempted(decoder_of(schema), value)
    projected = attempted(decoder_of(schema, "event_id", SPAN), value)
    named = attempted(decoder_of(schema, "consultation"), value)
    assert (named is None) == (whole is None)
    if projected is not None and utf8(projected[1]):
        assert whole is not None
    else:
        assert whole is None


def utf8(span: bytes) -> bool:
    """Whether the two strings of a span are UTF-8: a span leaves that to its reader."""
    size = 1 + (span[0] >> 1)
    try:
        return bool(span[1:size].decode() and span[size + 1:].decode())
    except UnicodeDecodeError:
        return False


def test_a_span_leaves_utf_8_to_its_reader() -> None:
    """Bytes that are not UTF-8 pass in a span and are refused as text."""
    value = hot.encoder("VoteCast")(*VOTE).replace(b"p1", b"\xff1")

    assert hot.decoder("VoteCast", SPAN)(value) == (b"\x0cjeunes\x04\xff1",)
    with pytest.raises(Undecodable, match="VoteCast: truncated or malformed body"):
        hot.decoder("VoteCast")(value)


def test_a_text_that_nobody_asks_for_is_checked_too() -> None:
    """Whoever reads the consultation alone refuses the record that the ledger cannot read."""
    value = hot.encoder("VoteCast")(*VOTE).replace(b"p1", b"\xff1")

    with pytest.raises(Undecodable, match="VoteCast: truncated or malformed body"):
        hot.decoder("VoteCast", "consultation")(value)


@pytest.mark.parametrize("number", [
    0, -1, 63, 64, -64, -65, 8_191, 8_192, 2**31, 2**62, 2**63 - 1, -2**63])
def test_numbers_are_written_as_avro_writes_them(number: int) -> None:
    """Every long of 64 bits survives, in its shortest form."""
    value = hot.encoder("VoteCast")(*VOTE[:-1], number)

    assert codec.decode(value)[1]["occurred_at"] == number
    assert hot.decoder("VoteCast", "occurred_at")(value) == (number,)


@pytest.mark.parametrize(("place", "wrong"), [
    (0, b"short"), (1, bytes(17)), (3, 3), (3, -1), (4, 2), (5, 6), (6, ""), (6, "x" * 64),
    (7, "é" * 32), (7, "\ud800"), (8, 2**63), (8, -2**63 - 1)])
def test_a_field_that_does_not_fit_is_not_written(place: int, wrong: Any) -> None:
    """What no ledger could read raises at the producer, as it does in the careful codec."""
    fields = [wrong if position == place else field for position, field in enumerate(VOTE)]
    with pytest.raises((ValueError, IndexError)):
        hot.encoder("VoteCast")(*fields)
    names = [field["name"] for field in current("VoteCast").fields]
    symbols = {
        name: SYMBOLS[name][value] if name in SYMBOLS and value in range(len(SYMBOLS[name]))
        else value for name, value in zip(names, fields, strict=True)}
    with pytest.raises(OutOfBounds):
        codec.encode("VoteCast", **symbols)


@pytest.mark.parametrize("event", ["ConsultationClosed", "VoterSuspended", "DecisionMade"])
def test_an_event_without_a_straight_line_form_is_named(event: str) -> None:
    """A schema the generator cannot follow raises when the codec is made, never when it reads."""
    with pytest.raises(ValueError, match="straight-line form"):
        hot.decoder(event)


def test_a_header_is_not_looked_at() -> None:
    """The decoder expects the header to have been read: only its length counts."""
    value = hot.encoder("VoteCast")(*VOTE)

    assert hot.decoder("VoteCast")(bytes(HEADER_BYTES) + value[HEADER_BYTES:]) == VOTE
