"""What the closing fixes of who took part, in whatever order the logs are read."""

from hypothesis import given
from hypothesis import strategies as st

from processors.results.ideas import Ideas
from schemas import codec
from tests.processors.ledger.logs import closed, property_test
from tests.processors.results.test_ideas import (
    AT,
    LOG,
    catalogue_event,
    flushes,
    fold,
    participant,
)


TOO_LATE = 30
COMPLETED = catalogue_event(
    "ClosingCompleted", closing=bytes(16), offsets=[5], participants=60)
PEOPLE = [
    *(participant(number, ("woman", "man", "other", None)[number % 4], None)
      for number in range(60)),
    catalogue_event("ConsultationClosed", closes_at=0, salt=bytes(16)),
    *(participant(100 + number, "woman", None) for number in range(TOO_LATE))]
"""Sixty describe themselves, voting closes, and thirty more come."""


@given(read=st.permutations(("votes", "catalogue", "participants")),
       takes=st.sets(st.integers(0, len(PEOPLE))), again=st.booleans())
@property_test
def test_what_comes_behind_the_closing_is_never_published(
    read: list[str], takes: set[int], again: bool  # noqa: FBT001 -- drawn
) -> None:
    """Whichever log is read first, by a start or a delivery from the beginning; nor is it counted.

    And what is final holds the log of participants up to the closing.
    """
    state = Ideas(1)
    published: dict[bytes, bytes] = {}
    for log in read:
        if log == "votes":
            fold(state, flushes([*LOG, closed(6)], (5,))[0])
        elif log == "catalogue":
            state.apply_catalogue(COMPLETED, 0)
        for offset, value in enumerate(PEOPLE if log == "participants" else ()):
            state.apply_participants(value, offset)
            if offset in takes:
                published |= dict(state.take(AT, ranked=False))
                totals = codec.decode(published[b"jeunes\0totals"])[1]
                assert not totals["final"] or offset >= 60
    for offset in range(60 if again else len(PEOPLE), len(PEOPLE)):
        state.apply_participants(PEOPLE[offset], len(PEOPLE) + offset)
    published |= dict(state.take(AT, ranked=False))

    totals = codec.decode(published[b"jeunes\0totals"])[1]
    left = codec.decode(published[b"jeunes\0descriptions"])[1]
    assert (totals["final"], totals["descriptions"], left["unpublished"]) == (True, 50, 10)
