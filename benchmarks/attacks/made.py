"""An attack as it is made: its votes, and what it cost whoever made it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.attacks.world import SERVED, Vote
from processors.guard.day import CHOICE_BITS


REQUESTS_A_VOTE = 2
"""A sequence that includes the target, and the vote."""
BYTES_A_VOTE = 8_000
RESIDENTIAL_DOLLARS_A_GIGABYTE = 5.0
"""The dearest of residential proxies that were asked for their price; the cheapest are a fifth."""
SERVER_DOLLARS_AN_HOUR = 0.03
"""A core, which solves the work of a challenge in less than a second."""
SOLVING_SECONDS, REQUEST_SECONDS = 0.65, 0.005


@dataclass(frozen=True)
class Attack:
    """Votes of one attacker."""

    votes: tuple[Vote, ...]
    requests: int
    residential: bool = False
    """Whether its networks are hired from people."""
    solved: int = 0
    """Challenges whose work was done."""
    beside: tuple[Vote, ...] = ()
    """Votes of honest people among whom it hides, or whose votes shall fall."""

    @property
    def items(self) -> frozenset[int]:
        """What it is about, proposals with choices: what it votes on by a link."""
        return frozenset(vote.proposal << CHOICE_BITS | vote.choice for vote in self.votes
                         if vote.shown != SERVED)

    @property
    def dollars(self) -> float:
        """What it costs: traffic, and computing time."""
        gigabytes = self.requests / REQUESTS_A_VOTE * BYTES_A_VOTE / 1e9
        hours = (self.solved * SOLVING_SECONDS + self.requests * REQUEST_SECONDS) / 3_600
        return (gigabytes * RESIDENTIAL_DOLLARS_A_GIGABYTE * self.residential
                + hours * SERVER_DOLLARS_AN_HOUR)


def attack(votes: Iterable[Vote], *, requests: int | None = None, residential: bool = False,
           beside: Iterable[Vote] = ()) -> Attack:
    """Take the votes of an attack; it needs two requests a vote unless told."""
    all_votes = tuple(votes)
    needed = len(all_votes) * REQUESTS_A_VOTE if requests is None else requests
    return Attack(all_votes, needed, residential, beside=tuple(beside))
