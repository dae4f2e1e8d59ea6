"""Who describes themselves when, what then lies in the log, and three ways to join it to votes.

The attacker has every vote with its instant, and every description in the order of the log.
"""

import random
from bisect import bisect
from collections.abc import Callable, Iterator
from typing import NamedTuple

from producers.gateway.descriptions import LOOK_SECONDS, Descriptions, Post


DAY_SECONDS = 86_400
DAYS = 14
BEGINS, ENDS = 7, 23
"""Hours between which people vote."""
SOON_SECONDS, AFTER_SECONDS = 45, 25
"""So soon after its voter's last vote a description comes, and no vote of theirs for so long."""


class Told(NamedTuple):
    """Somebody describes themselves."""

    at: float
    voter: int
    gateway: int


class Written(NamedTuple):
    """A description in the log."""

    voter: int
    """What the attacker looks for."""
    timestamp: float
    """What the record bears, in seconds."""
    batch_at: float
    """When its batch was written: no record bears it, the attacker is told."""
    gateway: int


Shuffle = Callable[[list[bytes]], None]
Guess = int | None
Votes = list[tuple[float, int]]


def campaign(voters: int, gateways: int, chance: random.Random) -> tuple[Votes, list[Told]]:
    """Let people vote over a fortnight, of whom a third describe themselves after."""
    votes, told = [], []
    for voter in range(voters):
        at = chance.randrange(DAYS) * DAY_SECONDS + 3600 * chance.uniform(BEGINS, ENDS - 1)
        for _ in range(chance.randrange(3, 15)):
            at += chance.uniform(4, 20)
            votes.append((at, voter))
        if chance.random() < 0.35:
            told.append(Told(at + chance.uniform(8, 40), voter, chance.randrange(gateways)))
    return sorted(votes), sorted(told)


def one_by_one(told: list[Told]) -> list[Written]:
    """Write each at once, with its instant, as release 0.1.0 did."""
    return [Written(each.voter, each.at, each.at, each.gateway) for each in told]


def gathered(told: list[Told], gateways: int, shuffle: Shuffle) -> list[Written]:
    """Write what the gateways' own code writes."""
    log: list[Written] = []
    now = 0.0

    def post_of(gateway: int) -> Post:
        return lambda begin, values: log.extend(
            Written(int.from_bytes(value, "big"), begin / 1_000, now, gateway)
            for value in values)

    held = [Descriptions(post_of(gateway), shuffle) for gateway in range(gateways)]
    for each in told:
        while now + LOOK_SECONDS < each.at:
            now += LOOK_SECONDS
            for gateway in held:
                gateway.look(int(now // DAY_SECONDS))
        now = each.at
        name = each.voter.to_bytes(16, "big")
        held[each.gateway].take(int(now // DAY_SECONDS), "town", name, name)
    now = DAYS * DAY_SECONDS
    for gateway in held:
        gateway.look(DAYS)
    return log


def by_instant(votes: Votes, instants: list[float]) -> Iterator[Guess]:
    """Guess whose newest vote lies just before an instant, where that is one voter alone."""
    times = [at for at, _ in votes]
    for at in instants:
        before = votes[bisect(times, at - SOON_SECONDS):bisect(times, at)]
        after = votes[bisect(times, at):bisect(times, at + AFTER_SECONDS)]
        found = {voter for _, voter in before} - {voter for _, voter in after}
        yield found.pop() if len(found) == 1 else None


def by_order(told: list[Told], log: list[Written], gateways: int) -> Iterator[Guess]:
    """Guess in order, gateway by gateway, by somebody who even knows who described themselves.

    Of a day the first record is the first to have told, and so on.
    """
    lines: dict[tuple[int, int], list[int]] = {}
    for each in reversed(told):
        lines.setdefault((each.gateway, int(each.at // DAY_SECONDS)), []).append(each.voter)
    for record in log:
        yield lines[record.gateway, int(record.timestamp // DAY_SECONDS)].pop()


def joined(log: list[Written], guesses: Iterator[Guess]) -> float:
    """Return the share of descriptions that were joined to their voter's votes."""
    return sum(record.voter == guess for record, guess in zip(log, guesses, strict=True)) / len(log)
