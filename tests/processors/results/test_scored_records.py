"""The straight-line records of a publication are those the generic codec writes."""

from hypothesis import given
from hypothesis import strategies as st

from processors.results import results_document, scored_records
from processors.results.routes import ROUTE_COUNTS
from schemas import codec
from tests.processors.ledger.logs import property_test
from tests.processors.results.test_results_document import counts


identifiers = st.text(min_size=1, max_size=15)


@property_test
@given(counts(), identifiers, identifiers, st.none() | identifiers, st.booleans())
def test_scored_records_equal_the_generic_codec(
    found: list[int], consultation: str, name: str, idea: str | None, known: bool,  # noqa: FBT001 -- hypothesis gives it
) -> None:
    """Counted or not, known or not, a ProposalScored and an IdeaScored are the codec's bytes."""
    named = results_document.named(found)
    computed = results_document.computed(named)
    shares, intervals, scored, zone = computed
    entry = {"counts": named, "shares": shares, "intervals": intervals, "scores": scored,
             "zone": zone}
    assert scored_records.proposal_scored(
        consultation, name, idea, known, found, computed) == codec.encode(
        "ProposalScored", consultation=consultation, proposal=name, idea=idea, known=known,
        entry=entry)
    assert scored_records.idea_scored(
        consultation, name, found[0], found, computed) == codec.encode(
        "IdeaScored", consultation=consultation, idea=name, proposals=found[0], entry=entry)


@property_test
@given(st.lists(st.integers(0, 2**40), min_size=len(ROUTE_COUNTS), max_size=len(ROUTE_COUNTS)),
       identifiers, st.just("") | identifiers, st.integers(2, 9))
def test_counts_by_route_equal_the_generic_codec(
    found: list[int], consultation: str, entry: str, rules: int
) -> None:
    """Of a proposal, an idea or a consultation, the bytes are the codec's."""
    assert scored_records.routes_counted(consultation, entry, rules, found) == codec.encode(
        "RoutesCounted", consultation=consultation, entry=entry, rules_version=rules,
        **dict(zip(ROUTE_COUNTS, found, strict=True)))
