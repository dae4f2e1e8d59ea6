"""The catalogues of texts: complete, in every language, with French typography."""

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.checkers import checkers
from babel.messages.extract import extract_from_dir, extract_from_file

from views.pages.languages import LANGUAGES, catalogue, translations
from views.pages.rendering import environment


ROOT = Path(__file__).parents[3]
METHODS = [("views/pages/templates/**.html", "jinja2.ext.babel_extract"), ("views/**.py", "python")]
OPTIONS = {METHODS[0][0]: {"extensions": "jinja2.ext.i18n", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "message": None}


def written() -> set[Any]:
    """Every message that templates and code ask for."""
    found = [*extract_from_dir(
        ROOT / "views", [(m[0].removeprefix("views/"), m[1]) for m in METHODS],
        {k.removeprefix("views/"): v for k, v in OPTIONS.items()}, keywords=KEYWORDS)]
    problems = extract_from_file("python", ROOT / "schemas/problems.py", keywords=KEYWORDS)
    return {entry[2] for entry in found} | {entry[1] for entry in problems}


def texts(of: Catalog) -> dict[Any, Any]:
    return {message.id: message.string for message in of if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_holds_every_message_and_no_other(language: str) -> None:
    """What templates and code say is what the catalogue holds, nothing less, nothing left over."""
    held = texts(catalogue(language))
    # Babel keys a plural by its singular where a singular of the same text exists.
    assert {m[0] if isinstance(m, tuple) else m for m in held} == {
        m[0] if isinstance(m, tuple) else m for m in written()}
    assert not catalogue(language).obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_none_is_fuzzy(language: str) -> None:
    """Nobody ever reads a text in the wrong language or a guess."""
    for message in catalogue(language):
        if not message.id:
            continue
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), f"{language}: {message.id} has no text"
        assert not message.fuzzy, f"{language}: {message.id} is fuzzy"


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_those_of_the_message(language: str) -> None:
    """A translation cannot break a page at run time."""
    held = catalogue(language)
    for message in held:
        for check in checkers:
            check(held, message)
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id:
            assert placeholders(message.string) == placeholders(message.id), message.id


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\(\w+\))?.", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_of_its_language(language: str) -> None:
    """Its head says so, with its plurals; and it is no copy of the English one."""
    held = catalogue(language)
    alike = sum(text == message for message, text in texts(held).items())

    assert str(held.locale) == language
    assert language == "en" or alike < len(held) / 4


def test_english_texts_are_the_messages() -> None:
    """The messages are English: a text changed in a template is changed in the catalogue."""
    for message, text in texts(catalogue("en")).items():
        assert text == message


def test_french_marks_keep_to_their_words() -> None:
    """No line can begin with a mark: U+202F before ; ! ? and U+00A0 before : and inside « »."""
    for strings in texts(catalogue("fr")).values():
        for text in strings if isinstance(strings, tuple) else (strings,):
            assert not re.search(r" [;!?:»]| %%|« |'", text), text
            assert not re.search(r"\w[;!?»]|«\w", text), text


DENIALS = {
    "en": (r"\b(?:nothing|not|no|none)\b.*\brecorded\b",
           "by this request|[Tt]his time|not know whether"),
    "fr": (r"\b(?:rien|pas|n\u2019a)\b.*\benregistr[ée]",
           "[Cc]ette requête|Cette fois|ne savons pas|ne peuvent pas"),
}
"""How a language says that something is not in the log, and of what that may be said: of the
request it answers, for an earlier one may have had no known outcome."""


@pytest.mark.parametrize("language", DENIALS)
def test_nothing_is_said_to_be_recorded_but_of_this_request(language: str) -> None:
    """After a timeout nobody knows; no later answer, a closing's for one, may say that he does."""
    denial, scope = DENIALS[language]
    strings = [text for held in texts(catalogue(language)).values()
               for text in (held if isinstance(held, tuple) else (held,))]
    said = [sentence for text in strings for sentence in re.split(r"[.;:] ?", text)
            if re.search(denial, sentence, re.IGNORECASE)]

    assert said
    assert [sentence for sentence in said if not re.search(scope, sentence)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_page_says_without_a_value_is_translated_once(language: str) -> None:
    """While its template is compiled: the same text, on a page and within a sentence of one."""
    spoken = environment(language)
    said = translations(language).gettext("Look again")
    first, within, each_time, filled = (spoken.from_string(source).render() for source in (
        '{{ _("Look again") }}', '{{ _("Look again") ~ "<" }}', '{{ gettext("Look again") }}',
        '{{ _("Recorded: %(choice)s", choice="<") }}'))

    assert (first, within, each_time) == (said, f"{said}&lt;", said)
    assert filled.endswith("&lt;")
    assert "Look again" in str(spoken.compile('{{ gettext("Look again") }}', raw=True))
    assert said in str(spoken.compile('{{ _("Look again") }}', raw=True))
