"""The fold of the catalogue: the last description wins, a mapping is the fold of a prefix."""

from typing import Any

from processors.results.catalogue import Catalogue


Events = list[tuple[str, dict[str, Any]]]
DATES = {"opens_at": 1_000, "closes_at": None, "time_zone": "UTC"}


def folded(events: Events) -> Catalogue:
    """Fold events from offset 0 on."""
    catalogue = Catalogue()
    for offset, (event, fields) in enumerate(events):
        catalogue.apply(event, {
            "consultation": "jeunes", "event_id": bytes([offset] * 16),
            "occurred_at": 1_000 * offset, **fields}, offset)
    return catalogue


def grouped(proposal: str, idea: str | None) -> tuple[str, dict[str, Any]]:
    """Make a ProposalGrouped."""
    return "ProposalGrouped", {"proposal": proposal, "idea": idea}


def test_a_later_description_replaces_the_earlier_one_in_its_place() -> None:
    """Order is that of first mention; fields are those of the last."""
    found = folded([
        ("IdeaDescribed", {"idea": "i1", "title": 1}),
        ("IdeaDescribed", {"idea": "i2", "title": 1}),
        ("IdeaDescribed", {"idea": "i1", "title": 2}),
        ("ConsultationDescribed", {"question": "old", **DATES}),
        ("ConsultationDescribed", {"question": "new", **DATES}),
        ("ThemeDescribed", {"theme": "t", "title": {}}),
        ("ProposalAccepted", {"proposal": "p", "text": {}}),
    ]).consultations["jeunes"]

    assert list(found.ideas) == ["i1", "i2"]
    assert found.ideas["i1"]["title"] == 2
    assert found.described is not None
    assert found.described["question"] == "new"
    assert (list(found.themes), list(found.proposals)) == (["t"], ["p"])


def test_any_past_mapping_is_the_fold_of_a_prefix() -> None:
    """Regrouping moves a proposal, ungrouping removes it; earlier prefixes keep what was."""
    events = [grouped("p", "i1"), grouped("q", "i1"), grouped("p", "i2"), grouped("q", None),
              grouped("x", None)]
    mappings = [folded(events[:end]).consultations["jeunes"].mapping for end in range(1, 6)]

    assert mappings == [
        {"p": "i1"}, {"p": "i1", "q": "i1"}, {"p": "i2", "q": "i1"}, {"p": "i2"}, {"p": "i2"}]


def test_what_is_regrouped_after_the_closing_is_counted() -> None:
    """A grouping that says again what is known is none."""
    found = folded([
        grouped("p", "i1"), ("ConsultationClosed", {}), grouped("p", "i1"), grouped("p", "i2"),
        grouped("q", None), grouped("p", None)]).consultations["jeunes"]

    assert found.groupings_after_closing == 2


def test_a_record_folded_already_is_skipped() -> None:
    """Reading from an earlier offset again changes nothing."""
    catalogue = folded([grouped("p", "i1"), grouped("p", "i2")])

    assert catalogue.apply("ProposalGrouped", {
        "consultation": "jeunes", "proposal": "p", "idea": "i1"}, 0) is None
    assert catalogue.consultations["jeunes"].mapping == {"p": "i2"}
    assert catalogue.offset == 1


def test_the_first_closing_stands() -> None:
    """A closing announced or completed again does not move it."""
    found = folded([
        ("ConsultationClosed", {"closes_at": 1}), ("ConsultationClosed", {"closes_at": 2}),
        ("ClosingCompleted", {"offsets": [1]}), ("ClosingCompleted", {"offsets": [2]}),
    ]).consultations["jeunes"]

    assert found.closing is not None
    assert found.completed is not None
    assert (found.closing["closes_at"], found.completed["offsets"]) == (1, [1])


def test_consultations_stand_apart_and_unknown_events_are_left_aside() -> None:
    """Events of other rooms, and events without a consultation, change no description."""
    catalogue = folded([
        grouped("p", "i1"), ("ProposalRefused", {"proposal": "p"}),
        ("IdeaDescribed", {"consultation": "forêts", "idea": "i9"})])

    assert catalogue.apply("RulesAdopted", {}, 3) is None
    assert catalogue.offset == 3
    assert list(catalogue.consultations) == ["jeunes", "forêts"]
    assert catalogue.consultations["forêts"].mapping == {}
    assert list(catalogue.consultations["jeunes"].ideas) == []
