"""The file of a consultation: read as it is meant, or refused in words with line and column."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.consultation_file import (
    Age,
    ConsultationFile,
    Long,
    Name,
    ProposalText,
    Sentence,
    Short,
    Source,
    load,
    needed_events,
)
from producers.errors import InvalidInput, Missing, ProducingError
from producers.known_catalogue import KnownCatalogue
from schemas.registry import current
from schemas.texts import fault
from tests.producers.test_polis_cases import CASES
from tests.schemas.events import property_test


GOOD: dict[str, Any] = {
    "id": "town",
    "question": {"fr": "Comment ?", "en": "How?"},
    "opens_at": "2026-10-01T00:00:00+02:00",
    "closes_at": "2026-10-25T02:30:00+01:00",
    "time_zone": "Europe/Paris",
    "languages": ["fr", "en"],
    "votes_target": 1_000,
    "hashtag": "ville",
    "contact": "mail@example.org",
    "stages": [{"name": "vote", "begins": "2026-10", "ends": "2026-10-25"}],
    "organisers": [{"role": "initiator", "names": ["La ville"]}],
    "facts": [{"value": "12 %", "texts": {"fr": "des rues"}, "source": "la ville"}],
    "themes": [{"id": "t1", "title": {"fr": "Rues"}}],
    "ideas": [{"id": "i1", "title": {"fr": "Arbres"}, "theme": "t1"}],
    "proposals": [
        {"id": "p1", "text": {"fr": "Des arbres"}, "idea": "i1",
         "author": {"name": "Ana", "kind": "citizen", "age_band": "25-34"}},
        {"id": "p2", "text": {"fr": "Des bancs"}},
    ],
    "partners": [{"number": 3, "name": "La Voix", "sites": ["https://www.la-voix.example"]}],
}
TEXTS: dict[str, tuple[str | int, ...]] = {
    "question.fr": ("question", "fr"), "hashtag": ("hashtag",), "contact": ("contact",),
    "stages[0].name": ("stages", 0, "name"), "organisers[0].role": ("organisers", 0, "role"),
    "organisers[0].names[0]": ("organisers", 0, "names", 0),
    "facts[0].value": ("facts", 0, "value"), "facts[0].texts.fr": ("facts", 0, "texts", "fr"),
    "facts[0].source": ("facts", 0, "source"), "themes[0].title.fr": ("themes", 0, "title", "fr"),
    "ideas[0].title.fr": ("ideas", 0, "title", "fr"), "partners[0].name": ("partners", 0, "name"),
    "proposals[1].text.fr": ("proposals", 1, "text", "fr"),
    "proposals[0].author.name": ("proposals", 0, "author", "name"),
    "proposals[0].author.age_band": ("proposals", 0, "author", "age_band"),
}
"""Every text that people read, by its name in messages."""


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """Return the good description with one value put in."""
    found: Any = json.loads(json.dumps(GOOD))
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return dict(found)


def written(folder: Path, text: str | bytes) -> Path:
    """Write a file."""
    file = folder / "consultation.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refused(folder: Path, text: str | bytes | dict[str, Any]) -> str:
    """Return the message by which a file is refused."""
    text = json.dumps(text, indent=1) if isinstance(text, dict) else text
    file = written(folder, text)
    with pytest.raises(InvalidInput) as error:
        load(file)
    assert str(file) in str(error.value)
    return str(error.value)


def test_the_list_of_texts_is_whole() -> None:
    """Each key of the file that takes a text of people stands in the table of these tests."""
    schema = ConsultationFile.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    free = {name for model in models for name, kind in model["properties"].items()
            if takes_any_text(kind)}

    assert free == {str(step) for path in TEXTS.values() for step in path
                    if not isinstance(step, int)} - {
        "fr", "stages", "organisers", "facts", "themes", "ideas", "proposals", "author",
        "partners"} | {"time_zone"}


def takes_any_text(kind: dict[str, Any]) -> bool:
    """Tell whether a key takes texts without a form: alone, by language or in a list."""
    inner = [kind, *kind.get("anyOf", ()), kind.get("items", {}),
             *kind.get("patternProperties", {}).values()]
    return any(each.get("type") == "string" and not {"pattern", "format", "enum"} & set(each)
               for each in inner)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(("text", "said"), [
    ("", "holds nothing that can be seen. Write a text"),
    (" \u00a0\n", "holds nothing that can be seen"),
    ("\u200b\u2060", "holds nothing that can be seen"),
    ("a\0b", "character 2 is U+0000, a control character. Take it out"),
    ("a\x1b[31m", "character 2 is U+001B"),
    ("a\u202eb", "character 2 is U+202E (right-to-left override)"),
    ("x" * 2_001, "2,001 bytes in UTF-8, at most"),
])
def test_a_text_that_nobody_may_publish_is_refused_with_its_place(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    """One rule for every text: file, line, column and key are named, and what to do."""
    message = refused(tmp_path, changed(TEXTS[name], text))
    lines = json.dumps(changed(TEXTS[name], text), indent=1).splitlines()
    found = re.search(r"line (\d+), column (\d+), ([^:]+): (.*)", message.splitlines()[-1])

    assert found is not None
    assert found[3] == name
    assert said in found[4]
    key = TEXTS[name][-1]
    assert lines[int(found[1]) - 1][int(found[2]) - 1:].startswith(
        f'"{key}"' if isinstance(key, str) else json.dumps(text))


@given(text=st.text(st.characters(codec=None), max_size=8), name=st.sampled_from(sorted(TEXTS)))
@property_test
def test_a_text_is_taken_in_its_one_form_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    """What is taken is good by the rule, and what the rule refuses is not taken."""
    file = written(tmp_path_factory.mktemp("any"), json.dumps(changed(TEXTS[name], text)))
    try:
        found: Any = load(file).model_dump()
    except InvalidInput:
        return
    for step in TEXTS[name]:
        found = found[step]
    assert fault(found) is None


@pytest.mark.parametrize(("kind", "event", "path"), [
    (Sentence, "ConsultationDescribed", ("question", "values")),
    (Short, "ConsultationDescribed", ("hashtag",)), (Long, "ConsultationDescribed", ("contact",)),
    (ProposalText, "ProposalAccepted", ("text", "values")),
    (Name, "ProposalAccepted", ("author", "name")),
    (Age, "ProposalAccepted", ("author", "age_band")),
    (Source, "ConsultationDescribed", ("facts", "source")),
])
def test_bounds_of_texts_are_those_of_the_events(
    kind: Any, event: str, path: tuple[str, ...]
) -> None:
    """What the file takes fits into the event, and what fits is taken."""
    bound = kind.__metadata__[0].func.keywords["size_bytes"]
    schema = json.dumps(next(field["type"] for field in current(event).fields
                             if field["name"] == path[0]))
    last = schema if path[-1] in ("values", path[0]) else schema.split(f'"name": "{path[-1]}"')[1]

    assert re.findall(r'"maxLength": (\d+)', last)[0] == str(bound)


WRONG: dict[str, tuple[Any, str]] = {
    "a typing error": (
        changed(("proposals", 1, "txet"), {"fr": "x"}),
        "line 76, column 4, proposals[1].txet: unknown key. Did you mean text?"),
    "a key nobody knows": (
        changed(("stages", 0, "zzz"), 1),
        "stages[0].zzz: unknown key. Known are name, begins, ends"),
    "a key that is missing": (
        {key: value for key, value in GOOD.items() if key != "question"},
        "line 1, column 1, question: is missing"),
    "no language": (changed(("ideas", 0, "title"), {}), "ideas[0].title: no text in any language"),
    "a language of nobody": (
        changed(("question",), {"french": "x"}),
        "question.french: no language: write two or three"),
    "a text for a list": (changed(("proposals",), "x"), "proposals: must be a list"),
    "a number for a text": (
        changed(("proposals", 0, "text", "fr"), 7), "text.fr: must be a text"),
    "a text for a number": (
        changed(("votes_target",), "100"), "votes_target: must be a whole number"),
    "a word for a truth": (
        changed(("simulated",), "yes"), "simulated: must be true or false"),
    "a number for an instant": (changed(("opens_at",), 1_790_000_000), "opens_at: no instant"),
    "digits for an instant": (changed(("opens_at",), "1790000000"), "opens_at: no instant"),
    "an instant without a zone": (
        changed(("opens_at",), "2026-10-01T00:00:00"), "opens_at: lacks its offset"),
    "an instant before all": (
        changed(("opens_at",), "1970-01-01T00:00:00+14:00"), "opens_at: lies in no year from 1970"),
    "a closing before the opening": (
        changed(("closes_at",), "2026-01-01T00:00:00Z"), "closes_at: must come after opens_at"),
    "no default language": (
        changed(("languages",), ["de"]), "question: lacks the default language"),
    "a zone of nowhere": (changed(("time_zone",), "Europe/Nowhere"), "time_zone: unknown"),
    "a zone that is a folder": (changed(("time_zone",), "../../etc"), "time_zone: unknown"),
    "a month of nobody": (changed(("stages", 0, "begins"), "2026-13"), "begins: no month or day"),
    "a season": (changed(("stages", 0, "begins"), "summer"), "begins: no month or day"),
    "an identifier of nobody": (
        changed(("proposals", 0, "id"), "P 1"), "proposals[0].id: no identifier"),
    "an empty reference": (changed(("ideas", 0, "theme"), ""), "ideas[0].theme: no identifier"),
    "one identifier twice": (
        changed(("proposals", 1, "id"), "p1"), "p1 is described twice, first in proposals[0]"),
    "a target of nobody": (
        changed(("votes_target",), 10**12), "votes_target: must be 10000000000 at most"),
    "no target": (changed(("votes_target",), 0), "votes_target: must be more than 0."),
    "no language at all": (changed(("languages",), []), "languages: is empty. Write at least 1."),
    "a kind of nobody": (
        changed(("proposals", 0, "author", "kind"), "robot"),
        "author.kind: must be 'citizen' or 'organisation'."),
    "a list for an object": (changed(("proposals", 0), []), "proposals[0]: must be an object"),
    "a text for texts": (changed(("question",), "x"), "question: must be texts by language"),
    "half a character": (changed(("hashtag",), "\ud800"), "hashtag: "),
    "a key to frighten a terminal": (changed(("\x1b[2J",), 1), r'["\u001b[2J"]: unknown key'),
    "more than fits into an event": (
        changed(("organisers", 0, "names"), ["x" * 200] * 6_000), "bytes, at most 1048576"),
    "a thousand faults": (
        changed(("organisers", 0, "names"), [""] * 1_000), "and 980 more."),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_description_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    """Whatever is wrong, the message says where, and stays short."""
    value, said = WRONG[name]
    message = refused(tmp_path, value)

    assert said in message
    assert not re.search("[Ii]nput should|ConsultationFile|after validation", message)
    assert len(message) < 8_000
    assert "\x1b" not in message


TEXT = json.dumps(GOOD, indent=1)
NO_JSON: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "line 1, column 1: not JSON: Expecting value. The file ends too early"),
    "a comma too many": (TEXT.replace("1000,", "1000,,"), "line 14, column 23: not JSON"),
    "a comma before the bracket": ('{"id": "a",\n}', "line 2, column 1: not JSON"),
    "single quotes": ("{'id': 1}", "line 1, column 2: not JSON"),
    "typographic quotes": ("{“id”: 1}", 'plain double quotation marks, "'),
    "a comment": ("{\n// no\n}", "line 2, column 1: not JSON"),
    "a text over two lines": ('{"id": "a\nb"}', "line 1, column 10: not JSON"),
    "an end too early": (TEXT[:-3], "The file ends too early"),
    "a key twice": (
        '{"id": "a",\n "id": "b"}',
        "line 2, column 2: id stands there twice; first in line 1, column 2"),
    "a language twice": (
        TEXT.replace('"en": "How?"', '"fr": "How?"'), "question.fr stands there twice"),
    "no number": ('{"votes_target": NaN}', "line 1, column 18: NaN is no number of JSON"),
    "no end of numbers": ('{"votes_target":\n -Infinity}', "line 2, column 2: -Infinity is no"),
    "a number without end": (
        f'{{"votes_target": {"9" * 5_000}}}', "line 1, column 18: a number of more than 18 digits"),
    "nesting without end": ('{"a": ' * 50_000, "line 1, column 121: more than 20 brackets"),
    "lists without end": ("[" * 1_000_000, "line 1, column 21: more than 20 brackets"),
    "Windows-1252": (
        TEXT.replace("How?", "\u00c9").encode("cp1252").replace(b"\\u00c9", b"\xc9"),
        "line 5, column 10: byte 0xc9 is not UTF-8. Save the file as UTF-8"),
    "half of UTF-16": (TEXT.encode("utf-16")[:-1], "is not UTF-16-LE"),
    "something behind": (TEXT + "x", "not JSON: Extra data"),
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_told_with_line_and_column(name: str, tmp_path: Path) -> None:
    """In words, with a remedy; never the parser's own exception."""
    text, said = NO_JSON[name]
    text = text.replace(b"\\u00c9", b"\xc9") if isinstance(text, bytes) else text

    assert said in refused(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_encodings_are_read(encoding: str, tmp_path: Path) -> None:
    """A mark at the beginning says what the file is: nothing is assumed."""
    found = load(written(tmp_path, TEXT.encode(encoding)))

    assert found.model_dump() == ConsultationFile.model_validate(GOOD).model_dump()


def test_the_cases_are_read_or_refused_with_every_place() -> None:
    """A byte order mark is read; no text, and texts nobody may publish, are named each."""
    assert load(CASES / "consultation-bom.json").id == "bugs"
    with pytest.raises(InvalidInput) as no_text:
        load(CASES / "consultation-no-text.json")
    with pytest.raises(InvalidInput) as unicode:
        load(CASES / "consultation-unicode.json")

    assert "line 1, column 229, proposals[0].text: no text" in str(no_text.value)
    assert "line 1, column 266, ideas[0].title: no text" in str(no_text.value)
    assert re.findall(r"line (\d+), .*proposals\[(\d+)\]", str(unicode.value)) == [
        ("42", "4"), ("72", "9"), ("126", "18"), ("132", "19"), ("138", "20")]


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """Missing has a status of its own; a folder is no file."""
    with pytest.raises(Missing):
        load(tmp_path / "nowhere.json")
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(tmp_path)


@given(content=st.binary(max_size=60), at=st.integers(0, 1_500), cut=st.integers(0, 30))
@property_test
def test_any_bytes_give_a_description_or_a_documented_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, at: int, cut: int
) -> None:
    """Bytes alone, and bytes in the midst of a good file: never another exception."""
    folder = tmp_path_factory.mktemp("any")
    good = TEXT.encode()
    for changed_bytes in (content, good[:at] + content + good[at + cut:]):
        outcome(written(folder, changed_bytes))


