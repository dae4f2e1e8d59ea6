"""What is published of the guard is recomputed from the archive; no number can be another."""

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.guard.published import Findings
from processors.guard.rule_changes import RuleChanges
from schemas import codec
from sinks.recount.checks import DIFFERENT, EQUAL
from sinks.recount.faults import ArchiveLacks
from sinks.recount.guard import check_guard, compared, recomputed
from tests.sinks.ballots import CONSULTATION, random_box
from tests.sinks.published import Archived, archived, catalogue_log
from tests.sinks.recount.test_planted_lies import numbers, off_by_one
from tests.sinks.stocking import log_of, open_store, stock
from tests.views import guarding
from views.guard.document import Asked, Told, document


def quiet(_: str) -> None:
    """Tell nobody."""


CHANGE = ("GuardRuleChanged", {
    "rule": 1, "version": 1, "mode": "set_aside", "follows": bytes(16), "reason": "tried",
    "parameters": [{"name": "voters", "value": 20}], "salt": bytes(16), "by": bytes(8),
    "signature": bytes(64)})
ABOUT = guarding.finding(CONSULTATION, proposal="p-0")["finding"]
ACT = ("FindingConfirmed", guarding.act("FindingConfirmed", ABOUT))
CHANGES = [CHANGE, ACT]
JUDGEMENTS: list[bytes | None] = [
    guarding.judgement(1, guarding.finding(
        CONSULTATION, proposal="p-0", marks=[1], mode="set_aside", named=guarding.voters(30),
        numbers={"voters": 30, "network_voters": 40, "popularity": 5})),
    guarding.judgement(1, guarding.finding(CONSULTATION, ordinal=1)), b"garbage",
    guarding.judgement(2, guarding.finding("elsewhere"), guarding.finding(
        CONSULTATION, rule=4, proposal="", choice=None, named=guarding.voters(1))),
    guarding.judgement(3, guarding.finding(
        CONSULTATION, proposal="p-0", marks=[1], mode="set_aside", named=guarding.voters(5, 90)))]


@pytest.fixture
def consultation(clickhouse: ClickHouse, topic_prefix: str) -> Archived:
    """Archive a consultation whose log rose to rules 2, with suspensions and judgements."""
    found = archived(clickhouse.url, topic_prefix, random_box(81, 300, rises_at=60),
                     corrections=CHANGES)
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    stock(store, log_of(found.topics, found.topics.patrol), 0, JUDGEMENTS)
    return found


def told(consultation: Archived, judgements: Sequence[bytes | None] = JUDGEMENTS) -> dict[str, Any]:
    """Publish what the views would."""
    findings, rules = Findings(), RuleChanges()
    for judgement in judgements:
        findings.take(judgement)
    box = random_box(81, 300, rises_at=60)
    for offset, value in enumerate(catalogue_log(box, CHANGES)):
        event, fields = codec.decode(value)
        rules.follow(offset, event, fields, value)
    made = document(consultation.document, Told.of(CONSULTATION, findings, rules, None),
                    guarding.FIRST_AT + 400 * 3_600_000, Asked())
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def differing(consultation: Archived, published: dict[str, Any]) -> list[str]:
    """Name the checks that are not equal."""
    return [check.id for check in check_guard(
        published, consultation.reading(), say=quiet, wait_seconds=0) if check.status != EQUAL]


def test_what_is_published_is_found_again(consultation: Archived) -> None:
    """Totals by rule, findings, days, rules: of the archive alone, strays passed over."""
    published = told(consultation)

    assert differing(consultation, published) == []
    assert [each["voters"] for each in published["findings"]] == [35, None]
    assert sum(published["totals"]["set_aside"].values()) > 0
    assert published["changes"]
    assert [each["state"] for each in published["findings"]] == ["confirmed", "open"]


def test_a_document_of_before_is_compared_with_the_judgements_it_names(
    consultation: Archived
) -> None:
    """What came later says nothing of it."""
    assert differing(consultation, told(consultation, JUDGEMENTS[:2])) == []


LIES: list[Callable[[dict[str, Any]], object]] = [
    lambda found: found["findings"].pop(), lambda found: found["days"].pop(),
    lambda found: found["changes"][0].update(reason="another"),
    lambda found: found["findings"][0].update(choice="neutral"),
    lambda found: found["findings"][0]["acts"].pop(),
    lambda found: found["findings"][1].update(voters=9)]
"""A finding or a day that is left out, words that are others, a count that is withheld."""


def test_every_number_that_is_another_is_found_and_every_word(consultation: Archived) -> None:
    """Each number in turn is larger by one; but for positions, which say what it is of."""
    published = told(consultation)
    made = recomputed(published, consultation.reading(), say=quiet, wait_seconds=0)
    paths = [path for path in numbers(published) if path[0] not in ("as_of", "page")]
    forged = [off_by_one(published, path) for path in paths]
    for lie in LIES:
        forged.append(copy.deepcopy(published))
        lie(forged[-1])

    assert len(forged) > 40
    for each in forged:
        assert [check.status for check in compared(each, made)].count(DIFFERENT) == 1


def test_an_archive_that_is_behind_is_said(consultation: Archived) -> None:
    """Nothing is compared with judgements or votes that do not come."""
    published = told(consultation)
    published["as_of"]["judgement"] += 1
    with pytest.raises(ArchiveLacks, match="3 judgements"):
        differing(consultation, published)
    published = told(consultation)
    published["as_of"]["votes"][0] += 2
    with pytest.raises(ArchiveLacks, match="partition 0 lacks 2 of"):
        differing(consultation, published)


def test_judgements_that_are_archived_soon_are_waited_for(
    consultation: Archived, clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """The archive gathers those of a quiet hour: it is asked again, and nothing is wrong."""
    store = open_store(clickhouse.url, topic_prefix, topic_prefix)
    later = [*JUDGEMENTS, guarding.judgement(4, guarding.finding(CONSULTATION, ordinal=2))]
    said = list[str]()

    def catch_up(line: str) -> None:
        said.append(line)
        stock(store, log_of(consultation.topics, consultation.topics.patrol), 0, later[-1:],
              first=len(JUDGEMENTS))

    checks = check_guard(told(consultation, later), consultation.reading(), say=catch_up)

    assert [check.id for check in checks if check.status != EQUAL] == []
    assert said == [(
        "waiting for the archive: it has 3 judgements of the patrol, "
                    "the document is of number 4")]
