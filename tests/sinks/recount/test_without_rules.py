"""`--without-rule` is what would have been counted had the rule been off: from votes to tallies.

The pure patrol judges an evening twice, with a rule and without it; its suspensions lie among the
votes as a patrol that is slow, repeats itself and is killed would write them. Operators reinstate,
dismiss and close. The count without the rule of the one is that of the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.guard.findings import Finding, suspension_id
from processors.guard.parameters import (
    CROWD,
    HURRIED,
    NAMES,
    OFF,
    SET_ASIDE,
    SPREAD,
    Rules,
    changed,
)
from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.registry import newest
from sinks.recount.supposing import rewrite, suppose
from tests.processors.guard.traffic import (
    BEGAN_AT,
    CONSULTATION,
    PARTITIONS,
    SERVED,
    Crowds,
    Log,
    Vote,
    judged,
    log_of,
)
from tests.schemas.events import property_test


RULES = (CROWD, SPREAD, HURRIED)
few = settings(property_test, max_examples=15)


@dataclass(frozen=True)
class Asked:
    """A suspension that a judgement asks for, and where its partition's log may have it first."""

    finding: Finding
    voter: bytes
    partition: int
    after: int


@cache
def evening() -> Log:
    """Make votes with a script on one network, one on many, and somebody who hurries."""
    crowds = Crowds(3)
    hurried, home = crowds.voter(b"keen"), crowds.network(b"home")
    votes = [*crowds.ordinary(400, 6), *crowds.robots(250, 1, 800),
             *crowds.robots(400, 40, 500),
             *(Vote(BEGAN_AT + 90_000 + number * 300, hurried, home, number % 40, number // 40,
                    SERVED) for number in range(60))]
    # Some of the script's voters hurry, too: several rules set them aside.
    both = [vote for vote in votes if vote.proposal == 11][:6]
    votes += [Vote(vote.time + 1_000 + number * 200, vote.voter, vote.network, number % 40,
                   0, SERVED) for vote in both for number in range(60) if number % 40 != 11]
    return log_of(votes)


@cache
def asked(off: int | None) -> tuple[Asked, ...]:
    """Judge the evening, a rule being off, and list who is to be suspended."""
    log = evening()
    rules = Rules({(None, rule): changed(rule, 1, OFF if rule == off else SET_ASIDE, {})
                   for rule in RULES})
    partition_of = {codec.decode(value)[1]["voter"]: number
                    for number, records in enumerate(log.votes) for _, value in records}
    return tuple(
        Asked(finding, voter, partition_of[voter], one.cut.votes[partition_of[voter]])
        for one in judged(log, rules, cuts=log.cuts(20_000))[1] for finding in one.findings
        if finding.suspends for voter in finding.voters)


def test_with_and_without_a_rule_the_others_find_the_same() -> None:
    """Whoever they name, when, and under which id; each rule of the evening names somebody."""
    everything = asked(None)

    assert {one.finding.rule for one in everything} == {*RULES}
    assert len({one.voter for one in everything}) < len(everything)
    for rule in RULES:
        assert [_key(one) for one in asked(rule)] == [
            _key(one) for one in everything if one.finding.rule != rule]


def _key(one: Asked) -> tuple[Any, ...]:
    return one.finding.finding, one.finding.rule, one.voter, one.after


def control(event: str, event_id: bytes, voter: bytes, **fields: Any) -> bytes:
    """Encode a control of version 2."""
    return codec.encode_as(
        newest(event), event_id=event_id, voter=voter, consultation=CONSULTATION, reason="why",
        salt=bytes(16), origin="operator", occurred_at=BEGAN_AT, **fields)


def suspension(one: Asked) -> bytes:
    """Encode a suspension as the patrol does."""
    return control("VoterSuspended", suspension_id(one.finding.finding, one.voter), one.voter,
                   cause=one.finding.rule, finding=one.finding.finding)


@dataclass(frozen=True)
class Acts:
    """What happens besides: how late suspensions are written, who is reinstated, the closing."""

    delays: tuple[int, ...]
    """Records that a suspension is later than it could be, by turns."""
    twice: tuple[bool, ...]
    """Whether it is written a second time, by turns."""
    reinstated: tuple[tuple[int, int, bool], ...]
    """Which suspension, how much later, and whether its rule is not to set that voter aside again.
    """
    dismissed: tuple[int, ...]
    """Suspensions whose whole findings are taken back."""
    closes_after: float
    """Share of the votes that lie before the closing."""


PIECES = st.tuples(st.integers(0, 10_000), st.integers(0, 300), st.booleans())
ACTS = st.builds(
    Acts,
    st.lists(st.integers(0, 200), min_size=1, max_size=7).map(tuple),
    st.lists(st.booleans(), min_size=1, max_size=5).map(tuple),
    st.lists(PIECES, max_size=30).map(tuple),
    st.lists(st.integers(0, 10_000), max_size=3).map(tuple),
    st.sampled_from((0.5, 0.8, 1.0)))


