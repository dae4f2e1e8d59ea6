"""Votes by day as a picture of columns and a table: days, weeks, months or years. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta


COLUMNS_MAX = 100
"""More columns than this cannot be told apart on a phone: longer units are taken."""

FEW_COLUMNS = 8
"""Under so many, columns drawn over the whole width are slabs: each has a width of its own."""

FEW_WIDTH_PIXELS = 90
"""Width of a column where there are few; a telephone shows three."""

LEAST_WIDTH_PIXELS = 270
"""Least width of the picture: the first and the last day are written side by side under it."""

COLUMN_WIDTH = 10
GAP_WIDTH = 2
HEIGHT = 100


@dataclass(frozen=True)
class Column:
    """A stretch of days and the votes received in it."""

    begins: date
    ends: date
    """The last day, included."""
    votes: int


@dataclass(frozen=True)
class Calendar:
    """The picture and its table."""

    unit: str
    columns: list[Column]
    path: str
    view_box: str
    votes: int
    highest: Column
    width: str
    """Of the picture, as SVG writes it."""


def calendar(days: Mapping[date, int]) -> Calendar | None:
    """Arrange votes by day; None without any."""
    if not days:
        return None
    first, last = min(days), max(days)
    unit, starts = next(found for found in _units(first, last)
                        if found[0] == "year" or len(found[1]) <= COLUMNS_MAX)
    columns = _columns(starts, last, days)
    highest = max(columns, key=lambda column: column.votes)
    return Calendar(
        unit=unit, columns=columns, path=_path(columns, highest.votes),
        view_box=f"0 0 {COLUMN_WIDTH * len(columns)} {HEIGHT}",
        votes=sum(days.values()), highest=highest,
        width="100%" if len(columns) >= FEW_COLUMNS
        else str(max(LEAST_WIDTH_PIXELS, FEW_WIDTH_PIXELS * len(columns))),
    )


def _units(first: date, last: date) -> list[tuple[str, list[date]]]:
    """Return the first days of the columns for each unit, the shortest unit first."""
    span = (last - first).days + 1
    monday = first - timedelta(first.weekday())
    months = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    return [
        ("day", [first + timedelta(number) for number in range(min(span, COLUMNS_MAX + 1))]),
        ("week", [monday + timedelta(7 * number)
                  for number in range(min((last - monday).days // 7 + 1, COLUMNS_MAX + 1))]),
        ("month", [date(month // 12, month % 12 + 1, 1) for month in months]),
        ("year", [date(year, 1, 1) for year in range(first.year, last.year + 1)]),
    ]


def _columns(starts: list[date], last: date, days: Mapping[date, int]) -> list[Column]:
    ends = [start - timedelta(1) for start in starts[1:]] + [last]
    votes = [0] * len(starts)
    index = 0
    for day in sorted(days):
        while day > ends[index]:
            index += 1
        votes[index] += days[day]
    return [Column(*each) for each in zip(starts, ends, votes, strict=True)]


def _path(columns: list[Column], most: int) -> str:
    width = COLUMN_WIDTH - GAP_WIDTH
    return "".join(
        f"M{COLUMN_WIDTH * number + GAP_WIDTH // 2} {HEIGHT}"
        f"v{-HEIGHT * column.votes / most:.1f}h{width}V{HEIGHT}z"
        for number, column in enumerate(columns) if column.votes)
