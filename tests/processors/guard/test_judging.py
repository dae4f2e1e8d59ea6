"""A judgement follows from its cuts: not from how records arrived, nor from whose clock it was."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.guard import judging, known, state
from processors.guard.findings import Finding, suspension_id
from processors.guard.inputs import Batch, Incomplete
from processors.guard.judging import Judgement, judge
from processors.guard.parameters import CROWD, HURRIED, MODES, SPREAD, Rules
from processors.guard.state import PatrolState
from tests.processors.guard.traffic import (
    BEGAN_AT,
    CUT_MS,
    FIRST_CHANGE,
    PARTITIONS,
    SERVED,
    Crowds,
    Vote,
    again,
    batches,
    judged,
    kinds,
    log_of,
    named,
)
from tests.schemas.events import property_test


MIDNIGHT = BEGAN_AT + 6 * 3_600_000
few = settings(property_test, max_examples=8)


def evening(seed: int = 1, at: int = BEGAN_AT) -> list[Vote]:
    """Make eight minutes with all that is found: a network, a hundred networks, one voter."""
    crowds = Crowds(seed)
    hurried, home = crowds.voter(b"keen"), crowds.network(b"home")
    votes = [*crowds.ordinary(800, 8), *crowds.robots(500, 1, 800),
             *crowds.robots(600, 60, 700, human=True),
             *(Vote(BEGAN_AT + number * 300, hurried, home, number % 40, number // 40, SERVED)
               for number in range(60))]
    return [replace(vote, time=vote.time + at - BEGAN_AT) for vote in votes]


VOTES = evening()
LOG = log_of(VOTES)
CUTS = LOG.cuts(every=20_000)


def said(judgements: Sequence[Judgement]) -> list[tuple[int, tuple[Finding, ...]]]:
    """Return what each judgement says."""
    return [(one.number, one.findings) for one in judgements]


AS_IT_IS = said(judged(LOG, cuts=CUTS)[1])


def test_an_evening_has_all_that_is_compared_below() -> None:
    """Findings of several rules, in many judgements: what is equal to nothing proves nothing."""
    found = [each for _, findings in AS_IT_IS for each in findings]

    assert {each.rule for each in found} == {1, 2, 4, 6}
    assert sum(bool(findings) for _, findings in AS_IT_IS) > 10


@pytest.mark.parametrize("fetch", [1, 10_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_findings_are_the_same_however_records_arrive(fetch: int, seed: int) -> None:
    """Partitions in any order, one record a fetch or all of them."""
    _, judgements = judged(LOG, cuts=CUTS, fetch=fetch, shuffle=random.Random(seed))

    assert said(judgements) == AS_IT_IS


@pytest.mark.parametrize("clock_ms", [-30_000, 0, 30_000])
def test_findings_are_the_same_by_any_sane_clock_of_the_patrol(clock_ms: int) -> None:
    """Half a minute before the log's time or behind it."""
    patrol, found = PatrolState(PARTITIONS), []
    for number, batch in enumerate(batches(LOG, CUTS)):
        judged_at = BEGAN_AT + (number + 1) * 20_000 + clock_ms
        found.append(judge(patrol, batch, Rules.of_code(), judged_at))

    assert said(found) == AS_IT_IS


@given(stops=st.sets(st.integers(0, len(CUTS) - 1), max_size=2))
@example(stops=set(range(len(CUTS))))
@few
def test_whoever_starts_anew_judges_as_the_one_before(stops: set[int]) -> None:
    """Killed after any judgement: the day is judged again from its beginning, to the same end."""
    patrol, found = PatrolState(PARTITIONS), []
    taken = list(batches(LOG, CUTS))
    for number, batch in enumerate(taken):
        found.append(judge(patrol, batch, Rules.of_code(), 2**42))
        if number in stops:
            patrol, found = PatrolState(PARTITIONS), []
            for one in taken[:number + 1]:
                found.append(judge(patrol, one, Rules.of_code(), 2**42))

    assert said(found) == AS_IT_IS


