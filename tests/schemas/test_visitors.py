"""Cookies and queries: what browsers send is read, whatever else is sent is only text."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.visitors import TooManyFields, cookie, query


@pytest.mark.parametrize(("header", "found"), [
    ("name=one", "one"), ("a=b; name=one; c=d", "one"), ("a=b;name=one ;", "one"),
    ("name=one; name=two", "one"), ("name=", ""), ('name="o\\"ne"', '"o\\"ne"'),
    ("", None), ("name", None), ("surname=one", None), ("NAME=one", None), ("a=name=one", None),
])
def test_a_cookie_is_given_as_it_was_sent(header: str, found: str | None) -> None:
    """Among others, with spaces around, twice (the first), empty, quoted: as it is; else None."""
    assert cookie(header, "name") == found


@pytest.mark.parametrize(("raw", "found"), [
    (b"", {}), (b"a=1&b=2", {"a": "1", "b": "2"}), (b"a=1&a=2", {"a": "2"}), (b"a", {"a": ""}),
    (b"a=", {"a": ""}), (b"a=%C3%A9+%26", {"a": "é &"}), (b"a=%FF", {"a": "\ufffd"}),
    (b"\xff=1", {"\xff": "1"}), (b"&&&", {}), (b"=", {"": ""}),
])
def test_a_query_is_read_as_forms_are(raw: bytes, found: dict[str, str]) -> None:
    """Of two fields of a name the last, without a value empty; bytes that are none do no harm."""
    assert query(raw, 8) == found


@given(raw=st.text("ab=&%2B+;é", max_size=40).map(lambda text: text.encode("latin-1")))
def test_what_needs_no_decoding_is_read_as_everything_else(raw: bytes) -> None:
    """A query is what Python's reader of forms finds in it, with anything to decode or without."""
    assert query(raw, 41) == dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True))


def test_a_query_has_no_more_fields_than_it_may() -> None:
    """One field too many is refused, also an empty one."""
    assert query(b"a=1&b=2", 2) == {"a": "1", "b": "2"}
    for raw in (b"a=1&b=2&c=3", b"&&"):
        with pytest.raises(TooManyFields, match="more than 2 fields"):
            query(raw, 2)


@given(raw=st.binary(max_size=200), name=st.text('abc=;\\" ', min_size=1, max_size=5))
def test_no_bytes_are_an_error(raw: bytes, name: str) -> None:
    """Whatever is sent gives fields or too many of them, and a cookie or none."""
    assert len(query(raw, 200)) <= 200
    found = cookie(raw.decode("latin-1"), name)
    assert found is None or f"{name}={found}" in raw.decode("latin-1")
