"""What chance explains, to the micronat."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.guard.chances import (
    MILLION,
    above,
    freedom,
    g_test,
    geometric_tail,
    poisson_tail,
    popularity,
    tail,
)
from tests.schemas.events import property_test


@given(held=st.integers(0, 500), more=st.integers(0, 5_000), expected=st.integers(1, 999_999))
@property_test
def test_a_tail_is_never_above_the_chance_it_bounds(held: int, more: int, expected: int) -> None:
    """Chernoff's bound in whole micronats lies within a micronat of the formula, and not below."""
    size = max(1, held + more)
    share, probability = held / size, expected / MILLION
    formula = 0.0
    if share > probability:
        formula = held * math.log(share / probability)
        if held < size:
            formula += (size - held) * math.log((1 - share) / (1 - probability))

    assert tail(held, size, expected) == pytest.approx(formula * MILLION, abs=2 + formula * 1e-3)


@given(size=st.integers(1, 400), expected=st.integers(1, 999_999), data=st.data())
@property_test
def test_more_is_rarer(size: int, expected: int, data: st.DataObject) -> None:
    """One more of as many is no less surprising; a greater expectation no more."""
    held = data.draw(st.integers(0, size - 1))
    higher = data.draw(st.integers(expected, 999_999))

    assert tail(held, size, expected) <= tail(held + 1, size, expected)
    assert tail(held, size, higher) <= tail(held, size, expected)


def test_what_is_expected_surprises_nobody() -> None:
    """No more than the expected share is no score at all."""
    assert tail(50, 100, 500_000) == 0
    assert tail(0, 100, 1) == 0
    assert tail(51, 100, 500_000) > 0


def test_the_first_key_of_a_small_group() -> None:
    """Ten of ten on an item that nobody else wants are 62 nats; ten of 1,000 are 8."""
    assert tail(10, 10, 2_000) == 62_146_080
    assert tail(10, 1_000, 2_000) == 8_126_529


@pytest.mark.parametrize(("held", "size", "expected"), [
    (0, 0, 2_000), (1, 1_000_000, 2_000), (1, 100, 30_000), (1, 7, 428_572), (1, 6, 500_000),
    (1, 1, 500_000)])
def test_popularity_is_three_times_the_share_within_bounds(
        held: int, size: int, expected: int) -> None:
    """At least one in five hundred, at most a half, rounded up in between."""
    assert popularity(held, size, 2_000, 500_000) == expected


def test_a_share_is_raised_by_its_errors() -> None:
    """2.6 standard errors of 95 % among 400 are 28 in a thousand, rounded up."""
    assert above(950_000, 400) == 950_000 + 28_335
    assert above(MILLION, 400) <= MILLION + 3
    assert above(0, 1) <= 3


@given(held=st.integers(1, 400), mean=st.integers(1, 400 * MILLION))
@property_test
def test_tails_of_counts_are_their_formulas(held: int, mean: int) -> None:
    """Poisson's bound c ln(c/m) - c + m above the mean; a geometric one n ln((1 + m)/m)."""
    average = mean / MILLION
    poisson = held * math.log(held / average) - held + average if held > average else 0
    geometric = held * math.log((1 + average) / average)

    assert poisson_tail(held, mean) == pytest.approx(MILLION * poisson, rel=1e-9, abs=2)
    assert geometric_tail(held, mean) == pytest.approx(MILLION * geometric, rel=1e-6, abs=2)


def test_a_table_of_counts_is_compared_with_its_margins() -> None:
    """G of a table that is its margins' product is nothing; of one split apart 2 n ln 2."""
    assert g_test([[10, 20, 30], [20, 40, 60]]) <= 0
    assert g_test([[50, 0], [0, 50]]) == pytest.approx(200 * math.log(2) * MILLION, rel=1e-9)
    assert freedom([[50, 0, 0], [0, 50, 0]]) == 1
    assert freedom([[1, 1, 1], [1, 1, 1]]) == 2
    assert freedom([[1, 1, 1], [0, 0, 0]]) == 0
