"""Which consultations close when: as the catalogue says it last, until it is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.due_closings import SIMULATION, Date, dates
from producers.known_catalogue import KnownCatalogue


def described(known: KnownCatalogue, name: str, closes_at: int | None, *, origin: str = "operator",
              number: int = 1) -> None:
    """Say when a consultation closes."""
    known.apply("ConsultationDescribed", {
        "event_id": f"{name}{number}".encode(), "consultation": name, "origin": origin,
        "opens_at": 0, "closes_at": closes_at, "occurred_at": number, "question": {}}, number)


@given(closings=st.dictionaries(
    st.sampled_from("abcdef"), st.none() | st.integers(0, 1 << 40), max_size=6))
def test_the_first_date_comes_first_and_who_has_none_never(
    closings: dict[str, int | None]
) -> None:
    """Dates are in order; a consultation without one is closed by people alone."""
    known = KnownCatalogue()
    for name, closes_at in closings.items():
        described(known, name, closes_at)

    found = dates(known)
    assert found == sorted(found)
    assert {(date.consultation, date.closes_at) for date in found} == {
        (name, closes_at) for name, closes_at in closings.items() if closes_at is not None}


def test_a_later_date_takes_the_place_of_an_earlier_one() -> None:
    """Who extends before the end is heard."""
    known = KnownCatalogue()
    described(known, "town", 1_000)
    described(known, "town", 2_000, number=2)

    assert dates(known) == [Date(2_000, "town")]


@pytest.mark.parametrize(("event", "left"), [("ConsultationClosed", 1), ("ClosingCompleted", 0)])
def test_a_closing_is_due_until_it_lies_in_every_partition(event: str, left: int) -> None:
    """One that was announced alone was interrupted."""
    known = KnownCatalogue()
    described(known, "town", 1_000)
    known.apply(event, {"event_id": b"e", "consultation": "town"})

    assert len(dates(known)) == left


def test_a_simulated_date_closes_nothing() -> None:
    """A campaign of years ago is written, its own closing included, by the simulator."""
    known = KnownCatalogue()
    described(known, "campaign", 1_000, origin=SIMULATION)

    assert dates(known) == []
