"""Rule 8: a network's fresh voters answer what is served on an idea otherwise than others. Pure.

Theory of operation: voters of one network are alike. As if one answer in fifty were another's, m of
them tell as much as 50 m / (49 + m) strangers, fifty at most. Version 1 compares the deviation's
square with sixty times its variance so enlarged: a chance of 10^-14, had it a bell's tails. But
shares end at 0 and 1. Where 62 % of others agree, a network in which everybody does deviates by
30 such variances at most, however large it is: it was never told of. Version 2 asks for the tail
itself: Chernoff's bound for so many strangers, one in a million, both ways; what others agree to
is taken 2.6 of its standard errors nearer.
"""

from collections import Counter
from collections.abc import Iterator

from processors.guard.chances import MILLION, above, tail
from processors.guard.day import Day
from processors.guard.findings import OF_PROPOSAL, Found, Numbers
from processors.guard.flags import FRESH
from processors.guard.inputs import SERVED
from processors.guard.parameters import FIRST_VERSION, LEANING, Rule
from processors.guard.reports import SPAN_MS, said
from processors.guard.window import ITEM_BITS


AGREE = 0
ALIKE = 50
"""Voters of one network are alike: as if one in so many answers were another's (intra-class
correlation 0.02)."""
OTHERS_LEAST = 50
"""Version 2 compares on proposals with so many votes of others."""


Counts = Counter[int]


def leaning(day: Day, rule: Rule, now: int, _proposals: int) -> Iterator[Found]:
    """R8: what a network agrees to of an idea is far from what others agree to.

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
        numbers = (_deviates if rule.version == FIRST_VERSION else _leans)(
            rule, (votes, own), (of_all, agreed_of_all))
        if numbers:
            most = min(votes, key=lambda proposal: (-votes[proposal], proposal))
            yield from said(
                day, rule, network << ITEM_BITS | first[idea], most << 2 | OF_PROPOSAL, size,
                numbers)


def _deviates(rule: Rule, own: tuple[Counts, Counts], all_of: tuple[Counts, Counts]) -> Numbers:
    """Version 1: R2 > 60 (1 + (m - 1) / 50) Sum p (1 - p); its figures, none where it is not so."""
    deviation, variance = _compared(*own, *all_of)
    size = sum(own[0].values())
    if ALIKE * deviation ** 2 <= rule.parameters["deviation"] * (ALIKE + size - 1) * variance:
        return ()
    return (("agreed", sum(own[1].values())), ("deviation", deviation), ("votes", size))


def _leans(rule: Rule, own: tuple[Counts, Counts], all_of: tuple[Counts, Counts]) -> Numbers:
    """Version 2: 50 m / (49 + m) KL(n/m || p) of those who agree, or of those who do not.

    Of answers with chances of their own none more are alike than of as many with their mean
    (Hoeffding 1956): so p is the mean of what others agree to, over the network's votes.
    """
    (votes, agreed), (of_all, agreed_of_all) = own, all_of
    compared = [one for one, count in votes.items() if of_all[one] - count >= OTHERS_LEAST]
    size, held = (sum(counts[one] for one in compared) for counts in (votes, agreed))
    if size < rule.parameters["votes"]:
        return ()
    agree, other = 0, 0
    for one in compared:
        others = of_all[one] - votes[one]
        share = MILLION * (agreed_of_all[one] - agreed[one]) // others
        agree += votes[one] * above(share, others)
        other += votes[one] * above(MILLION - share, others)
    usual, rest = (max(1, min(MILLION - 1, -(-each // size))) for each in (agree, other))
    score = score_of(held, size, MILLION - rest, usual)
    if score < rule.parameters["score"]:
        return ()
    return (("agreed", held), ("score", score), ("usual_least", MILLION - rest),
            ("usual_most", usual), ("votes", size))


def score_of(agreed: int, size: int, usual_least: int, usual_most: int) -> int:
    """Return version 2's score of a network's votes, in micronats.

    Others agree to a share between the last two, in millionths.
    """
    score = max(tail(agreed, size, usual_most),
                tail(size - agreed, size, MILLION - usual_least))
    return score * ALIKE // (ALIKE + size - 1)


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
