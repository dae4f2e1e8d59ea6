"""The ways of each language: numbers, dates and times as it writes them (CLDR, by Babel).

WAYS is the one table of languages: whoever adds one adds it there, and its texts as a catalogue.
"""

import functools
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers


FRENCH = (
    (re.compile(r"(?<=\w)'(?=[\w«“])"), "’"),
    (re.compile(r"«[ \u00a0\u202f]*(?=\S)"), "«\u00a0"),
    (re.compile(r"(?<=\S)[ \u00a0\u202f]*»"), "\u00a0»"),
    (re.compile(r" +(?=[:%€])"), "\u00a0"),
    (re.compile(r"(?<=[^\W\d]):(?= )"), "\u00a0:"),
    (re.compile(r"[ \u00a0]+(?=[;!?])"), "\u202f"),
    (re.compile(r"(?<=[\w»)])(?=[;!?]+(?:[\s»)]|$))"), "\u202f"),
)
"""What is searched and what stands for it: U+202F before ; ! ? and U+00A0 before : and within « »,
and the apostrophe. Marks within an address or a time are left alone."""


@functools.lru_cache(maxsize=16_384)
def in_french(text: str) -> str:
    """Set a text that people typed as French is set: for the eye alone, never for data."""
    for wanted, put in FRENCH:
        text = wanted.sub(put, text)
    return text


class Ways(NamedTuple):
    """What a language does in its own way where CLDR does not say it, or not as pages need it."""

    name: str
    """What its readers call it."""
    locale: str
    """Of CLDR."""
    tenth: str
    """Pattern of a percentage with one digit."""
    minute: str
    """Pattern of a day and a time."""
    days: str
    """Letter of a number of days."""
    first: str
    """How the first of a month is written."""
    summer: str
    winter: str
    """What an hour is called that comes twice, when clocks are put back: first and second."""
    set_text: Callable[[str], str]
    """Sets a text that people typed as the language is set: for the eye alone, never for data."""


WAYS = {
    "fr": Ways("Français", "fr_FR", "#,##0.0\u00a0%", "d MMMM y 'à' HH:mm", "j", "1er",
               "heure d’été", "heure d’hiver", in_french),
    # English as Europe writes it: the day before the month.
    "en": Ways("English", "en_GB", "#,##0.0%", "d MMMM y, HH:mm", "d", "1",
               "summer time", "winter time", str),
}
"""Languages of the pages; the first is for everybody who asks for none of them."""


class Typography:
    """The ways of one language."""

    def __init__(self, language: str) -> None:
        self._ways = WAYS[language]
        self._locale = Locale.parse(self._ways.locale)

    @functools.lru_cache(maxsize=16_384)  # noqa: B019 -- one instance a language, for ever
    def integer(self, number: int) -> str:
        return str(numbers.format_decimal(number, locale=self._locale))

    @functools.lru_cache(maxsize=1_024)  # noqa: B019 -- as above
    def percent(self, whole: int) -> str:
        """Write a whole percentage: 94 gives "94 %" or "94%"."""
        return str(numbers.format_percent(whole / 100, locale=self._locale))

    @functools.lru_cache(maxsize=4_096)  # noqa: B019 -- as above
    def percent_to_a_tenth(self, share: float) -> str:
        """Write a share between 0 and 1 as a percentage with one digit."""
        return str(numbers.format_percent(share, self._ways.tenth, locale=self._locale))

    def decimal(self, number: float) -> str:
        """Write a number with one digit where it is small, and without where it is large."""
        pattern = "#,##0.#" if abs(number) < 10 else "#,##0"
        return str(numbers.format_decimal(number, pattern, locale=self._locale))

    def speed(self, number: float) -> str:
        """Write how many a second: below ten always with one digit, so that it does not jump."""
        pattern = "#,##0.0" if abs(number) < 9.95 else "#,##0"
        return str(numbers.format_decimal(number, pattern, locale=self._locale))

    def duration(self, seconds: float) -> str:
        """Write a length of time in the unit that people would use."""
        if seconds < 0.05:
            return f"<\u00a0{self.decimal(0.1)}\u00a0s"
        for unit, length, most in (("s", 1, 120), ("min", 60, 120), ("h", 3_600, 48)):
            if seconds < most * length:
                return f"{self.decimal(seconds / length)}\u00a0{unit}"
        return f"{self.decimal(seconds / 86_400)}\u00a0{self._ways.days}"

    def second(self, moment: datetime) -> str:
        """Write the time of day to the second."""
        return f"{moment:%H:%M:%S}"

    def day(self, moment: date) -> str:
        text = self._joined(dates.format_date(moment, "long", locale=self._locale))
        return text.replace(" ", "\u00a0")

    def month(self, moment: date) -> str:
        return dates.format_skeleton("yMMMM", moment, locale=self._locale)

    def minute(self, moment: datetime) -> str:
        """Write day and time; the caller says the zone. An hour that comes twice says which."""
        text = self._joined(dates.format_datetime(
            moment, self._ways.minute, tzinfo=moment.tzinfo, locale=self._locale))
        before, after = (moment.replace(fold=fold).utcoffset() for fold in (0, 1))
        if before is None or after is None or before <= after:
            return text
        word = self._ways.summer if moment.utcoffset() == before else self._ways.winter
        return f"{text}, {word}"

    def city(self, zone: str) -> str:
        """Name the city that stands for a time zone, such as Paris."""
        return dates.get_timezone_location(ZoneInfo(zone), locale=self._locale, return_city=True)

    def _joined(self, text: str) -> str:
        """Keep the day with its month on one line."""
        number, rest = text.split(" ", 1)
        return f"{self._ways.first if number == '1' else number}\u00a0{rest}"
