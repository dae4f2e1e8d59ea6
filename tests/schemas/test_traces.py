"""What may be said in a span, and whose span a request belongs to."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import traces
from schemas.traces import Parent, Span, parent_in


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def told() -> Iterator[list[Span]]:
    """Listen, as a process with a collector does."""
    found: list[Span] = []
    traces.listen(found.append)
    yield found
    traces.listen(None)


def read(*values: str) -> Parent | None:
    return parent_in([(b"host", b"x"), *((b"traceparent", value.encode()) for value in values)])


def test_a_request_belongs_to_the_span_that_its_header_names() -> None:
    """And whether whoever called keeps it, in the last bit of the flags alone."""
    for flags, sampled in (("01", True), ("00", False), ("03", True), ("02", False)):
        assert read(f"00-{TRACE}-{SPAN}-{flags}") == Parent(int(TRACE, 16), int(SPAN, 16), sampled)


@pytest.mark.parametrize("given", [
    (), ("",), (f"00-{TRACE}-{SPAN}-1",), (f"00-{TRACE.upper()}-{SPAN}-01",),
    (f"00-{'0' * 32}-{SPAN}-01",), (f"00-{TRACE}-{'0' * 16}-01",), (f"ff-{TRACE}-{SPAN}-01",),
    (f"00-{TRACE}-{SPAN}-01-more",), (f"00-{TRACE}-{SPAN}-01\n",),
    (f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01")])
def test_a_header_that_is_not_well_formed_is_as_none(given: tuple[str, ...]) -> None:
    """Nor one that came twice: a request begins a trace of its own."""
    assert read(*given) is None


@given(st.binary(max_size=70))
def test_no_bytes_of_strangers_end_the_reading(value: bytes) -> None:
    """Whatever stands there is a parent or nothing."""
    found = parent_in([(b"traceparent", value)])

    assert found is None or found.trace


@given(st.text(max_size=40), st.integers(0, 599))
def test_a_method_is_told_only_if_it_is_one(method: str, status: int) -> None:
    """Another word would be text of whoever asked; and nothing is said but what is listed."""
    found: list[Span] = []
    traces.listen(found.append)
    try:
        traces.request("pages", method, status, traces.begin(), None)
        traces.batch("decide", traces.begin(), "t.votes", 3, 7)
    finally:
        traces.listen(None)

    asked, batch = found
    assert asked.attributes[traces.METHOD] in {*traces.METHODS, "_OTHER"}
    assert asked.name == f"{asked.attributes[traces.METHOD]} pages"
    assert {*asked.attributes, *batch.attributes} <= traces.ATTRIBUTES
    assert asked.failed == (status >= 500)


def test_nothing_is_dated_or_told_where_nobody_listens(told: list[Span]) -> None:
    """And what began before somebody listened is not told at all."""
    traces.listen(None)
    began = traces.begin()
    traces.listen(told.append)
    traces.batch("fold", began, "t.tallies", 0, 1)
    traces.request("pages", "GET", 200, began, None)

    assert (began, told) == (0, [])
