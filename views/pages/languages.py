"""Which language does a visitor read, and the texts of each language.

The catalogues (`catalogues/*.po`) are read at the first use, not compiled beforehand: a clone
then runs as it stands, there is no binary file to forget to rebuild, and reading both takes
some hundredths of a second, once a process. Messages are English; a new one is added to both
files by hand, and the tests name whatever is missing, left over or breaks a placeholder.
"""

import functools
import io
from collections.abc import Mapping
from importlib import resources
from typing import Any

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.support import Translations

from schemas.texts import is_visible
from views.pages.typography import WAYS


LANGUAGES = tuple(WAYS)
"""Languages of the pages; the first is for everybody who asks for none of them."""

COOKIE = "language"
"""Cookie with the language a visitor chose: a preference, no identity."""

HEADER_CHARACTERS = 1_000
"""So much of Accept-Language is read: no browser sends more."""

HEADERS_REMEMBERED = 1_024
"""Headers whose language is remembered: browsers of a country send some hundred, of at most..."""

REMEMBERED_CHARACTERS = 128
"""... so many characters each; longer ones are read anew each time."""


def negotiate(asked: str | None, remembered: str | None, accepted: str | None) -> str:
    """Choose by `?lang=`, then the cookie, then Accept-Language, then the first language."""
    for choice in (asked, remembered):
        if choice in LANGUAGES:
            return choice
    accepted = accepted or ""
    return _accepted(accepted) if len(accepted) <= REMEMBERED_CHARACTERS else _accepted.__wrapped__(
        accepted[:HEADER_CHARACTERS])


@functools.lru_cache(maxsize=HEADERS_REMEMBERED)
def _accepted(header: str) -> str:
    wanted = [_preference(part) for part in header.split(",")]
    # sorted is stable: among equal weights the first named wins.
    for weight, language in sorted(wanted, key=lambda pair: -pair[0]):
        if weight > 0 and language in LANGUAGES:
            return language
    return LANGUAGES[0]


def _preference(part: str) -> tuple[float, str]:
    name, _, parameters = part.strip().partition(";")
    language = name.strip().lower().partition("-")[0]
    weight = parameters.strip().removeprefix("q=").strip() or "1"
    try:
        return (float(weight), language)
    except ValueError:
        return (0.0, language)


def in_language(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """Return the text nearest to a language and the language it is in.

    The text is empty where there is none that anybody could see; then `language` is given.
    """
    for candidate in (language, *LANGUAGES, *sorted(texts)):
        if candidate in texts and is_visible(texts[candidate]):
            return texts[candidate], candidate
    return "", language


@functools.cache
def catalogue(language: str) -> Catalog:
    """Read the checked-in catalogue of a language."""
    path = resources.files("views.pages") / "catalogues" / f"{language}.po"
    return pofile.read_po(io.BytesIO(path.read_bytes()), locale=language)


@functools.cache
def translations(language: str) -> Any:
    """Return the gettext translations of a language."""
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(compiled)
