"""Templates to HTML in a language."""

import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from schemas.texts import made_safe
from views.pages.embed_line import embed_line
from views.pages.languages import LANGUAGES, in_language, translations
from views.pages.pieces import Pieces
from views.pages.regions import REGIONS
from views.pages.results_page import last_day
from views.pages.typography import WAYS, Typography


OPTION = re.compile(r"(?<!\S)(--[a-z-]+)")
"""An option of a command, as it is written."""


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
    """Return the text nearest to a language, set as its own language is, and that language.

    It is safe on any page; empty where there is nothing that anybody could see.
    """
    text, found = in_language(texts, language)
    return plain(WAYS[found].set_text(text) if found in WAYS else text), found


def question_of(consultation: Mapping[str, Any], language: str) -> tuple[str, str]:
    """Return what a consultation asks, or its identifier, and the language of it.

    `consultation` is that of a results document, or a ConsultationDescribed.
    """
    text, found = shown_in(consultation["question"], language)
    name: str = consultation.get("id") or consultation["consultation"]
    return (text, found) if text else (plain(name), language)


@functools.lru_cache(maxsize=16_384)
def plain(text: str) -> str:
    """Take out of a text that others wrote what no page may show: see `schemas.texts`."""
    return made_safe(text)


def apart(text: str) -> Markup:
    """Write a text that others wrote within a sentence of ours: its direction ends with it."""
    return Markup("<bdi>{}</bdi>").format(plain(text))


def options(command: str) -> Markup:
    """Write a command, or a sentence that names one, whose options no line end breaks."""
    return Markup(OPTION.sub(  # noqa: S704 -- escaped here, and marked between
        r'<span class="option">\1</span>', str(escape(command))))


def entry_address(kind: str, name: str) -> str:
    """Write where the page of a proposal or an idea is, below that of its consultation."""
    return f"/{kind}?{urlencode({'id': name})}"


class _SaidAtOnce(NodeTransformer):
    """Says what a template says without a value while it is compiled, not with each page."""

    def __init__(self, environment: Environment, say: Callable[[str], str]) -> None:
        self._environment = environment
        self._say = say

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 -- the library calls it so
        """Replace a call of gettext by what it gives, which is safe on a page."""
        self.generic_visit(node)
        match node:
            case nodes.Call(node=nodes.Name(name="_"), args=[nodes.Const(value=str(text))],
                            kwargs=[], dyn_args=None, dyn_kwargs=None):
                said = nodes.MarkSafe(nodes.Const(self._say(text) % {}), lineno=node.lineno)
                return said.set_environment(self._environment)
        return node


class Spoken(Environment):
    """Templates in one language."""

    said: Callable[[str], str]
    """Translates."""

    def _generate(self, source: nodes.Template, *how: Any, **named: Any) -> str:
        _SaidAtOnce(self, self.said).visit(source)
        return super()._generate(source, *how, **named)


@functools.cache
def environment(language: str) -> Environment:
    """Make the template environment of a language."""
    made = Spoken(
        loader=FileSystemLoader(str(resources.files("views.pages") / "templates")),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.said = translations(language).gettext
    made.install_gettext_translations(  # type: ignore[attr-defined]  # added by jinja2.ext.i18n
        translations(language), newstyle=True
    )
    typography = Typography(language)
    made.globals.update(
        language=language,
        languages={each: WAYS[each].name for each in LANGUAGES},
        revision=revision(),
        regions=REGIONS,
        pieces=Pieces(typography, translations(language)),
        in_language=functools.partial(shown_in, language=language),
        question_of=functools.partial(question_of, language=language),
        plain=plain,
        apart=apart,
        integer=typography.integer,
        percent=typography.percent,
        percent_to_a_tenth=typography.percent_to_a_tenth,
        day=typography.day,
        month=typography.month,
        minute=typography.minute,
        city=typography.city,
        last_day=last_day,
        entry_address=entry_address,
        embed_line=embed_line,
        locale=WAYS[language].locale,
        decimal=typography.decimal, speed=typography.speed,
        duration=typography.duration,
        second=typography.second,
    )
    made.filters.update(apart=apart, options=options)
    return made


BOOTH_TEMPLATES = (
    "vote.html", "vote_base.html", "base.html", "document_head.html", "macros.html",
    "vote_words.html", "patterns.html", "embargo.html")
"""What a page of the booth is made of."""


def prepare(templates: Iterable[str] = BOOTH_TEMPLATES) -> None:
    """Compile templates in every language: that takes three tenths of a second of the first to see
    a page, and of all others of the process with him."""
    for language in LANGUAGES:
        for template in templates:
            environment(language).get_template(template)


def words_of(proposal: Mapping[str, Any], name: str, language: str) -> dict[str, Markup]:
    """Write what a proposal says, and who says it, as all templates do."""
    macros: Any = environment(language).get_template("macros.html").module
    return {"said": macros.said(proposal["text"], name), "author": macros.author(proposal)}


def render(template: str, language: str, **context: Any) -> bytes:
    """Render a page."""
    return environment(language).get_template(template).render(**context).encode()
