"""The checks of the demo's attack: what counts of a script is bounded, the rest accounted for."""

from typing import Any

import pytest

from scrutin.demo.attack import LET_PASS_MOST, PAGES, SCRIPT_VOTES, checks
from scrutin.demo.script import Sent


FINDING = {"rule": "crowd"}


def entry(votes: int, unproven: int, crowd: int = 0) -> dict[str, Any]:
    """Make what a results document says of a proposal."""
    return {"received": votes + unproven + crowd, "counted": {"votes": votes},
            "set_aside": {"unproven": unproven, "suspended": 0, "cause_1": crowd}}


def different(votes: int, unproven: int, crowd: int = 0, *, taken: int = SCRIPT_VOTES,
              findings: int = 1, pages: set[str] | None = None) -> list[str]:
    """Return the figures that differ, where a proposal had 40 votes, one of them unproven."""
    found = checks(Sent(2 * taken, LET_PASS_MOST, taken - LET_PASS_MOST), entry(39, 1),
                   entry(39 + votes, 1 + unproven, crowd), [FINDING] * findings,
                   set(PAGES) if pages is None else pages)
    return [check.figure for check in found if not check.equal]


@pytest.mark.parametrize(("votes", "unproven", "crowd"), [
    (30, SCRIPT_VOTES - 30, 0), (0, SCRIPT_VOTES - 30, 30), (LET_PASS_MOST, 150, 0),
    (30 + 5, SCRIPT_VOTES - 30, 0)])
def test_what_the_door_lets_pass_may_count(votes: int, unproven: int, crowd: int) -> None:
    """Up to a bound; the rest is unproven, or set aside by a rule. Five people vote meanwhile."""
    assert different(votes, unproven, crowd) == []


def test_each_check_can_fail() -> None:
    """One vote too many, one that nobody accounts for, one not taken, a group nobody told of."""
    lost = "those told to be suspect, set aside"
    assert different(LET_PASS_MOST + 1, SCRIPT_VOTES - LET_PASS_MOST - 1) == [
        "of them counted", lost]
    assert different(30, SCRIPT_VOTES - LET_PASS_MOST - 1) == [lost]
    assert different(30, SCRIPT_VOTES - 31, taken=SCRIPT_VOTES - 1) == [
        "votes of a script, all taken"]
    assert different(30, SCRIPT_VOTES - 30, findings=0) == ["findings of rule 1 about it"]
    assert different(30, SCRIPT_VOTES - 30, pages={"everybody's"}) == [
        "pages that tell of it, the operators'"]
