"""Rule 3: voters with many votes who share far more items than chance gives. Pure.

Theory of operation: keen voters' pairs are compared with Poisson(d_u d_v Sum p2), what two who vote
on so much have in common by chance. Who has several partners beyond it is a seed; items that seeds
hold and others do not are the ring's, and who has cast too many of these is a member. That is the
first key, and an association's list of ten proposals gives the same; so a mark is needed as well.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from processors.guard import marks
from processors.guard.chances import MILLION, poisson_tail, tail
from processors.guard.day import MAX_BALLOT, Day
from processors.guard.findings import Found
from processors.guard.flags import OF_PEOPLE
from processors.guard.marks import ONE_PLACE
from processors.guard.parameters import RING, Rule
from processors.guard.window import MINUTE_MS


MAX_KEEN = 5_000
"""Voters that are compared in pairs, those with the least pseudonyms: of 5,000, seconds."""
PAIR_SCORE, MEMBER_SCORE = 17_269_388, 16_118_096
"""Chances of 10^-7.5 for a pair, of 10^-7 for a member, in micronats."""
ROUNDS = 4
RING_ITEMS_LEAST = 4
"""A member has cast so many of the ring's items..."""
PLACE_LEAST, PLACE_PERCENT = 5, 50
"""... and comes from few places where half of all share a network with so many."""
Ballots = dict[int, tuple[int, ...]]
Items = Counter[int]


def ring(day: Day, rule: Rule, now: int, _proposals: int) -> Iterator[Found]:
    """R3: look once a minute at voters with many items today."""
    if not day.begins_slot(RING, now, MINUTE_MS):
        return
    keen = sorted((row for row, held in day.later.items()
                   if len(held) + 1 >= rule.parameters["votes"] and day.flags[row] & OF_PEOPLE),
                  key=day.voters.__getitem__)[:MAX_KEEN]
    ballots = {row: day.ballot(row) for row in keen}
    counts = Items(item for ballot in ballots.values() for item in ballot)
    members = _seeds(ballots, counts, rule.parameters["partners"])
    items: set[int] = set()
    for _ in range(ROUNDS):
        items = _ring_items(ballots, counts, members)
        members = _members(ballots, counts, items, members)
    if len(members) < rule.parameters["members"] or len(items) < rule.parameters["items"]:
        return
    group = day.group_of(RING, 0)
    assert group is not None, "there is one"
    group.members = members
    kinds = tuple(_marks(day, members))
    group.numbers = (("items", len(items)), ("keen", len(keen)), ("members", len(members)))
    rows = set(members)
    if kinds:
        group.bearing |= rows
        rows = group.newly_bearing(rule)
    else:
        rows -= group.told
    group.told |= rows
    if rows:
        yield Found(group, rule, min(items), group.numbers, kinds,
                    tuple(sorted(day.voters[row] for row in rows)))


@functools.cache
def _expected_most() -> npt.NDArray[np.int64]:
    """Return for 0, 1, 2... common items the greatest mean, in millionths, that they are beyond."""
    found = [0]
    for common in range(1, MAX_BALLOT + 1):
        low, high = found[-1], common * MILLION
        while low < high:
            middle = (low + high + 1) // 2
            if poisson_tail(common, middle) >= PAIR_SCORE:
                low = middle
            else:
                high = middle - 1
        found.append(low)
    return np.array(found, np.int64)


def _seeds(ballots: Ballots, counts: Items, partners: int) -> list[int]:
    """Return who shares more with several others than chance gives."""
    rows = list(ballots)
    holders: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        for item in ballots[row]:
            holders.setdefault(item, []).append(place)
    held = {item: np.array(places, np.int64) for item, places in holders.items()}
    total = max(1, sum(counts.values()))
    squares = sum(count * count for count in counts.values())
    sizes = np.array([len(ballots[row]) for row in rows], np.int64)
    seeds = []
    for place, row in enumerate(rows):
        common = np.bincount(np.concatenate([held[item] for item in ballots[row]]),
                             minlength=len(rows))
        common[place] = 0
        expected = len(ballots[row]) * sizes * (MILLION * squares // total) // total
        beyond = int(np.count_nonzero(_expected_most()[common] > expected))
        if beyond >= partners:
            seeds.append(row)
    return seeds


def _others(ballots: Ballots, counts: Items, members: Sequence[int]) -> Items:
    """Return how often each item was cast by those who are not in a ring."""
    return counts - Items(item for row in members for item in ballots[row])


def _ring_items(ballots: Ballots, counts: Items, seeds: Sequence[int]) -> set[int]:
    """Return what three of ten seeds hold, five times as many as of so keen others would."""
    others = _others(ballots, counts, seeds)
    held = Items(item for row in seeds for item in ballots[row])
    votes, total = sum(held.values()), max(1, sum(others.values()))
    return {item for item, count in held.items()
            if 10 * count >= 3 * len(seeds) and count * total >= 5 * votes * others[item]}


def _members(
    ballots: Ballots, counts: Items, items: set[int], seeds: Sequence[int]
) -> list[int]:
    """Return who cast more of some items than others who are as keen do by chance."""
    others = _others(ballots, counts, seeds)
    share = -(-MILLION * (1 + sum(others[item] for item in items))
              // (1 + sum(others.values())))
    expected, found = min(MILLION - 1, share), []
    for row, ballot in ballots.items():
        held = sum(item in items for item in ballot)
        if held >= RING_ITEMS_LEAST and tail(held, len(ballot), expected) >= MEMBER_SCORE:
            found.append(row)
    return found


def _marks(day: Day, members: Sequence[int]) -> Iterator[int]:
    """Return the marks that a ring bears: even arrivals, one pace, few places."""
    if marks.metronome(sorted(day.times[row] for row in members)) is not None:
        yield marks.METRONOME
    own = Counter(day.pause(row) for row in members)
    if marks.one_pace(own, dict(enumerate(day.paces))) is not None:
        yield marks.ONE_PACE
    networks = Counter(day.networks[row] for row in members if day.networks[row] >= 0)
    together = sum(count for count in networks.values() if count >= PLACE_LEAST)
    if 100 * together >= PLACE_PERCENT * len(members):
        yield ONE_PLACE

