"""The published state: whole flushes only, never going back."""

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from processors.results.results_document import AsOf
from schemas.leases import term_of
from schemas.topics import FLUSH_KEY
from tests.views import campaign
from views.flushes import Figure, Flushes, ResultsUnreadable
from views.reader import receive


NAME = "c"


def scored(proposal: str, votes: int) -> tuple[bytes, bytes]:
    """A record of a proposal with so many votes."""
    return campaign.proposal_record(NAME, proposal, votes)


def closing(*offsets: int, catalogue: int = -1) -> tuple[bytes, bytes]:
    """The marker that closes a flush."""
    return FLUSH_KEY, campaign.marker(AsOf(offsets, catalogue, -1))


def shown(flushes: Flushes) -> dict[str, int]:
    """Votes by proposal, as a reader sees them."""
    return campaign.agreeing(flushes, NAME)


def after(*records: tuple[bytes, bytes | None]) -> Flushes:
    flushes = Flushes()
    for key, value in records:
        flushes.receive_result(key, value)
    return flushes


def test_records_are_not_shown_before_their_marker() -> None:
    """A flush whose marker is missing shows nothing of it."""
    flushes = after(scored("a", 1), closing(5), scored("a", 2), scored("b", 7))
    assert shown(flushes) == {"a": 1}


def test_a_marker_applies_all_its_records() -> None:
    """With its marker, all of a flush is shown at once."""
    flushes = after(scored("a", 1), closing(5), scored("a", 2), scored("b", 7), closing(6))
    assert shown(flushes) == {"a": 2, "b": 7}
    assert flushes.applied is not None
    assert flushes.applied.offsets == (6,)


@pytest.mark.parametrize("stale", [(4, 9), (5, 8), (4, 10)])
def test_a_flush_below_the_last_one_is_dropped_with_its_records(stale: tuple[int, ...]) -> None:
    """A marker that lies below the applied one in any partition changes nothing."""
    flushes = after(scored("a", 3), closing(5, 9), scored("a", 1), closing(*stale))
    assert shown(flushes) == {"a": 3}


def test_the_same_vector_again_is_applied() -> None:
    """The minute's full copy at an equal vector heals what an earlier flush lacked."""
    flushes = after(scored("a", 3), closing(5), scored("a", 3), scored("b", 1), closing(5))
    assert shown(flushes) == {"a": 3, "b": 1}


def test_a_flush_waits_for_the_catalogue_it_knows() -> None:
    """Figures never name what the catalogue read so far does not hold."""
    flushes = after(scored("a", 3), closing(5, catalogue=1))
    assert shown(flushes) == {}
    for offset, value in enumerate(campaign.catalogue_values()[:2]):
        flushes.receive_catalogue(offset, value)
    assert shown(flushes) == {"a": 3}


def test_the_catalogue_goes_no_further_than_the_flush() -> None:
    """A description newer than the figures waits for the next flush."""
    flushes = after(scored("a", 3), closing(5, catalogue=0))
    described, theme = campaign.catalogue_values()[:2]
    flushes.receive_catalogue(0, described)
    flushes.receive_catalogue(1, theme)
    assert not flushes.catalogue.consultations[campaign.CONSULTATION].themes
    flushes.receive_result(*closing(5, catalogue=1))
    assert flushes.catalogue.consultations[campaign.CONSULTATION].themes


def test_without_any_flush_the_catalogue_is_shown() -> None:
    """A consultation that was described is known before its first vote."""
    flushes = Flushes()
    flushes.receive_catalogue(0, campaign.catalogue_values()[0])
    assert flushes.consultations() == [campaign.CONSULTATION]


def test_a_tombstone_takes_a_figure_away() -> None:
    """A null value removes its key with the flush it belongs to."""
    key, value = scored("a", 1)
    flushes = after((key, value), closing(1), (key, None))
    assert flushes.figures(NAME) == {Figure("proposal", "a"): value}
    flushes.receive_result(*closing(2))
    assert flushes.figures(NAME) == {}


