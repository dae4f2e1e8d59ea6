"""The plan of a campaign: everything that is decided before the first event is made.

Theory of operation: one seeded generator draws in a fixed order, so a seed names one campaign. The
plan holds the counted votes as dealt cards, what noise each card meets, and when voters come;
`events` only plays it. So the expected counts follow from the plan alone: see `expected`.
"""

import random
from array import array
from dataclasses import dataclass
from typing import Any

from producers.campaign import describe, priors, turnout
from producers.campaign.counts import Counts, draw_groups, split
from producers.campaign.deal import CODES, MASKS, deck_of, hand, part_equals, starts_of
from producers.campaign.noise import Noise
from producers.campaign.priors import Amounts
from producers.campaign.proposals import Proposal, draw_proposals
from producers.campaign.published import Published


SUSPENDED_VOTES_LEAST, SUSPENDED_VOTES_MOST = 20, 90
"""The voter who is suspended and reinstated casts so many votes (fewer in a small campaign)."""
PUSHED_AGREE_SHARE = 0.92
"""Votes without view proof mostly agree: they push something."""


@dataclass(frozen=True)
class Plan:
    """A campaign that can be played."""

    published: Published
    amounts: Amounts
    seed: int
    proposals: tuple[Proposal, ...]
    counts: tuple[Counts, ...]
    """Counted votes and qualifications of each proposal, as in `counts.NAMES`."""
    deck: "array[int]"
    """Cards: first those that are proven later, then the ordinary voters' hands."""
    starts: "array[int]"
    """Where each ordinary voter's hand begins in the deck, and where the last one ends."""
    noise: bytes
    """Kind of noise each card of the deck meets."""
    withdrawn: dict[int, int]
    """Card of a vote withdrawn for good, by the place in the deck of the card it comes after."""
    suspect: "array[int]"
    """Cards of the votes without view proof, SUSPECT_VOTES_EACH a voter; the first of the first
    voters are those proven later."""
    ordinary_arrivals: tuple[int, ...]
    suspect_arrivals: tuple[int, ...]
    """Voters who sit down in each slot."""
    suspended: int
    """The ordinary voter who is suspended and reinstated."""
    descriptions: "array[int]"
    """Description each ordinary voter donates, by number; 0: none."""
    described_again: frozenset[int]
    """Ordinary voters who first donate another description."""
    late: tuple[tuple[int, int], ...]
    """Votes after closing: ordinary voter and card."""


def plan(published: Published, seed: int, scale: float = 1.0) -> Plan:
    """Plan the campaign of a seed; at a scale below 1 a smaller one like it."""
    amounts = priors.amounts(published, scale)
    chance = random.Random(f"{published.consultation}:{seed}")
    groups = draw_groups(published, amounts, chance)
    proposals, counts = draw_proposals(published, groups, [split(g, chance) for g in groups],
                                       chance)
    deck = deck_of(counts, chance)
    most = min(priors.VOTES_PER_VOTER_MOST, len(proposals) // 4)
    sizes = turnout.votes_of_voters(
        amounts.ordinary_voters, amounts.votes - amounts.proven, most, chance
    )
    starts = starts_of(sizes, amounts.proven)
    part_equals(deck, starts, chance)
    noise = _draw_noise(amounts, len(deck), chance)
    span = published.opens_at, published.closes_at
    return Plan(
        published, amounts, seed, proposals, counts, deck, starts, noise,
        withdrawn=_draw_withdrawn(noise, deck, starts, len(proposals), chance),
        suspect=_draw_suspect(amounts, deck, len(proposals), chance),
        ordinary_arrivals=tuple(turnout.arrivals(
            amounts.ordinary_voters, turnout.ordinary_weights(*span), chance)),
        suspect_arrivals=tuple(turnout.arrivals(
            amounts.suspect_voters, turnout.suspect_weights(*span), chance)),
        suspended=_choose_suspended(sizes),
        **_draw_descriptions(amounts, chance),
        late=tuple(
            (chance.randrange(amounts.ordinary_voters),
             chance.randrange(len(proposals)) * CODES + chance.randrange(CODES) // MASKS * MASKS)
            for _ in range(amounts.late)
        ),
    )


def _draw_noise(amounts: Amounts, cards: int, chance: random.Random) -> bytes:
    """Choose the ordinary cards that meet each kind of noise."""
    kinds = [kind for kind in Noise if kind for _ in range(getattr(amounts, kind.name.lower()))]
    noise = bytearray(cards)
    for position, kind in zip(
        chance.sample(range(amounts.proven, cards), len(kinds)), kinds, strict=True
    ):
        noise[position] = kind
    return bytes(noise)


def _draw_withdrawn(
    noise: bytes, deck: "array[int]", starts: "array[int]", proposals: int, chance: random.Random
) -> dict[int, int]:
    """Choose a proposal the voter does not otherwise vote on for each vote withdrawn for good."""
    withdrawn: dict[int, int] = {}
    for position, kind in enumerate(noise):
        if kind == Noise.WITHDRAWN:
            mine = hand(starts, position)
            taken = {deck[index] // CODES for index in mine}
            taken.update(withdrawn[index] // CODES for index in mine if index in withdrawn)
            proposal = _other_than(taken, proposals, chance)
            withdrawn[position] = proposal * CODES + chance.randrange(CODES) // MASKS * MASKS
    return withdrawn


def _other_than(taken: set[int], proposals: int, chance: random.Random) -> int:
    while (proposal := chance.randrange(proposals)) in taken:
        pass
    return proposal


def _draw_suspect(
    amounts: Amounts, deck: "array[int]", proposals: int, chance: random.Random
) -> "array[int]":
    """Draw the votes without view proof; those proven later are the first cards of the deck."""
    pushed = chance.sample(range(proposals), priors.PUSHED_PROPOSALS)
    cards = array("I")
    for voter in range(amounts.suspect_voters):
        own = deck[voter * priors.PROVEN_EACH:(voter + 1) * priors.PROVEN_EACH]
        mine = list(own) if voter < amounts.proven_voters else []
        taken = {card // CODES for card in mine}
        free = [proposal for proposal in pushed if proposal not in taken]
        for proposal in chance.sample(free, priors.SUSPECT_VOTES_EACH - len(mine)):
            agrees = chance.random() < PUSHED_AGREE_SHARE
            code = chance.randrange(2) if agrees else MASKS
            mine.append(proposal * CODES + code)
        cards.extend(mine)
    return cards


def _choose_suspended(sizes: list[int]) -> int:
    """Choose a diligent voter near the middle of the campaign."""
    middle = len(sizes) // 2
    least = min(SUSPENDED_VOTES_LEAST, max(sizes))
    return min(
        (voter for voter, size in enumerate(sizes) if least <= size <= SUSPENDED_VOTES_MOST),
        key=lambda voter: abs(voter - middle),
    )


def _draw_descriptions(amounts: Amounts, chance: random.Random) -> dict[str, Any]:
    """Choose who donates a description, and which."""
    number = min(round(amounts.participants * priors.DESCRIBED_SHARE), amounts.ordinary_voters)
    voters = chance.sample(range(amounts.ordinary_voters), number)
    descriptions = array("H", bytes(2 * amounts.ordinary_voters))
    for voter, description in zip(voters, describe.draw(number, chance), strict=True):
        descriptions[voter] = description
    again = voters[:min(amounts.described_again, number)]
    return {"descriptions": descriptions, "described_again": frozenset(again)}
