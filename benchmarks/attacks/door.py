"""What the door lets through, by the gateway's own ladder, of scripts that wait or work. Pure.

Theory of operation: each vote meets the ladder of its gateway. Who is asked for work or a wait
ignores it, does the work, or comes back when told; each coming back is another request and meets
the ladder again, as `producers.gateway.door` has it. What the patrol asks of the door besides is
not in it: it only makes this harder.
"""

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

from benchmarks.attacks.informed import residential
from benchmarks.attacks.made import SERVER_DOLLARS_AN_HOUR, Attack
from benchmarks.attacks.naive import Maker, many_prefixes, one_prefix
from benchmarks.attacks.world import MINUTE_MS, SERVED, Vote, World
from producers.gateway.ladder import HIGHEST, OTHERS_FIRST, WAIT_SECONDS, Ladder


SOLVING_SECONDS = (0.0, 0.65, 2.6, 2.6)
"""What the work of a step takes a core of a server."""
TARGET = b"target"
GIVES_UP_MS = 3_600_000
"""A script that waits gives up after an hour."""


class Manner(Enum):
    """What a script does when it is asked for something."""

    IGNORES = "ignores it"
    WAITS = "waits"
    WORKS = "works"


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


class _Door:
    """Some gateways before one target, and what passed them."""

    def __init__(self, manner: Manner, gateways: int) -> None:
        self._manner = manner
        self._ladders = [Ladder(gateways=gateways) for _ in range(gateways)]
        self.minutes: Counter[tuple[bytes, int]] = Counter()
        """Votes that passed, by network and minute."""
        self.requests, self.solving_seconds = 0, 0.0

    def meet(self, vote: Vote, now: float, number: int, step_before: int) -> tuple[int, float]:
        """Have a vote meet a gateway; return its step, and the seconds until it comes again.

        It passes where that is 0, and never comes again where it is infinite.
        """
        ladder, network = self._ladders[number % len(self._ladders)], vote.network or b""
        self.requests += 1
        step = 0 if vote.shown == SERVED else ladder.ask(network, TARGET, vote.voter, now)
        wait = 0.0
        if step and step_before and self._manner is Manner.WAITS:
            wait = ladder.passes(network, TARGET, vote.voter, now)
        elif step and step_before:
            ladder.solved(network, TARGET, now)
            self.solving_seconds += SOLVING_SECONDS[step_before]
        elif step:
            wait = {Manner.IGNORES: math.inf, Manner.WAITS: WAIT_SECONDS[step],
                    Manner.WORKS: SOLVING_SECONDS[step]}[self._manner]
            self.requests += 2 * OTHERS_FIRST if step == HIGHEST else 0
        return step, wait


def passed(
    votes: Sequence[Vote], manner: Manner, *, gateways: int = 1, residential: bool = False
) -> Passed:
    """Have votes meet the door, in turn at so many gateways; all on one target, by new devices."""
    door, turn = _Door(manner, gateways), count()
    coming = [(vote.time, next(turn), vote, 0) for vote in votes]
    heapq.heapify(coming)
    first = {vote.network: vote.time for vote in reversed(votes)}
    while coming:
        time, number, vote, step_before = heapq.heappop(coming)
        step, wait = door.meet(vote, time / 1_000, number, step_before)
        if not wait:
            door.minutes[vote.network or b"", (time - first[vote.network]) // MINUTE_MS] += 1
        elif wait < math.inf and time - vote.time < GIVES_UP_MS:
            heapq.heappush(coming, (time + int(wait * 1_000), next(turn), vote, step))
    cost = Attack((), door.requests + len(votes), residential)
    return Passed(
        len(votes), sum(door.minutes.values()), max(door.minutes.values(), default=0),
        cost.requests,
        round(cost.dollars + door.solving_seconds / 3_600 * SERVER_DOLLARS_AN_HOUR, 4))


IGNORES, WAITS = "A1, ignores", "A1, waits"
CASES: dict[str, tuple[Maker, Manner, int]] = {
    f"{IGNORES} what it is asked": (one_prefix, Manner.IGNORES, 1),
    f"{IGNORES} it, two gateways": (one_prefix, Manner.IGNORES, 2),
    f"{WAITS}": (one_prefix, Manner.WAITS, 1),
    f"{WAITS}, two gateways": (one_prefix, Manner.WAITS, 2),
    "A1, works": (one_prefix, Manner.WORKS, 1),
    "A4, ignores it": (many_prefixes, Manner.IGNORES, 1),
    "A10, ignores it": (residential, Manner.IGNORES, 1),
}
"""Attack, manner, gateways. Cookies of yesterday without a vote on what was drawn are new devices
to the door: they are the same rows."""


def at_the_door(seed: int) -> dict[str, Passed]:
    """Have the attacks of a seed meet the door."""
    found = {}
    for name, (make, manner, gateways) in CASES.items():
        made = make(World(f"{seed}", 0, [1.0]))
        found[name] = passed(made.votes, manner, gateways=gateways, residential=made.residential)
    return found
