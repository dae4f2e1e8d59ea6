"""The results document: one shape, whatever the figures."""

import dataclasses
import json
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.results import results_document, routes, scores
from processors.results.catalogue import Catalogue
from processors.results.descriptions import Descriptions, PublishedDescriptions
from processors.results.results_document import AsOf, Figures
from schemas.words import ANSWERS, CHOICES, COUNTS, QUALIFICATIONS
from tests.processors.ledger.logs import property_test


SCHEMA = json.loads((resources.files("processors") / "results.schema.json").read_text("utf-8"))
PROPOSALS = ("p1", "p2", "été", "p4")
IDEAS = ("i1", "i2")
small = st.integers(0, 400)


@st.composite
def counts(draw: st.DrawFn) -> list[int]:
    """Return counts that obey the conservation law."""
    found = dict.fromkeys(COUNTS, 0)
    for name in COUNTS[1:]:
        found[name] = draw(small)
    for number, choice in enumerate(CHOICES):
        for name in QUALIFICATIONS[3 * number:3 * number + 3]:
            found[name] = draw(st.integers(0, found[choice]))
    found["received"] = sum(found.values()) - sum(found[name] for name in QUALIFICATIONS)
    return [found[name] for name in COUNTS]


def described() -> st.SearchStrategy[dict[str, Any]]:
    """Return descriptions of the consultation."""
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
    """Return catalogues that know some proposals and ideas, or nothing at all."""
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


@st.composite
def by_route(draw: st.DrawFn, found: list[int]) -> list[int]:
    """Return counts by route and rule that go with counts."""
    held, more = results_document.named(found), dict.fromkeys(routes.ROUTE_COUNTS, 0)
    for number, choice in enumerate(CHOICES):
        drawn = more[f"drawn_{choice}"] = draw(st.integers(0, held[choice]))
        for name in QUALIFICATIONS[3 * number:3 * number + 3]:
            more[f"drawn_{name}"] = draw(st.integers(0, min(drawn, held[name])))
        more["counted_asked"] += draw(st.integers(0, held[choice] - drawn))
    if held["set_aside_suspended"]:
        more["set_aside_cause_7"] = draw(st.integers(0, held["set_aside_suspended"]))
    return [more[name] for name in routes.ROUTE_COUNTS]


@st.composite
def figures_2(draw: st.DrawFn) -> Figures:
    """Return figures of a consultation of which some votes were decided by rules 2."""
    found = draw(figures())
    found.rules = 2
    found.routes = {name: draw(by_route([*counts])) for name, counts in found.proposals.items()
                    if draw(st.booleans())}
    return found


def figures() -> st.SearchStrategy[Figures]:
    """Return figures of a consultation, of rules 1."""
    return st.builds(
        Figures, proposals=st.dictionaries(st.sampled_from(PROPOSALS), counts()),
        participants=small, participants_received=small, suspended=small, closed=st.booleans(),
        descriptions=st.builds(published, st.integers(0, 90), st.booleans(), closed=st.booleans()),
    )


def published(
    people: int, version_1: bool, *, closed: bool  # noqa: FBT001 -- drawn by hypothesis
) -> PublishedDescriptions:
    """Return what is published of so many descriptions."""
    found = Descriptions()
    for number in range(people):
        found.apply(b"%d" % number, (
            ANSWERS["gender"][number % 3], None, "FR-IDF"), version_1=version_1)
    return found.published(closed=closed)


def document(
    found: Figures, catalogue: Catalogue, *, held: int = 9, people: int = -1
) -> dict[str, Any]:
    """Compute and assemble."""
    as_of = AsOf((held, held), catalogue.offset, people)
    published = results_document.compute(
        "jeunes", found, catalogue, as_of, decided={"counted": 5}, undecodable=1)
    return results_document.document(published, catalogue)