def test_a_stray_of_another_worker_is_never_shown_under_a_later_marker() -> None:
    """A zombie frozen in the middle of writing leaves figures of an earlier vector, no marker."""
    flushes = after(scored("a", 8), closing(8))
    flushes.receive_result(*scored("a", 9), (9, -1, -1))
    flushes.receive_result(*scored("a", 12), (12, -1, -1))
    flushes.receive_result(*scored("a", 9), (9, -1, -1))
    flushes.receive_result(*scored("a", 3), (3, -1, -1))
    flushes.receive_result(*closing(9))
    flushes.receive_result(*scored("a", 4), (4, -1, -1))
    flushes.receive_result(*scored("b", 4), (4, -1, -1))
    flushes.receive_result(*closing(10))

    assert shown(flushes) == {"a": 9, "b": 4}


def test_a_late_marker_takes_nothing_of_the_flush_it_falls_into() -> None:
    """What the owner has written already is shown with the owner's marker, not before."""
    flushes = after(scored("a", 8), closing(8))
    flushes.receive_result(*scored("a", 9), (9, -1, -1))
    flushes.receive_result(*closing(7))
    flushes.receive_result(*scored("b", 1), (9, -1, -1))
    assert shown(flushes) == {"a": 8}

    flushes.receive_result(*closing(9))
    assert shown(flushes) == {"a": 9, "b": 1}


def test_what_a_predecessor_writes_behind_a_claim_is_passed_by() -> None:
    """However far its vector is: neither its figures nor its marker, nor what waited before."""
    flushes = Flushes()
    first, second = term_of(0), term_of(5)
    flushes.receive_claim(0)
    for record in (scored("a", 8), closing(8), scored("b", 9)):
        flushes.receive_result(*record, (8, -1, -1), first)
    flushes.receive_claim(5)
    for record in (scored("a", 99), closing(99)):
        flushes.receive_result(*record, (99, -1, -1), first)
    assert shown(flushes) == {"a": 8}

    for record in (scored("a", 10), closing(10)):
        flushes.receive_result(*record, (10, -1, -1), second)
    assert shown(flushes) == {"a": 10}


@pytest.mark.parametrize("said", [b"%d" % (1 << 62), b"none", b""])
def test_a_term_that_cannot_be_ends_no_publication(said: bytes) -> None:
    """Whoever may write results for a moment cannot have readers pass by all later ones."""
    flushes = Flushes()
    flushes.receive_claim(0)

    def publish(votes: int, offset: int, term: bytes) -> None:
        for at, (key, value) in enumerate((scored("a", votes), closing(votes)), offset):
            receive(flushes, ConsumerRecord(
                "results", 0, at, 0, 0, key, value, None, 0, 0, [("term", term)]))

    publish(99, 1, said)
    publish(8, 3, b"%d" % term_of(0))
    assert shown(flushes) == {"a": 8}


def test_another_number_of_partitions_is_refused() -> None:
    """A vector of another length belongs to another topic generation."""
    with pytest.raises(ResultsUnreadable, match="SCRUTIN_TOPIC_PREFIX"):
        after(closing(5), closing(5, 6))


def test_a_key_that_is_none_of_ours_is_refused() -> None:
    """A key without a kind is an error that names the key."""
    with pytest.raises(ResultsUnreadable, match="nonsense"):
        after((b"nonsense", scored("a", 1)[1]), closing(1))


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abc"), st.integers(1, 99)),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
    ),
    max_size=40,
)


@given(steps)
def test_what_is_shown_is_a_fold_of_whole_flushes_that_do_not_go_back(
    drawn: list[tuple[str | int, int]],
) -> None:
    """Any stream of records and markers shows what a naive fold of its valid flushes gives."""
    flushes, expected, waiting, last = Flushes(), dict[str, int](), dict[str, int](), (-1, -1)
    for step in drawn:
        first, second = step
        if isinstance(first, str):
            waiting[first] = second
            flushes.receive_result(*scored(first, second))
            continue
        flushes.receive_result(*closing(first, second))
        if first >= last[0] and second >= last[1]:
            expected, last = {**expected, **waiting}, (first, second)
        waiting = {}
        assert shown(flushes) == expected
