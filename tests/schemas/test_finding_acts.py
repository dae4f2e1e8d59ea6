"""What holds of a finding after any acts on it: whose, in which order, and how much they move."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.control_signatures import NOBODY
from schemas.corrections import FINDING_CONFIRMED, FINDING_DISMISSED, Authority
from schemas.finding_acts import (
    CONFIRMED,
    DISMISSED,
    FIRST,
    OPEN,
    REINSTATED,
    STATES,
    WAITING,
    Acts,
    needs_two,
)


FINDING = b"found".ljust(16)
ABOUT = "jeunes", FINDING
ADA, BOB = b"ada".ljust(8), b"bob".ljust(8)


def said(acts: Acts, event: str = FINDING_CONFIRMED, /, **of: Any) -> tuple[str, dict[str, Any]]:
    """Say an act that follows the last one, of 1,000 votes of 10,000 by Ada."""
    fields = {
        "event_id": acts.newest(*ABOUT)[1:] + b"+", "consultation": "jeunes", "finding": FINDING,
        "occurred_at": 1, "by": ADA, "second": None, "reason": "looked at", "judgement": 7,
        "voters": 1_000, "votes": 1_000, "of": 10_000, "follows": acts.newest(*ABOUT), **of}
    if event == FINDING_CONFIRMED:
        fields.setdefault("marked_only", False)
    return event, fields


def after(*written: dict[str, Any]) -> Acts:
    """Take acts one after another; `event` may name a dismissal."""
    acts = Acts()
    for offset, of in enumerate(written):
        kept = dict(of)
        assert acts.take(*said(acts, kept.pop("event", FINDING_CONFIRMED), **kept), offset)
    return acts


def test_below_one_in_a_hundred_one_person_is_enough() -> None:
    """At one in a hundred, too; above it the act waits."""
    assert [after({"votes": votes}).standing(*ABOUT).state for votes in (100, 101)] == [
        CONFIRMED, WAITING]
    assert [needs_two(*numbers) for numbers in ((0, 0), (1, 99), (1, 100), (1, 0))] == [
        False, True, False, True]


def of_findings(*written: dict[str, Any]) -> tuple[Acts, list[str]]:
    """Take one act on each of many findings; return what then holds of each."""
    acts, states = Acts(), []
    for number, of in enumerate(written):
        about = "jeunes", bytes([number]) * 16
        assert acts.take(*said(acts, **{"finding": about[1], "follows": FIRST, **of}))
        states.append(acts.standing(*about).state)
    return acts, states


def test_one_person_moves_one_in_a_hundred_by_however_many_findings() -> None:
    """Each is little, together they are not; another person, or consultation, counts apart."""
    little = {"votes": 40}
    _, states = of_findings(little, little, little, {"votes": 20}, {"votes": 0}, little | {
        "by": BOB}, {"votes": 1})
    assert states == [CONFIRMED, CONFIRMED, WAITING, CONFIRMED, CONFIRMED, CONFIRMED, WAITING]


def test_what_two_wanted_is_not_counted_as_moved_alone() -> None:
    """Nor is what one moves by the same finding again."""
    acts, _ = of_findings({"votes": 90}, {"votes": 90})
    second = bytes([1]) * 16
    assert acts.take(*said(acts, finding=second, follows=acts.newest("jeunes", second), by=BOB,
                           votes=90))
    assert acts.standing("jeunes", second).state == CONFIRMED
    assert [acts.alone("jeunes", who, FINDING) for who in (ADA, BOB)] == [90, 0]
    assert acts.alone("jeunes", ADA, bytes(16)) == 0


def test_an_act_under_another_consultations_name_says_nothing_of_a_finding() -> None:
    """Whoever comes first with it blocks nothing."""
    acts = Acts()
    assert acts.take(*said(acts, consultation="other"))
    assert acts.standing(*ABOUT).state == OPEN
    assert acts.take(*said(acts, votes=1))
    assert acts.standing(*ABOUT).state == CONFIRMED


def test_the_same_key_twice_is_one_person() -> None:
    """And so is one who says something else: another extent, or the opposite."""
    for second in ({}, {"by": BOB, "judgement": 8}, {"by": BOB, "marked_only": True},
                   {"by": BOB, "event": FINDING_DISMISSED}):
        assert after({}, second).standing(*ABOUT).state == WAITING
    found = after({}, {"by": BOB}).standing(*ABOUT)
    assert (found.state, found.in_force and found.in_force.by, found.waiting) == (
        CONFIRMED, BOB, None)


def test_where_nobody_can_tell_who_acts_a_name_makes_two() -> None:
    """A name beside a key makes none: who has a key signs with it."""
    unsigned, named = {"by": NOBODY}, {"second": "Bob"}

    assert after(unsigned, unsigned).standing(*ABOUT).state == WAITING
    assert after({**unsigned, **named}).standing(*ABOUT).state == CONFIRMED
    assert after(named, named).standing(*ABOUT).state == WAITING


def test_an_act_of_the_time_before_keys_and_one_key_are_not_two_people() -> None:
    """Nobody can tell who wrote the first: two keys have to want it, in whatever order."""
    by_nobody, by_ada, by_bob = ({"by": who} for who in (NOBODY, ADA, BOB))

    assert [after(*acts).standing(*ABOUT).state for acts in (
        [by_nobody, by_ada], [by_ada, by_nobody], [by_nobody, by_ada, by_bob])] == [
            WAITING, WAITING, CONFIRMED]


def test_where_no_keys_are_in_force_an_act_that_names_one_counts_for_nothing() -> None:
    """Nothing was checked: two invented keys would be two people."""
    (event, signed), (_, unsigned) = said(Acts()), said(Acts(), by=NOBODY)

    assert not Authority().takes(event, signed, None)
    assert Authority().takes(event, unsigned, None)
    assert Authority().takes("ProposalRetired", signed, None)


def test_what_waits_takes_nothing_from_what_holds() -> None:
    """A dismissal by one person leaves a confirmed finding confirmed until another agrees."""
    acts = after({}, {"by": BOB}, {"event": FINDING_DISMISSED})
    found = acts.standing(*ABOUT)
    assert (found.state, found.in_force and found.in_force.event, acts.lets_count(*ABOUT)) == (
        WAITING, FINDING_CONFIRMED, False)

    assert acts.take(*said(acts, FINDING_DISMISSED, by=BOB))
    assert (acts.standing(*ABOUT).state, acts.lets_count(*ABOUT)) == (REINSTATED, True)


def test_who_dismisses_what_set_nobody_aside_is_enough_alone() -> None:
    """No vote moves by it."""
    nothing = {"event": FINDING_DISMISSED, "voters": 0, "votes": 0}
    assert after(nothing).standing(*ABOUT).state == DISMISSED
    assert after({}, nothing).standing(*ABOUT).state == DISMISSED


def test_an_act_that_comes_again_or_late_is_passed_over() -> None:
    """Of two that follow the same one the first counts."""
    acts = Acts()
    first = said(acts)
    assert acts.take(*first)
    assert not any(acts.take(*again) for again in (
        first, said(acts, follows=FIRST, by=BOB), ("GuardRuleChanged", first[1])))
    assert [act.event_id for act in acts.of(*ABOUT)] == [first[1]["event_id"]]
    assert acts.standing("jeunes", b"another".ljust(16)).state == OPEN


_ACTS = st.lists(st.fixed_dictionaries({
    "event": st.sampled_from((FINDING_CONFIRMED, FINDING_DISMISSED)),
    "by": st.sampled_from((ADA, BOB, NOBODY)), "second": st.sampled_from((None, "Eve")),
    "judgement": st.integers(1, 2), "votes": st.sampled_from((0, 100, 101))}), max_size=8)


@given(_ACTS)
def test_whatever_holds_was_wanted_by_one_for_little_or_by_two(
    written: list[dict[str, Any]]
) -> None:
    """Of any acts: what is in force either moves little, names two, or has another's before it."""
    acts = after(*written)
    found, every = acts.standing(*ABOUT), acts.of(*ABOUT)

    assert found.state in STATES
    assert (found.waiting is not None) == (found.state == WAITING)
    last = found.in_force
    if last is not None and last.needs_two and not last.is_told_of_two:
        before = every[every.index(last) - 1]
        assert last.seconds(before)
        assert NOBODY not in (last.by, before.by)
