"""What the published page does not say and the simulator therefore assumes, with the reasons."""

import dataclasses
from dataclasses import dataclass

from producers.campaign.published import Published
from producers.errors import InvalidInput


GROUPED_SHARE = 0.75
"""Proposals that belong to an idea: ideas are made of what recurs, a quarter is said once."""
IDEA_VOTES_BONUS = 1.5
"""Votes on a grouped proposal to one on an ungrouped one: sequences show what is liked more."""
IDEA_VOTES_SPREAD = 0.3
"""Standard deviation of the logarithm of an idea's votes: no idea dwarfs the others."""
POPULARITY_EXPONENT = 0.55
"""Votes on the r-th most shown proposal of a group fall as (r + 3) to this power."""
CONTROVERSIAL_VOTES = (2_000, 5_500)
"""Votes on a controversial proposal: sequences keep showing what divides."""
LEAST_IDEA_VOTES = 500
LEAST_CONTROVERSIAL_VOTES = 1_000
"""An idea or a controversial proposal with fewer counted votes would be no result."""

SHARE_TOLERANCE_POINTS = 0.25
"""Counted percentages lie this near the published ones: nearer than rounding to a whole percent."""
SHARE_JITTER_POINTS = 0.14
"""Percentages differ from the published whole ones by up to this, so that none is suspiciously
round; with LEAST_IDEA_VOTES a whole vote is another 0.1 points."""

AGREE_SPREAD = 0.045
"""Standard deviation of the share that agrees among the proposals of one idea."""
AGREE_BOUNDS = (0.72, 0.98)
"""No grouped proposal is as divisive as the controversial ones."""
UNGROUPED_AGREE_BOUNDS = (0.58, 0.92)
"""Ungrouped proposals please less; none divides as the controversial ones do."""
DISAGREE_BOUNDS = (0.30, 0.50)
"""Part of those who do not agree that disagree; the others are neutral."""
UNGROUPED_LIKE_IT, UNGROUPED_DOABLE = 0.15, 0.27
"""Shares of all votes on ungrouped proposals: below those of every idea but a few."""
CONTROVERSIAL_LIKE_IT, CONTROVERSIAL_DOABLE = 0.15, 0.10
CONTROVERSIAL_NO_WAY, CONTROVERSIAL_IMPOSSIBLE = 0.16, 0.08
"""Shares of all votes on a controversial proposal: it is loved and rejected alike."""
PLATITUDE_AGREE = 0.035
"""Share of those who agree that find the proposal trite."""
DISAGREE_QUALIFIED = (0.20, 0.27, 0.06)
"""Shares of those who disagree: no_way, impossible, platitude_disagree."""
NEUTRAL_QUALIFIED = (0.11, 0.38, 0.09)
"""Shares of the neutral: do_not_understand, no_opinion, do_not_care."""

VOTES_PER_VOTER_MOST = 200
"""Longest sitting: the share of voters with k votes falls as a power of k up to here."""
DESCRIBED_SHARE = 0.35
"""Participants who donate a description."""
SUSPECT_VOTES_EACH = 5
"""Votes of a voter without view proof: a script's few clicks under a fresh pseudonym."""
PROVEN_EACH = 2
"""Votes that a voter who came without view proof proves later."""
PUSHED_PROPOSALS = 40
"""Proposals that the votes without view proof push."""


@dataclass(frozen=True)
class Amounts:
    """How much of everything a campaign holds; the defaults are those of the full campaign."""

    proposals: int
    participants: int
    votes: int
    suspect_voters: int = 4_000
    proven_voters: int = 250
    repeated: int = 30_000
    """Deliveries of a vote again, under the same event id: retries of a mobile network."""
    same_again: int = 20_000
    """The same choice under a new event id: a second click, or the same person next day."""
    changed: int = 24_000
    """Minds changed: an earlier vote is superseded by the one that counts."""
    changed_then_repeated: int = 2_000
    """Minds changed, then the superseded vote is delivered again."""
    cast_again: int = 6_000
    """Votes withdrawn and cast again."""
    withdrawn: int = 8_000
    """Votes withdrawn for good."""
    qualification_withdrawn: int = 8_000
    qualification_again: int = 4_000
    """Qualifications withdrawn, and those withdrawn and added again."""
    wrong_choice: int = 6_000
    """Qualifications that do not belong to the choice: refused."""
    unproven_change: int = 1_000
    """Votes without view proof that would change a trusted vote: refused."""
    described_again: int = 2_000
    """Participants who correct their description: the last one wins."""
    late: int = 1_200
    """Votes after closing."""
    truncated: int = 60
    trailing: int = 60
    oversize: int = 60
    """Records with a known schema id that cannot be decoded, of each kind."""

    @property
    def ordinary_voters(self) -> int:
        """Participants who came with a view proof."""
        return self.participants - self.proven_voters

    @property
    def proven(self) -> int:
        """Counted votes that first came without a view proof."""
        return self.proven_voters * PROVEN_EACH

    @property
    def suspect_votes(self) -> int:
        """Votes without view proof, the ones proven later among them."""
        return self.suspect_voters * SUSPECT_VOTES_EACH


def amounts(published: Published, scale: float) -> Amounts:
    """Return the amounts of a campaign; below a scale of 1 all shrink alike (at least one each)."""
    full = Amounts(published.proposals, published.participants, published.votes)
    if scale == 1:
        return full
    if not 0.0005 <= scale < 1:
        raise InvalidInput(f"--scale {scale}: it lies between 0.0005 and 1")
    scaled = {
        field.name: max(1, round(getattr(full, field.name) * scale))
        for field in dataclasses.fields(full)
    }
    # Every idea keeps a few proposals, and every proposal a vote.
    least = 3 * len(published.ideas) + len(published.controversial) + PUSHED_PROPOSALS
    scaled["proposals"] = min(full.proposals, max(least, scaled["proposals"]))
    scaled["participants"] = max(scaled["participants"], scaled["proposals"])
    scaled["votes"] = max(scaled["votes"], scaled["participants"] * 3 // 2)
    return Amounts(**scaled)
