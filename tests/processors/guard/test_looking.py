"""A look asks what was counted as voters came: it is what going through all of them would find."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.guard import marks, state
from processors.guard.counts import Ballots, Counts
from processors.guard.day import Day
from processors.guard.findings import Group
from processors.guard.flags import USUAL, USUAL_OF_ITEM
from processors.guard.judging import judge
from processors.guard.looking import READ_BALLOTS_AFTER_MS
from processors.guard.parameters import CROWD, Rules
from processors.guard.state import PatrolState
from tests.processors.guard.test_crowds import setting_aside
from tests.processors.guard.test_doors import asked
from tests.processors.guard.traffic import (
    AGREE,
    BEGAN_AT,
    CUT_MS,
    PARTITIONS,
    Crowds,
    Vote,
    batches,
    judged,
    log_of,
)
from tests.schemas.events import property_test


@given(parts=st.lists(st.lists(st.integers(0, 5_000), max_size=60), max_size=8))
@property_test
def test_gaps_are_those_of_all_instants(parts: list[list[int]]) -> None:
    """However many come at once, in whatever order."""
    counts = Counts()
    for part in parts:
        counts.came(part)
    times = sorted(time for part in parts for time in part)
    gaps = [later - one for one, later in pairwise(times)]

    assert list(counts.times) == times
    assert counts.gaps() == (len(gaps), sum(gaps), sum(gap * gap for gap in gaps))
    assert marks.even_gaps(*counts.gaps()) == marks.metronome(times)


@given(steps=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([b"a", b"b", b"c"]))))
@property_test
def test_a_ballot_that_more_than_half_have_is_known(steps: list[tuple[int, bytes]]) -> None:
    """Whoever comes, and whoever casts something more."""
    ballots, held = Ballots(), dict[int, bytes]()
    for voter, ballot in steps:
        if voter in held:
            ballots.recast(held[voter], ballot)
        else:
            ballots.add(ballot)
        held[voter] = ballot
        counted = Counter(held.values())
        most = max(counted.values())

        assert ballots.total == len(held)
        assert all(ballots.held(one) == counted[one] for one in (b"a", b"b", b"c"))
        assert 2 * most <= len(held) or counted[ballots.commonest] == most


def busy() -> list[Vote]:
    """Make groups that come, cast more, are asked for work, and networks that become alike."""
    crowds = Crowds(3)
    network, block = crowds.network(b"grp"), b"block".ljust(16, b"-")
    places = [crowds.network(b"office") for _ in range(60)]
    alike = crowds.people(
        b"grp", 700, lambda number: BEGAN_AT + number * 600,
        lambda number: places[crowds.chance.randrange(min(60, number // 12 + 5))]
        if number % 4 else network,
        (11, AGREE, 96), alone=0.4)
    return [*crowds.ordinary(500, 8), *(replace(vote, block=block) for vote in alike),
            *asked(crowds, b"ask", 60, 9, [network, *places[:4]], 11)]


def test_what_is_counted_is_what_all_who_are_there_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each judgement, of each group; also where half of the voters are let go midway."""
    monkeypatch.setattr(state, "MAX_VOTERS", 1_000)
    log, patrol, seen = log_of(busy()), PatrolState(PARTITIONS), Counter[str]()
    strata = set[frozenset[int]]()
    for batch in batches(log, log.cuts(every=10_000, wait=700_000)):
        judge(patrol, batch, Rules.of_code(), 2**42)
        for day in patrol.days():
            for group in all_groups(day):
                seen.update(compared(day, group))
                strata.add(group.networks)
            for item, ballots in day.watched.usual.items():
                usual = [day.ballot_bytes(row) for row in day.rows_of.get(item, ())
                         if day.flags[row] & USUAL_OF_ITEM]
                same(ballots, usual)

    assert patrol.level == 1
    assert all(seen[what] > 100 for what in ("members", "read", "cast more", "had time"))
    assert len(strata) > 10


