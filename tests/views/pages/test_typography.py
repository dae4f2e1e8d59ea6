"""Numbers and dates, to the code point."""

from datetime import UTC, date, datetime
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
