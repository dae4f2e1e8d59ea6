"""The recipes of docs/changing.md, followed in copies of the tree: each step has its test."""

import json
import re
from typing import Any

from schemas.registry import all_schemas, newest
from tests.recipes import ROOT, Copy, Recipe, files, walked


REGISTRY = "tests/schemas/test_registry.py"
COMPATIBILITY = "tests/schemas/test_compatibility.py"
READERS = "tests/schemas/test_readers.py"
DOCS = "tests/test_docs.py"
IDENTIFIER = max(all_schemas()) + 1
"""The next id of a schema."""


def publish(copy: Copy, event: str, version: int) -> None:
    """Give a version of an event the next id."""
    ids = json.loads(copy.text("schemas/ids.json"))
    ids[str(IDENTIFIER)] = {"event": event, "version": version}
    copy.write("schemas/ids.json", json.dumps(ids, indent=2) + "\n")


def expect_id(copy: Copy, event: str) -> None:
    """Say in the test that an id was given for ever."""
    copy.replace(REGISTRY, '\n}\n"""Ids in the log', f'\n    {IDENTIFIER}: "{event}",\n'
                 '}\n"""Ids in the log')


def schema_of(event: str, *fields: dict[str, Any], named: str = "") -> str:
    """Write the newest schema of an event as a file, under another name and with more fields."""
    raw = newest(event).raw
    return json.dumps(raw | {"name": named or event, "fields": [*raw["fields"], *fields]}, indent=2)


def test_a_copy_is_tried_by_itself(copy: Copy) -> None:
    """What runs in a copy is what lies there, with or without Git to list its files."""
    rooms = ("schemas", "producers", "processors", "sinks", "views", "deploy", "scrutin", "tests")
    asked = "; ".join(f"import {room}; print(list({room}.__path__)[0])" for room in rooms)

    assert copy.python("-c", asked).stdout.split() == [str(copy.folder / room) for room in rooms]
    assert {path for path in walked(ROOT) if path.suffix == ".py"} == {
        path for path in files() if path.suffix == ".py"}


CATALOGUE = "processors/results/catalogue.py"
CATALOGUE_TESTS = "tests/processors/results/test_catalogue.py"
PRAISE = '''

def test_praise_is_counted() -> None:
    """Two who praise are two."""
    event, fields = codec.decode(codec.encode(
        "ProposalPraised", event_id=bytes(16), consultation="jeunes", idea="i", theme=None,
        title={}, origin="operator", occurred_at=1))

    assert folded([(event, fields)] * 2).consultations["jeunes"].praised == 2
'''


def test_an_event(copy: Copy) -> None:
    """A newcomer's event has an id, a schema, a place in the documentation, and a reader."""
    recipe, event = Recipe("An event", copy), "ProposalPraised"
    published = f"{REGISTRY}::test_a_published_id_is_never_reused"
    expect_id(copy, event)
    recipe.lacks(1, published, because=f"{IDENTIFIER}: '{event}'")
    publish(copy, event, 1)
    recipe.lacks(2, f"{REGISTRY}::test_every_published_version_has_exactly_one_id", because=event)
    schema = schema_of("IdeaDescribed", named=event)
    copy.write(f"schemas/history/{event}/1.avsc", schema)
    recipe.lacks(2, f"{REGISTRY}::test_the_history_names_no_other_events_and_has_no_gaps",
                 because=f"'{event}'")
    copy.write(f"schemas/events/{event}.avsc", schema)
    recipe.lacks(3, f"{DOCS}::test_every_event_is_documented",
                 because=f"no topic is named for ['{event}']")
    copy.replace("docs/generate.py", '"CatalogueSigned"),', f'"CatalogueSigned", "{event}"),')
    assert copy.python("docs/generate.py").stdout == "wrote docs/events.md\nwrote docs/operate.md\n"
    recipe.lacks(3, f"{DOCS}::test_what_the_release_before_cannot_read_is_named",
                 because=f"['{event}']")
    copy.replace("docs/upgrade.md", "`CatalogueSigned`), ", f"`CatalogueSigned`, `{event}`), ")
    copy.replace(CATALOGUE_TESTS, "import Catalogue\n",
                 "import Catalogue\nfrom schemas import codec\n")
    copy.write(CATALOGUE_TESTS, copy.text(CATALOGUE_TESTS) + PRAISE)
    recipe.lacks(4, f"{CATALOGUE_TESTS}::test_praise_is_counted", because="KeyError: 'jeunes'")
    copy.replace(CATALOGUE, "    groupings_after_closing: int = 0\n",
                 "    praised: int = 0\n    groupings_after_closing: int = 0\n")
    copy.replace(CATALOGUE, "\n\n_FOLDS = {\n", "\n\ndef _praised(consultation: Consultation, "
                 "_fields: Fields, _offset: int) -> None:\n    consultation.praised += 1\n"
                 "\n\n_FOLDS = {\n"
                 f'    "{event}": _praised,\n')
    recipe.done(REGISTRY, f"{DOCS}::test_generated_pages_are_fresh",
                read=("producers/known_catalogue.py",))


