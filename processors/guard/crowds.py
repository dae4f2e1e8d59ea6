"""Rules 1 and 2: a network, or networks alike, whose fresh voters came for one item. Pure.

Theory of operation: two keys. The first is a group that neither chance nor the item's popularity in
all other networks explains; it alone is reported. The second is a mark of a machine (`marks`),
looked for when the group has grown by a quarter; then those are set aside who bear it, and who
comes later joins by bearing it, until the next look.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from processors.guard import marks
from processors.guard.chances import popularity, tail
from processors.guard.day import USUAL, USUAL_OF_ITEM, Day
from processors.guard.findings import Found, Group, Numbers
from processors.guard.marks import Mark
from processors.guard.parameters import CROWD, SPREAD, Rule
from processors.guard.window import ITEM_BITS, ITEM_MASK, NETWORK_COUNTS_MOST


READ_BALLOTS_AFTER_MS = 120_000
"""A ballot is read so long after its first vote: then most people have cast what they will."""
BALLOTS_LEAST = {CROWD: marks.NETWORK_BALLOTS_LEAST, SPREAD: marks.STRATUM_BALLOTS_LEAST}
FirstKey = Callable[[], tuple[int, Numbers]]
"""Gives the score of a group, and its figures."""
BANDS = (3, 10, 100)
"""Strata: networks with 3 to 9 voters on the item, 10 to 99, 100 and more..."""
BLOCK = 3
"""... and those of a block, however many voters each has."""


def crowd(day: Day, rule: Rule, now: int, proposals: int) -> Iterator[Found]:
    """R1: look at each pair of network and item that has grown; `now` is within the day."""
    for pair in sorted(day.touched):
        if pair in day.open_groups or (
                _first_key(day, pair, rule, proposals)[0] < rule.parameters["score"]):
            continue
        found = day.group_of(CROWD, pair)
        if found is not None:
            day.open_groups[pair] = found
            found.fresh = _rows_of(day, pair & ITEM_MASK, (pair >> ITEM_BITS,))
    day.touched.clear()
    for pair, group in sorted(day.open_groups.items()):
        if group.due(rule):
            yield from look(day, group, rule, pair & ITEM_MASK, now,
                            partial(_first_key, day, pair, rule, proposals))


def _first_key(day: Day, pair: int, rule: Rule, proposals: int) -> tuple[int, Numbers]:
    """Return the score of a network's voters on an item, and its figures."""
    held, size = day.pairs[pair], day.sizes[pair >> ITEM_BITS]
    if held < rule.parameters["voters"]:
        return 0, ()
    expected = _popularity(day, pair & ITEM_MASK, (pair >> ITEM_BITS,), rule, proposals)
    score = tail(held, size, expected)
    return score, (("network_voters", size), ("popularity", expected), ("score", score),
                   ("voters", held))


def _popularity(
    day: Day, item: int, networks: Sequence[int], rule: Rule, proposals: int
) -> int:
    """Return how popular an item is in other networks: all day, or now if it is more so now."""
    window, most = day.window, NETWORK_COUNTS_MOST
    pairs = [network << ITEM_BITS | item for network in networks]
    bounds = rule.parameters["popularity_least"], rule.parameters["popularity_most"]
    return max(
        popularity(
            day.counted_items[item] - sum(min(day.pairs[pair], most) for pair in pairs) + 1,
            day.counted_voters - sum(min(day.sizes[one], most) for one in networks) + proposals,
            *bounds),
        popularity(
            window.items.get(item, 0) - sum(map(window.of_pair, pairs)) + 1,
            window.voters - sum(map(window.of_network, networks)) + proposals, *bounds))


def spread(day: Day, rule: Rule, now: int, proposals: int) -> Iterator[Found]:
    """R2: look at the strata of networks of each item that has grown; `now` is within the day."""
    grown = {item for item in day.touched_items
             if len(day.networks_of[item]) >= rule.parameters["networks"]}
    day.touched_items.clear()
    groups = day.groups.setdefault(SPREAD, {})
    waiting = {place >> 2 for place, group in groups.items() if place >= 0 and group.due(rule)}
    for item in sorted(grown | waiting):
        for band, networks in enumerate(_strata(day, item, rule)):
            group = groups.get(item << 2 | band)
            voters = sum(day.pairs[network << ITEM_BITS | item] for network in networks)
            key = _union(day, item, band, networks, rule, proposals) if (
                group is None or group.grown(voters)) else None
            holds = key is not None and key[0] >= rule.parameters["score"]
            if group is None:
                group = day.group_of(SPREAD, item << 2 | band) if holds else None
                if group is None:
                    continue
                day.open_items.setdefault(item, []).append(group)
            if holds:
                _regroup(day, group, item, networks)
            yield from look(day, group, rule, item, now, partial(
                _union, day, item, band, networks, rule, proposals))
    yield from _blocks(day, rule, now, proposals)


