"""The results document: one shape, whatever the figures, and no small cell to be found out."""

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import results_document
from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf, Figures
from schemas.words import CHOICES, COUNTS, QUALIFICATIONS
from tests.processors.ledger.logs import property_test


SCHEMA = json.loads((resources.files("processors") / "results.schema.json").read_text("utf-8"))
PROPOSALS = ("p1", "p2", "été", "p4")
IDEAS = ("i1", "i2")
small = st.integers(0, 400)


@st.composite
def counts(draw: st.DrawFn) -> list[int]:
    """Give counts that obey the conservation law."""
    found = dict.fromkeys(COUNTS, 0)
    for name in COUNTS[1:]:
        found[name] = draw(small)
    for number, choice in enumerate(CHOICES):
        for name in QUALIFICATIONS[3 * number:3 * number + 3]:
            found[name] = draw(st.integers(0, found[choice]))
    found["received"] = sum(found.values()) - sum(found[name] for name in QUALIFICATIONS)
    return [found[name] for name in COUNTS]


def described() -> st.SearchStrategy[dict[str, Any]]:
    """Give descriptions of the consultation."""
    instants = st.integers(0, 4 * 10**12)
    return st.fixed_dictionaries({
        "question": st.dictionaries(st.sampled_from(("fr", "en")), st.text(max_size=9)),
        "opens_at": instants, "closes_at": st.none() | instants,
        "time_zone": st.sampled_from(("Europe/Paris", "UTC", "America/Cayenne")),
        "languages": st.just(["fr", "en"]), "votes_target": st.none() | small,
        "hashtag": st.none() | st.just("#SolutionsJeunes"), "contact": st.none(),
        "stages": st.just([{"name": "vote", "begins": "2022-03-22", "ends": None}]),
        "organisers": st.just([{"role": "founder", "names": ["A"]}]),
        "facts": st.just([{"value": "8", "texts": {"fr": "villes"}, "source": "INSEE"}]),
    })


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Give catalogues that know some proposals and ideas, or nothing at all."""
    events: list[tuple[str, dict[str, Any]]] = [
        ("ConsultationDescribed", fields) for fields in draw(st.lists(described(), max_size=1))]
    author = st.none() | st.just({"name": "Zoé", "kind": "citizen", "age_band": None})
    events += [
        ("ProposalAccepted", {"proposal": name, "text": {"fr": "Il faut"}, "author": draw(author)})
        for name in draw(st.lists(st.sampled_from(PROPOSALS), unique=True))]
    themes = st.sampled_from((None, "t1", "t2"))
    events += [
        ("IdeaDescribed", {"idea": name, "title": {}, "theme": draw(themes)})
        for name in draw(st.lists(st.sampled_from(IDEAS), unique=True))]
    events.append(("ThemeDescribed", {"theme": "t1", "title": {"fr": "Emploi"}}))
    ideas = st.sampled_from((None, *IDEAS))
    events += [
        ("ProposalGrouped", {"proposal": name, "idea": draw(ideas)})
        for name in draw(st.lists(st.sampled_from((*PROPOSALS, "unknown"))))]
    if draw(st.booleans()):
        events.append(("ClosingCompleted", {"offsets": [7, 9]}))
    catalogue = Catalogue()
    for offset, (event, fields) in enumerate(events):
        catalogue.apply(event, {"consultation": "jeunes", **fields}, offset)
    return catalogue


def figures() -> st.SearchStrategy[Figures]:
    """Give figures of a consultation."""
    answers = st.dictionaries(st.sampled_from(("a", "b", "c")), st.integers(1, 40))
    return st.builds(
        Figures, proposals=st.dictionaries(st.sampled_from(PROPOSALS), counts()),
        participants=small, participants_received=small, suspended=small, closed=st.booleans(),
        descriptions=small,
        described=st.fixed_dictionaries(
            {}, optional=dict.fromkeys(results_document.DESCRIBED_BY, answers)),
    )


def document(found: Figures, catalogue: Catalogue, *, held: int = 9) -> dict[str, Any]:
    """Compute and assemble."""
    as_of = AsOf((held, held), catalogue.offset, -1)
    published = results_document.compute(
        "jeunes", found, catalogue, as_of, decided={"counted": 5}, undecodable=1)
    return results_document.document(published, catalogue)


def test_the_schema_is_a_schema_and_says_what_everything_is() -> None:
    """Draft 2020-12, and every top-level property is described."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, described_property in SCHEMA["properties"].items():
        assert described_property["description"].endswith("."), name


