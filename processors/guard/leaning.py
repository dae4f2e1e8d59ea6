"""Rule 8: a network's fresh voters answer what is served on an idea otherwise than others. Pure."""

from collections import Counter
from collections.abc import Iterator

from processors.guard.chances import MILLION
from processors.guard.day import FRESH, Day
from processors.guard.findings import OF_PROPOSAL, Found
from processors.guard.inputs import SERVED
from processors.guard.parameters import LEANING, Rule
from processors.guard.reports import SPAN_MS, said
from processors.guard.window import ITEM_BITS


AGREE = 0
ALIKE = 50
"""Voters of one network are alike: as if one in so many answers were another's (intra-class
correlation 0.02)."""


Counts = Counter[int]


def leaning(day: Day, rule: Rule, now: int, _proposals: int) -> Iterator[Found]:
    """R8: R2 > 60 (1 + (m - 1) / 50) Sum p (1 - p), p what others agree to each proposal.

    The finding names the idea by the proposal that most of these votes were on.
    """
    if not day.begins_slot(LEANING, now, SPAN_MS):
        return
    held: dict[tuple[str, int], Counts] = {}
    agreed: dict[tuple[str, int], Counts] = {}
    of_all, agreed_of_all = Counts(), Counts()
    for row, _, item, shown, _ in day.votes():
        proposal, network = item >> 2, day.networks[row]
        if shown != SERVED or network < 0 or not day.flags[row] & FRESH or (
                proposal not in day.ideas):
            continue
        place = day.ideas[proposal], network
        held.setdefault(place, Counts())[proposal] += 1
        of_all[proposal] += 1
        if item & 3 == AGREE:
            agreed.setdefault(place, Counts())[proposal] += 1
            agreed_of_all[proposal] += 1
    first = {idea: proposal for proposal, idea in sorted(day.ideas.items(), reverse=True)}
    for idea, network in sorted(held):
        votes, own = held[idea, network], agreed.get((idea, network), Counts())
        size = sum(votes.values())
        if size < rule.parameters["votes"]:
            continue
        deviation, variance = _compared(votes, own, of_all, agreed_of_all)
        if ALIKE * deviation ** 2 > rule.parameters["deviation"] * (ALIKE + size - 1) * variance:
            most = min(votes, key=lambda proposal: (-votes[proposal], proposal))
            yield from said(
                day, rule, network << ITEM_BITS | first[idea], most << 2 | OF_PROPOSAL, size,
                (("agreed", sum(own.values())), ("deviation", deviation), ("votes", size)))


def _compared(
    votes: Counts, own: Counts, of_all: Counts, agreed_of_all: Counts
) -> tuple[int, int]:
    """Return in millionths how many more agree than among others, and its variance (squared)."""
    deviation, variance = 0, 0
    for proposal, count in votes.items():
        others = of_all[proposal] - count
        share = MILLION * (agreed_of_all[proposal] - own[proposal] + 1) // (others + 2)
        deviation += MILLION * own[proposal] - count * share
        variance += count * share * (MILLION - share)
    return deviation, variance
