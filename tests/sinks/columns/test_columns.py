"""Whole columns read at once say what the careful decoders say record by record."""

from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.ledger.decisions import decode
from schemas import codec, hot
from schemas.codec import Undecodable
from schemas.registry import UnknownSchema
from schemas.topics import MAX_BALLOT_BYTES
from schemas.words import (
    CHOICES,
    KINDS,
    ORIGINS,
    OUTCOMES,
    QUALIFICATIONS,
    REASONS,
    REFUSALS,
    ROUTES,
    SHOWN,
    TRUSTS,
)
from sinks.columns.catalogue import catalogue_table
from sinks.columns.decisions import decisions_table
from sinks.columns.records import LATEST_MILLISECONDS, Records, UnreadableRecord
from sinks.columns.votes import votes_table
from tests.sinks.ballots import CONSULTATION, Log, decide, random_box, rule_for_all


NOBODY = bytes(16)


def records(values: Log) -> Records:
    """Make a stretch of records of these values."""
    return Records("t.votes", 3, 1000, list(range(len(values))), values)


def expected_vote(value: bytes | None) -> dict[str, Any]:
    """Read a record of the ballot box by the careful decoder."""
    too_long = value is not None and len(value) > MAX_BALLOT_BYTES
    try:
        event, fields = codec.decode(None if too_long else value)
    except Undecodable:
        return {"kind": 0, "event_id": NOBODY, "voter": NOBODY}
    kind = "".join("_" + c.lower() if c.isupper() else c for c in event).strip("_")
    words = {"choice": CHOICES, "qualification": QUALIFICATIONS, "trust": TRUSTS,
             "origin": ORIGINS}
    return {
        "kind": KINDS.index(kind),
        "event_id": fields["event_id"],
        "voter": fields.get("voter", NOBODY),
        "consultation": fields.get("consultation", ""),
        "proposal": fields.get("proposal", ""),
        **{name: symbols.index(fields[name]) + 1 if name in fields else 0
           for name, symbols in words.items()},
        "reason": fields.get("reason", ""),
        "shown": SHOWN.index(fields.get("shown", "unknown")),
        "pause": fields.get("pause", 15), "via": fields.get("via", 0),
        "wording": fields.get("wording", -1),
        "cause": fields.get("cause", 0), "finding": fields.get("finding", NOBODY),
        "fault": "",
    }


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.data())
def test_votes_are_read_as_by_the_careful_decoder(seed: int, data: st.DataObject) -> None:
    """Every kind of event, cut, lengthened and with flipped bytes, has the same columns."""
    box = random_box(seed, 60, rises_at=(None, 0, 30)[seed % 3])
    values = [value for log in box.logs for value in log]
    place = data.draw(st.integers(0, len(values) - 1))
    value = bytearray(values[place] or b"\0")
    at = data.draw(st.integers(min(5, len(value) - 1), len(value) - 1))
    value[at] = data.draw(st.integers(0, 255))
    values.append(bytes(value))
    try:
        for changed in values:
            expected_vote(changed)
    except UnknownSchema:
        values.pop()
    rows = votes_table(records(values)).to_pylist()
    for row, changed in zip(rows, values, strict=True):
        expected = expected_vote(changed)
        assert {name: row[name] for name in expected} == expected
        assert row["value"] == changed
        assert bool(row["fault"]) == (expected["kind"] == 0)


@settings(max_examples=60)
@given(st.integers(-(2**63), 2**63 - 1))
def test_any_instant_is_read(milliseconds: int) -> None:
    """Instants of every length are read; beyond what ClickHouse holds they stop at its bounds."""
    value = hot.encoder("VoteCast")(NOBODY, NOBODY, NOBODY, 0, 0, 0, "c", "p", milliseconds)
    row = votes_table(records([value])).to_pylist()[0]
    began = datetime(1970, 1, 1, tzinfo=UTC)
    held = max(min(milliseconds, LATEST_MILLISECONDS), -2_208_988_800_000)
    assert row["occurred_at"] == began + timedelta(milliseconds=held)
    assert row["kind"] == KINDS.index("vote_cast")


def test_identifiers_that_are_no_text_are_undecodable() -> None:
    """A proposal of bytes that are not UTF-8 is archived as unknown, like the ledger has it."""
    value = hot.encoder("VoteCast")(NOBODY, NOBODY, NOBODY, 0, 0, 0, "c", "px", 0)
    value = value.replace(b"px", b"p\xff")
    row = votes_table(records([value])).to_pylist()[0]
    assert (row["kind"], row["proposal"]) == (0, "")


