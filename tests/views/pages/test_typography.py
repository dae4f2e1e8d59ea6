"""Numbers and dates, to the code point."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from views.pages.rendering import shown_in
from views.pages.typography import Typography, in_french


FRENCH = Typography("fr")
ENGLISH = Typography("en")


def test_integers_are_grouped() -> None:
    """French groups with U+202F, English with a comma."""
    assert FRENCH.integer(1_234_567) == "1\u202f234\u202f567"
    assert ENGLISH.integer(1_234_567) == "1,234,567"


@pytest.mark.parametrize(("whole", "french"), [
    (0, "0\u00a0%"), (94, "94\u00a0%"), (117, "117\u00a0%"), (1_170, "1\u202f170\u00a0%"),
])
def test_percentages_keep_their_sign(whole: int, french: str) -> None:
    """French sets U+00A0 before the sign; no whole percentage moves by floating point."""
    assert FRENCH.percent(whole) == french
    assert [ENGLISH.percent(n) for n in range(200)] == [f"{n}%" for n in range(200)]


def test_tenths_of_a_percent() -> None:
    """Interval bounds show one digit."""
    assert FRENCH.percent_to_a_tenth(0.936512) == "93,7\u00a0%"
    assert ENGLISH.percent_to_a_tenth(0.936512) == "93.7%"


def test_dates_and_times() -> None:
    """The day comes before its month, on the same line, in both languages; 1er in French."""
    when = datetime(2022, 5, 22, 22, 5, tzinfo=UTC).astimezone(ZoneInfo("Europe/Paris"))

    assert [[ways.minute(when), ways.day(date(2022, 3, 22)), ways.day(date(2022, 1, 1)),
             ways.month(date(2022, 6, 1))] for ways in (FRENCH, ENGLISH)] == [
        ["23\u00a0mai 2022 à 00:05", "22\u00a0mars\u00a02022", "1er\u00a0janvier\u00a02022",
         "juin 2022"],
        ["23\u00a0May 2022, 00:05", "22\u00a0March\u00a02022", "1\u00a0January\u00a02022",
         "June 2022"]]


@pytest.mark.parametrize(("utc", "french", "english"), [
    ((0, 30), "02:30, heure d’été", "02:30, summer time"),
    ((1, 30), "02:30, heure d’hiver", "02:30, winter time"),
    ((2, 0), "03:00", "03:00"),
])
def test_an_hour_that_comes_twice_says_which_it_is(
    utc: tuple[int, int], french: str, english: str
) -> None:
    """Clocks were put back at 3 on 30 October 2022 in Paris: 2:30 was twice that night."""
    when = datetime(2022, 10, 30, *utc, tzinfo=UTC).astimezone(ZoneInfo("Europe/Paris"))
    assert FRENCH.minute(when) == f"30\u00a0octobre 2022 à {french}"
    assert ENGLISH.minute(when) == f"30\u00a0October 2022, {english}"


@pytest.mark.parametrize("zone", ["Europe/Paris", "Europe/Dublin", "Australia/Lord_Howe", "UTC"])
def test_no_two_moments_a_minute_apart_are_written_alike(zone: str) -> None:
    """Neither where clocks go back by half an hour, nor where summer is the rule."""
    for first in (datetime(2022, 10, 29, 22, tzinfo=UTC), datetime(2022, 4, 2, 13, tzinfo=UTC)):
        moments = [(first + timedelta(minutes=number)).astimezone(ZoneInfo(zone))
                   for number in range(300)]
        assert len({ENGLISH.minute(each) for each in moments}) == len(moments)


def test_a_zone_is_named_by_its_city() -> None:
    """People know cities, not zones."""
    assert (FRENCH.city("Europe/Paris"), FRENCH.city("Europe/London")) == ("Paris", "Londres")


@pytest.mark.parametrize(("typed", "shown"), [
    ("Qu'est-ce que l'école ?", "Qu’est-ce que l’école\u202f?"),
    ("Oui! Non ; et: « bien » ?!", "Oui\u202f! Non\u202f; et\u00a0: «\u00a0bien\u00a0»\u202f?!"),
    ("le parcours «avenir»", "le parcours «\u00a0avenir\u00a0»"),
    ("https://exemple.fr/?a=1;b=2 à 10:30, 62 %", "https://exemple.fr/?a=1;b=2 à 10:30, 62\u00a0%"),
    ("un mot, deux mots.", "un mot, deux mots."),
])
def test_french_texts_are_set_as_french_once(typed: str, shown: str) -> None:
    """Marks keep to their words and apostrophes curl; addresses and times stay, twice is once."""
    assert in_french(typed) == shown
    assert in_french(shown) == shown


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_text_is_set_by_its_own_language(language: str) -> None:
    """French is set as French on an English page too; an English text is never touched."""
    assert shown_in({"fr": "l'eau ?"}, language) == ("l’eau\u202f?", "fr")
    assert shown_in({"en": "why 'now' ?"}, language) == ("why 'now' ?", "en")