def _blocks(day: Day, rule: Rule, now: int, proposals: int) -> Iterator[Found]:
    """Look at blocks, most of whose fresh voters came for one item from many networks."""
    groups = day.groups.setdefault(SPREAD, {})
    touched, day.blocks.touched = day.blocks.touched, set()
    waiting = {~place for place, group in groups.items() if place < 0 and group.due(rule)}
    for pair in sorted(touched | waiting):
        voters, count = day.blocks.pairs.get(pair, (0, 0))
        size = day.blocks.sizes[pair >> ITEM_BITS]
        group, item = groups.get(~pair), pair & ITEM_MASK
        alike = count >= rule.parameters["networks"] and (
            100 * voters >= rule.parameters["share_percent"] * size)
        if group is None and not alike:
            continue
        networks = _networks_of_block(day, pair)
        first_key = partial(_of_block, day, pair, networks, rule, proposals)
        if group is None or group.grown(voters):
            holds = alike and first_key()[0] >= rule.parameters["score"]
            if group is None:
                group = day.group_of(SPREAD, ~pair) if holds else None
                if group is None:
                    continue
                group.block = pair >> ITEM_BITS
                day.open_items.setdefault(item, []).append(group)
                group.fresh = _rows_of(day, item, networks)
        yield from look(day, group, rule, item, now, first_key)


def _networks_of_block(day: Day, pair: int) -> list[int]:
    """Return the networks of a block that somebody came from for an item."""
    rows = np.frombuffer(day.rows_of.get(pair & ITEM_MASK, b""), "=i4")
    own = np.unique(np.frombuffer(day.networks, "=i4")[rows])
    blocks = np.frombuffer(day.blocks.of_network, "=i4")[own]
    found: list[int] = own[blocks == pair >> ITEM_BITS].tolist()
    return found


def _of_block(
    day: Day, pair: int, networks: list[int], rule: Rule, proposals: int
) -> tuple[int, Numbers]:
    """Return the score of a block against the networks that are not in it, and its figures."""
    held, _ = day.blocks.pairs.get(pair, (0, 0))
    size = day.blocks.sizes[pair >> ITEM_BITS]
    if 100 * held < rule.parameters["share_percent"] * size:
        return 0, ()
    expected = _popularity(day, pair & ITEM_MASK, networks, rule, proposals)
    score = tail(held, size, expected)
    return score, (("band", BLOCK), ("network_voters", size), ("networks", len(networks)),
                   ("popularity", expected), ("score", score), ("voters", held))


def _strata(day: Day, item: int, rule: Rule) -> list[list[int]]:
    """Sort the networks most of whose fresh voters came for an item by how many these are."""
    share, pairs, sizes = rule.parameters["share_percent"], day.pairs, day.sizes
    found: list[list[int]] = [[] for _ in BANDS]
    for network in day.networks_of[item]:
        held = pairs[network << ITEM_BITS | item]
        if 100 * held >= share * sizes[network]:
            found[(held >= BANDS[1]) + (held >= BANDS[2])].append(network)
    return found


def _union(
    day: Day, item: int, band: int, networks: list[int], rule: Rule, proposals: int
) -> tuple[int, Numbers]:
    """Return the score of a stratum against the networks that are not in it, and its figures."""
    held = sum(day.pairs[network << ITEM_BITS | item] for network in networks)
    size = sum(day.sizes[network] for network in networks)
    expected = _popularity(day, item, networks, rule, proposals)
    score = tail(held, size, expected) if len(networks) >= rule.parameters["networks"] else 0
    return score, (("band", band), ("network_voters", size), ("networks", len(networks)),
                   ("popularity", expected), ("score", score), ("voters", held))


def _regroup(day: Day, group: Group, item: int, networks: list[int]) -> None:
    """Take the voters of the networks that are in a stratum now."""
    group.networks = frozenset(networks)
    group.members, group.immature = [], []
    group.fresh = _rows_of(day, item, networks)


def _rows_of(day: Day, item: int, networks: Iterable[int]) -> list[int]:
    """Return the rows of an item's groups in some networks."""
    rows = np.frombuffer(day.rows_of[item], "=i4")
    own = np.frombuffer(day.networks, "=i4")[rows]
    wanted = np.fromiter(networks, "=i4")
    found: list[int] = rows[np.isin(own, wanted)].tolist()
    return found


