"""Who comes, when, and how many votes each voter casts."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from producers.campaign.apportion import apportion


PARIS = ZoneInfo("Europe/Paris")
SLOT_MS = 600_000
"""Voters arrive by slots of ten minutes; within a slot at random."""
LAST_SITTING_MS = 3 * 3_600_000
"""Nobody sits down in the last three hours: 200 votes take one, and all come before closing."""

BROADCASTS = (
    ("2022-03-22T20:10", 9.0),
    ("2022-03-24T21:00", 6.0),
    ("2022-03-31T21:00", 4.0),
    ("2022-04-14T21:00", 7.0),
    ("2022-04-28T19:45", 5.0),
    ("2022-05-12T21:00", 6.0),
    ("2022-05-19T20:50", 3.5),
)
"""Evenings on television: their minute and the height of the burst, in times a busy evening."""
BROADCAST_DECAY_MINUTES = 35.0
"""After the call to vote, arrivals halve about every 24 minutes."""
HOURS = (
    0.25, 0.12, 0.06, 0.04, 0.04, 0.08, 0.25, 0.55, 0.75, 0.80, 0.85, 0.90,
    1.10, 1.05, 0.90, 0.85, 0.90, 1.05, 1.20, 1.30, 1.50, 1.60, 1.20, 0.60,
)
"""Arrivals by hour of the day: lunch and the evening stand out, as in media audiences."""
WEEKEND = 0.8
LAUNCH_DECAY_DAYS = 18.0
"""Interest fades after the launch, down to PLATEAU of its first day."""
PLATEAU = 0.35
SUSPECT_NIGHTS = ("2022-04-15", "2022-04-16", "2022-05-13")
SUSPECT_HOURS = range(1, 6)
"""Votes without view proof come in three nights, as scripts do, and a few at any time."""
SUSPECT_BACKGROUND = 0.002
SLOT_SPREAD = 0.12
"""Standard deviation of the logarithm of the arrivals in a slot around what is expected."""


def votes_of_voters(voters: int, votes: int, most: int, chance: random.Random) -> list[int]:
    """Draw how many votes each voter casts: a power law up to `most` that adds up exactly."""
    exponent = _exponent(votes / voters, most)
    numbers = apportion(voters, [k ** -exponent for k in range(1, most + 1)])
    missing = votes - sum(k * number for k, number in enumerate(numbers, 1))
    step = 1 if missing > 0 else -1
    for _ in range(abs(missing)):
        # The smallest sitting that can grow (or shrink) by a vote does: the tail stays as drawn.
        size = next(k for k, number in enumerate(numbers) if number and 0 <= k + step < most)
        numbers[size] -= 1
        numbers[size + step] += 1
    sizes = [k for k, number in enumerate(numbers, 1) for _ in range(number)]
    chance.shuffle(sizes)
    return sizes


def _exponent(mean: float, most: int) -> float:
    """Find the exponent of a power law over 1..most with the given mean, by halving."""
    low, high = 0.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        weights = [k ** -middle for k in range(1, most + 1)]
        drawn = sum(k * w for k, w in enumerate(weights, 1)) / sum(weights)
        low, high = (middle, high) if drawn > mean else (low, middle)
    return (low + high) / 2


def arrivals(
    voters: int, weights: Sequence[float], chance: random.Random
) -> list[int]:
    """Draw how many voters sit down in each slot."""
    return apportion(voters, [w * chance.lognormvariate(0, SLOT_SPREAD) for w in weights])


def ordinary_weights(opens_at: int, closes_at: int) -> list[float]:
    """Weigh the slots by the hour, the day and the broadcasts."""
    weights = []
    for local, elapsed_days in _slots(opens_at, closes_at):
        interest = PLATEAU + (1 - PLATEAU) * math.exp(-elapsed_days / LAUNCH_DECAY_DAYS)
        day = WEEKEND if local.weekday() >= 5 else 1.0
        weights.append(1e-6 + HOURS[local.hour] * interest * day)
    for begins, height in BROADCASTS:
        first = (_local_instant(begins) - opens_at) // SLOT_MS
        for slot in range(max(0, first), min(len(weights), first + 36)):
            minutes = (slot - first) * SLOT_MS / 60_000
            weights[slot] += height * 1.6 * math.exp(-minutes / BROADCAST_DECAY_MINUTES)
    return _until_last_sitting(weights)


def suspect_weights(opens_at: int, closes_at: int) -> list[float]:
    """Weigh the slots in which votes without view proof come."""
    return _until_last_sitting([
        1.0 if str(local.date()) in SUSPECT_NIGHTS and local.hour in SUSPECT_HOURS
        else SUSPECT_BACKGROUND
        for local, _ in _slots(opens_at, closes_at)
    ])


def _slots(opens_at: int, closes_at: int) -> list[tuple[datetime, float]]:
    instants = range(opens_at, closes_at, SLOT_MS)
    return [
        (datetime.fromtimestamp(instant / 1_000, UTC).astimezone(PARIS),
         (instant - opens_at) / 86_400_000)
        for instant in instants
    ]


def _local_instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1_000)


def _until_last_sitting(weights: list[float]) -> list[float]:
    kept = len(weights) - LAST_SITTING_MS // SLOT_MS
    return weights[:kept] + [0.0] * (len(weights) - kept)
