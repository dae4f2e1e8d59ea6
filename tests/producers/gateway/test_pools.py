"""What a pool reads of results: counts alone, and those that the whole records have."""

from hypothesis import given
from hypothesis import strategies as st

from processors.results import scored_records
from processors.results.routes import ROUTE_COUNTS
from producers.gateway.pools import counted_of, drawn_of
from producers.gateway.sequence import SCORED_BY
from schemas import codec
from schemas.words import COUNTS
from tests.processors.ledger import logs


COUNT = st.integers(0, 2**40)


@logs.property_test
@given(counts=st.lists(COUNT, min_size=len(COUNTS), max_size=len(COUNTS)),
       idea=st.none() | st.just("i1"))
def test_counted_votes_are_those_of_the_whole_record(counts: list[int], idea: str | None) -> None:
    """Choices and qualifications by name, whatever stands between them in the record."""
    value = scored_records.proposal_scored(
        "town", "p1", idea, True, counts, ({}, {}, {}, None))  # noqa: FBT003 -- known
    whole = codec.decode(value)[1]["entry"]["counts"]

    assert counted_of(value) == tuple(whole[name] for name in SCORED_BY)


@logs.property_test
@given(counts=st.lists(COUNT, min_size=len(ROUTE_COUNTS), max_size=len(ROUTE_COUNTS)))
def test_drawn_votes_are_those_of_the_whole_record(counts: list[int]) -> None:
    """Of all routes the drawn ones, by name."""
    value = scored_records.routes_counted("town", "p1", 2, counts)
    whole = codec.decode(value)[1]

    assert drawn_of(value) == tuple(whole[f"drawn_{name}"] for name in SCORED_BY)