def test_what_does_not_belong_in_the_ballot_box_is_undecodable() -> None:
    """An event of another topic is passed by, as the ledger does: whole, cut or too long."""
    box = random_box(5, 20)
    decision = decide(box)[1][0][3]
    assert decision is not None
    for value in (decision, decision[:-1], decision + bytes(MAX_BALLOT_BYTES)):
        box.logs[0].append(value)
        assert decode(decide(box)[1][0][-1] or b"").reason == REASONS.index("undecodable")
        row = votes_table(records([value])).to_pylist()[0]
        assert (row["kind"], row["consultation"], bool(row["fault"])) == (0, "", True)


@pytest.mark.parametrize("more_bytes", [0, MAX_BALLOT_BYTES])
def test_an_unknown_schema_stops_at_its_record(more_bytes: int) -> None:
    """An id we do not know names the first offset not read, whatever the record's size."""
    box = random_box(5, 20)
    values = [*box.logs[0], b"\0\0\0\0\x4dlater" + bytes(more_bytes), *box.logs[0]]
    with pytest.raises(UnreadableRecord, match="Install the version") as stop:
        votes_table(records(values))
    assert stop.value.offset == 1000 + len(box.logs[0])


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_decisions_are_read_as_by_recovery(seed: int) -> None:
    """Decisions of every outcome, and of suspensions over many proposals, have all their fields."""
    _, decisions = decide(random_box(seed, 80, rises_at=(None, 0, 40)[seed % 3]))
    values: Log = [value for log in decisions for value in log]
    for row, value in zip(decisions_table(records(values)).to_pylist(), values, strict=True):
        assert value is not None
        decision = decode(value)
        wanted = {
            "source_offset": decision.source_offset, "kind": decision.kind,
            "outcome": decision.outcome, "reason": decision.reason,
            "event_id": decision.event_id or NOBODY, "voter": decision.voter or NOBODY,
            "chain": decision.chain, "consultation": decision.consultation or "",
            "refusal": decision.refusal, "fault": "",
        }
        assert {name: row[name] for name in wanted} == wanted
        changes = list(zip(
            row["proposals"], row["before"], row["after"], row["routes"], strict=True))
        assert changes == [tuple(change) for change in decision.changes]


def test_broken_decisions_are_kept_with_their_fault() -> None:
    """Bytes that are no decision are archived as they are, and say what is wrong."""
    _, decisions = decide(random_box(6, 30))
    values: Log = [decisions[0][3][:-1], decisions[0][3] + b"\0", None, b"", b"\1\2"]
    rows = decisions_table(records(values)).to_pylist()
    assert [row["value"] for row in rows] == values
    assert all(row["fault"] for row in rows)


def test_words_of_the_tables_are_those_of_the_schemas() -> None:
    """The enums written in SQL list the symbols of the schemas, in their order."""
    sql = _tables_sql()
    for symbols, first in ((KINDS, 0), (CHOICES, 1), (QUALIFICATIONS, 1), (TRUSTS, 1),
                           (ORIGINS, 1), (OUTCOMES, 0), (REASONS, 0), (SHOWN, 0), (ROUTES, 0),
                           (REFUSALS, 0)):
        listed = ", ".join(f"'{name}' = {number}" for number, name in enumerate(symbols, first))
        assert listed in sql


def test_the_catalogue_is_kept_whole() -> None:
    """Catalogue events are readable by name; what cannot be decoded says why."""
    value = codec.encode(
        "ProposalGrouped", event_id=NOBODY, consultation=CONSULTATION, proposal="p-1", idea=None,
        origin="operator", occurred_at=0)
    rows = catalogue_table(records([value, value[:-1], None])).to_pylist()
    assert [row["event"] for row in rows] == ["ProposalGrouped", "", ""]
    assert '"proposal": "p-1"' in rows[0]["fields"]
    assert rows[1]["fault"]
    assert rows[2]["fault"]


def test_a_rule_for_all_consultations_names_none() -> None:
    """Its consultation is null in the log, and empty in the archive as of all that name none."""
    [row] = catalogue_table(records([rule_for_all()])).to_pylist()

    assert (row["event"], row["consultation"]) == ("GuardRuleChanged", "")


def _tables_sql() -> str:
    folder = resources.files("sinks") / "tables"
    text = "".join(file.read_text("utf-8") for file in folder.iterdir())
    return " ".join(text.split())
