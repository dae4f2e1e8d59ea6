"""The checked-in contracts: complete, documented, bounded, and never changed once published."""

import json
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.registry import (
    FOLLOW_RULES,
    UnknownSchema,
    all_schemas,
    by_id,
    current,
    headers,
    newest,
)


FOLDER = Path(str(resources.files("schemas")))
EVENTS = sorted(path.stem for path in (FOLDER / "events").glob("*.avsc"))
HISTORY = sorted((FOLDER / "history").glob("*/*.avsc"))
IDS: dict[str, dict[str, Any]] = json.loads((FOLDER / "ids.json").read_text("utf-8"))
PUBLISHED_IDS = {
    1: "VoteCast", 2: "VoteWithdrawn", 3: "QualificationAdded", 4: "QualificationWithdrawn",
    5: "RulesAdopted", 6: "VoterSuspended", 7: "VoterReinstated", 8: "ConsultationClosed",
    9: "ConsultationSealed", 10: "VoteCast", 11: "VoteWithdrawn", 12: "QualificationAdded",
    13: "QualificationWithdrawn", 16: "VoterSuspended", 17: "VoterReinstated", 18: "RulesAdopted",
    19: "ConsultationClosed", 20: "DecisionMade", 21: "ConsultationSealed", 22: "DecisionMade",
    30: "ProposalTallied", 31: "ParticipationTallied", 32: "TalliesFlushed",
    33: "ParticipationTallied", 34: "ProposalTallied", 40: "ProposalScored", 41: "IdeaScored",
    42: "ProposalsRanked", 43: "ConsultationScored", 44: "ResultsPublished",
    45: "ConsultationScored", 46: "RoutesCounted", 47: "DrawnRanked", 48: "RankingsHeld",
    49: "DescriptionsPublished", 50: "ConsultationDescribed", 51: "ThemeDescribed",
    52: "IdeaDescribed", 53: "ProposalAccepted", 54: "ProposalGrouped", 55: "ClosingCompleted",
    56: "UndecodableAccepted", 57: "PublicKeyNamed", 58: "RulesAnnounced",
    59: "GuardRuleChanged", 60: "ParticipantDescribed", 61: "ConsultationDescribed",
    62: "ParticipantDescribed", 63: "RulesAnnounced", 70: "SequenceServed",
    71: "SequenceDrawn", 80: "NetworksSeen", 90: "PatrolJudged",
    100: "ProposalCorrected", 101: "DescriptionCorrected", 102: "ProposalRetired",
    103: "ProposalRestored", 104: "ClosingCompleted", 110: "DoorCounted", 111: "NetworksSeen",
    112: "ChallengeRaised",
    120: "FindingConfirmed", 121: "FindingDismissed", 122: "ReviewAsked", 123: "ReviewAnswered",
    150: "LeaseTaken", 190: "KeysNamed", 191: "CatalogueSigned", 220: "ProposalRetired",
    250: "PartnerDescribed", 251: "PartnerDescribed", 255: "CodesIssued",
}
"""Ids in the log for ever: a line may be added here, never changed or removed."""


def read(path: Path) -> Any:
    """Read a schema as checked in."""
    return json.loads(path.read_text("utf-8"))


def versions(event: str) -> list[int]:
    """List the published versions of an event."""
    return sorted(int(path.stem) for path in HISTORY if path.parent.name == event)


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_its_newest_published_version(event: str) -> None:
    """schemas/events/X.avsc equals the newest schemas/history/X/N.avsc, byte for byte."""
    published = FOLDER / "history" / event / f"{versions(event)[-1]}.avsc"

    assert published.read_bytes() == (FOLDER / "events" / f"{event}.avsc").read_bytes()


def test_every_published_version_has_exactly_one_id() -> None:
    """ids.json names every file of the history once, and nothing else."""
    listed = [(entry["event"], entry["version"]) for entry in IDS.values()]

    assert sorted(listed) == sorted((path.parent.name, int(path.stem)) for path in HISTORY)
    assert len(set(listed)) == len(listed)


def test_the_history_names_no_other_events_and_has_no_gaps() -> None:
    """Every event has its versions from 1 on, and every history belongs to an event."""
    assert {path.parent.name for path in HISTORY} == set(EVENTS)
    for event in EVENTS:
        assert versions(event) == list(range(1, len(versions(event)) + 1))


def test_a_published_id_is_never_reused() -> None:
    """Ids stay with the event they were given to; ids of later versions are higher."""
    assert {int(id_): entry["event"] for id_, entry in IDS.items()} == PUBLISHED_IDS
    for event in EVENTS:
        by_version = sorted(
            (entry["version"], int(id_)) for id_, entry in IDS.items() if entry["event"] == event)

        assert all(earlier[1] < later[1] for earlier, later in pairwise(by_version))
    raw = (FOLDER / "ids.json").read_text("utf-8")

    assert all(raw.count(f'"{id_}":') == 1 for id_ in IDS)


def inner_fields(schema: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    """List every field of a schema, inner records' too, with its path."""
    found = []
    if isinstance(schema, list):
        return [field for branch in schema for field in inner_fields(branch, path)]
    if not isinstance(schema, dict):
        return []
    for field in schema.get("fields", ()):
        inner = f"{path}.{field['name']}"
        found += [(inner, field), *inner_fields(field["type"], inner)]
    for name in ("type", "items", "values"):
        found += inner_fields(schema.get(name), path)
    return found


def unbounded(schema: Any) -> bool:
    """Whether a text or bytes anywhere in a type have no maxLength."""
    if isinstance(schema, list):
        return any(map(unbounded, schema))
    if isinstance(schema, dict):
        if schema.get("type") in ("string", "bytes"):
            return "maxLength" not in schema
        return any(unbounded(schema.get(name)) for name in ("type", "items", "values"))
    return schema in ("string", "bytes")


@pytest.mark.parametrize("path", HISTORY, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_field_is_documented_and_every_string_bounded(path: Path) -> None:
    """Each field has a doc that is a sentence; each string says how long it may be."""
    schema = read(path)
    assert schema["name"] == path.parent.name
    assert schema["doc"].endswith(".")
    for name, field in inner_fields(schema, schema["name"]):
        assert field.get("doc", "").endswith("."), f"{name} has no doc"
        assert not unbounded(field["type"]), f"{name} has no maxLength"


def test_what_is_written_goes_with_the_rules_announced() -> None:
    """Events that follow the rules in the version of those rules, all others in their newest."""
    for event in EVENTS:
        follows = event in FOLLOW_RULES

        assert current(event).version == (1 if follows else versions(event)[-1])
        assert current(event, 2).version == (2 if follows else versions(event)[-1])
        assert headers(event) == {schema.header for schema in all_schemas().values()
                                  if schema.event == event}


def test_newest_is_the_last_version_published() -> None:
    """Every version has its own header, and the newest is the one in schemas/events."""
    for event in EVENTS:
        schema = newest(event)

        assert schema.version == versions(event)[-1]
        assert by_id(schema.id) is schema
        assert schema.header == b"\0" + schema.id.to_bytes(4, "big")
        assert schema.raw == read(FOLDER / "events" / f"{event}.avsc")


def test_names_and_ids_not_ours_are_refused() -> None:
    """An unknown event is a mistake of ours, an unknown id one of a later version."""
    with pytest.raises(KeyError, match="no event 'VoteBought'"):
        current("VoteBought")
    with pytest.raises(UnknownSchema, match="unknown schema id 999"):
        by_id(999)
    assert 999 not in all_schemas()
