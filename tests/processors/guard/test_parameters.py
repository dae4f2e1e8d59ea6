"""Which rules are in force: those of a consultation, else those of all, else the code's."""

from typing import Any

import pytest

from processors.guard.parameters import (
    CROWD,
    LEANING,
    NEWEST,
    NO_CHANGE,
    OFF,
    PARAMETERS,
    REPORT,
    SET_ASIDE,
    BadParameter,
    Rule,
    Rules,
    changed,
    default,
)
from schemas import codec


def change(rule: int = CROWD, mode: str = "set_aside", consultation: str | None = None,
           parameters: dict[str, int] | None = None, follows: bytes = NO_CHANGE,
           event_id: bytes = b"1" * 16) -> dict[str, Any]:
    """Write a change of a rule, and read it."""
    value = codec.encode(
        "GuardRuleChanged", event_id=event_id, consultation=consultation, rule=rule, version=1,
        mode=mode, parameters=[{"name": name, "value": value}
                               for name, value in (parameters or {}).items()],
        follows=follows, reason="Tried for a week.", salt=bytes(16), origin="operator",
        occurred_at=1, by=bytes(8), signature=bytes(64))
    return codec.decode(value)[1]


@pytest.mark.parametrize("rule", PARAMETERS)
def test_a_rule_begins_by_reporting(rule: int) -> None:
    """With the numbers of the code, which lie within their own bounds."""
    assert Rules().of("any", rule) == default(rule)
    assert default(rule).mode == REPORT
    assert changed(rule, 1, REPORT, default(rule).parameters) == default(rule)


def test_a_change_for_one_consultation_goes_before_one_for_all() -> None:
    """Each is whole: what it does not name is as in the code."""
    rules = Rules()
    assert rules.apply("GuardRuleChanged", change(parameters={"voters": 20}))
    assert rules.apply("GuardRuleChanged", change(consultation="town", mode="off"))

    assert rules.of("jeunes", CROWD).mode == SET_ASIDE
    assert rules.of("jeunes", CROWD).parameters["voters"] == 20
    assert rules.of("town", CROWD).mode == OFF
    assert rules.of("town", CROWD).parameters == default(CROWD).parameters


@pytest.mark.parametrize(("rule", "parameters"), [
    (CROWD, {"voters": 9}), (CROWD, {"votes": 40}), (14, {}), (CROWD, {"score": 2**40})])
def test_a_change_that_cannot_be_is_said_to_its_writer_and_passed_over_by_readers(
        rule: int, parameters: dict[str, int]) -> None:
    """Numbers out of bounds, names and rules that are not there."""
    rules = Rules()
    with pytest.raises(BadParameter):
        changed(rule, 1, REPORT, parameters)

    assert not rules.apply("GuardRuleChanged", change(rule, parameters=parameters))
    assert not rules.apply("ProposalAccepted", {"consultation": "town"})
    assert rules.changes == {}


def test_rules_that_only_report_set_nothing_aside() -> None:
    """Whatever mode the catalogue gives them."""
    assert Rule(CROWD, 1, SET_ASIDE, {}).sets_aside
    assert not Rule(CROWD, 1, REPORT, {}).sets_aside
    assert not any(Rule(number, 1, SET_ASIDE, {}).sets_aside for number in (6, 7, 8, 9))


def test_a_change_that_comes_again_changes_nothing() -> None:
    """It names the one that it follows: an old record written again turns no rule back."""
    rules, first = Rules(), change(mode="set_aside")
    second = change(mode="off", follows=first["event_id"], event_id=b"2" * 16)

    assert [rules.apply("GuardRuleChanged", one)
            for one in (second, first, first, second, first, second)] == [
        False, True, False, True, False, False]
    assert rules.of("jeunes", CROWD).mode == OFF


def test_new_judgements_go_by_the_newest_versions_and_name_them() -> None:
    """Where nobody changed a rule, nothing counts as changed; old records replay by the first."""
    rules = Rules.of_code()

    assert {rule.rule: rule.version for rule in rules.changes.values()} == {
        rule: version for rule, version in NEWEST.items() if version != 1}
    assert rules.of("jeunes", LEANING) == default(LEANING, 2)
    assert Rules().of("jeunes", LEANING) == default(LEANING)
    assert rules.by_operators() == {}
    assert rules.apply("GuardRuleChanged", change(LEANING, "off"))
    assert rules.by_operators() == {(None, LEANING): changed(LEANING, 1, OFF, {})}
    with pytest.raises(BadParameter):
        changed(LEANING, 3, REPORT, {})
    with pytest.raises(BadParameter):
        changed(LEANING, 2, REPORT, {"deviation": 60})
