"""When something happened: the timestamps of a file, in seconds or milliseconds, or as dates.

Theory of operation: Polis wrote milliseconds until 2024 and writes seconds since. A number between
2010 and 2100 by one unit lies in another millennium by the other, so a whole file tells its unit by
its numbers, and the unit is noted. A file that mixes both, and a number that fits neither, is
refused: there the operator says the unit. Dates are read where they say their offset from UTC.
"""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from producers.errors import InvalidInput
from producers.polis_files.numbers import FROM_THE_SOURCE, whole_number
from producers.polis_files.places import Notes, Place, shown
from producers.polis_files.tables import Row


class Unit(StrEnum):
    """What a timestamp counts since 1970."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"


MILLISECONDS_EACH = {Unit.SECONDS: 1_000, Unit.MILLISECONDS: 1}
FIRST, LAST = 1_262_304_000_000, 4_102_444_800_000
"""Milliseconds: 2010, before Polis, and 2100. Between them a number tells its unit."""
AHEAD_MOST_MILLISECONDS = 3_600_000
"""How far clocks may be ahead: Kafka takes no record that is an hour ahead of its own."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFF_MOST_MILLISECONDS = 15 * 3_600_000
"""How far the column `datetime` may be off: zones that it names by letters are read as UTC."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}( .*)?", re.ASCII)
_DAY_COUNT = re.compile(r"\d{5}[.,]\d+", re.ASCII)
_JAVA = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) \w+ (\d{4})", re.ASCII)
_SCRIPT = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d)\b.*", re.ASCII)


_Read = tuple[int, int, bool, int | None]
"""Line, timestamp, whether it is in milliseconds for sure, what the column `datetime` says."""


class Timestamps:
    """The timestamps of a file: `add` each row, then `instants` gives them all.

    `asked` is the unit that the operator says, `declared` the one that the export says of itself;
    nothing may have happened after `latest` (milliseconds). Raises InvalidInput with file and line.
    """

    def __init__(
        self, notes: Notes, *, asked: Unit | None, declared: Unit | None, latest: int
    ) -> None:
        self._notes, self._asked, self._declared = notes, asked, declared
        self._latest = latest
        self._read: list[_Read] = []

    def add(self, row: Row) -> None:
        """Read the timestamp of a row, and what its column `datetime` says, if there is one."""
        text, line = row.values["timestamp"].strip(), row.place.line
        said = _datetime(row.values.get("datetime", ""))
        if _ISO.fullmatch(text):
            self._read.append((line, _iso(row, text), True, said))
        else:
            self._read.append((line, _number(row, text, self._notes), False, said))

    def instants(self) -> list[int]:
        """Return the instant of each row in milliseconds, in the order of the rows."""
        unit = self._unit()
        factor = MILLISECONDS_EACH[unit]
        found = []
        for line, value, is_exact, said in self._read:
            at = value if is_exact else value * factor
            if not 0 <= at <= self._latest:
                raise self._wrong(line, f"{value} lies {'before 1970' if at < 0 else 'ahead'} in "
                                        f"{unit}: nothing can have happened then. Mend the row.")
            if said is not None and abs(said - at) > OFF_MOST_MILLISECONDS:
                self._notes.add("the column datetime says another time than timestamp, which is "
                                "taken", line)
            found.append(at)
        return found

    def _unit(self) -> Unit:
        first: dict[Unit | None, tuple[int, int]] = {}
        for line, value, is_exact, _ in self._read:
            if not is_exact:
                first.setdefault(_unit_of(value), (line, value))
        seconds, milliseconds = first.get(Unit.SECONDS), first.get(Unit.MILLISECONDS)
        if seconds and milliseconds:
            raise InvalidInput(
                f"{self._notes.file}, lines {seconds[0]} and {milliseconds[0]}: the first "
                "timestamp is in seconds, the second in milliseconds. A file of Polis has one "
                "unit; were two exports joined? Multiply those in seconds by 1000.")
        unit = self._asked or self._declared
        if unit is None and None in first:
            line, value = first[None]
            raise self._wrong(
                line, f"{value} lies between 2010 and 2100 neither in seconds nor in milliseconds "
                      "since 1970. If it is right, say its unit: --unit seconds or --unit "
                      "milliseconds.")
        if first:
            self._notes.add(
                f"timestamps are {unit} since 1970, as "
                f"{'--unit' if self._asked else 'format.json'} says" if unit else
                f"timestamps are taken for {_taken(seconds)} since 1970: every one then lies "
                "between 2010 and 2100")
        return unit or _taken(seconds)

    def _wrong(self, line: int, what: str) -> InvalidInput:
        return Place(self._notes.file, line).wrong("timestamp", what)


def _taken(seconds: object) -> Unit:
    return Unit.SECONDS if seconds else Unit.MILLISECONDS


def _number(row: Row, text: str, notes: Notes) -> int:
    try:
        return whole_number(text, notes, row.place.line)
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
        return (found - EPOCH) // timedelta(milliseconds=1)
    except OverflowError as error:
        raise row.place.wrong("timestamp", f"{shown(text)} is no date. Mend the row.") from error


def _unit_of(value: int) -> Unit | None:
    return next((unit for unit, each in MILLISECONDS_EACH.items()
                 if FIRST <= value * each < LAST), None)


def _datetime(text: str) -> int | None:
    """Return what the column says in milliseconds, as if in UTC; None for a form nobody knows."""
    java, script = _JAVA.fullmatch(text), _SCRIPT.fullmatch(text)
    if java:
        month, day, time, year = java.groups()
    elif script:
        month, day, year, time = script.groups()
    else:
        return None
    try:
        hour, minute, second = map(int, time.split(":"))
        found = datetime(int(year), MONTHS.index(month) + 1, int(day), hour, minute, second,
                         tzinfo=UTC)
    except ValueError:
        return None
    return (found - EPOCH) // timedelta(milliseconds=1)