def all_groups(day: Day) -> Iterator[Group]:
    """Go through the groups of rules 1 and 2."""
    yield from day.watched.by_pair.values()
    for groups in day.watched.by_item.values():
        yield from groups


def same(ballots: Ballots, held: Sequence[bytes]) -> None:
    """Hold counted ballots against those there are."""
    counted = Counter(held)
    assert ballots.total == len(held)
    assert all(ballots.held(one) == count for one, count in counted.items())


def compared(day: Day, group: Group) -> Iterator[str]:
    """Hold what is counted of a group against its members; yield what there was to compare."""
    counts, members = group.counts, group.members
    assert counts is not None
    flags = {row: day.flags[row] for row in members}
    read = [row for row in members if row not in set(group.immature)]
    assert list(counts.times) == sorted(day.times[row] for row in members)
    assert Counter(dict(enumerate(counts.paces))) == Counter(day.pause(row) for row in members)
    assert Counter(dict(enumerate(counts.usual_paces))) == Counter(
        day.pause(row) for row in members if flags[row] & USUAL)
    same(counts.read, [day.ballot_bytes(row) for row in read])
    same(counts.usual, [day.ballot_bytes(row) for row in members if flags[row] & USUAL_OF_ITEM])
    assert group.had_time == set(members) & day.work.had_time
    yield from ("members" for _ in members)
    yield from ("read" for _ in read)
    yield from ("cast more" for row in members if row in day.later)
    yield from ("had time" for _ in group.had_time)


def test_one_ballot_is_known_as_soon_as_it_is_beyond_chance() -> None:
    """Within two judgements after the 684th can be read, all of them; version 1 waited for a
    quarter more."""
    crowds = Crowds(4)
    network = crowds.network(b"bot")
    times = sorted(crowds.chance.randrange(1_800_000) for _ in range(1_000))
    robots = [Vote(BEGAN_AT + time, crowds.voter(b"bots"), network, 11, AGREE,
                   pause=crowds.pause()) for time in times]
    log = log_of([*crowds.ordinary(600, 34), *robots])
    could = BEGAN_AT + times[marks.NETWORK_BALLOTS_LEAST - 1] + READ_BALLOTS_AFTER_MS

    def late(version: int) -> float:
        judgements = judged(log, setting_aside(version))[1]
        when, first = next((one.now, each) for one in judgements for each in one.findings
                           if each.rule == CROWD and marks.ONE_BALLOT in each.marks)
        assert len(first.voters) >= marks.NETWORK_BALLOTS_LEAST
        return (when - could) / CUT_MS

    assert 0 <= late(2) <= 2
    assert late(1) > 2


def test_a_look_costs_what_is_new_however_large_the_group() -> None:
    """One more voter of a group of robots: hardly more calls where it is five times as large."""
    small, large = (least_calls(size) for size in (400, 2_000))

    assert 0 < large <= small + 200


def least_calls(size: int) -> int:
    """Return how many calls a judgement makes at least, in which one joins a group."""
    crowds, patrol, found = Crowds(5), PatrolState(PARTITIONS), []
    robots = [replace(vote, time=BEGAN_AT + number * 60_000 // size) for number, vote in enumerate(
        crowds.robots(size, 1, 1))]
    joining = [replace(robots[0], voter=crowds.voter(b"more"), time=BEGAN_AT + 200_000 + after)
               for after in range(0, 60_000, CUT_MS)]
    log = log_of([*crowds.ordinary(300, 1), *robots, *joining])
    for batch in batches(log, log.cuts()):
        calls = 0

        def count(_frame: FrameType, event: str, _what: object) -> None:
            nonlocal calls
            calls += event == "call"

        sys.setprofile(count)
        judgement = judge(patrol, batch, setting_aside(), 2**42)
        sys.setprofile(None)
        if any(each.voters for each in judgement.findings) and len(batch.casts) == 1:
            found.append(calls)
    return min(found)
