"""Published records are read back as what they say, whole or in part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import published_records, scored_records
from schemas.codec import Undecodable
from schemas.words import CHOICES, COUNTS
from tests.processors.ledger import logs


IDENTIFIER = st.text(min_size=1, max_size=15)
COUNTED = st.lists(st.integers(0, 1 << 40), min_size=len(COUNTS), max_size=len(COUNTS))


def record(
    consultation: str, proposal: str, idea: str | None, counts: list[int], *, known: bool = True
) -> bytes:
    return scored_records.proposal_scored(
        consultation, proposal, idea, known, counts, ({}, {}, {}, None))


@logs.property_test
@given(consultation=IDENTIFIER, proposal=IDENTIFIER, idea=st.none() | IDENTIFIER,
       counts=COUNTED, known=st.booleans())
def test_the_choices_of_a_proposal_are_those_of_the_whole_record(
    consultation: str, proposal: str, idea: str | None, counts: list[int], *, known: bool
) -> None:
    """With an idea or none, of any name, of numbers of any size."""
    value = record(consultation, proposal, idea, counts, known=known)
    counted = published_records.read(value)["counted"]
    assert published_records.choices(value) == tuple(counted[name] for name in CHOICES)


def test_choices_of_a_record_that_is_cut_short_are_undecodable() -> None:
    """Wherever it is cut before its choices end; and there are none of another event."""
    value = record("town", "p1", "i1", [5] * len(COUNTS))
    whole = value.index(bytes([10] * len(COUNTS))) + 1 + len(CHOICES)
    assert published_records.choices(value[:whole]) == (5, 5, 5)
    for size in range(whole):
        with pytest.raises(Undecodable):
            published_records.choices(value[:size])
