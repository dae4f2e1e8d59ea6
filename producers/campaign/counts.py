"""How many votes of each kind every proposal gets: whole numbers that meet the published shares.

Theory of operation: votes go to groups (an idea, a controversial proposal, the ungrouped), then to
the proposals of each group. The counts of a group are fixed first, from its published
percentages, and only then split among its proposals: so the pooled figures are exact whatever
the proposals draw.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from producers.campaign import priors
from producers.campaign.apportion import apportion
from producers.campaign.priors import Amounts
from producers.campaign.published import Published, PublishedIdea, PublishedProposal
from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE


NAMES = CHOICES + QUALIFICATIONS
"""What the counts of a proposal are, in order: three choices, nine qualifications."""
AGREE, DISAGREE, NEUTRAL = range(len(CHOICES))
LIKE_IT = len(CHOICES)

Counts = list[int]


@dataclass(frozen=True)
class Group:
    """Proposals that are counted together."""

    idea: str | None
    proposals: int
    votes: int
    totals: Counts
    agree_bounds: tuple[float, float]


def draw_groups(published: Published, amounts: Amounts, chance: random.Random) -> list[Group]:
    """Draw the groups: every controversial proposal by itself, every idea, the ungrouped."""
    full = amounts.votes / published.votes
    low, high = priors.CONTROVERSIAL_VOTES
    divisive = [max(3, round(chance.randint(low, high) * full)) for _ in published.controversial]
    sizes = _group_sizes(published, amounts, chance)
    spread = [chance.lognormvariate(0, priors.IDEA_VOTES_SPREAD) for _ in published.ideas]
    weights = [size * priors.IDEA_VOTES_BONUS * draw
               for size, draw in zip(sizes, spread, strict=False)] + [float(sizes[-1])]
    floors = [max(size, round(priors.LEAST_IDEA_VOTES * full)) for size in sizes]
    rest = amounts.votes - sum(divisive) - sum(floors)
    votes = [a + b for a, b in zip(floors, apportion(rest, weights), strict=True)]
    groups = [_controversial(proposal, number, chance)
              for proposal, number in zip(published.controversial, divisive, strict=True)]
    groups += [_idea(idea, size, number, chance)
               for idea, size, number in zip(published.ideas, sizes, votes, strict=False)]
    return [*groups, _ungrouped(sizes[-1], votes[-1])]


def split(group: Group, chance: random.Random) -> list[Counts]:
    """Split the counts of a group among its proposals; every proposal gets a vote."""
    votes = _votes_of_proposals(group)
    low, high = group.agree_bounds
    mean = group.totals[AGREE] / group.votes
    rates = [min(high, max(low, chance.gauss(mean, priors.AGREE_SPREAD))) for _ in votes]
    agree = apportion(
        group.totals[AGREE], [n * rate for n, rate in zip(votes, rates, strict=True)], votes
    )
    others = [n - k for n, k in zip(votes, agree, strict=True)]
    disagree = _share_out(group.totals[DISAGREE], others, chance)
    neutral = [n - k for n, k in zip(others, disagree, strict=True)]
    columns = [agree, disagree, neutral]
    for index in range(len(QUALIFICATIONS)):
        base = columns[index // QUALIFICATIONS_PER_CHOICE]
        columns.append(_share_out(group.totals[LIKE_IT + index], base, chance))
    return [list(row) for row in zip(*columns, strict=True)]


def _group_sizes(published: Published, amounts: Amounts, chance: random.Random) -> list[int]:
    """Draw the number of proposals of each idea, then of the ungrouped."""
    free = amounts.proposals - len(published.controversial)
    grouped = round(free * priors.GROUPED_SHARE)
    least = max(1, grouped // (3 * len(published.ideas)))
    spread = [chance.uniform(0.6, 1.4) for _ in published.ideas]
    drawn = apportion(grouped - least * len(spread), spread)
    return [least + size for size in drawn] + [free - grouped]


def _votes_of_proposals(group: Group) -> list[int]:
    popularity = [(rank + 3) ** -priors.POPULARITY_EXPONENT for rank in range(group.proposals)]
    return [1 + part for part in apportion(group.votes - group.proposals, popularity)]


def _share_out(total: int, caps: Sequence[int], chance: random.Random) -> list[int]:
    """Split a count unevenly among proposals that can take at most so many each."""
    weights = [cap * chance.uniform(0.8, 1.2) + 1e-9 for cap in caps]
    return apportion(total, weights, caps)


def _near(percentage: int, votes: int, chance: random.Random) -> int:
    """Draw a whole number of votes near a published percentage of them."""
    points = chance.uniform(-priors.SHARE_JITTER_POINTS, priors.SHARE_JITTER_POINTS)
    return min(votes, max(0, round(votes * (percentage + points) / 100)))


def _idea(idea: PublishedIdea, size: int, votes: int, chance: random.Random) -> Group:
    agree = _near(idea.agree, votes, chance)
    disagree = round((votes - agree) * chance.uniform(*priors.DISAGREE_BOUNDS))
    totals = _totals(
        votes, agree, disagree,
        like_it=min(agree, _near(idea.like_it, votes, chance)),
        doable=min(agree, _near(idea.doable, votes, chance)),
    )
    return Group(idea.id, size, votes, totals, priors.AGREE_BOUNDS)


def _controversial(proposal: PublishedProposal, votes: int, chance: random.Random) -> Group:
    agree = _near(proposal.agree, votes, chance)
    disagree = min(votes - agree, _near(proposal.disagree, votes, chance))
    totals = _totals(
        votes, agree, disagree,
        like_it=min(agree, round(votes * priors.CONTROVERSIAL_LIKE_IT)),
        doable=min(agree, round(votes * priors.CONTROVERSIAL_DOABLE)),
    )
    totals[NAMES.index("no_way")] = min(disagree, round(votes * priors.CONTROVERSIAL_NO_WAY))
    totals[NAMES.index("impossible")] = min(
        disagree, round(votes * priors.CONTROVERSIAL_IMPOSSIBLE)
    )
    return Group(None, 1, votes, totals, (0.0, 1.0))


def _ungrouped(size: int, votes: int) -> Group:
    agree = round(votes * sum(priors.UNGROUPED_AGREE_BOUNDS) / 2)
    disagree = round((votes - agree) * sum(priors.DISAGREE_BOUNDS) / 2)
    totals = _totals(
        votes, agree, disagree,
        like_it=round(votes * priors.UNGROUPED_LIKE_IT),
        doable=round(votes * priors.UNGROUPED_DOABLE),
    )
    return Group(None, size, votes, totals, priors.UNGROUPED_AGREE_BOUNDS)


def _totals(votes: int, agree: int, disagree: int, *, like_it: int, doable: int) -> Counts:
    neutral = votes - agree - disagree
    return [
        agree, disagree, neutral, like_it, doable, math.floor(agree * priors.PLATITUDE_AGREE),
        *(math.floor(disagree * share) for share in priors.DISAGREE_QUALIFIED),
        *(math.floor(neutral * share) for share in priors.NEUTRAL_QUALIFIED),
    ]
