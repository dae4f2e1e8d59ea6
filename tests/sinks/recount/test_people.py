"""Figures of who took part are what the participants' log gives; a lie about one is found."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.services import ClickHouse
from processors.results import wordings
from processors.results.descriptions import DESCRIBED_BY, PublishedDescriptions
from schemas.registry import UnknownSchema
from sinks.recount import report
from sinks.recount.checks import EXIT_CODES
from sinks.recount.people import PEOPLE, PeopleLog, check_people
from tests.sinks.ballots import CONSULTATION, random_box
from tests.sinks.people import participants_log
from tests.sinks.published import Archived, archived, folded


PEOPLE_TOLD = 95
"""Some stretches, a remainder, and gender is published while ages and regions are withheld."""
Document = dict[str, Any]


def lies(told: Document) -> Iterator[tuple[str, Document]]:
    """Yield every lie of one step about what is told of people, with its name."""
    for field in ("descriptions", "unpublished"):
        for step in (-1, 1):
            yield f"{field} {step:+}", {**told, field: (told[field] or 0) + step}
    yield "a stretch too few", {**told, "descriptions": told["descriptions"] - 20}
    yield "no remainder", {name: held for name, held in told.items() if name != "unpublished"}
    for name in DESCRIBED_BY:
        for place, cell in enumerate(told[name]):
            for count in ((cell["count"] - 1, cell["count"] + 1, None)
                          if cell["count"] is not None else (0, 1, 9)):
                table = [*told[name][:place], {**cell, "count": count}, *told[name][place + 1:]]
                yield f"{name} {cell['value']} is {count}", {**told, name: table}
        yield f"{name} lacks a word", {**told, name: told[name][:-1]}
        yield f"{name} is withheld or shown", {**told, name: [
            {**cell, "count": None if cell["count"] is not None else 0} for cell in told[name]]}


@pytest.mark.parametrize("closed", [False, True])
def test_every_lie_about_people_is_found(closed: bool) -> None:  # noqa: FBT001 -- a case
    """One cell off by one, one stretch too few, a withheld table shown: each is different."""
    made = folded(participants_log(7, PEOPLE_TOLD)).published(closed=closed).fields()
    assert any(cell["count"] for cell in made["gender"])
    assert all(cell["count"] is None for cell in made["region"])

    told = list(lies(made))
    unseen = [name for name, lie in told
              if check_people(_document(lie), _document(made)).status != "different"]

    assert len(told) > 90
    assert unseen == []
    assert check_people(_document(made), _document(made)).status == "equal"


def _document(told: Document) -> Document:
    return {"participation": {"base": 100, "not_stated": 5, **told}}


def test_a_record_of_a_later_release_is_not_passed_over() -> None:
    """What nobody can read is set aside; what somebody else can read ends the recount."""
    log = PeopleLog(CONSULTATION)
    log.apply(None, 0)
    log.apply(b"\x00", 1)
    with pytest.raises(UnknownSchema):
        log.apply(b"\x00\x7f\xff\xff\xff", 2)


@pytest.fixture
def consultation(clickhouse: ClickHouse, topic_prefix: str) -> Archived:
    """Archive a consultation that people told something in."""
    return archived(clickhouse.url, topic_prefix, random_box(21, 150),
                    people=participants_log(7, PEOPLE_TOLD))


def test_a_recount_compares_descriptions_to_the_unit(consultation: Archived) -> None:
    """An honest document is equal; a woman more is exit code 1, in the check and the document."""
    honest = consultation.audit()
    consultation.document = copy.deepcopy(consultation.document)
    consultation.document["participation"]["gender"][0]["count"] += 1
    forged = consultation.audit()

    assert honest.verdict == "equal"
    assert [one.status for one in honest.checks if one.id == PEOPLE] == ["equal"]
    assert EXIT_CODES[forged.verdict] == 1
    assert {one.id for one in forged.checks if one.status == "different"} == {
        PEOPLE, "pure.document"}
    assert "gender[0].count" in str(forged.checks)


def test_descriptions_that_were_taken_over_are_said_to_be(consultation: Archived) -> None:
    """Where the log cannot be read: in words, also while numbers are hidden, and in JSON."""
    found = consultation.audit(unread="scrutin.participants cannot be read (no such topic)")

    assert found.verdict == "equal"
    for told in (found, report.without_numbers(found)):
        for said in ("\n".join(report.lines(told)), str(report.as_json(told))):
            assert "descriptions were taken over from the published document" in said
            assert "no such topic" in said


def test_a_document_of_release_0_1_0_without_descriptions_is_equal(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """It holds no tables of nobody, which is no other number; of somebody it would be one."""
    of_nobody = archived(clickhouse.url, topic_prefix, random_box(21, 150))
    earlier = wordings.without(of_nobody.document)
    base, not_stated = (earlier["participation"][name] for name in ("base", "not_stated"))
    earlier["participation"] = {
        "base": base, "not_stated": not_stated, **PublishedDescriptions().fields()}
    of_nobody.document = earlier
    assert of_nobody.audit().verdict == "equal"

    of_nobody.people = participants_log(7, PEOPLE_TOLD)
    assert of_nobody.audit().verdict == "different"
