"""What the door lets through, by the gateway's own ladder, of scripts that wait or work. Pure.

Theory of operation: each vote meets the ladder of its gateway. Who is asked for work or a wait
ignores it, does the work, or comes back when told; each coming back is another request and meets
the ladder again, as `producers.gateway.door` has it. What the patrol asks of the door besides is
not in it: it only makes this harder.
"""

import heapq
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count
from operator import attrgetter
from random import Random

from benchmarks.attacks import background
from benchmarks.attacks.crowds import CROWDS
from benchmarks.attacks.informed import residential
from benchmarks.attacks.made import SERVER_DOLLARS_AN_HOUR, Attack
from benchmarks.attacks.naive import Maker, many_prefixes, one_prefix
from benchmarks.attacks.outcomes import EVERYBODY
from benchmarks.attacks.world import MINUTE_MS, SERVED, SUSPECT, WEB, Vote, World
from producers.gateway.ladder import HIGHEST, OTHERS_FIRST, WAIT_SECONDS, Ladder


SOLVING_SECONDS = (0.0, 0.65, 2.6, 2.6)
"""What the work of a step takes a core of a server."""
GIVES_UP_MS = 3_600_000
"""A script that waits gives up after an hour."""


BROWSER_SECONDS = (0.0, 1.0, 4.0, 4.0)
"""The same in people's browsers."""
WITHOUT_JAVASCRIPT = 0.02
"""Of people, who wait instead."""


class Manner(Enum):
    """What becomes of a vote for which something is asked."""

    IGNORES = "ignores it"
    WAITS = "waits"
    WORKS = "works"


class Cookie(Enum):
    """What its device has from the day before."""

    NONE = "a device, at most: it never did anything that makes known"
    WAITED = "the mark of a wait"
    SERVED = "the mark of a vote on what was drawn"


@dataclass
class Passed:
    """What became of an attack at the door, in votes."""

    cast: int
    counted: int
    """Trusted in the end; the others stay suspect."""
    most_a_minute: int
    """Of one network, in a minute of its attack."""
    requests: int
    dollars: float


@dataclass
class Asked:
    """What became of honest people at the door."""

    voters: int
    asked: int
    """Of whom work or patience was asked, once at least."""
    never: int
    """None of whose votes on what they came for counts in the end."""
    seconds: float
    """Until the vote counted, of those who were asked: the median..."""
    most_seconds: float
    """... and the longest."""


class _Door:
    """Some gateways, and what passed them."""

    def __init__(self, gateways: int = 1, cookie: Cookie = Cookie.NONE) -> None:
        self._cookie = cookie
        self._ladders = [Ladder(gateways=gateways) for _ in range(gateways)]
        self.minutes: Counter[tuple[bytes, int]] = Counter()
        """Votes that passed, by network and minute."""
        self.requests, self.solving_seconds = 0, 0.0

    def meet(
        self, vote: Vote, manner: Manner, now: float, number: int, step_before: int,
        working: Sequence[float] = SOLVING_SECONDS,
    ) -> tuple[int, float]:
        """Have a vote meet a gateway; return its step, and the seconds until it comes again.

        It passes where that is 0, and never comes again where it is infinite.
        """
        ladder, network = self._ladders[number % len(self._ladders)], vote.network or b""
        self.requests += 1
        if vote.shown == SERVED:
            return 0, 0.0
        target = vote.proposal.to_bytes(4, "big")
        ask = ladder.ask_served if self._cookie is Cookie.SERVED else ladder.ask
        step, wait = ask(network, target, vote.voter, now), 0.0
        if step and manner is Manner.WAITS and (
                step_before or self._cookie is not Cookie.NONE):
            wait = ladder.passes(network, target, vote.voter, now)
        elif step and step_before:
            ladder.solved(network, target, now)
            self.solving_seconds += working[step_before]
        elif step:
            wait = {Manner.IGNORES: math.inf, Manner.WAITS: WAIT_SECONDS[step],
                    Manner.WORKS: working[step]}[manner]
            self.requests += 2 * OTHERS_FIRST if step == HIGHEST else 0
        return step, wait


