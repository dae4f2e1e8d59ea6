"""Findings as everybody may read them: counted exactly, small counts withheld, within bounds."""

import json
from collections import defaultdict
from typing import Any

import pytest

from processors.guard import published
from processors.guard.judgements import VOTES_MOST, encoded, findings_of
from processors.guard.parameters import Rules
from processors.guard.published import Findings, Said, days
from schemas import codec
from schemas.finding_acts import Acts
from tests.processors.guard.test_judging import CUTS, LOG
from tests.processors.guard.traffic import judged
from tests.views.guarding import FIRST_AT, act, finding, judgement, voters


def described(said: Said, now: int, *, hidden: bool = False) -> dict[str, Any]:
    """Say a finding that nobody has answered."""
    return published.described(said, now, Acts(), hidden=hidden)


def setting_aside(mode: str) -> Rules:
    """Have the rules that suspend do this."""
    rules = Rules()
    for rule in (1, 2, 3, 4):
        rules.apply("GuardRuleChanged", {
            "consultation": None, "rule": rule, "version": 1, "mode": mode, "parameters": [],
            "follows": bytes(16), "event_id": bytes([rule]) * 16})
    return rules


@pytest.mark.parametrize("mode", ["report", "set_aside"])
def test_names_are_counted_as_if_they_were_kept(mode: str) -> None:
    """Who bears a mark and who is to be suspended, of every finding of an evening."""
    values = [encoded(one) for one in judged(LOG, setting_aside(mode), cuts=CUTS)[1]]
    findings = Findings()
    marked, suspended = defaultdict[bytes, set[bytes]](set), defaultdict[bytes, set[bytes]](set)
    for value in values:
        assert findings.take(value)
        for each in findings_of(codec.decode(value)[1]):
            marked[each.finding] |= set(each.voters if each.marks else ())
            suspended[each.finding] |= set(each.voters if each.suspends else ())
    told = {said.last.finding: said for said in findings.of("jeunes")}

    assert {name: said.marked for name, said in told.items() if said.marked} == {
        name: len(names) for name, names in marked.items() if names}
    assert {name: said.to_suspend for name, said in told.items() if said.to_suspend} == {
        name: len(names) for name, names in suspended.items() if names}
    assert any(marked.values())
    assert not any(said.last.voters for said in told.values())


def test_a_mode_that_changes_counts_nobody_twice() -> None:
    """Who was reported, and is to be suspended once the rule sets aside, bears one mark."""
    findings = Findings()
    findings.take(judgement(1, finding("town", marks=[1], named=voters(30))))
    findings.take(judgement(2, finding("town", marks=[1], mode="set_aside", named=voters(40))))
    findings.take(judgement(3, finding("town", marks=[1], mode="report", named=voters(5, 50))))
    [said] = findings.of("town")

    assert (said.marked, said.to_suspend, said.judgement) == (40, 40, 1)


def test_strays_and_garbage_are_passed_over() -> None:
    """A number that is taken, one not due, what cannot be read, and a rule that nobody knows."""
    findings = Findings()
    forged = finding("town", ordinal=9)
    taken = [findings.take(value) for value in (
        judgement(1, finding("town")), judgement(1, forged), judgement(3, forged), None, b"", b"no",
        judgement(1)[:-1], judgement(2, {**forged, "rule": 15}, {**forged, "day": -5},
                                     {**forged, "day": 2**31 - 1}),
        judgement(3, {**finding("town"), "consultation": "elsewhere"}))]

    assert taken == [True, False, False, False, False, False, False, True, True]
    assert [said.last.finding for said in findings.of("town")] == [finding("town")["finding"]]
    assert not findings.of("elsewhere")


def test_what_nobody_can_have_judged_takes_no_number() -> None:
    """Cuts that go back or too far, or of another log: the right one is still taken."""
    findings, forged = Findings(), finding("town", ordinal=9)
    findings.take(judgement(1, finding("town"), votes=[5, 5]))
    taken = [findings.take(judgement(2, forged, votes=votes)) for votes in (
        [5, 4], [5], [5, 6 + VOTES_MOST], [5, 5 + VOTES_MOST])]

    assert taken == [False, False, False, True]
    assert findings.judgement == 2