def test_the_schema_is_a_schema_and_says_what_everything_is() -> None:
    """Draft 2020-12, and every top-level property is described."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, described_property in SCHEMA["properties"].items():
        assert described_property["description"].endswith("."), name


@given(found=figures() | figures_2(), catalogue=catalogues())
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


@pytest.mark.parametrize(("at", "state"), [(2, "final"), (3, "closed")])
def test_a_result_is_final_when_the_participants_are_held_up_to_the_closing(
    at: int, state: str
) -> None:
    """What comes before it still counts."""
    catalogue = Catalogue()
    catalogue.apply("ClosingCompleted", {
        "consultation": "jeunes", "offsets": [7, 9], "participants": at}, 0)

    assert document(Figures({}, closed=True), catalogue, people=2)["state"] == state


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
    made = document(Figures({}, participants=3, descriptions=PublishedDescriptions(5)), Catalogue())

    assert made["participation"]["not_stated"] == 0


@given(found=figures_2(), catalogue=catalogues())
@property_test
def test_under_rules_2_every_counted_vote_has_one_route(
    found: Figures, catalogue: Catalogue
) -> None:
    """Drawn, asked and unknown add up to the counted votes; drawn shares are of drawn votes."""
    made = document(found, catalogue)
    entries = [*made["proposals"], *made["ideas"], made["totals"]]

    assert (made["format"], made["rules_version"]) == ("scrutin-results/3", 2)
    for entry in entries:
        drawn, by_rule = entry["drawn"], entry["set_aside_by_rule"].values()
        assert sum(entry["routes"].values()) == entry["counted"]["votes"]
        assert min(entry["routes"].values()) >= 0
        assert drawn["votes"] == entry["routes"]["drawn"] == sum(drawn[name] for name in CHOICES)
        assert all(share == pytest.approx(drawn[name] / drawn["votes"], abs=1e-6)
                   for name, share in drawn["shares"].items() if name in CHOICES)
        assert sum(by_rule) <= entry["set_aside"]["suspended"]


@given(found=figures_2(), catalogue=catalogues())
@property_test
def test_what_is_counted_is_published_as_under_rules_1(
    found: Figures, catalogue: Catalogue
) -> None:
    """Rules 2 add to the document, and have other intervals of what is pooled; the rest is as was.
    """
    made = document(found, catalogue)
    before = document(dataclasses.replace(found, rules=1), catalogue)
    added = {"set_aside_by_rule", "routes", "drawn", "drawn_rank", "apart", "effective_votes"}

    def counted(entry: dict[str, Any], *, pooled: bool) -> dict[str, Any]:
        kept = {name: held for name, held in entry.items() if name not in added}
        if pooled:
            del kept["intervals"]
            kept.pop("rank", None)
            kept["scores"] = {name: score["value"] for name, score in kept["scores"].items()}
        return kept

    both = [{**each, "totals": counted(each["totals"], pooled=True),
             "ideas": [counted(entry, pooled=True) for entry in each["ideas"]],
             "proposals": [counted(entry, pooled=False) for entry in each["proposals"]]}
            for each in (made, before)]
    versions = {"rules_version": 2,
                "scores_version": scores.SCORES_VERSION_BY_VOTERS}
    assert both[0] == {**both[1], **versions}
    for idea, old in zip(made["ideas"], before["ideas"], strict=True):
        assert idea["effective_votes"]["counted"] <= idea["counted"]["votes"]
        assert all(margins["margin"] >= old["scores"][name]["margin"] - 1e-6
                   for name, margins in idea["scores"].items())


def test_ranks_by_drawn_votes_begin_at_a_hundred_of_them() -> None:
    """99 drawn votes of 400 have no rank by draw, 100 have one; both are ranked as counted."""
    votes = dict.fromkeys(COUNTS, 0) | {"received": 400, "agree": 400}
    found = Figures({name: [votes[each] for each in COUNTS] for name in ("p1", "p2")}, rules=2)
    for name, drawn in (("p1", 99), ("p2", 100)):
        counts = dict.fromkeys(routes.ROUTE_COUNTS, 0) | {"drawn_agree": drawn}
        found.routes[name] = [counts[each] for each in routes.ROUTE_COUNTS]
    made = {entry["id"]: entry for entry in document(found, Catalogue())["proposals"]}

    assert made["p1"]["rank"]
    assert made["p1"]["drawn_rank"] is None
    assert made["p2"]["drawn_rank"] == {"position": 1, "best": 1, "worst": 1}
    assert made["p1"]["routes"] == {"drawn": 99, "asked": 0, "unknown": 301}


@given(found=figures_2(), catalogue=catalogues())
@property_test
def test_drawn_and_other_votes_are_apart_where_their_intervals_do_not_meet(
    found: Figures, catalogue: Catalogue
) -> None:
    """All counted votes are one or the other; without votes on both sides nothing is apart."""
    made = document(found, catalogue)
    for entry in (*made["proposals"], *made["ideas"]):
        drawn, others = entry["drawn"], routes.others(entry)
        assert all(drawn[name] + others[name] == entry["counted"][name]
                   for name in ("votes", *CHOICES))
        assert entry["apart"] == [
            name for name in CHOICES if drawn["votes"] and others["votes"] and (
                max(drawn["intervals"][name][0], others["intervals"][name][0])
                > min(drawn["intervals"][name][1], others["intervals"][name][1]))]


@pytest.mark.parametrize(("drawn_agree", "apart"), [
    (50, ["agree", "disagree"]), (70, []), (80, [])])
def test_a_crowd_that_came_by_a_link_is_told_apart(drawn_agree: int, apart: list[str]) -> None:
    """400 drawn votes and 100 others that agree by 80 %: apart at 50 %, not at 70 %."""
    votes = dict.fromkeys(COUNTS, 0) | {
        "received": 500, "agree": 4 * drawn_agree + 80, "disagree": 420 - 4 * drawn_agree}
    routed = dict.fromkeys(routes.ROUTE_COUNTS, 0) | {
        "drawn_agree": 4 * drawn_agree, "drawn_disagree": 400 - 4 * drawn_agree,
        "counted_asked": 100}
    found = Figures({"p1": [votes[name] for name in COUNTS]}, rules=2,
                    routes={"p1": [routed[name] for name in routes.ROUTE_COUNTS]})
    [made] = document(found, Catalogue())["proposals"]

    assert made["apart"] == apart
    assert routes.others(made)["shares"] == {"agree": 0.8, "disagree": 0.2, "neutral": 0.0}


@given(found=counts().flatmap(lambda found: st.tuples(st.just(found), by_route(found))))
@property_test
def test_routes_are_given_back_as_they_were_counted(found: tuple[list[int], list[int]]) -> None:
    """An entry holds every count by route and rule, and gives it back."""
    entry = results_document.entry(results_document.named(found[0]))
    entry |= routes.joined(entry, routes.routed(found[1]))

    assert list(routes.flat(entry).values()) == found[1]
