"""Whatever was changed after the fact is found, named, and ends with the right exit code."""

import copy
import hashlib
import json
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.ledger.decisions import decode
from schemas.words import KINDS, OUTCOMES
from sinks.recount import report
from sinks.recount.audit import Audit
from sinks.recount.checks import EXIT_CODES, HIDDEN
from sinks.recount.faults import ArchiveLacks
from sinks.recount.report import as_json, lines, without_numbers
from tests.sinks.ballots import decide, random_box
from tests.sinks.published import Archived, archived
from tests.sinks.stocking import log_of, open_store, stock


CHOICE_AT = 53
"""Place of the choice in a VoteCast."""
CHAIN_AT, OUTCOME_AT = 39, 56
"""Places of the chain's first byte and of the outcome in the decision of a vote."""


def failed(found: Audit) -> set[str]:
    """Name the checks that are not equal."""
    return {check.id for check in found.checks if check.status != "equal"}


@pytest.fixture
def consultation(clickhouse: ClickHouse, topic_prefix: str) -> Archived:
    """Archive an honest consultation."""
    return archived(clickhouse.url, topic_prefix, random_box(21, 150))


def test_a_changed_count_is_found(consultation: Archived) -> None:
    """One vote more in a published proposal: exit code 1, and the proposal is named."""
    forged = copy.deepcopy(consultation.document)
    forged["proposals"][0]["counted"]["agree"] += 1
    found = Archived(consultation.client, consultation.topics, forged).audit()
    assert EXIT_CODES[found.verdict] == 1
    assert failed(found) == {
        "pure.document", "pure.proposals", "sql.proposals", "changes.proposals"}
    named = next(check for check in found.checks if check.id == "sql.proposals").actual
    assert named[0]["id"] == forged["proposals"][0]["id"]


def test_a_recount_without_numbers_tells_only_what_is_equal(consultation: Archived) -> None:
    """While shares are hidden: every check and the verdict, no count of the consultation."""
    forged = copy.deepcopy(consultation.document)
    forged["totals"]["counted"]["agree"] += 100_000
    found = Archived(consultation.client, consultation.topics, forged).audit()
    told = without_numbers(found)
    shown = "\n".join([*lines(told), json.dumps(as_json(told)["checks"])])

    assert "100" in "\n".join(lines(found))
    assert failed(told) == failed(found)
    assert told.verdict == found.verdict == "different"
    assert not [check for check in told.checks if check.expected != HIDDEN
                or check.actual != HIDDEN]
    assert str(forged["totals"]["counted"]["agree"]) not in shown.replace(",", "")
    assert "agree:" not in shown.replace("totals.agree: DIFFERENT", "")


def test_a_changed_share_is_found(consultation: Archived) -> None:
    """Counts untouched, a percentage beautified: exit code 1, and the path is named."""
    forged = copy.deepcopy(consultation.document)
    forged["ideas"][0]["shares"]["agree"] = 0.999
    found = Archived(consultation.client, consultation.topics, forged).audit()
    assert EXIT_CODES[found.verdict] == 1
    assert failed(found) == {"pure.document"}
    assert "ideas.idée.shares.agree" in str(found.checks)


@pytest.fixture
def by_route(clickhouse: ClickHouse, topic_prefix: str) -> Archived:
    """Archive an honest consultation in which rules 2 are adopted."""
    return archived(clickhouse.url, topic_prefix, random_box(21, 200, rises_at=30))


COUNTED_WRONG = {f"{method}.{name}" for method in ("pure", "sql", "changes") for name in (
    "routes", "document")} - {"sql.document", "changes.document"}
"""What finds a count by route or rule that nobody counted."""


@pytest.mark.parametrize(("path", "found_by"), [
    (("drawn", "agree"), COUNTED_WRONG),
    (("drawn", "qualifications", "no_opinion"), COUNTED_WRONG),
    (("routes", "asked"), COUNTED_WRONG),
    (("set_aside_by_rule", "1"), COUNTED_WRONG),
    (("routes", "unknown"), {"pure.document"}),
    (("drawn", "votes"), {"pure.document"}),
    (("drawn", "shares", "agree"), {"pure.document"}),
    (("drawn_rank",), {"pure.ranks"}),
])
def test_what_is_told_of_drawn_votes_is_recounted(
    by_route: Archived, path: tuple[str, ...], found_by: set[str]
) -> None:
    """Choices and shares of drawn votes, routes, rules and ranks: a lie in each is found."""
    forged = copy.deepcopy(by_route.document)
    place: Any = next(entry for entry in forged["proposals"] if entry["drawn"]["votes"])
    for step in path[:-1]:
        place = place[step]
    lie = {"position": 1, "best": 1, "worst": 1} if path == ("drawn_rank",) else (
        place.get(path[-1], 0) + 1)
    place[path[-1]] = lie

    assert by_route.audit().verdict == "equal"
    found = Archived(by_route.client, by_route.topics, forged).audit()
    assert EXIT_CODES[found.verdict] == 1
    assert failed(found) == found_by


