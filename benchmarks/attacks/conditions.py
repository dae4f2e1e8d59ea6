"""Since when both keys of a rule hold for an item: by definition, looked at after every judgement.

Theory of operation: the rules look at a group when it has grown, and remember; this asks each time,
and remembers nothing. So it says how long a rule takes once it could have known.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from processors.guard import marks
from processors.guard.chances import popularity, tail
from processors.guard.crowds import BANDS
from processors.guard.day import Day
from processors.guard.looking import READ_BALLOTS_AFTER_MS
from processors.guard.parameters import CROWD, SPREAD, default
from processors.guard.window import ITEM_BITS, NETWORK_COUNTS_MOST


def holds(day: Day, item: int, now: int, proposals: int) -> bool:
    """Whether rule 1 or 2 could set somebody aside for an item; `now` is within the day."""
    return any(_explained_by_nothing(day, item, networks, rule, proposals)
               and _is_marked(day, rows, rule, now)
               for rule, networks, rows in _groups(day, item))


def _groups(day: Day, item: int) -> Iterator[tuple[int, list[int], list[int]]]:
    """Go through an item's groups: each network, and the strata of networks alike."""
    if item not in day.rows_of:
        return
    rows = np.frombuffer(day.rows_of[item], "=i4")
    own = np.frombuffer(day.networks, "=i4")[rows]
    strata: list[list[int]] = [[] for _ in BANDS]
    share = default(SPREAD).parameters["share_percent"]
    for network, count in zip(*(found.tolist() for found in np.unique(own, return_counts=True)),
                              strict=True):
        if count >= default(CROWD).parameters["voters"]:
            yield CROWD, [network], rows[own == network].tolist()
        if count >= BANDS[0] and 100 * count >= share * day.sizes[network]:
            strata[(count >= BANDS[1]) + (count >= BANDS[2])].append(network)
    for networks in strata:
        if len(networks) >= default(SPREAD).parameters["networks"]:
            yield SPREAD, networks, rows[np.isin(own, networks)].tolist()


def _explained_by_nothing(
    day: Day, item: int, networks: list[int], rule: int, proposals: int
) -> bool:
    """The first key: neither chance nor what the item is elsewhere explains the group."""
    held = [day.pairs[network << ITEM_BITS | item] for network in networks]
    sizes = [day.sizes[network] for network in networks]
    numbers, most = default(rule).parameters, NETWORK_COUNTS_MOST
    expected = popularity(
        day.counted_items[item] - sum(min(one, most) for one in held) + 1,
        day.counted_voters - sum(min(one, most) for one in sizes) + proposals,
        numbers["popularity_least"], numbers["popularity_most"])
    return tail(sum(held), sum(sizes), expected) >= numbers["score"]


def _is_marked(day: Day, rows: list[int], rule: int, now: int) -> bool:
    """The second key: even arrivals, one pace, or one ballot."""
    times = sorted(day.times[row] for row in rows)
    if marks.metronome(times) is not None:
        return True
    paces = {bucket: sum(day.pause(row) == bucket for row in rows) for bucket in range(15)}
    if marks.one_pace(paces, dict(enumerate(day.paces))) is not None:
        return True
    least, floor = ((marks.NETWORK_BALLOTS_LEAST, marks.NETWORK_FLOOR) if rule == CROWD else
                    (marks.STRATUM_BALLOTS_LEAST, marks.STRATUM_FLOOR))
    if len(rows) < least:
        return False
    ripe = [row for row in rows if day.times[row] <= now - READ_BALLOTS_AFTER_MS]
    ballots = Counter(day.ballot(row) for row in ripe).most_common(1)
    ballot, held = ballots[0] if ballots else ((), 0)
    bound = marks.ballot_bound((0, 0), (day.single, day.asked), floor)
    return marks.one_ballot(ballot, held, len(ripe), bound) is not None
