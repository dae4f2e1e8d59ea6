"""Rule 4: one voter on forty proposals within a minute."""

from typing import Any

import pytest

from processors.guard.parameters import HURRIED, Rules
from tests.processors.guard.traffic import (
    BEGAN_AT,
    FIRST_CHANGE,
    SERVED,
    Crowds,
    Vote,
    again,
    judged,
    log_of,
    named,
)


def keen(count: int, gap_ms: int, proposals: int = 40) -> list[Vote]:
    """Make one voter who goes through some proposals."""
    crowds = Crowds(1)
    voter, network = crowds.voter(b"keen"), crowds.network(b"home")
    return [Vote(BEGAN_AT + number * gap_ms, voter, network, number % proposals,
                 number // proposals, SERVED) for number in range(count)]


@pytest.mark.parametrize(("votes", "named_voters"), [
    (keen(40, 1_500), 1), (keen(39, 100), 0), (keen(40, 1_539), 0), (keen(40, 1_538), 1),
    (keen(40, 4_800), 0), (keen(80, 700, 39), 0), (again(keen(30, 100)), 0)])
def test_forty_first_votes_within_a_minute_are_too_many(
        votes: list[Vote], named_voters: int) -> None:
    """On distinct proposals: who changes a mind or is delivered again does not hurry."""
    _, judgements = judged(log_of(votes))

    assert len(named(judgements, HURRIED)) == named_voters


def test_a_hurried_voter_is_named_once() -> None:
    """Whatever else is cast in the same hurry; the finding says how fast, and is about no item."""
    _, judgements = judged(log_of(keen(100, 300)))
    [finding] = [each for one in judgements for each in one.findings]

    assert (finding.rule, finding.proposal, finding.choice) == (HURRIED, "", -1)
    assert dict(finding.numbers) == {"fastest_milliseconds": 39 * 300, "votes": 40}
    assert not finding.suspends


def test_a_rule_that_is_off_says_nothing() -> None:
    """And numbers are those that the catalogue gave."""
    rules = Rules()
    change: dict[str, Any] = {"consultation": None, "rule": HURRIED, "version": 1,
                              "mode": "off", "parameters": [], **FIRST_CHANGE}
    slower = change | {"follows": change["event_id"], "event_id": bytes(16), "mode": "set_aside",
                       "parameters": [
        {"name": "votes", "value": 20}, {"name": "seconds", "value": 200}]}
    rules.apply("GuardRuleChanged", change)
    _, none = judged(log_of(keen(100, 300)), rules)
    rules.apply("GuardRuleChanged", slower)
    _, some = judged(log_of(keen(40, 4_800)), rules)

    assert named(none) == set()
    assert [each.suspends for one in some for each in one.findings] == [True]
