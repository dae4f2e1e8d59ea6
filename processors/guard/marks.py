"""Marks of a machine: even arrivals, one ballot, one pace, no hands. Crowds bear none. Pure.

Theory of operation: people who follow a call come by bursts, vote on what else they are shown, and
take their own time. Each mark asks for a size from which chance alone is out of the question
(`chances`); none is about how many they are, or what they think.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from processors.guard.chances import MILLION, above, tail
from processors.guard.inputs import UNKNOWN_PAUSE


METRONOME, ONE_BALLOT, ONE_PACE, NO_HANDS, HURRY, FLOOD, ONE_PLACE = range(1, 8)
"""B1 to B4; then that of one voter, who votes faster than anybody reads; that of a partner, who
brings a fifth of an hour's votes; that of a ring, most of which comes from few networks."""
METRONOME_LEAST = 30
BALLOT_SCORE_LEAST = 13_815_511
"""A tail of one in a million, in micronats."""
NETWORK_FLOOR, STRATUM_FLOOR, BALLOT_SHARE_MOST = 980_000, 950_000, 990_000
"""Such a share of one ballot is honest, whatever others do, in one network and in many."""
NETWORK_BALLOTS_LEAST, STRATUM_BALLOTS_LEAST = 684, 270
"""Of fewer ballots, all alike, none is beyond chance under these floors."""
OTHERS_LEAST = 200
"""From so many others on their share is taken; of fewer, that of all who asked, and this more:"""
OF_ALL_MORE = 20_000
PACE_LEAST = 100
BUCKET_SHARE, BUCKETS_SHARE = 90, 98
USUAL_BUCKET_MOST, USUAL_BUCKETS_MOST = 45, 75
"""Percent: of one bucket or two neighbours; where people take their own time, these hold less."""
HANDS_LEAST = 20
SOLVED_MOST, OTHERS_SOLVED_LEAST = 10, 70
"""Percent of those who were given work."""

Ballot = tuple[int, ...]


class Mark(NamedTuple):
    """A mark that a group bears, and the numbers that show it."""

    kind: int
    numbers: tuple[tuple[str, int], ...]
    limit: int = 0
    """Of a metronome: twice the mean gap, in milliseconds."""
    ballot: Ballot = ()
    buckets: frozenset[int] = frozenset()


def metronome(times: Sequence[int]) -> Mark | None:
    """B1: gaps between first votes vary by less than 0.4 of their mean; `times` ascend."""
    gaps = [after - before for before, after in pairwise(times)]
    return even_gaps(len(gaps), sum(gaps), sum(gap * gap for gap in gaps))


def even_gaps(count: int, total: int, squares: int) -> Mark | None:
    """B1 by how many gaps there are, their sum, and that of their squares."""
    if count + 1 < METRONOME_LEAST:
        return None
    if not 25 * (count * squares - total * total) < 4 * total * total:
        return None
    return Mark(METRONOME, (("gaps", count), ("gaps_squared", squares), ("gaps_total", total)),
                limit=2 * total // count)


def ballot_bound(of_item: tuple[int, int], of_all: tuple[int, int], floor: int) -> int:
    """Return the share of one ballot that honest voters may have, in millionths.

    Each pair is how many have it, and of how many: the item's other voters, and all who asked.
    """
    held, size = of_item
    if size >= OTHERS_LEAST:
        usual = above(-(-held * MILLION // size), size)
    else:
        held, size = of_all
        usual = (above(-(-held * MILLION // size), size) if size else 0) + OF_ALL_MORE
    return min(BALLOT_SHARE_MOST, max(floor, usual))


def one_ballot(ballot: Ballot, held: int, size: int, bound: int) -> Mark | None:
    """B2: `held` of `size` cast the same ballot, beyond what a bound in millionths explains."""
    score = tail(held, size, bound)
    if score < BALLOT_SCORE_LEAST:
        return None
    return Mark(ONE_BALLOT, (("ballot_bound", bound), ("ballot_held", held), ("ballot_of", size),
                             ("ballot_score", score)), ballot=ballot)


def one_pace(pauses: Mapping[int, int], others: Mapping[int, int]) -> Mark | None:
    """B3: one bucket of pauses, or two neighbours, where other people take their own time.

    Each mapping counts first votes by bucket; unknown ones are left out.
    """
    own = [pauses.get(bucket, 0) for bucket in range(UNKNOWN_PAUSE)]
    usual = [others.get(bucket, 0) for bucket in range(UNKNOWN_PAUSE)]
    size, of = sum(own), sum(usual)
    if size < PACE_LEAST or of < OTHERS_LEAST:
        return None
    for share, most, width in ((BUCKET_SHARE, USUAL_BUCKET_MOST, 1),
                               (BUCKETS_SHARE, USUAL_BUCKETS_MOST, 2)):
        held, first = max((sum(own[at:at + width]), -at) for at in range(UNKNOWN_PAUSE))
        commonest_held = max(sum(usual[at:at + width]) for at in range(UNKNOWN_PAUSE))
        if 100 * held >= share * size and 100 * commonest_held <= most * of:
            return Mark(ONE_PACE, (
                ("pace_bucket", -first), ("pace_buckets", width), ("pace_held", held),
                ("pace_of", size), ("pace_others_held", commonest_held),
                ("pace_others_of", of)), buckets=frozenset(range(-first, -first + width)))
    return None


def no_hands(given: int, solved: int, others_given: int, others_solved: int) -> Mark | None:
    """B4: of those given work few did it in ten minutes, while most others do."""
    if given < HANDS_LEAST or others_given < HANDS_LEAST:
        return None
    if 100 * solved > SOLVED_MOST * given or (
            100 * others_solved < OTHERS_SOLVED_LEAST * others_given):
        return None
    return Mark(NO_HANDS, (("work_given", given), ("work_solved", solved),
                           ("work_others_given", others_given),
                           ("work_others_solved", others_solved)))
