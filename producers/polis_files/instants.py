"""When something happened: the timestamps of a file, in seconds or milliseconds, or as dates. Pure.

Theory of operation: Polis wrote milliseconds until 2024 and writes seconds since. A number between
2010 and 2100 by one unit lies in another millennium by the other, so a whole file tells its unit by
its numbers, and the unit is noted. A file that mixes both, and a number that fits neither, is
refused: there the operator says the unit. Dates are read where they say their offset from UTC.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from producers.errors import InvalidInput
from producers.polis_files.numbers import FROM_THE_SOURCE, whole_number
from producers.polis_files.places import Notes, shown
from producers.polis_files.tables import Row


class Unit(StrEnum):
    """What a timestamp counts since 1970."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"


MILLISECONDS_EACH = {Unit.SECONDS: 1_000, Unit.MILLISECONDS: 1}
FIRST, LAST = 1_262_304_000_000, 4_102_444_800_000
"""Milliseconds: 2010, before Polis, and 2100. Between them a number tells its unit."""
LATEST = 7_258_118_400_000
"""Milliseconds: the year 2200. No instant is later, whatever the unit."""
OFF_MOST = timedelta(hours=15)
"""How far the column `datetime` may be off: zones that it names by letters are read as UTC."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}( .*)?", re.ASCII)
_DAY_COUNT = re.compile(r"\d{5}[.,]\d+", re.ASCII)
_JAVA = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) \w+ (\d{4})", re.ASCII)
_SCRIPT = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d)\b.*", re.ASCII)


def instants(
    rows: Sequence[Row], notes: Notes, *, asked: Unit | None, declared: Unit | None
) -> list[int]:
    """Give the instant of each row in milliseconds; raise InvalidInput, with file and line.

    `asked` is what the operator says, `declared` what the export says of itself.
    """
    read = [_read(row, notes) for row in rows]
    numbers = [(row, value) for row, (value, is_exact) in zip(rows, read, strict=True)
               if not is_exact]
    unit = _unit(numbers, notes, asked, declared) if numbers else Unit.MILLISECONDS
    factor = MILLISECONDS_EACH[unit]
    found = [value if is_exact else value * factor for value, is_exact in read]
    for row, at in zip(rows, found, strict=True):
        if not 0 <= at < LATEST:
            raise row.place.wrong(
                "timestamp", f"{shown(row.values['timestamp'])} lies before 1970 or after 2199 "
                             f"in {unit}. Mend the row.")
        _compare(row, at, notes)
    return found


def _read(row: Row, notes: Notes) -> tuple[int, bool]:
    """Give a timestamp, and whether it is in milliseconds for sure."""
    text = row.values["timestamp"].strip()
    if _ISO.fullmatch(text):
        return _iso(row, text), True
    try:
        return whole_number(text, notes, row.place.line), False
    except ValueError as error:
        if _DATE.fullmatch(text) or _DAY_COUNT.fullmatch(text):
            raise row.place.wrong(
                "timestamp", f"{shown(text)} is a date as spreadsheets write it: day, month and "
                             f"time zone cannot be told. {FROM_THE_SOURCE}.") from error
        raise row.place.wrong("timestamp", str(error)) from error


def _iso(row: Row, text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise row.place.wrong("timestamp", f"{shown(text)} is no date ({error}). Mend the row."
                              ) from error
    if found.tzinfo is None:
        raise row.place.wrong(
            "timestamp", f"{shown(text)} does not say its time zone. Write the offset behind it, "
                         "as in 2024-09-20T20:28:10Z or +02:00.")
    try:
        return int((found - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
    except OverflowError as error:
        raise row.place.wrong("timestamp", f"{shown(text)} is no date. Mend the row.") from error


def _unit(
    numbers: Sequence[tuple[Row, int]], notes: Notes, asked: Unit | None, declared: Unit | None
) -> Unit:
    by_unit: dict[Unit | None, Row] = {}
    for row, value in numbers:
        by_unit.setdefault(_unit_of(value), row)
    seconds, milliseconds = by_unit.get(Unit.SECONDS), by_unit.get(Unit.MILLISECONDS)
    if seconds and milliseconds:
        raise InvalidInput(
            f"{notes.file}, lines {seconds.place.line} and {milliseconds.place.line}: the first "
            "timestamp is in seconds, the second in milliseconds. A file of Polis has one unit; "
            "were two exports joined? Multiply those in seconds by 1000.")
    unit = asked or declared
    if unit is None and None in by_unit:
        row = by_unit[None]
        raise row.place.wrong(
            "timestamp", f"{shown(row.values['timestamp'])} lies between 2010 and 2100 neither in "
                         "seconds nor in milliseconds since 1970. If it is right, say its unit: "
                         "--unit seconds or --unit milliseconds.")
    if unit is not None:
        notes.add(f"timestamps are {unit} since 1970, as "
                  f"{'--unit' if asked else 'format.json'} says")
        return unit
    found = Unit.SECONDS if seconds else Unit.MILLISECONDS
    notes.add(f"timestamps are taken for {found} since 1970: every one then lies between 2010 and "
              "2100")
    return found


def _unit_of(value: int) -> Unit | None:
    return next((unit for unit, each in MILLISECONDS_EACH.items()
                 if FIRST <= value * each < LAST), None)


def _compare(row: Row, at: int, notes: Notes) -> None:
    """Note where the column `datetime`, if it can be read, says another instant."""
    said = _datetime(row.values.get("datetime", ""))
    if said is not None and abs(said - datetime.fromtimestamp(at / 1_000, UTC)) > OFF_MOST:
        notes.add("the column datetime says another time than timestamp, which is taken",
                  row.place.line)


def _datetime(text: str) -> datetime | None:
    java, script = _JAVA.fullmatch(text), _SCRIPT.fullmatch(text)
    if java:
        month, day, time, year = java.groups()
    elif script:
        month, day, year, time = script.groups()
    else:
        return None
    try:
        hour, minute, second = map(int, time.split(":"))
        return datetime(int(year), MONTHS.index(month) + 1, int(day), hour, minute, second,
                        tzinfo=UTC)
    except ValueError:
        return None