def controls(acts: Acts, off: int | None) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield each control with partition, place among the votes, and its turn at that place.

    What is about a rule that is off never happens; all else does, at the same places.
    """
    every = asked(None)
    there = {_key(one) for one in asked(off)}
    for number, one in enumerate(every):
        if _key(one) not in there:
            continue
        place = one.after + acts.delays[number % len(acts.delays)]
        yield one.partition, place, 2 * number, suspension(one)
        if acts.twice[number % len(acts.twice)]:
            yield one.partition, place + 40, 2 * number + 1, suspension(one)
    dismissed = {every[number % len(every)].finding.finding for number in acts.dismissed}
    taken_back = [(each[0] % len(every), each[1], each[2]) for each in acts.reinstated] + [
        (number, 120, True) for number, one in enumerate(every)
        if one.finding.finding in dismissed]
    for turn, (number, later, immune) in enumerate(taken_back):
        one = every[number]
        if _key(one) in there:
            yield one.partition, one.after + later, 10**6 + turn, control(
                "VoterReinstated", turn.to_bytes(16, "big"), one.voter,
                findings=[{"cause": one.finding.rule, "finding": one.finding.finding}],
                immune=[one.finding.rule] if immune else [])


def logs(acts: Acts, off: int | None) -> list[list[bytes]]:
    """Write the ballot box of an evening: votes, controls among them, closed at the end."""
    found = []
    placed: list[list[tuple[int, int, bytes]]] = [[] for _ in range(PARTITIONS)]
    for partition, place, turn, value in controls(acts, off):
        placed[partition].append((place, turn, value))
    for partition, records in enumerate(evening().votes):
        votes = [(number, -1, value) for number, (_, value) in enumerate(records)]
        votes += [(number + 7, -2, value) for number, (_, value) in enumerate(records[::9])]
        closing = int(len(records) * acts.closes_after)
        everything = sorted([*votes, *placed[partition]], key=lambda one: one[:2])
        before = [value for place, turn, value in everything
                  # The patrol writes nothing behind a closing; people do.
                  if place < closing or turn < 0 or turn >= 10**6]
        behind = sum(place < closing for place, turn, _ in everything
                     if place < closing or turn < 0 or turn >= 10**6)
        found.append([
            codec.encode_as(newest("RulesAdopted"), event_id=bytes(16), ledger_version=2,
                            partition=partition, partitions=PARTITIONS, salt=bytes(16),
                            origin="operator", occurred_at=BEGAN_AT, generation=0, keys=[]),
            *before[:behind],
            codec.encode_as(newest("ConsultationClosed"), event_id=bytes(15) + b"c",
                            consultation=CONSULTATION, closes_at=0, salt=bytes(16),
                            origin="operator", occurred_at=BEGAN_AT),
            *before[behind:]])
    return found


def counted(boxes: Sequence[Sequence[bytes]]) -> dict[str, Any]:
    """Decide a ballot box; return every count."""
    found: dict[str, Any] = {}
    for partition, box in enumerate(boxes):
        ledger = Ledger(partition, PARTITIONS)
        for offset, value in enumerate(box):
            ledger.decide(offset, value)
        found[f"counts {partition}"] = {
            key: list(counts) for key, counts in ledger.every_count().items()}
        # How many controls came after the closing tells of those that are in the log.
        found[f"voters {partition}"] = ledger.participation(CONSULTATION)._replace(
            controls_after_closing=0)
        found[f"live {partition}"] = ledger.live_votes
    return found


@few
@given(acts=ACTS, off=st.sampled_from(RULES))
def test_the_count_without_a_rule_is_that_of_a_run_without_it(acts: Acts, off: int) -> None:
    """To the unit, in every interleaving of duplicates, reinstatements, dismissals and closings."""
    supposed = suppose(as_of=None, without_rules=[NAMES[off]], mapping_as_of=None, scores=None,
                       partitions=PARTITIONS)
    assert supposed is not None
    without = rewrite(supposed)
    assert without is not None

    assert counted([[without(value) for value in box] for box in logs(acts, None)]) == counted(
        logs(acts, off))


@pytest.mark.parametrize("off", RULES)
def test_a_rule_that_is_taken_away_changes_the_count_of_that_evening(off: int) -> None:
    """Else the above shows nothing."""
    acts = Acts((0,), (False,), (), (), 1.0)

    assert counted(logs(acts, None)) != counted(logs(acts, off))


def test_rules_are_named_by_name_or_number() -> None:
    """Both suppose the same."""
    named, numbered = (suppose(as_of=None, without_rules=[rule], mapping_as_of=None, scores=None,
                               partitions=PARTITIONS) for rule in ("crowd", "1"))

    assert named == numbered
    assert named is not None
    assert named.sentences() == ["no vote is set aside by rule 1 of the guard (crowd)"]
