"""Votes to measure with: as many as wanted, heavy-tailed over 2,864 proposals, by seed. Pure."""

import random
from collections.abc import Iterator
from itertools import accumulate

from schemas.hot import encoder
from schemas.topics import partition_of
from schemas.words import CHOICES, ORIGINS, TRUSTS


CONSULTATION = "benchmark"
PROPOSALS = 2_864
VOTES_PER_VOTER = 3
AGAIN_SHARE, CHANGED_SHARE = 0.04, 0.02
"""Votes that repeat voter, proposal and choice, and those that change the choice."""
BEGAN_AT = 1_647_900_000_000
SHOWN = (1, 1, 1, 1, 2)
"""Four votes of five are served, the fifth was asked for."""
PAUSES = 15


def votes(
    count: int, partitions: int, *, seed: int = 1, version: int = 1
) -> Iterator[tuple[int, int, bytes]]:
    """Yield (partition, timestamp, value) of `count` votes, the same in either version."""
    randomness = random.Random(seed)
    encode = encoder("VoteCast", version)
    names = [f"p{number:04}" for number in range(PROPOSALS)]
    weights = list(accumulate(rank ** -0.9 for rank in range(1, PROPOSALS + 1)))
    voters = [randomness.randbytes(16) for _ in range(max(1, count // VOTES_PER_VOTER))]
    origin, trusted = ORIGINS.index("simulation"), TRUSTS.index("trusted")
    chosen = randomness.choices(names, cum_weights=weights, k=count)
    held: list[tuple[bytes, str, int]] = []
    for number in range(count):
        kind = randomness.random()
        if held and kind < AGAIN_SHARE + CHANGED_SHARE:
            voter, proposal, choice = held[randomness.randrange(len(held))]
            choice = choice if kind < AGAIN_SHARE else (choice + 1) % len(CHOICES)
        else:
            voter, proposal = voters[randomness.randrange(len(voters))], chosen[number]
            choice = int(randomness.random() > 0.62) + int(randomness.random() > 0.87)
            held.append((voter, proposal, choice))
        yield partition_of(voter, partitions), BEGAN_AT + number, encode(
            randomness.randbytes(16), voter, randomness.randbytes(16), choice, trusted, origin,
            *((SHOWN[number % len(SHOWN)], number % PAUSES) if version > 1 else ()),
            CONSULTATION, proposal, BEGAN_AT + number,
            *((0, number % PROPOSALS) if version > 1 else ()))