@pytest.mark.parametrize(("table", "column", "lie", "where"), [
    ("votes_log", "shown", "'asked'", "shown = 'served'"),
    ("votes_log", "cause", "cause + 3", "kind = 'voter_suspended'"),
    ("decisions_log", "routes", "arrayMap(route -> 'unknown', routes)", "has(routes, 'drawn')"),
])
def test_a_column_of_version_2_that_lies_is_named(
    by_route: Archived, table: str, column: str, lie: str, where: str
) -> None:
    """What the recounts by route read: exit code 4, and the column is named."""
    by_route.client.command(
        f"ALTER TABLE {table} UPDATE {column} = {lie} WHERE {where} SETTINGS mutations_sync = 2")
    found = by_route.audit(columns=column == "cause")
    assert EXIT_CODES[found.verdict] == 4
    places = next(check for check in found.checks if check.id == "archive.columns").actual
    assert {(place["table"], place["column"]) for place in places} == {(table, column)}


def test_a_document_that_keeps_silent_about_routes_is_found(by_route: Archived) -> None:
    """Rules 2 are in force, and what is published looks as if they were not."""
    silent = copy.deepcopy(by_route.document)
    silent |= {"format": "scrutin-results/1", "rules_version": 1}
    for entry in (*silent["proposals"], *silent["ideas"], silent["totals"]):
        for name in ("routes", "drawn", "set_aside_by_rule", "drawn_rank"):
            entry.pop(name, None)
    found = Archived(by_route.client, by_route.topics, silent).audit()
    assert EXIT_CODES[found.verdict] == 1
    assert {"pure.document", "sql.routes", "changes.routes"} <= failed(found)


def test_a_changed_ranking_is_found(consultation: Archived) -> None:
    """The list of controversial proposals is compared like every number."""
    forged = copy.deepcopy(consultation.document)
    forged["controversial"] = ["p-0", *forged["controversial"]]
    found = Archived(consultation.client, consultation.topics, forged).audit()
    assert failed(found) == {"pure.ranks"}


def test_an_older_ranking_is_not_compared(consultation: Archived) -> None:
    """Ranks are made once a second: behind the votes they are left out, and it is said."""
    older: dict[str, Any] = copy.deepcopy(consultation.document)
    older["as_of"]["ranking"] = [-1] * len(older["as_of"]["votes"])
    older["controversial"] = []
    found = Archived(consultation.client, consultation.topics, older).audit()
    assert found.verdict == "equal"
    assert any("not compared" in line for line in lines(found))