def test_a_day_is_judged_without_what_was_found_before() -> None:
    """Yesterday's votes need only be remembered: who voted is known, and no group is left."""
    votes = [*evening(1), *evening(1, BEGAN_AT + 86_400_000), *evening(2, BEGAN_AT + 86_400_000)]
    log = log_of(votes)
    cuts = log.cuts(every=20_000)
    today = next(number for number, cut in enumerate(cuts)
                 if max(records[last][0] for records, last in zip(
                     log.votes, cut.votes, strict=True)) >= BEGAN_AT + 86_400_000)
    whole, judgements = judged(log, cuts=cuts)
    patrol, taken = PatrolState(PARTITIONS), list(batches(log, cuts))
    for number, batch in enumerate(taken[:today]):
        patrol.pass_over(batch, number + 1, 0)
    found = [judge(patrol, batch, Rules.of_code(), 2**42) for batch in taken[today:]]

    assert said(found) == said(judgements[today:])
    assert any(one.findings for one in found)
    assert len(whole.consultations["jeunes"].known) == len({vote.voter for vote in evening(1)})


@pytest.mark.parametrize("most", [500_000, 400])
def test_whoever_starts_with_yesterday_is_exact_today(
        monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Across two midnights, in a sample too: from the judgement after the one in which it began."""
    monkeypatch.setattr(state, "MAX_VOTERS", most)
    crowds = Crowds(11)
    votes = [replace(vote, time=vote.time + MIDNIGHT - BEGAN_AT - 240_000 + day * 86_400_000)
             for day in (0, 1) for vote in (*crowds.ordinary(700, 8), *crowds.robots(500, 1, 800))]
    log = log_of(votes)
    cuts = log.cuts(every=20_000)
    _, judgements = judged(log, cuts=cuts)
    start = next(number for number, one in enumerate(judgements) if one.now >= MIDNIGHT)
    patrol, taken = PatrolState(PARTITIONS), list(batches(log, cuts))
    for batch, recorded in zip(taken[:start], judgements, strict=False):
        patrol.pass_over(batch, recorded.number, recorded.sample)
    found = [judge(patrol, batch, Rules.of_code(), recorded.judged_at)
             for batch, recorded in zip(taken[start:], judgements[start:], strict=True)]

    assert found[1:] == judgements[start + 1:]
    assert {each.day for one in found[1:] for each in one.findings} == {
        MIDNIGHT // 86_400_000, MIDNIGHT // 86_400_000 + 1}
    assert (found[-1].sample > 0) == (most == 400)


def test_what_is_delivered_again_changes_nothing() -> None:
    """Every vote comes twice, under another id; who is named for what stays the same."""
    _, judgements = judged(log_of(again(VOTES)))
    _, once = judged(log_of(VOTES))

    assert named(judgements) == named(once)
    assert named(judgements, marked=False) == named(once, marked=False)


def test_networks_that_come_late_are_joined() -> None:
    """A second after the vote, in the next cut: who is found hardly changes."""
    cuts = LOG.cuts(every=5_000)
    late = log_of(VOTES, late_ms=1_500)
    _, judgements = judged(late, cuts=late.cuts(every=5_000))

    both = named(judgements) & named(judged(LOG, cuts=cuts)[1])
    assert kinds(named(judgements)).keys() == {b"bots", b"keen"}
    assert len(both) > 0.95 * len(named(judgements))


def test_networks_that_are_lost_make_groups_smaller_and_accuse_nobody() -> None:
    """A third lost: whoever has no network is in no group, and one voter's hurry needs none."""
    lost = log_of(VOTES, seed=0, lost=0.33)
    _, judgements = judged(lost)
    _, none = judged(log_of(VOTES, lost=1.0))

    assert named(judgements) < named(judged(log_of(VOTES))[1])
    assert kinds(named(judgements)).keys() == {b"bots", b"keen"}
    assert kinds(named(none, marked=False)) == {b"keen": 1}


def test_clocks_of_gateways_that_differ_harm_nobody() -> None:
    """Half a minute off either way: the same are found, as far as their arrivals are still even."""
    votes = [*Crowds(3).ordinary(3_000, 50), *Crowds(4).school(own=True),
             *Crowds(5).robots(1_500, 1, 800)]
    log = log_of(votes, clocks=lambda chance: chance.choice((-30_000, 0, 30_000)))
    _, judgements = judged(log)

    assert kinds(named(judgements)).keys() == {b"bots"}
    assert len(named(judgements)) > 1_300


def test_one_bad_clock_ends_no_window_and_no_day() -> None:
    """A vote of next year moves the log's time a minute ahead of the patrol's clock, no more."""
    bad = replace(VOTES[0], voter=bytes(range(16)), time=VOTES[0].time)
    log = log_of([*VOTES, bad], clocks=lambda _: 0)
    far = log_of([replace(bad, time=bad.time + 300 * 86_400_000)])
    [value] = [record for records in far.votes for record in records]
    for records in log.votes:
        for at, (time, _) in enumerate(records):
            if time == bad.time:
                records[at] = (time, value[1])
    patrol, judgements = judged(log, cuts=log.cuts(every=20_000))

    assert patrol.day == BEGAN_AT // 86_400_000
    assert max(one.now for one in judgements) < MIDNIGHT
    assert len(named(judgements)) > 1_000


def test_at_midnight_networks_have_other_names_and_groups_begin_anew() -> None:
    """Before it and after it each a finding of its day; votes that come late belong to the new."""
    crowds = Crowds(6)
    robots = [replace(vote, time=vote.time + MIDNIGHT - BEGAN_AT - 200_000)
              for vote in crowds.robots(500, 1, 800)]
    ordinary = [replace(vote, time=vote.time + MIDNIGHT - BEGAN_AT - 300_000)
                for vote in crowds.ordinary(900, 10)]
    patrol, judgements = judged(log_of([*robots, *ordinary]))
    findings = [each for one in judgements for each in one.findings if each.marks]
    days = {each.finding: each.day for each in findings}

    assert sorted(days.values()) == [BEGAN_AT // 86_400_000, MIDNIGHT // 86_400_000]
    assert len({voter for each in findings for voter in each.voters}) > 475
    assert len(patrol.consultations["jeunes"].known) > 400


def test_a_batch_that_does_not_follow_is_refused() -> None:
    """Nothing has changed then: the right one is judged after it."""
    taken = list(batches(LOG, CUTS[:2]))
    patrol = PatrolState(PARTITIONS)
    with pytest.raises(Incomplete, match="the state ends at"):
        judge(patrol, taken[1], Rules.of_code(), 2**42)

    assert patrol.number == 0
    assert judge(patrol, taken[0], Rules.of_code(), 2**42).number == 1


def test_what_has_no_room_waits_for_the_next_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """By findings and by voters named: everybody is named in the end, and once."""
    setting = Rules.of_code()
    for rule in (CROWD, SPREAD):
        setting.apply("GuardRuleChanged", {"consultation": None, "rule": rule, "version": 2,
                                           "mode": MODES[2], "parameters": [], **FIRST_CHANGE})
    _, whole = judged(LOG, setting, cuts=CUTS)
    monkeypatch.setattr(judging, "MAX_NAMED", 50)
    monkeypatch.setattr(judging, "MAX_FINDINGS", 2)
    patrol, narrow = judged(LOG, setting, cuts=CUTS)
    while patrol.left:
        narrow.append(judge(patrol, Batch(patrol.cut, patrol.cut), setting, 0))
    times = [voter for one in narrow for each in one.findings if each.suspends
             for voter in each.voters]

    assert max(sum(len(each.voters) for each in one.findings) for one in narrow) == 50
    assert max(len(one.findings) for one in narrow) == 2
    assert {each.finding for one in narrow for each in one.findings} == {
        each.finding for one in whole for each in one.findings}
    assert sorted(times) == sorted(voter for one in whole for each in one.findings
                                   if each.suspends for voter in each.voters)


def test_findings_and_suspensions_have_ids_that_hang_on_what_they_are_about() -> None:
    """Another evening gives others; a suspension's is that of its finding and voter."""
    found = {each.finding for _, findings in AS_IT_IS for each in findings}
    others = {each.finding for one in judged(log_of(evening(2)), cuts=None)[1]
              for each in one.findings}
    one, two = sorted(found)[:2]

    assert not found & others
    assert len({suspension_id(one, bytes(16)), suspension_id(two, bytes(16)),
                suspension_id(one, bytes(15) + b"1")}) == 3
    assert all(len(each) == 16 for each in found)


def test_above_its_bound_a_day_is_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer voters, the same whoever came first, and the counts that their rows give."""
    monkeypatch.setattr(state, "MAX_VOTERS", 600)
    patrol, judgements = judged(LOG, cuts=CUTS)
    [today] = patrol.days()
    counts = today.pairs.copy(), today.sizes.copy(), today.counted_items.copy(), today.single

    assert patrol.level == judgements[-1].sample == 2
    assert len(today.voters) == judgements[-1].voters <= 600
    today.thin(2)
    assert (today.pairs, today.sizes, today.counted_items, today.single) == counts
    assert kinds(named(judgements)).keys() <= {b"bots", b"keen"}


def test_known_voters_above_their_bound_are_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody of the others is looked at any more, neither as fresh nor as known."""
    monkeypatch.setattr(state, "MAX_KNOWN", 500)
    votes = [*evening(1), *evening(2, BEGAN_AT + 86_400_000)]
    patrol, _ = judged(log_of(votes), cuts=log_of(votes).cuts(every=20_000))
    consultation = patrol.consultations["jeunes"]

    assert known.MAX_KNOWN == 16_000_000
    assert patrol.level == 2
    assert 0 < len(consultation.known) <= 500


def counted(change: Callable[[Vote], Vote]) -> dict[bytes, int]:
    """Judge the evening with each vote changed; count the voters of the day by kind."""
    patrol, _ = judged(log_of([change(vote) for vote in VOTES]))
    return kinds([voter for today in patrol.days() for voter in today.voters])


@pytest.mark.parametrize("rule", [CROWD, SPREAD, HURRIED])
def test_a_rule_that_is_off_leaves_what_others_find(rule: int) -> None:
    """Without it the run is the same as with it, its own findings apart."""
    rules = Rules.of_code()
    rules.apply("GuardRuleChanged", {"consultation": "jeunes", "rule": rule, "version": 1,
                                     "mode": MODES[0], "parameters": [], **FIRST_CHANGE})
    _, judgements = judged(LOG, rules, cuts=CUTS)

    assert said(judgements) == [
        (number, tuple(each for each in findings if each.rule != rule))
        for number, findings in AS_IT_IS]


def test_votes_that_are_not_looked_at() -> None:
    """Suspect ones, and those of consultations or proposals that the catalogue does not know."""
    assert sum(counted(lambda vote: vote).values()) == len({vote.voter for vote in VOTES})
    assert counted(lambda vote: replace(vote, trust=1)) == {}
    assert counted(lambda vote: replace(vote, consultation="other")) == {}
    assert counted(lambda vote: replace(vote, proposal=99)) == {}


def test_a_cut_every_few_seconds_is_enough() -> None:
    """A metronome of a network is named within two judgements after its thirtieth vote is read."""
    crowds = Crowds(9)
    robots = crowds.robots(60, 1, 1_000, spread=0.05)
    log = log_of([*crowds.ordinary(600, 3), *robots])
    _, judgements = judged(log, cuts=log.cuts())
    first = next(one for one in judgements if any(each.marks for each in one.findings))
    thirtieth = robots[29].time

    assert first.now <= thirtieth + 2 * CUT_MS
