"""The deck of counted votes, and how it is dealt to voters.

Theory of operation: a card is one counted vote with its qualifications, as the number
proposal * CODES + choice * 8 + one bit a qualification. The deck holds exactly the cards that the
counts ask for, is shuffled and cut into hands of the sizes drawn: so totals hold to the unit
whatever chance does. A hand with two cards of one proposal swaps one with another hand.
"""

import random
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from producers.campaign.counts import LIKE_IT, Counts
from schemas.words import CHOICES, QUALIFICATIONS_PER_CHOICE


MASKS = 1 << QUALIFICATIONS_PER_CHOICE
CODES = len(CHOICES) * MASKS
"""Cards of one proposal differ by choice and qualifications held: this many kinds."""
SWAPS_MOST = 10_000
"""Tries to swap one card before the campaign is given up as too small for its voters."""

Deck = array  # of unsigned 4-byte integers


def deck_of(counts: Sequence[Counts], chance: random.Random) -> "Deck[int]":
    """Lay out one card per counted vote, shuffled."""
    cards: list[int] = []
    for proposal, row in enumerate(counts):
        for choice in range(len(CHOICES)):
            first = LIKE_IT + choice * QUALIFICATIONS_PER_CHOICE
            held = row[first:first + QUALIFICATIONS_PER_CHOICE]
            base = proposal * CODES + choice * MASKS
            for number, mask in _masks(row[choice], held, chance):
                cards.extend([base + mask] * number)
    chance.shuffle(cards)
    return array("I", cards)


def _masks(
    votes: int, held: Sequence[int], chance: random.Random
) -> Iterator[tuple[int, int]]:
    """Say how many of the votes hold which qualifications.

    Each qualification lies on an arc of the circle of votes that begins anywhere: exact counts,
    overlaps of any size, and no draw per vote.
    """
    if not votes:
        return
    begins = [chance.randrange(votes) for _ in held]
    points = {0, votes, *begins}
    points.update((begin + k) % votes for begin, k in zip(begins, held, strict=True))
    for low, high in pairwise(sorted(points)):
        mask = sum(
            1 << bit for bit, (begin, k) in enumerate(zip(begins, held, strict=True))
            if (low - begin) % votes < k
        )
        yield high - low, mask


def starts_of(sizes: Sequence[int], first: int) -> "Deck[int]":
    """Return where each hand begins in the deck; the last entry is where the last one ends."""
    starts = array("I", [first])
    for size in sizes:
        starts.append(starts[-1] + size)
    return starts


def part_equals(deck: "Deck[int]", starts: "Deck[int]", chance: random.Random) -> None:
    """Swap cards until no hand holds two of one proposal."""
    for first, end in pairwise(starts):
        if end - first > 1:
            proposals = [card // CODES for card in deck[first:end]]
            if len(set(proposals)) < len(proposals):
                for position in range(first + 1, end):
                    if deck[position] // CODES in proposals[:position - first]:
                        _swap_away(deck, starts, position, chance)
                        proposals = [card // CODES for card in deck[first:end]]


def hand(starts: "Deck[int]", position: int) -> range:
    """Return the positions of the hand that holds the card at a position."""
    index = bisect_right(starts, position) - 1
    return range(starts[index], starts[index + 1])


def _swap_away(
    deck: "Deck[int]", starts: "Deck[int]", position: int, chance: random.Random
) -> None:
    here = hand(starts, position)
    mine = {deck[index] // CODES for index in here}
    for _ in range(SWAPS_MOST):
        other = chance.randrange(starts[0], starts[-1])
        there = {deck[index] // CODES for index in hand(starts, other) if index != other}
        if deck[other] // CODES not in mine and deck[position] // CODES not in there:
            deck[position], deck[other] = deck[other], deck[position]
            return
    raise ValueError("too few proposals for hands of this size: choose a larger scale")