@given(value=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(max_size=3) | st.sampled_from(sorted(GOOD)), inner, max_size=4), max_leaves=12),
    key=st.sampled_from(sorted(GOOD)))
@property_test
def test_any_json_gives_a_description_or_a_documented_error(
    tmp_path_factory: pytest.TempPathFactory, value: Any, key: str
) -> None:
    """Any value alone, and in the place of any key."""
    folder = tmp_path_factory.mktemp("any")
    for document in (value, {**GOOD, key: value}):
        outcome(written(folder, json.dumps(document)))


def outcome(file: Path) -> None:
    """Load a file; an error names it, and what is loaded can be written."""
    try:
        found = load(file)
        needed_events(found, KnownCatalogue(), occurred_at=0)
    except Missing:
        return
    except ProducingError as error:
        message = str(error)
    else:
        message = str(file)
    assert str(file) in message


LONG: dict[str, tuple[str, str, str]] = {
    "a list on one line": ("[", "0,", "0]"), "a list on many lines": ("[", "0,\n", "0]"),
    "a text without end": ('"', "\\\\", ""), "broken escapes": ('["', '\\\n"', '"]'),
    "brackets side by side": ("[", "[],", "0]"), "quotation marks": ("[", '"",', "0]"),
    "spaces": ("", " ", "x"), "marks on a letter": ('{"hashtag": "', "\u0316\u0301", '"}'),
}
"""How a file of any length begins, goes on and ends."""


