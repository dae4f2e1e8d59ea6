"""What a seed does to the brokers of a cluster, and what must not come of it. Pure.

Three seeds in a row have each broker killed, frozen and cut off, each kind on another broker in
each of them; every second seed rolls all brokers in the end. Only one is hit at a time: two of
three lost brokers stop writing, as is said in docs/operate.md.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from tests.faults.violations import Violation


NODES = 3
LATE = "recovered late"
"""The one violation that a busy machine may be the reason of."""
RECOVERY_SECONDS = 8.0
"""No partition is silent at any gateway for longer, not counting the time until the brokers have
elected new leaders: how long that takes is their session's and their machine's."""
LASTING_SECONDS = (9.0, 14.0)
"""So long a broker is lost: longer than its session."""
SHORT_SECONDS = (1.0, 2.5)
"""So long in one of four faults but kills: the broker is back before its session ends."""


class BrokerKind(StrEnum):
    """What happens to a broker."""

    KILL = "kill"
    FREEZE = "freeze"
    CUT = "cut"
    ROLL = "roll"


class BrokerFault(NamedTuple):
    """One of them, and for how long."""

    kind: BrokerKind
    broker: int
    seconds: float


def plan(seed: int) -> list[BrokerFault]:
    """Choose the faults of a seed, in order."""
    randomness = random.Random(seed)
    kinds = [BrokerKind.KILL, BrokerKind.FREEZE, BrokerKind.CUT]
    found = [BrokerFault(kind, (place + seed) % NODES + 1, _seconds(randomness, kind))
             for place, kind in enumerate(kinds)]
    randomness.shuffle(found)
    if seed % 2:
        found += [BrokerFault(BrokerKind.ROLL, number, 0.0) for number in range(1, NODES + 1)]
    return found


def _seconds(randomness: random.Random, kind: BrokerKind) -> float:
    short = kind is not BrokerKind.KILL and randomness.random() < 1 / 4
    return round(randomness.uniform(*(SHORT_SECONDS if short else LASTING_SECONDS)), 1)


class Told(NamedTuple):
    """An answer to a voter."""

    gateway: int
    partition: int
    asked_at: float
    answered_at: float
    """Seconds of one steady clock, as all moments here."""
    status: int
    """0: the connection ended without one."""
    ended: str = ""
    """How it ended then."""


class Window(NamedTuple):
    """While a broker was lost, and until all its replicas were in sync and votes taken everywhere.
    """

    fault: BrokerFault
    began_at: float
    ended_at: float
    led: frozenset[int]
    """Partitions that it led when it began."""
    elected_seconds: float | None = None
    """After so long all other brokers knew new leaders of these; None: there were none."""

    def unled_seconds(self, session_seconds: float) -> float:
        """Return how long nobody could write: until the election, or until the broker was back."""
        if self.elected_seconds is not None:
            return self.elected_seconds
        return min(self.fault.seconds, session_seconds)


class Silence(NamedTuple):
    """The longest time of a window in which no vote was taken."""

    seconds: float
    after: float
    """Seconds of the window that had passed when it began."""


def silences(window: Window, taken: Iterable[Told]) -> Mapping[tuple[int, int], Silence]:
    """Return the longest silence by gateway and partition."""
    moments: dict[tuple[int, int], list[float]] = defaultdict(list)
    for told in taken:
        if window.began_at <= told.answered_at <= window.ended_at:
            moments[told.gateway, told.partition].append(told.answered_at)
    return {place: max(Silence(after - before, before - window.began_at) for before, after in
                       pairwise([window.began_at, *sorted(found), window.ended_at]))
            for place, found in moments.items()}


def broken(
    window: Window, told: Iterable[Told], places: Iterable[tuple[int, int]], *,
    session_seconds: float,
) -> Iterator[Violation]:
    """Hold what voters were told while a broker was lost against what was promised.

    `places` are the gateways and partitions at which somebody votes, `session_seconds` is how long
    the brokers wait for a silent one.
    """
    fault, answers = f"{window.fault.kind} broker {window.fault.broker}", list(told)
    unled_seconds = window.unled_seconds(session_seconds)
    for each in answers:
        rolled = window.fault.kind is BrokerKind.ROLL
        if (each.status != 202 and (rolled or each.partition not in window.led)
                and window.began_at <= each.answered_at <= window.ended_at):
            yield Violation("refused by another's partition", (
                f"{fault}: partition {each.partition}, which another led, answered {each.status} "
                f"at gateway {each.gateway} after {each.answered_at - each.asked_at:.1f} s"
                + (f", {each.ended}" if each.ended else "")))
    longest = silences(window, [each for each in answers if each.status == 202])
    for place in places:
        seconds, after = longest.get(place, Silence(window.ended_at - window.began_at, 0.0))
        if seconds - max(unled_seconds - after, 0.0) > RECOVERY_SECONDS:
            yield Violation(LATE, (
                f"{fault}: gateway {place[0]} took nothing for partition {place[1]} for "
                f"{seconds:.1f} s, from {after:.1f} s on"))