READ_AS_NEWEST = """
from schemas import codec
from schemas.registry import versions

fields = {"event_id": bytes(16), "consultation": "c", "idea": "i", "title": {},
          "origin": "operator", "occurred_at": 1}
for schema in versions("IdeaDescribed"):
    value = codec.encode_as(schema, **fields)
    print(schema.version, codec.decode(value)[1]["summary"])
"""


def test_a_new_version_of_an_event(copy: Copy) -> None:
    """A field more is refused without its default; with it, old records are read with it too."""
    recipe, event = Recipe("A new version of an event", copy), "IdeaDescribed"
    expect_id(copy, event)
    recipe.lacks(1, f"{REGISTRY}::test_a_published_id_is_never_reused",
                 because=f"{IDENTIFIER}: '{event}'")
    publish(copy, event, 2)
    summary = {"name": "summary", "type": {"type": "string", "maxLength": 500}, "doc": "In short."}
    copy.write(f"schemas/history/{event}/2.avsc", schema_of(event, summary))
    recipe.lacks(1, f"{REGISTRY}::test_an_event_is_its_newest_published_version", because=event)
    recipe.lacks(2, f"{COMPATIBILITY}::test_every_published_version_reads_every_other",
                 because="IdeaDescribed.summary: version 2 cannot read version 1")
    schema = schema_of(event, summary | {"default": "-"})
    copy.write(f"schemas/history/{event}/2.avsc", schema)
    copy.write(f"schemas/events/{event}.avsc", schema)
    recipe.lacks(4, f"{DOCS}::test_generated_pages_are_fresh", because="events.md")
    assert copy.python("docs/generate.py").stdout == "wrote docs/events.md\n"
    copy.replace("docs/upgrade.md", "`CatalogueSigned`), ", f"`CatalogueSigned`, `{event}`), ")
    assert copy.python("-c", READ_AS_NEWEST).stdout == "1 -\n2 -\n"
    recipe.done(REGISTRY, f"{READERS}::test_closed_lists_of_words_stay_closed", without=(3, 5))


def test_a_version_that_goes_with_the_rules_names_who_does_not_read_it(copy: Copy) -> None:
    """A third DecisionMade, its readers as they are: they are found, as is a blind one."""
    recipe, event = Recipe("A new version of an event", copy), "DecisionMade"
    version = newest(event).version + 1
    publish(copy, event, version)
    field = {"name": "haste", "type": "int", "default": 0, "minimum": 0, "doc": "How fast."}
    copy.write(f"schemas/history/{event}/{version}.avsc", schema_of(event, field))
    recipe.lacks(3, f"{READERS}::test_every_published_version_has_its_readers",
                 because=f"processors/ledger/decisions.py does not read {event} version {version}")
    copy.replace(CATALOGUE, "\n\n_FOLDS = {\n", '\n\nVOTE = current("VoteCast").header\n\n'
                 "_FOLDS = {\n")
    recipe.lacks(5, "tests/test_house_rules.py::test_readers_read_every_version", because=CATALOGUE)