def test_whatever_a_record_says_can_be_told() -> None:
    """Marks and numbers that nobody knows, times beyond any calendar: no page fails of them."""
    findings = Findings()
    findings.take(judgement(
        1, finding("town", marks=[99, 2], numbers={"\N{PILE OF POO}": -(2**62), "voters": -7}),
        judged_at=-(2**62)))
    [said] = findings.of("town")

    told = described(said, 2**62)
    assert json.dumps(told)
    assert (told["marks"], told["voters"]) == (["one_ballot"], 0)
    assert days(findings.of("town"))


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, None), (9, None), (10, 10)])
def test_small_counts_are_withheld(count: int, shown: int | None) -> None:
    """In findings, in their evidence, and by day; what counts nobody stays."""
    findings = Findings()
    findings.take(judgement(1, finding(
        "town", marks=[1], mode="set_aside", named=voters(count),
        numbers={"voters": count, "popularity": 3})))
    [said] = findings.of("town")
    told, [row] = described(said, FIRST_AT), days([said])

    assert told["numbers"] == {"popularity": 3, "voters": shown}
    assert told["voters"] == told["marked"] == told["set_aside"] == shown
    assert row["voters"] == row["marked"] == row["set_aside"] == shown


@pytest.mark.parametrize(("counts", "shown"), [
    ((30, 3), None), ((30, 3, 4), 37), ((30, 12), 42), ((3, 4), None), ((9, 9), 18), ((30, 0), 30),
])
def test_a_sum_never_gives_the_one_withheld_away(
    counts: tuple[int, ...], shown: int | None
) -> None:
    """33 of which 30 are told would be 3."""
    assert published.shown_sum(counts) == shown


def test_a_hidden_finding_tells_nothing_of_how_people_vote() -> None:
    """Neither item nor evidence, nor the id: it is a digest of the item, and there are three."""
    findings = Findings()
    findings.take(judgement(1, finding("town", numbers={"popularity": 3})))
    told = described(findings.of("town")[0], FIRST_AT, hidden=True)

    assert told["finding"] is told["proposal"] is told["choice"] is told["numbers"] is None
    assert told["rule"] == "crowd"


def test_findings_are_held_within_bytes_and_the_oldest_go_first() -> None:
    """What went is counted; its place by consultation goes with it."""
    findings = Findings(held_bytes=3 * published.SAID_BYTES)
    for number in range(1, 6):
        findings.take(judgement(number, finding("old" if number < 3 else "new", ordinal=number)))

    assert (findings.gone, findings.size_bytes) == (2, 3 * published.SAID_BYTES)
    assert not findings.of("old")
    assert [said.judgement for said in findings.of("new")] == [3, 4, 5]


@pytest.mark.parametrize(("mode", "hours", "waits"), [
    ("report", 72, False), ("report", 73, True), ("set_aside", 73, False)])
def test_a_report_without_an_answer_is_said_as_such(
    mode: str, hours: int, waits: bool  # noqa: FBT001 -- a case of the table
) -> None:
    """After 72 hours by the log's time; who is set aside has his answer."""
    findings = Findings()
    findings.take(judgement(
        1, finding("town", mode=mode, marks=[1], named=voters(12)), judged_at=FIRST_AT))
    now = findings.judged_at + hours * 3_600_000

    assert described(findings.of("town")[0], now)["unanswered"] is waits


@pytest.mark.parametrize(("event", "state", "votes"), [
    ("FindingConfirmed", "confirmed", 60), ("FindingDismissed", "reinstated", 60),
    ("FindingConfirmed", "waiting", 5_000)])
def test_what_a_person_decided_is_told_with_the_reason(event: str, state: str, votes: int) -> None:
    """An answer in force ends the waiting; one that waits for a second person does not."""
    findings, acts = Findings(), Acts()
    findings.take(judgement(1, finding("town"), judged_at=FIRST_AT))
    [said] = findings.of("town")
    assert acts.take(event, {"event_id": bytes([1]) * 16, "consultation": "town", "occurred_at": 0,
                             **act(event, said.last.finding, votes=votes)}, 7)
    told = published.described(said, findings.judged_at + 73 * 3_600_000, acts, hidden=False)
    hidden = published.described(said, 0, acts, hidden=True)

    assert (told["state"], told["unanswered"]) == (state, state == "waiting")
    assert [(each["reason"], each["votes"], each["catalogue"]) for each in told["acts"]] == [
        ("They voted by the clock.", votes, 7)]
    assert (hidden["state"], hidden["acts"]) == (state, [])
