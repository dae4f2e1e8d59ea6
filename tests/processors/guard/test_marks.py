"""Each mark at its boundary."""

import random
from itertools import accumulate

import pytest

from processors.guard import marks
from processors.guard.marks import (
    ballot_bound,
    metronome,
    no_hands,
    one_ballot,
    one_pace,
)


def moments(gaps: list[int]) -> list[int]:
    """Return arrivals with these gaps."""
    return list(accumulate(gaps, initial=1_000))


def test_thirty_even_arrivals_are_a_metronome_and_29_are_none() -> None:
    """B1 asks for thirty members."""
    assert metronome(moments([500] * 29)) is not None
    assert metronome(moments([500] * 28)) is None


def test_the_variation_of_gaps_is_compared_in_whole_numbers() -> None:
    """25 (n Sum x2 - (Sum x)2) < 4 (Sum x)2: gaps of 3 and 7 vary by exactly 0.4 of their mean."""
    at_bound, below = [3, 7] * 15, [301, 699] * 15
    count, total = len(at_bound), sum(at_bound)
    squares = sum(gap * gap for gap in at_bound)

    assert 25 * (count * squares - total * total) == 4 * total * total
    assert metronome(moments(at_bound)) is None
    assert metronome(moments(below)) is not None


def test_gaps_of_half_as_much_again_are_still_even() -> None:
    """Whoever waits at random within half of the mean is caught, every time."""
    chance = random.Random(1)
    for _ in range(300):
        assert metronome(moments([chance.randint(500, 1_500) for _ in range(29)])) is not None


def test_people_who_come_by_chance_are_no_metronome() -> None:
    """Poisson arrivals of thirty: never in twenty thousand."""
    chance = random.Random(1)
    found = sum(metronome(moments([int(chance.expovariate(0.001)) for _ in range(29)])) is not None
                for _ in range(20_000))

    assert found == 0


def test_all_at_one_instant_have_no_rhythm() -> None:
    """No gap varies less than none, and none says nothing."""
    assert metronome([1_000] * 100) is None


@pytest.mark.parametrize(("floor", "least"), [
    (marks.NETWORK_FLOOR, marks.NETWORK_BALLOTS_LEAST),
    (marks.STRATUM_FLOOR, marks.STRATUM_BALLOTS_LEAST)])
def test_identical_ballots_are_beyond_chance_from_an_exact_number_on(
        floor: int, least: int) -> None:
    """684 of one network, 270 of a stratum; one fewer is not."""
    assert one_ballot((4,), least, least, floor) is not None
    assert one_ballot((4,), least - 1, least - 1, floor) is None


def test_the_bound_of_a_ballot_follows_the_item() -> None:
    """Of 200 others theirs and its errors count, of fewer that of all who asked and two percent."""
    floor = marks.STRATUM_FLOOR

    assert ballot_bound((150, 200), (0, 0), floor) == floor
    assert ballot_bound((194, 200), (0, 0), floor) == marks.BALLOT_SHARE_MOST
    assert ballot_bound((199, 199), (9_400, 10_000), floor) == 940_000 + 6_175 + 20_000
    assert ballot_bound((199, 199), (0, 10_000), floor) == floor
    assert ballot_bound((0, 0), (0, 0), floor) == floor


USUAL = {3: 30, 4: 90, 5: 40, 6: 40}
"""Two hundred others: 45 % in one bucket, 65 % in two."""


@pytest.mark.parametrize(("pauses", "others", "buckets"), [
    ({4: 90, 9: 10}, USUAL, {4}), ({4: 89, 9: 11}, USUAL, None),
    ({4: 49, 5: 49, 9: 2}, USUAL, {4, 5}), ({4: 49, 5: 48, 9: 3}, USUAL, None),
    ({4: 49, 6: 51}, USUAL, None), ({4: 99}, USUAL, None), ({4: 100}, {4: 90, 5: 109}, None),
    ({4: 100}, {3: 30, 4: 91, 5: 39, 6: 40}, {3, 4}), ({4: 100}, {4: 91, 5: 60, 6: 49}, None),
    ({15: 1_000}, USUAL, None), ({14: 100}, USUAL, {14})])
def test_one_pace_is_a_bucket_or_two_neighbours(
    pauses: dict[int, int], others: dict[int, int], buckets: set[int] | None
) -> None:
    """90 % in one where the commonest of others holds 45 %, or 98 % in two where it is 75 %."""
    found = one_pace(pauses, others)

    assert (None if found is None else set(found.buckets)) == buckets


@pytest.mark.parametrize(("numbers", "marked"), [
    ((20, 2, 20, 14), True), ((19, 0, 20, 14), False), ((20, 3, 20, 14), False),
    ((20, 2, 20, 13), False), ((20, 2, 19, 19), False)])
def test_no_hands_means_that_others_have_them(
        numbers: tuple[int, int, int, int], *, marked: bool) -> None:
    """Twenty given work, a tenth who did it, while seven in ten of at least twenty others did."""
    assert (no_hands(*numbers) is not None) == marked