def test_a_changed_vote_breaks_the_chain(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A vote altered in the archive: exit code 4, and the first offset is named."""
    box = random_box(22, 150)
    _, honest = decide(box)
    offset = _some_vote(honest[0])
    value = bytearray(box.logs[0][offset] or b"")
    value[CHOICE_AT] = 2 if value[CHOICE_AT] != 2 else 0
    box.logs[0][offset] = bytes(value)
    found = archived(clickhouse.url, topic_prefix, box, decisions=honest).audit()
    assert EXIT_CODES[found.verdict] == 4
    assert found.pure is not None
    assert [(0, offset, True)] == [
        (one.partition, one.source_offset, one.chain_differs) for one in found.pure.differences]


def test_a_changed_decision_is_named(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A decision altered in the archive: exit code 1, both decisions printed."""
    box = random_box(23, 150)
    _, decisions = decide(box)
    offset = _some_vote(decisions[0])
    value = bytearray(decisions[0][offset])
    value[OUTCOME_AT] = 2 * OUTCOMES.index("unchanged")
    decisions[0][offset] = bytes(value)
    found = archived(clickhouse.url, topic_prefix, box, decisions=decisions).audit()
    assert EXIT_CODES[found.verdict] == 1
    assert "decisions.bytes" in failed(found)
    assert "changes.outcomes" in failed(found)
    report = as_json(found)["first_differences"][0]
    assert (report["partition"], report["source_offset"]) == (0, offset)
    assert report["archived"]["outcome"] == "unchanged"
    assert report["recomputed"]["outcome"] == "counted"


def test_two_decisions_of_one_vote_are_found(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """A second, other decision of a vote counts nowhere and yet is an alarm: exit code 4."""
    box = random_box(24, 100)
    _, decisions = decide(box)
    other = bytearray(decisions[1][_some_vote(decisions[1])])
    other[CHAIN_AT] ^= 1
    decisions[1].append(bytes(other))
    found = archived(clickhouse.url, topic_prefix, box, decisions=decisions).audit()
    assert EXIT_CODES[found.verdict] == 4
    assert failed(found) == {"decisions.agree"}


@pytest.mark.parametrize(("table", "topic"), [("votes_log", "votes"),
                                              ("decisions_log", "decisions")])
def test_a_second_row_of_other_content_is_named(
    clickhouse: ClickHouse, topic_prefix: str, consultation: Archived, table: str, topic: str
) -> None:
    """Two records at one offset: exit code 4, and the place is named with both contents."""
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    log = log_of(consultation.topics, f"{topic_prefix}.{topic}")
    kept, other = (store.value(table, log.topic, 1, offset=offset) for offset in (20, 21))
    stock(store, log, 1, [other], first=20)
    found = consultation.audit()
    assert EXIT_CODES[found.verdict] == 4
    [place] = next(check for check in found.checks if check.id == "archive.rows").actual
    assert (place["table"], place["partition"], place["offset"]) == (table, 1, 20)
    assert {record["sha256"] for record in place["records"]} == {
        hashlib.sha256(value or b"").hexdigest() for value in (kept, other)}


@pytest.mark.parametrize(("table", "column", "lie"), [
    ("votes_log", "choice", "if(choice = 'agree', 'disagree', 'agree')"),
    ("votes_log", "proposal", "'p-x'"),
    ("votes_log", "voter", "reverse(voter)"),
    ("decisions_log", "after", "arrayMap(held -> toUInt8(bitXor(held, 3)), after)"),
    ("decisions_log", "outcome", "'late'"),
    ("decisions_log", "fault", "'unreadable'"),
    ("decisions_log", "source_offset", "source_offset + 1000"),
])
def test_a_column_that_lies_is_named(
    consultation: Archived, table: str, column: str, lie: str
) -> None:
    """A decoded column changed under untouched bytes: exit code 4, place and column named."""
    where = "partition = 0 AND kind = 'vote_cast' AND consultation = 'jeunes'"
    offset = consultation.client.query(
        f"SELECT min(offset) FROM {table} WHERE {where}").result_rows[0][0]
    consultation.client.command(
        f"ALTER TABLE {table} UPDATE {column} = {lie} WHERE {where} AND offset = {offset}"
        " SETTINGS mutations_sync = 2")
    found = consultation.audit()
    assert EXIT_CODES[found.verdict] == 4
    [place] = next(check for check in found.checks if check.id == "archive.columns").actual
    assert (place["table"], place["partition"], place["offset"], place["column"]) == (
        table, 0, offset, column)
    assert place["archived"] != place["decoded"]


def test_columns_that_change_no_number_are_read_when_asked(consultation: Archived) -> None:
    """A column that no number rests on is held against its bytes only with the option."""
    consultation.client.command(
        "ALTER TABLE votes_log UPDATE origin = 'web' WHERE partition = 1 AND offset = 30"
        " SETTINGS mutations_sync = 2")
    assert consultation.audit().verdict == "equal"
    assert consultation.audit(columns=True).verdict == "invalid"


def test_an_unreadable_decision_ends_the_audit(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """Bytes that are no decision: exit code 5, before any number is compared."""
    box = random_box(25, 60)
    _, decisions = decide(box)
    decisions[0][-1] = decisions[0][-1][:-3]
    found = archived(clickhouse.url, topic_prefix, box)
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    stock(store, log_of(found.topics, found.topics.decisions), 0,
          [decisions[0][-1]], first=len(decisions[0]))
    audit = found.audit()
    assert EXIT_CODES[audit.verdict] == 5
    assert "UNREADABLE" in list(lines(audit))[-1]


def test_a_lacking_archive_is_named(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """Published beyond the archive: the wait ends, and says what which partition lacks."""
    box = random_box(26, 80)
    found = archived(clickhouse.url, topic_prefix, box)
    found.document["as_of"]["votes"][1] += 7
    with pytest.raises(ArchiveLacks, match=r"votes partition 1 lacks 7 of \d+ records"):
        found.audit()


def test_each_computation_has_a_column(consultation: Archived) -> None:
    """What was compared is told: a row has as many numbers as the table has columns."""
    assert {len(row) for _, row in consultation.audit().table} == {len(report._COLUMNS)}


def test_the_report_ends_with_the_verdict(consultation: Archived) -> None:
    """People read the last line; it says equal only where every check is."""
    assert list(lines(consultation.audit()))[-1].startswith("EQUAL")


def _some_vote(decisions: list[bytes]) -> int:
    """Find the offset of a vote that was counted."""
    counted = (KINDS.index("vote_cast"), OUTCOMES.index("counted"))
    return next(offset for offset, value in enumerate(decisions)
                if (decode(value).kind, decode(value).outcome) == counted)
