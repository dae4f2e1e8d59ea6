"""Participation over time: the columns hold every day, whatever the span."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from views.pages.calendar import COLUMNS_MAX, calendar


days = st.dictionaries(
    st.dates(date(1990, 1, 1), date(2080, 12, 31)), st.integers(1, 10**6), min_size=1, max_size=40)


@given(days)
def test_columns_hold_every_vote_once_and_are_bounded(found: dict[date, int]) -> None:
    """Columns follow each other without a gap, hold each day in its place, and stay few."""
    made = calendar(found)
    assert made is not None
    assert sum(column.votes for column in made.columns) == made.votes == sum(found.values())
    assert len(made.columns) <= COLUMNS_MAX
    for day, votes in found.items():
        (holder,) = (c for c in made.columns if c.begins <= day <= c.ends)
        assert holder.votes >= votes
    for before, after in zip(made.columns, made.columns[1:], strict=False):
        assert after.begins == before.ends + timedelta(1)


def test_a_campaign_of_two_months_is_shown_by_day_and_an_empty_day_stays() -> None:
    """Sixty-two days are sixty-two columns; the days nobody voted on are among them."""
    made = calendar({date(2022, 3, 22): 5, date(2022, 5, 22): 10})
    assert made is not None
    assert (made.unit, len(made.columns)) == ("day", 62)
    assert [column.votes for column in made.columns[:2]] == [5, 0]
    assert made.highest.begins == date(2022, 5, 22)
    assert made.path.count("M") == 2
    assert made.width == "100%"


def test_few_days_are_columns_and_not_slabs() -> None:
    """A picture of few columns is as wide as they need, never as the page."""
    widths = [made.width for days in (2, 5) if (made := calendar(
        {date(2022, 3, 22): 5, date(2022, 3, 21 + days): 1}))]
    assert widths == ["270", "450"]


def test_longer_spans_take_longer_units() -> None:
    """Half a year goes by weeks from Monday on, eight years by months; no vote makes no chart."""
    by_week = calendar({date(2022, 1, 1): 1, date(2022, 8, 1): 1})
    by_month = calendar({date(2014, 2, 9): 1, date(2022, 1, 1): 1})
    by_year = calendar({date(1990, 2, 9): 1, date(2022, 1, 1): 1})
    assert by_week
    assert by_month
    assert by_year
    assert (by_week.unit, by_month.unit, by_year.unit) == ("week", "month", "year")
    assert all(column.begins.weekday() == 0 for column in by_week.columns)
    assert calendar({}) is None