def passed(
    votes: Sequence[Vote], manner: Manner, *, gateways: int = 1, residential: bool = False,
    cookie: Cookie = Cookie.NONE,
) -> Passed:
    """Have votes meet the door, in turn at so many gateways; all on one target, a device each."""
    door, turn = _Door(gateways, cookie), count()
    coming = [(vote.time, next(turn), vote, 0) for vote in votes]
    heapq.heapify(coming)
    first = {vote.network: vote.time for vote in reversed(votes)}
    while coming:
        time, number, vote, step_before = heapq.heappop(coming)
        step, wait = door.meet(vote, manner, time / 1_000, number, step_before)
        if not wait:
            door.minutes[vote.network or b"", (time - first[vote.network]) // MINUTE_MS] += 1
        elif wait < math.inf and time - vote.time < GIVES_UP_MS:
            heapq.heappush(coming, (time + int(wait * 1_000), next(turn), vote, step))
    cost = Attack((), door.requests + len(votes), residential)
    return Passed(
        len(votes), sum(door.minutes.values()), max(door.minutes.values(), default=0),
        cost.requests,
        round(cost.dollars + door.solving_seconds / 3_600 * SERVER_DOLLARS_AN_HOUR, 4))


IGNORES, WAITS, SERVED_YESTERDAY = "A1, ignores", "A1, waits", "A1, drawn votes yesterday"
CASES: dict[str, tuple[Maker, Manner, int, Cookie]] = {
    f"{IGNORES} what it is asked": (one_prefix, Manner.IGNORES, 1, Cookie.NONE),
    f"{IGNORES} it, two gateways": (one_prefix, Manner.IGNORES, 2, Cookie.NONE),
    f"{WAITS}": (one_prefix, Manner.WAITS, 1, Cookie.NONE),
    f"{WAITS}, two gateways": (one_prefix, Manner.WAITS, 2, Cookie.NONE),
    f"{WAITS}, cookies of yesterday that waited then": (
        one_prefix, Manner.WAITS, 1, Cookie.WAITED),
    f"{WAITS}, cookies of yesterday that waited then, two gateways": (
        one_prefix, Manner.WAITS, 2, Cookie.WAITED),
    "A1, works": (one_prefix, Manner.WORKS, 1, Cookie.NONE),
    f"{SERVED_YESTERDAY}, ignores it": (one_prefix, Manner.IGNORES, 1, Cookie.SERVED),
    f"{SERVED_YESTERDAY}, waits": (one_prefix, Manner.WAITS, 1, Cookie.SERVED),
    "A4, ignores it": (many_prefixes, Manner.IGNORES, 1, Cookie.NONE),
    "A10, ignores it": (residential, Manner.IGNORES, 1, Cookie.NONE),
}
"""Attack, manner, gateways, cookies. A cookie of yesterday that did nothing is a new device to the
door: it has no rows of its own."""


def at_the_door(seed: int) -> dict[str, Passed]:
    """Have the attacks of a seed meet the door."""
    found = {}
    for name, (make, manner, gateways, cookie) in CASES.items():
        made = make(World(f"{seed}", 0, [1.0]))
        found[name] = passed(made.votes, manner, gateways=gateways, cookie=cookie,
                             residential=made.residential)
    return found


# People


def people_at_the_door(seed: int, scale: float) -> dict[str, Asked]:
    """Have a day's honest people meet one gateway, each crowd beside all others."""
    campaign = background.planned(seed, scale)
    world = background.world_of(campaign, scale)
    groups = {EVERYBODY: background.busiest_day(campaign, world),
              **{name: list(make(world)) for name, make in CROWDS.items()}}
    owner = {vote.voter: name for name, votes in groups.items() for vote in votes}
    people = _People(world.chance)
    people.come(vote for votes in groups.values() for vote in votes)
    return {name: people.came_to([voter for voter in owner if owner[voter] == name])
            for name in groups}


class _People:
    """People before the door: most browsers work, some people wait; nobody comes a second day."""

    def __init__(self, chance: Random) -> None:
        self._chance, self._door = chance, _Door()
        self._known: set[bytes] = set()
        self._asked: set[bytes] = set()
        self._counted: dict[bytes, float] = {}
        """Seconds until the first vote that was asked for counted, of those who were asked."""

    def come(self, votes: Iterable[Vote]) -> None:
        """Have votes come in their order, with all that follows of each."""
        turn = count()
        in_order = sorted(votes, key=attrgetter("time", "voter"))
        coming = [(vote.time, next(turn), vote, 0, self._manner(vote)) for vote in in_order
                  if vote.origin == WEB]
        heapq.heapify(coming)
        while coming:
            time, number, vote, before, manner = heapq.heappop(coming)
            if vote.voter in self._known:
                continue
            step, wait = self._door.meet(
                vote, manner, time / 1_000, number, before, BROWSER_SECONDS)
            if step:
                self._asked.add(vote.voter)
            if wait and wait < math.inf:
                heapq.heappush(
                    coming, (time + int(wait * 1_000), next(turn), vote, step, manner))
            elif before and not wait:
                self._counted.setdefault(vote.voter, (time - vote.time) / 1_000)
                if manner is Manner.WORKS:
                    self._known.add(vote.voter)

    def _manner(self, vote: Vote) -> Manner:
        if vote.trust == SUSPECT:
            return Manner.IGNORES  # Its cookies are stripped: it comes back as somebody else.
        return Manner.WAITS if self._chance.random() < WITHOUT_JAVASCRIPT else Manner.WORKS

    def came_to(self, voters: Sequence[bytes]) -> Asked:
        """Return what became of some."""
        asked = self._asked.intersection(voters)
        seconds = [self._counted[voter] for voter in asked if voter in self._counted]
        return Asked(len(voters), len(asked), len(asked) - len(seconds),
                     statistics.median(seconds) if seconds else 0.0, max(seconds, default=0.0))