def refused_seconds(file: Path) -> float:
    began = time.process_time()
    with pytest.raises(InvalidInput):
        load(file)
    return time.process_time() - began


@pytest.mark.parametrize("name", LONG)
def test_work_grows_with_the_length_of_a_file(name: str, tmp_path: Path) -> None:
    """Eight times the bytes take at most some twenty times the processor's time, at best."""
    begin, middle, end = LONG[name]
    spent = [min(refused_seconds(written(tmp_path, begin + middle * times + end))
                 for _ in range(3)) for times in (20_000, 160_000)]

    assert spent[1] < 20 * spent[0] + 0.5


def test_what_is_referred_to_and_missing_is_told_with_its_place(tmp_path: Path) -> None:
    """Every theme and idea that nobody describes is named with file, line, column and key."""
    path = tmp_path / "town.json"
    wrong = changed(("proposals", 1, "idea"), "i9")
    wrong["ideas"][0]["theme"] = "t9"
    path.write_text(json.dumps(wrong, indent=1))
    lines = path.read_text().splitlines()

    with pytest.raises(Missing) as error:
        needed_events(load(path), KnownCatalogue(), occurred_at=0)

    for said, line in zip(str(error.value).split("\n  "), ('"theme": "t9"', '"idea": "i9"'),
                          strict=True):
        number = next(at for at, text in enumerate(lines, 1) if line in text)
        assert said.strip().startswith(f"{path}, line {number}, column ")
    assert "ideas[0].theme: unknown theme 't9'" in str(error.value)
    assert "proposals[1].idea: unknown idea 'i9'" in str(error.value)