TYPOGRAPHY = "tests/views/pages/test_typography.py"
CATALOGUES = "tests/views/pages/test_catalogues.py"
GERMAN = '''

def test_german_numbers_and_dates() -> None:
    """Points group, and stand behind the day."""
    german = Typography("de")

    assert (german.integer(1_234_567), german.percent(94)) == ("1.234.567", "94\\u00a0%")
    assert german.day(date(2022, 3, 22)) == "22.\\u00a0März\\u00a02022"
'''
ROW = (r'"de": Ways("Deutsch", "de_DE", "#,##0.0\u00a0%", "d. MMMM y, HH:mm", "T", "1.", '
       r'"Sommerzeit", "Winterzeit", str),')


def test_a_language(copy: Copy) -> None:
    """German has its numbers, a catalogue of its own, and is chosen, from one row and one file."""
    recipe = Recipe("A language", copy)
    copy.write(TYPOGRAPHY, copy.text(TYPOGRAPHY) + GERMAN)
    recipe.lacks(1, f"{TYPOGRAPHY}::test_german_numbers_and_dates", because="KeyError: 'de'")
    english_row = "    # English as Europe"
    copy.replace("views/pages/typography.py", english_row, f"    {ROW}\n{english_row}")
    recipe.lacks(2, f"{CATALOGUES}::test_a_catalogue_holds_every_message_and_no_other",
                 because="de.po'")
    english = copy.text("views/pages/catalogues/en.po")
    copy.write("views/pages/catalogues/de.po", english)
    recipe.lacks(2, f"{CATALOGUES}::test_a_catalogue_is_of_its_language", because="[de]")
    head, texts = english.replace("Language: en", "Language: de").split("\n\n", 1)
    german = re.sub(r'^(msgstr(?:\[\d\])? ")', r"\1Auf Deutsch: ", texts, flags=re.MULTILINE)
    copy.write("views/pages/catalogues/de.po", f"{head}\n\n{german}")
    asked = ("from views.pages import languages as of; print(of.negotiate(None, None, 'de'), "
             "of.translations('de').gettext('Page not found'))")
    assert copy.python("-c", asked).stdout == "de Auf Deutsch: Page not found\n"
    recipe.done(CATALOGUES, "tests/views/pages/test_pages.py::test_languages_are_said",
                without=(3,))


ROUTE = """        Route("/about", views.about),
        Route("/c/{consultation}", views.results_page),
"""
ANSWER = """
    async def about(self, request: Request) -> Response:
        \"\"\"Say what this is.\"\"\"
        body = rendering.render("about.html", language_of(request), path="/about")
        return html(request, body, headers=caching(final=False))

    async def results_page("""
TEMPLATE = """{% extends "base.html" %}
{% block title %}{{ _("What this is") }}{% endblock %}
{% block content %}<h1>{{ _("What this is") }}</h1>{% endblock %}
"""


def test_a_page(copy: Copy) -> None:
    """A page is asked for its template, its texts in each language, and its address."""
    recipe = Recipe("A page", copy)
    copy.replace("views/api.py", ROUTE.splitlines(keepends=True)[1], ROUTE)
    copy.replace("views/api.py", "\n    async def results_page(", ANSWER)
    recipe.lacks(2, "tests/views/test_embargo.py::test_no_address_tells_two_embargoed_worlds_apart",
                 because="TemplateNotFound: 'about.html'")
    copy.write("views/pages/templates/about.html", TEMPLATE)
    recipe.lacks(3, f"{CATALOGUES}::test_a_catalogue_holds_every_message_and_no_other",
                 because="What this is")
    for language, text in (("en", "What this is"), ("fr", "Ce que c’est")):
        name = f"views/pages/catalogues/{language}.po"
        copy.write(name, f'{copy.text(name)}\nmsgid "What this is"\nmsgstr "{text}"\n')
    recipe.lacks(4, f"{DOCS}::test_every_address_is_documented", because="['/about']")
    address = "| `/v1/consultations` |"
    copy.replace("docs/operate.md", address, f"| `/about` | what this is |\n{address}")
    recipe.done(CATALOGUES, without=(1, 5))
