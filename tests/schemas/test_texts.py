"""What a text may hold: one rule, for what is refused and for what is shown all the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.texts import MARKS_MOST, fault, is_visible, made_safe, normalised
from tests.schemas.events import property_test


SPECIAL = st.sampled_from([
    "\0", "\t", "\n", "\r", "\r\n", "\x1b", "\x7f", "\x85", "\xa0", "\xad", "\u0301", "\u034f",
    "\u061c", "\u115f", "\u180e", "\u200b", "\u200d", "\u200e", "\u202a", "\u202c", "\u202e",
    "\u2028", "\u2060", "\u2066", "\u2069", "\u206a", "\u2800", "\ud800", "\udfff", "\ufdd0",
    "\ufeff", "\ufffe", "\uffff", "\U0001f3f4", "\U000e0067", "\U000e007f", "\U0001ffff", "a", "é",
    "œ", "م", "漢", " ", "\U0001f469", "e\u0301" * 3, "z" + "\u0300" * 40])
"""Characters that have a rule, among letters of several scripts."""
TEXTS = st.lists(SPECIAL | st.characters(codec=None), max_size=30).map("".join)

GOOD = {
    "accents": "Protéger le cœur des villes et les œuvres",
    "no break before a mark": "Plus de vélos\xa0!",
    "soft hyphens": "Dé\xadvelop\xadper le train",
    "right to left": "يجب زراعة الأشجار (2030) في",
    "marks of direction": "\u200fשלום\u200f (2030)",
    "joined emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467\U0001f1eb\U0001f1f7 pour tous",
    "a flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a space without width": "Vo\u200bter plus\u200d",
    "two lines": "Première ligne\nDeuxième ligne",
    "a formula": '=HYPERLINK("http://example.org";"clic")',
    "a long word": "Donau" * 140,
}
BAD = {
    "empty": ("", "nothing that can be seen"),
    "blank": (" \xa0\u3000", "nothing that can be seen"),
    "without width": ("\u200b\u200b\u2060", "nothing that can be seen"),
    "fillers": ("\u3164\u2800", "nothing that can be seen"),
    "NUL": ("a\0b", "character 2 is U+0000, a control character"),
    "escape": ("\x1b[31mred", "character 1 is U+001B, a control character"),
    "override": ("Safe \u202etxet\u202c", "character 6 is U+202E (right-to-left override)"),
    "isolate": ("a\u2066b", "character 2 is U+2066 (left-to-right isolate)"),
    "half a character": ("a\ud800", "character 2 is U+D800, no character"),
    "tags": ("hi\U000e0068\U000e0069", "character 3 is U+E0068 (tag latin small letter h)"),
    "heap": ("z" + "\u0351" * (MARKS_MOST + 1), "one mark too many on a letter"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_languages_need_stays_as_it_is(name: str) -> None:
    """Texts of people are neither refused nor changed."""
    text = GOOD[name]

    assert (normalised(text), fault(text), made_safe(text)) == (text, None, text)


@pytest.mark.parametrize("name", BAD)
def test_what_nobody_may_publish_is_named(name: str) -> None:
    """The character is told with its place, and what is left without it is good or nothing."""
    text, said = BAD[name]

    assert said in str(fault(normalised(text)))
    left = made_safe(text)
    assert fault(left) is None or left == ""


@given(TEXTS)
@property_test
def test_a_text_made_safe_is_good_or_empty(text: str) -> None:
    """Whatever came in: what comes out is not refused, and stays the same from then on."""
    safe = made_safe(text)

    assert safe == "" or fault(safe) is None
    assert made_safe(safe) == normalised(safe) == safe


@given(TEXTS)
@property_test
def test_a_good_text_is_not_touched(text: str) -> None:
    """What is not refused is shown whole."""
    form = normalised(text)

    assert normalised(form) == form
    if fault(form) is None:
        assert made_safe(text) == form
        assert is_visible(form)


@given(TEXTS)
@property_test
def test_the_place_of_a_fault_is_that_of_the_character(text: str) -> None:
    """The first character that is refused stands where it is said to stand."""
    form = normalised(text)
    found = fault(form)
    if found is not None and found.at is not None:
        assert fault(form[:found.at]) in (None, fault(""))
        assert f"U+{ord(form[found.at]):04X}" in str(found)


@given(st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=1))
@property_test
def test_letters_and_numbers_are_never_refused(text: str) -> None:
    """No letter of any script is among what is taken out, save those drawn as nothing."""
    form = normalised(text)

    assert made_safe(text) in ("", form)
    assert fault(form) is None or not is_visible(form)
