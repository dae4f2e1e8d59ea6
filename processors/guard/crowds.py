"""Rules 1 and 2: a network, or networks alike, whose fresh voters came for one item. Pure.

Theory of operation: two keys. The first is a group that neither chance nor the item's popularity in
all other networks explains; it alone is reported. The second is a mark of a machine, for which
groups are looked at in `looking`. A stratum has the networks that are alike now: of version 1 those
that were alike when it had last grown by a quarter.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from processors.guard.chances import popularity, tail
from processors.guard.day import Day
from processors.guard.findings import Found, Group, Numbers
from processors.guard.looking import look
from processors.guard.parameters import CROWD, FIRST_VERSION, SPREAD, Rule
from processors.guard.window import ITEM_BITS, ITEM_MASK, NETWORK_COUNTS_MOST


BANDS = (3, 10, 100)
"""Strata: networks with 3 to 9 voters on the item, 10 to 99, 100 and more..."""
BLOCK = 3
"""... and those of a block, however many voters each has."""


def crowd(day: Day, rule: Rule, now: int, proposals: int) -> Iterator[Found]:
    """R1: look at each pair of network and item that has grown; `now` is within the day."""
    for pair in sorted(day.touched):
        if pair in day.watched.by_pair or (
                _first_key(day, pair, rule, proposals)[0] < rule.parameters["score"]):
            continue
        found = day.group_of(CROWD, pair)
        if found is not None:
            day.watch(pair & ITEM_MASK, found, pair)
            found.fresh = _rows_of(day, pair & ITEM_MASK, (pair >> ITEM_BITS,))
    day.touched.clear()
    for pair, group in sorted(day.watched.by_pair.items()):
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
            first_key = partial(_union, day, item, band, networks, rule, proposals)
            if group is None:
                group = day.group_of(SPREAD, item << 2 | band) if (
                    first_key()[0] >= rule.parameters["score"]) else None
                if group is None:
                    continue
                day.watch(item, group)
                _regroup(day, group, item, networks)
            elif rule.version > FIRST_VERSION:
                _follow(day, group, item, networks)
            elif _has_grown(day, group, item, networks) and (
                    first_key()[0] >= rule.parameters["score"]):
                _regroup(day, group, item, networks)
            yield from look(day, group, rule, item, now, first_key)
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
        first_key = partial(_of_block, day, pair, rule, proposals)
        if group is None:
            group = day.group_of(SPREAD, ~pair) if (
                first_key()[0] >= rule.parameters["score"]) else None
            if group is None:
                continue
            group.block = pair >> ITEM_BITS
            day.watch(item, group)
            group.fresh = _rows_of(day, item, _networks_of_block(day, pair))
        yield from look(day, group, rule, item, now, first_key)


def _networks_of_block(day: Day, pair: int) -> list[int]:
    """Return the networks of a block that somebody came from for an item."""
    rows = np.frombuffer(day.rows_of.get(pair & ITEM_MASK, b""), "=i4")
    own = np.unique(np.frombuffer(day.networks, "=i4")[rows])
    blocks = np.frombuffer(day.blocks.of_network, "=i4")[own]
    found: list[int] = own[blocks == pair >> ITEM_BITS].tolist()
    return found


def _of_block(
    day: Day, pair: int, rule: Rule, proposals: int
) -> tuple[int, Numbers]:
    """Return the score of a block against the networks that are not in it, and its figures."""
    held, _ = day.blocks.pairs.get(pair, (0, 0))
    size = day.blocks.sizes[pair >> ITEM_BITS]
    if 100 * held < rule.parameters["share_percent"] * size:
        return 0, ()
    networks = _networks_of_block(day, pair)
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


def _has_grown(day: Day, group: Group, item: int, networks: list[int]) -> bool:
    return group.grown(sum(day.pairs[network << ITEM_BITS | item] for network in networks))


def _regroup(day: Day, group: Group, item: int, networks: list[int]) -> None:
    """Take the voters of the networks that are in a stratum now."""
    group.networks = frozenset(networks)
    group.begin_anew(_rows_of(day, item, networks))


def _follow(day: Day, group: Group, item: int, networks: list[int]) -> None:
    """Have a stratum have the networks that are in it now: who is there stays counted."""
    joined = group.networks.symmetric_difference(networks)
    if joined & group.networks:
        _regroup(day, group, item, networks)
    elif joined:
        group.networks |= joined
        group.fresh += _rows_of(day, item, joined)


def _rows_of(day: Day, item: int, networks: Iterable[int]) -> list[int]:
    """Return the rows of an item's groups in some networks."""
    rows = np.frombuffer(day.rows_of[item], "=i4")
    own = np.frombuffer(day.networks, "=i4")[rows]
    wanted = np.fromiter(networks, "=i4")
    found: list[int] = rows[np.isin(own, wanted)].tolist()
    return found
