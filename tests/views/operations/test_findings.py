"""Findings on the operators' page: newest first, in pages, with the command that acts on each."""

import re
from pathlib import Path
from typing import Any

import pytest

from processors.guard.published import Findings
from processors.results.catalogue import Catalogue
from schemas.corrections import FINDING_CONFIRMED, FINDING_DISMISSED
from schemas.finding_acts import ANSWER_SECONDS, Acts
from tests.views import campaign, guarding
from tests.views.guarding import FIRST_AT
from tests.views.operations.control_room import ControlRoom
from tests.views.pages.html import parse
from views.operations.findings import PAGE_FINDINGS, Known, page


NOW = FIRST_AT / 1_000 + 60.0
ADA, BOB = b"ada".ljust(8), b"bob".ljust(8)


def known(*said: dict[str, Any], acts: Acts | None = None, hidden: bool = False) -> Known:
    """Know findings, one a judgement, and acts on them."""
    findings, catalogue = Findings(), Catalogue()
    for number, each in enumerate(said, 1):
        findings.take(guarding.judgement(number, each))
    if hidden:
        catalogue.apply("ConsultationDescribed", {
            "consultation": "town", "shares_embargoed": True}, 0)
    return Known(findings, acts or Acts(), catalogue)


def crowd(**of: Any) -> dict[str, Any]:
    """Say a group of thirty."""
    return guarding.finding("town", **{
        "named": guarding.voters(30), "numbers": {"network_voters": 40, "voters": 30}, **of})


def acted(said: dict[str, Any], *events: tuple[str, bytes, int]) -> Acts:
    """Act on a finding: what, by whom, and how many votes of ten thousand."""
    found = Acts()
    for number, (event, by, votes) in enumerate(events):
        found.take(event, {
            "event_id": bytes([number + 1]) * 16, "consultation": "town",
            "finding": said["finding"], "occurred_at": 0, "by": by, "second": None, "reason": "",
            "judgement": 1, "voters": votes, "votes": votes, "of": 10_000,
            "follows": found.newest("town", said["finding"])})
    return found


def test_the_newest_come_first_a_page_at_a_time() -> None:
    """Each once, with what is before and behind it."""
    found = known(*(crowd(ordinal=number) for number in range(25)))
    pages = [page(found, first, NOW) for first in (0, 10, 20, 30)]

    assert [len(each["rows"]) for each in pages] == [PAGE_FINDINGS, PAGE_FINDINGS, 5, 0]
    assert [(each["newer"], each["older"]) for each in pages] == [
        (None, 10), (0, 20), (10, None), (20, None)]
    assert [row["id"] for each in pages for row in each["rows"]] == [
        crowd(ordinal=number)["finding"].hex() for number in reversed(range(25))]


def test_what_people_decided_says_the_state_and_the_command_that_comes_next() -> None:
    """Open, waiting, confirmed, reinstated, dismissed; and set aside by the rule itself."""
    said, aside = crowd(), crowd(mode="set_aside", marks=[1])
    confirmed, dismissed = FINDING_CONFIRMED, FINDING_DISMISSED
    rows = [page(known(each, acts=acted(each, *acts)), 0, NOW)["rows"][0] for each, acts in (
        (said, ()), (aside, ()), (said, ((confirmed, ADA, 101),)),
        (said, ((confirmed, ADA, 101), (confirmed, BOB, 101))),
        (said, ((confirmed, ADA, 30), (dismissed, ADA, 30))), (said, ((dismissed, ADA, 0),)))]

    assert [(row["state"], row["set_aside"], [re.sub(" [0-9a-f]{32}| --reason …", "", command)
                                              for command in row["commands"]]) for row in rows] == [
        ("open", 0, ["scrutin guard preview", "scrutin guard confirm", "scrutin guard dismiss"]),
        ("open", 30, ["scrutin guard preview", "scrutin guard confirm",
                      "scrutin guard reinstate --finding"]),
        ("waiting", 0, ["scrutin guard preview", "scrutin guard confirm"]),
        ("confirmed", 101, ["scrutin guard finding", "scrutin guard reinstate --finding"]),
        ("reinstated", 0, ["scrutin guard finding"]),
        ("dismissed", 0, ["scrutin guard finding"])]


def test_after_three_days_a_finding_without_an_answer_says_so() -> None:
    """So does one that waits for a second person; none that was answered, or sets aside itself."""
    late = NOW + ANSWER_SECONDS
    said, aside = crowd(), crowd(mode="set_aside", marks=[1])
    found = [known(said), known(said, acts=acted(said, (FINDING_CONFIRMED, ADA, 101))),
             known(said, acts=acted(said, (FINDING_DISMISSED, ADA, 0))), known(aside)]

    assert [page(each, 0, late)["rows"][0]["unanswered"] for each in found] == [
        True, True, False, False]
    assert not page(found[0], 0, NOW)["rows"][0]["unanswered"]


def test_while_shares_are_hidden_neither_choice_nor_evidence_are_told() -> None:
    """Both say how people vote."""
    row = page(known(crowd(), hidden=True), 0, NOW)["rows"][0]

    assert (row["hidden"], row["choice"], row["numbers"]) == (True, None, ())


def test_the_pages_show_them_and_nobody_without_the_token_sees_them(tmp_path: Path) -> None:
    """In both languages, with a page behind the first; what is no number begins anew."""
    room = ControlRoom(tmp_path, findings=guarding.evening("town"))
    room.look(100.0)
    shown = [room.client().get(address).text for address in (
        "/ops?lang=en", "/ops/findings?lang=en&first=10", "/ops/findings?lang=fr&first=x")]

    assert ["crowd/1" in text and "scrutin guard" in text for text in shown] == [True] * 3
    assert [text.count('class="commands"') for text in shown] == [PAGE_FINDINGS] * 3
    assert "/ops/findings?first=20" in shown[1]
    assert "aucune clé" in shown[2]
    assert room.client(local=False).get("/ops/findings").status_code == 401


@pytest.mark.parametrize(("language", "words"), [
    ("fr", ("foule", "signale seulement", "d’accord", "à intervalles réguliers")),
    ("en", ("crowd", "reports only", "agree", "at even intervals"))])
def test_findings_speak_the_language_of_the_page(
    tmp_path: Path, language: str, words: tuple[str, ...]
) -> None:
    """Rule, mode, choice and marks are words; names for programs are code, and break nowhere."""
    findings = Findings()
    findings.take(guarding.judgement(1, guarding.finding(campaign.CONSULTATION, marks=[1])))
    room = ControlRoom(tmp_path, token="", findings=findings)
    root = parse(room.client().get(f"/ops/findings?lang={language}").content)
    (found,) = (each for each in root.all("ol") if each.within(name="findings"))
    told = " ".join(found.text().split())

    assert [word for word in words if word not in told] == []
    assert not re.search(r"\breport\b|even_arrivals|set_aside", told)
    (commands,) = found.all("pre")
    assert {span.text() for span in commands.all("span")} == {"--reason"}