def look(
    day: Day, group: Group, rule: Rule, item: int, now: int, first_key: FirstKey
) -> Iterator[Found]:
    """Look at a group: for both keys where it is due, else for who bears marks of the last look."""
    ripe = group.ripen(day.times, now - READ_BALLOTS_AFTER_MS)
    size, mature = len(group.members), len(group.members) - len(group.immature)
    answered = _answered(day, group, now)
    grown, holds = group.grown(size), False
    if grown or group.ripe(mature, BALLOTS_LEAST[rule.rule]) or group.answered(len(answered)):
        group.looked, group.looked_mature = size if grown else group.looked, mature
        group.looked_answered = len(answered)
        score, group.numbers = first_key()
        holds = score >= rule.parameters["score"]
        group.marks = tuple(_marks(day, group, rule, item, mature, now)) if holds else ()
        ripe = group.members
    for mark in group.marks:
        if mark.kind == marks.NO_HANDS:
            group.bearing |= answered - day.work.passed
        else:
            group.bearing.update(_bearers(day, group, mark, ripe, now))
    yield from _said(day, group, rule, item, grown=grown and holds)


def _said(day: Day, group: Group, rule: Rule, item: int, *, grown: bool) -> Iterator[Found]:
    """Say who newly bears a mark, or else who newly belongs to a group that has grown."""
    rows = group.newly_bearing(rule)
    kinds = tuple(sorted({mark.kind for mark in group.marks})) or group.kinds
    numbers = group.numbers + tuple(one for mark in group.marks for one in mark.numbers)
    if rows:
        group.kinds = kinds
    elif grown and not group.marks:
        rows, kinds = set(group.members) - group.told - group.bearing, ()
        group.told |= rows
    if rows:
        voters = tuple(sorted(day.voters[row] for row in rows))
        yield Found(group, rule, item, tuple(sorted(numbers)), kinds, voters)


def _answered(day: Day, group: Group, now: int) -> set[int]:
    """Return the members who did what the door asked of them, or have had the time for it."""
    if not day.work.asked_at:
        return set()
    asked = [row for row in group.members if row in day.work.asked_at]
    had_time = {row for row in asked if day.work.has_had_time(row, now)}
    group.answering = len(had_time) < len(asked)
    return had_time


def _marks(
    day: Day, group: Group, rule: Rule, item: int, mature: int, now: int
) -> Iterator[Mark]:
    times = sorted(day.times[row] for row in group.members)
    found = (marks.metronome(times), _ballot_mark(day, group, rule, item, mature),
             _pace_mark(day, group), _hands_mark(day, group, now))
    return (mark for mark in found if mark is not None)


def _hands_mark(day: Day, group: Group, now: int) -> Mark | None:
    own = _answered(day, group, now)
    if len(own) < marks.HANDS_LEAST:
        return None
    work = day.work
    others = {row for row in work.asked_at if work.has_had_time(row, now)} - set(group.members)
    return marks.no_hands(
        len(own), len(own & work.passed), len(others), len(others & work.passed))


def _ballot_mark(day: Day, group: Group, rule: Rule, item: int, mature: int) -> Mark | None:
    immature = set(group.immature)
    ballot, held = marks.commonest(
        day.ballot(row) for row in group.members if row not in immature)
    floor = marks.NETWORK_FLOOR if rule.rule == CROWD else marks.STRATUM_FLOOR
    if tail(held, mature, floor) < marks.BALLOT_SCORE_LEAST:
        return None  # Whatever others do, the bound is no lower.
    own = set(group.members)
    usual = [row for row in day.rows_of[item]
             if day.flags[row] & USUAL_OF_ITEM and row not in own]
    of_item = sum(day.ballot(row) == ballot for row in usual), len(usual)
    bound = marks.ballot_bound(of_item, (day.single, day.asked), floor)
    return marks.one_ballot(ballot, held, mature, bound)


def _pace_mark(day: Day, group: Group) -> Mark | None:
    own = Counter(day.pause(row) for row in group.members)
    others = Counter(dict(enumerate(day.paces)))
    others.subtract(day.pause(row) for row in group.members if day.flags[row] & USUAL)
    return marks.one_pace(own, others)


def _bearers(
    day: Day, group: Group, mark: Mark, rows: list[int], now: int
) -> Iterator[int]:
    """Return those of some members who bear a mark."""
    if mark.kind == marks.METRONOME:
        times = sorted(day.times[row] for row in group.members)
        for row in rows:
            at = bisect_left(times, day.times[row])
            near = times[max(0, at - 1):at] + times[at + 1:at + 2]
            if any(abs(day.times[row] - other) <= mark.limit for other in near):
                yield row
    elif mark.kind == marks.ONE_PACE:
        yield from (row for row in rows if day.pause(row) in mark.buckets)
    else:
        read = now - READ_BALLOTS_AFTER_MS
        yield from (row for row in rows
                    if day.times[row] <= read and day.ballot(row) == mark.ballot)
