"""The campaign's day of the first broadcast, with networks added. Pure."""

from collections import Counter
from itertools import accumulate

from benchmarks.attacks.world import (
    ASKED,
    ASKED_SHARE,
    DAY_MS,
    NEXT_CARD_MS,
    SERVED,
    Vote,
    World,
)
from producers.campaign.deal import CODES, MASKS
from producers.campaign.plan import Plan, plan
from producers.campaign.published import load
from producers.campaign.turnout import SLOT_MS


def planned(seed: int, scale: float = 1) -> Plan:
    """Plan the campaign of a seed, whole or smaller."""
    return plan(load(), seed, scale)


def world_of(campaign: Plan, scale: float = 1) -> World:
    """Make the world of a campaign of that scale: its proposals are as popular as there."""
    votes = Counter(card // CODES for card in campaign.deck)
    busiest = max(range(_days(campaign)), key=lambda day: len(_voters_of(campaign, day)))
    begins = (campaign.published.opens_at // DAY_MS + busiest) * DAY_MS
    return World(f"{campaign.seed}", begins,
                 [votes[number] + 1 for number in range(len(campaign.proposals))], scale)


def busiest_day(campaign: Plan, world: World) -> list[Vote]:
    """Return all votes of the voters who first come on a world's day, with routes and networks.

    Hands and arrivals are the campaign's; who is who, and from where, is the world's.
    """
    chance, found = world.chance, []
    day = (world.begins - campaign.published.opens_at // DAY_MS * DAY_MS) // DAY_MS
    for voter_number, slot in _voters_of(campaign, day):
        time = campaign.published.opens_at + slot * SLOT_MS + int(chance.random() * SLOT_MS)
        voter, network = world.voter(), world.anywhere()
        hand = campaign.deck[campaign.starts[voter_number]:campaign.starts[voter_number + 1]]
        for place, card in enumerate(hand):
            proposal, code = divmod(card, CODES)
            asked = not place and chance.random() < ASKED_SHARE
            found.append(Vote(time, voter, network, proposal, code // MASKS,
                              ASKED if asked else SERVED, world.reading()))
            time += chance.randint(*NEXT_CARD_MS)
    return found


def _days(campaign: Plan) -> int:
    return (campaign.published.closes_at - campaign.published.opens_at) // DAY_MS


def _voters_of(campaign: Plan, day: int) -> list[tuple[int, int]]:
    """Return the voters who sit down on a UTC day of the campaign, by number, with their slots."""
    opens_at = campaign.published.opens_at
    first = opens_at // DAY_MS
    before = list(accumulate(campaign.ordinary_arrivals, initial=0))
    return [(voter, slot) for slot, _ in enumerate(campaign.ordinary_arrivals)
            if (opens_at + slot * SLOT_MS) // DAY_MS - first == day
            for voter in range(before[slot], before[slot + 1])]