@given(found=figures(), catalogue=catalogues())
@property_test
def test_every_document_is_json_of_its_schema(found: Figures, catalogue: Catalogue) -> None:
    """Whatever the figures and the catalogue, the document survives JSON and fits its schema."""
    made = document(found, catalogue)
    again = json.loads(json.dumps(made, allow_nan=False))

    assert made == again
    jsonschema.Draft202012Validator(SCHEMA).validate(again)


@given(found=figures(), catalogue=catalogues())
@property_test
def test_ideas_and_totals_are_their_proposals_added_up(
    found: Figures, catalogue: Catalogue
) -> None:
    """Pooled counts equal sums over the document's own proposals; no proposal is hidden."""
    made = document(found, catalogue)
    known = catalogue.consultations["jeunes"]
    listed = {proposal["id"]: proposal for proposal in made["proposals"]}
    unknown = {name for name, counts in found.proposals.items() if counts[0]}
    unknown -= set(known.proposals)
    assert list(listed) == [*known.proposals, *sorted(unknown)]
    assert made["totals"]["unknown_proposals"] == len(unknown)
    for idea in made["ideas"]:
        members = [name for name, to in known.mapping.items() if to == idea["id"]]
        pooled = [results_document.flat(listed[name]) for name in members if name in listed]

        assert idea["proposals"] == len(members)
        assert results_document.flat(idea) == {
            name: sum(counts[name] for counts in pooled) for name in COUNTS}
    flat = [results_document.flat(proposal) for proposal in listed.values()]

    assert results_document.flat(made["totals"]) == {
        name: sum(counts[name] for counts in flat) for name in COUNTS}


@given(found=counts())
@property_test
def test_flat_is_the_inverse_of_a_block(found: list[int]) -> None:
    """A counts block holds every count, and gives it back."""
    named = results_document.named(found)

    assert results_document.flat(results_document.entry(named)) == named


@given(answers=st.dictionaries(st.text(max_size=3), st.integers(1, 30), max_size=6))
@property_test
def test_small_cells_cannot_be_found_by_subtraction(answers: dict[str, int]) -> None:
    """No cell under ten is shown, and never one alone is withheld beside others."""
    cells = results_document.cells(answers)
    shown = {cell["value"]: cell["count"] for cell in cells}
    withheld = [value for value, count in shown.items() if count is None]

    assert [cell["value"] for cell in cells] == sorted(answers)
    assert all(count is None or count == answers[value] >= results_document.WITHHELD_BELOW
               for value, count in shown.items())
    assert len(withheld) != 1 or len(answers) == 1
    small_ones = [value for value in answers if answers[value] < results_document.WITHHELD_BELOW]
    assert len(withheld) <= max(len(small_ones), 2 if small_ones else 0)


def test_the_second_cell_withheld_is_the_smallest_shown() -> None:
    """As little as possible is lost; ties go by name."""
    assert results_document.cells({"c": 50, "a": 9, "b": 12, "d": 12}) == [
        {"value": "a", "count": None}, {"value": "b", "count": None},
        {"value": "c", "count": 50}, {"value": "d", "count": 12}]


@pytest.mark.parametrize(("held", "closed", "state"), [
    (9, True, "final"), (8, True, "closed"), (9, False, "open")])
def test_a_result_is_final_when_the_closing_is_held_in_full(
    held: int, closed: bool, state: str  # noqa: FBT001 -- a column of the table above
) -> None:
    """Closed in every partition, completed in the catalogue, and held up to the control."""
    catalogue = Catalogue()
    catalogue.apply("ClosingCompleted", {"consultation": "jeunes", "offsets": [7, 9]}, 0)
    made = document(Figures({}, closed=closed), catalogue, held=held)

    assert (made["state"], made["final"]) == (state, state == "final")


def test_instants_are_written_in_the_consultations_zone() -> None:
    """Days are days of the consultation: midnight in Paris is midnight in the document."""
    catalogue = Catalogue()
    catalogue.apply("ConsultationDescribed", {
        "consultation": "jeunes", "question": {}, "opens_at": 1_647_903_600_000,
        "closes_at": None, "time_zone": "Europe/Paris", "languages": [], "votes_target": None,
        "hashtag": None, "contact": None, "stages": [], "organisers": [], "facts": []}, 0)
    made = document(Figures({}), catalogue)["consultation"]

    assert (made["opens_at"], made["closes_at"]) == ("2022-03-22T00:00:00+01:00", None)


def test_not_stated_is_never_below_zero() -> None:
    """Descriptions may belong to voters set aside: more of them than participants is no error."""
    made = document(Figures({}, participants=3, descriptions=5), Catalogue())

    assert made["participation"]["not_stated"] == 0
