"""Templates to HTML in a language."""

import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from views.pages.languages import LANGUAGES, in_language, translations
from views.pages.pieces import Pieces
from views.pages.regions import REGIONS
from views.pages.results_page import last_day
from views.pages.typography import Typography, in_french


@functools.cache
def stylesheet() -> bytes:
    return (resources.files("views.pages") / "static" / "style.css").read_bytes()


@functools.cache
def icon() -> bytes:
    return (resources.files("views.pages") / "static" / "icon.svg").read_bytes()


@functools.cache
def script() -> bytes:
    return (resources.files("views.pages") / "static" / "live.js").read_bytes()


@functools.cache
def static(name: str) -> bytes:
    """Read a file of the folder of static files."""
    return (resources.files("views.pages") / "static" / name).read_bytes()


@functools.cache
def revision() -> str:
    """Name the state of styles, templates and texts: part of every address or tag of a page."""
    digest = hashlib.sha256()
    for folder in ("static", "templates", "catalogues"):
        files = (resources.files("views.pages") / folder).iterdir()
        for file in sorted(files, key=lambda item: item.name):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def shown_in(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """Give the text nearest to a language, set as its own language is, and that language."""
    text, found = in_language(texts, language)
    return in_french(text) if found == "fr" else text, found


@functools.cache
def environment(language: str) -> Environment:
    """Make the template environment of a language."""
    made = Environment(
        loader=FileSystemLoader(str(resources.files("views.pages") / "templates")),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.install_gettext_translations(  # type: ignore[attr-defined]  # added by jinja2.ext.i18n
        translations(language), newstyle=True
    )
    typography = Typography(language)
    made.globals.update(
        language=language,
        languages=LANGUAGES,
        revision=revision(),
        regions=REGIONS,
        pieces=Pieces(typography, translations(language)),
        in_language=functools.partial(shown_in, language=language),
        integer=typography.integer,
        percent=typography.percent,
        percent_to_a_tenth=typography.percent_to_a_tenth,
        day=typography.day,
        month=typography.month,
        minute=typography.minute,
        city=typography.city,
        last_day=last_day,
        decimal=typography.decimal, speed=typography.speed,
        duration=typography.duration,
        second=typography.second,
    )
    return made


def render(template: str, language: str, **context: Any) -> bytes:
    """Render a page."""
    return environment(language).get_template(template).render(**context).encode()
