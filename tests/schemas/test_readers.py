"""Every published version of every event has its readers, and closed lists of words stay closed."""

from collections.abc import Collection, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.ledger import controls_1, controls_2, decisions, layout
from processors.ledger.ledger import Ledger
from processors.results import partition_tallies
from schemas import codec
from schemas.registry import FOLLOW_RULES, Schema, all_schemas, headers, newest, versions
from schemas.words import REASONS
from sinks import ballots
from sinks.bundle import closing, replay
from sinks.columns import decisions as decision_columns
from sinks.columns import votes as vote_columns
from sinks.columns.records import Records
from sinks.recount import supposing
from tests.processors.ledger.logs_2 import adopted_2
from tests.schemas.events import fields_of, property_test


BALLOTS = ("VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn")
VOTER_CONTROLS = ("VoterSuspended", "VoterReinstated")
CONTROLS = (*VOTER_CONTROLS, "RulesAdopted", "ConsultationClosed", "ConsultationSealed")
DECIDED = "docs/adr/0020-second-versions.md"

READERS: dict[str, tuple[Collection[str], Collection[bytes]]] = {
    "processors/ledger/layout.py, rules 1": (BALLOTS, layout.BALLOTS_1),
    "processors/ledger/layout.py, rules 2": (BALLOTS, layout.BALLOTS_2),
    "processors/ledger/controls_2.py": (CONTROLS, controls_2.CONTROLS),
    "processors/ledger/decisions.py": (("DecisionMade",), decisions.HEADERS),
    "processors/results/partition_tallies.py": (
        ("ProposalTallied",), partition_tallies._DECODE_TALLIED),
    "sinks/ballots.py": (BALLOTS, ballots._CONSULTATIONS),
    "sinks/columns/votes.py": (BALLOTS, vote_columns._SHAPES),
    "sinks/columns/decisions.py": (("DecisionMade",), decision_columns._TAILS),
    "sinks/bundle/replay.py": ((*BALLOTS, *VOTER_CONTROLS), replay._PERSONAL),
    "sinks/bundle/closing.py": (BALLOTS, closing._BALLOTS),
    "sinks/recount/supposing.py": (BALLOTS, supposing._TRUST_AT),
}
"""By where it stands: the events that a table of readers is for, and the headers it knows."""

CLOSED = {
    "Choice": 3, "Trust": 2, "Origin": 6, "Qualification": 9, "Kind": 10, "Outcome": 15,
    "Reason": 7, "SetAside": 2, "Shown": 3, "Route": 4, "Refusal": 4, "ControlRole": 3,
    "AuthorKind": 2, "KeyKind": 2, "KeyState": 2, "GuardMode": 3, "Described": 3,
    "Challenged": 4,
}
"""Enums without a default, and how many symbols each has for ever."""


def unread(readers: dict[str, tuple[Collection[str], Collection[bytes]]]) -> Iterator[str]:
    """Name what a table of readers does not know of a published version of its events."""
    for place, (events, known) in readers.items():
        for event in events:
            for schema in versions(event):
                if schema.header not in known:
                    yield (f"{place} does not read {event} version {schema.version}: every "
                           f"published version is read for ever ({DECIDED})")


def enums(schema: Any) -> Iterator[tuple[str, list[str], bool]]:
    """Walk the enums of a schema: name, symbols, whether it has a default."""
    if isinstance(schema, list):
        for branch in schema:
            yield from enums(branch)
    elif isinstance(schema, dict):
        if schema.get("type") == "enum":
            yield schema["name"], schema["symbols"], "default" in schema
        for inner in schema.values():
            yield from enums(inner)


def grown(schema: Any) -> Iterator[str]:
    """Name the enums without a default that have other symbols than they had."""
    for name, symbols, has_default in enums(schema):
        if not has_default and CLOSED.get(name) != len(symbols):
            yield (f"{schema['name']}: the enum {name} has {len(symbols)} symbols. An enum without "
                   f"a default stays as it is; what grows is a field with a default ({DECIDED})")


def test_every_published_version_has_its_readers() -> None:
    """Whoever publishes a version finds here who does not read it yet."""
    assert list(unread(READERS)) == []


@pytest.mark.parametrize("place", READERS)
def test_a_version_without_a_reader_is_named(place: str) -> None:
    """A table that lacks one version fails, with its place and the decision to read about."""
    events, known = READERS[place]
    event = next(iter(events))
    last = newest(event).header
    [found] = unread({place: ((event,), [header for header in known if header != last])})

    assert place in found
    assert f"{event} version {newest(event).version}" in found
    assert DECIDED in found


OF_VOTERS = [schema for event in (*BALLOTS, *VOTER_CONTROLS) for schema in versions(event)]
few = settings(property_test, max_examples=30)
IDS = [f"{schema.event}-{schema.version}" for schema in OF_VOTERS]


@pytest.mark.parametrize("schema", OF_VOTERS, ids=IDS)
@few
@given(data=st.data())
def test_every_version_is_read_alike_by_all(schema: Schema, data: st.DataObject) -> None:
    """What the careful codec reads, ledger, archive and recounts read, of whatever version."""
    value = codec.encode_as(schema, **data.draw(fields_of(schema.raw)))
    _, fields = codec.decode(value)
    ledger = Ledger(0, 1)
    ledger.decide(0, adopted_2(partition=0, partitions=1))
    decision = decisions.decode(ledger.decide(1, value) or b"")
    [row] = vote_columns.votes_table(Records("votes", 0, 0, [0], [value])).to_pylist()

    assert REASONS[decision.reason] != "undecodable"
    assert (decision.voter, decision.kind, row["fault"]) == (fields["voter"], row["kind"], "")
    assert ballots.consultation_of(value) == fields["consultation"] == row["consultation"]


@pytest.mark.parametrize("schema", OF_VOTERS, ids=IDS)
@few
@given(data=st.data())
def test_every_version_is_read_without_a_rule(schema: Schema, data: st.DataObject) -> None:
    """No vote is suspect, and no suspension is one, whatever the version that says so."""
    value = codec.encode_as(schema, **data.draw(fields_of(schema.raw)))
    _, trusted = codec.decode(supposing.REWRITES["unproven"](value))
    freed, _ = codec.decode(supposing.REWRITES["suspended"](value))

    assert trusted.get("trust", "trusted") == "trusted"
    assert freed == ("VoterReinstated" if schema.event in VOTER_CONTROLS else schema.event)


def test_events_that_follow_the_rules_are_those_that_readers_are_listed_for() -> None:
    """An event that begins to follow the rules gets its readers listed above."""
    listed = {event for events, _ in READERS.values() for event in events}

    assert listed == FOLLOW_RULES
    assert set(controls_1.CONTROLS) < set().union(*map(headers, CONTROLS))


def test_closed_lists_of_words_stay_closed() -> None:
    """No published version of any event has an enum that grew or shrank."""
    assert [fault for schema in all_schemas().values() for fault in grown(schema.raw)] == []


def test_a_word_that_is_added_is_refused_by_name() -> None:
    """Who tries to add a symbol is told what to do instead."""
    planted = {"type": "record", "name": "VoteCast", "fields": [{"name": "choice", "type": {
        "type": "enum", "name": "Choice", "symbols": ["agree", "disagree", "neutral", "maybe"]}}]}
    [found] = grown(planted)

    assert "the enum Choice has 4 symbols" in found
    assert "field with a default" in found
