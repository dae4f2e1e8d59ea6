"""A country with its networks and opinions, by seed: whoever votes comes from here. Pure."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from schemas.words import ORIGINS, TRUSTS


MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
AGREE, DISAGREE, NEUTRAL = range(3)
UNKNOWN, SERVED, ASKED = range(3)
WEB, API, IMPORT = (ORIGINS.index(name) for name in ("web", "api", "import"))
TRUSTED, SUSPECT = (TRUSTS.index(name) for name in ("trusted", "suspect"))
MOBILE_SHARE, HOME_SHARE = 0.55, 0.43
"""Voters on mobile networks and at home; the others come by a VPN."""
MOBILE_NETWORKS, MOBILE_FALL = 300, 0.6
"""Prefixes of carriers, used by rank to the minus of it."""
HOME_NETWORKS, HOME_SIGMA = 150_000, 1.2
"""Prefixes of homes and small offices, of lognormal size."""
VPN_NETWORKS = 40
ASKED_SHARE = 0.2
"""First votes on a proposal that a link led to."""
READING_MU, READING_SIGMA = 8.7, 0.9
"""A card is read in six seconds at the median, lognormal, in milliseconds..."""
LINK_MU = 7.6
"""... and in two by whom a link led to it: the text is known."""
BY_LINK_PERCENT_AGREE = 62
AGREEMENT = (BY_LINK_PERCENT_AGREE, 25, 13)
NEXT_CARD_MS = (4_000, 20_000)
MORE_CARDS_MOST = 6
PAUSES = 15


class Vote(NamedTuple):
    """A vote as it is cast."""

    time: int
    """Milliseconds since 1970."""
    voter: bytes
    network: bytes | None
    proposal: int
    choice: int = AGREE
    shown: int = ASKED
    pause: int = 6
    trust: int = TRUSTED
    origin: int = WEB
    via: int = 0


Times = Callable[[], int]
Networks = Callable[[], bytes]


class Call(NamedTuple):
    """What people were called to: a proposal, a choice, and how many percent follow."""

    proposal: int
    choice: int
    percent: float


def pause_bucket(milliseconds: float) -> int:
    """Return the bucket of a pause, as a ballot says it."""
    return min(PAUSES - 1, (1 + int(milliseconds) // 125).bit_length() - 1)


class World:
    """Networks, proposals with their popularity, and chance."""

    def __init__(
        self, seed: str, begins: int, popularity: Sequence[float], scale: float = 1
    ) -> None:
        self._scale = scale
        self.chance = random.Random(f"{seed}:attacks")
        self.begins = begins
        """Midnight of the day."""
        self._popularity = list(accumulate(popularity))
        self._proposals = range(len(popularity))
        self._mobile = [self.network() for _ in range(MOBILE_NETWORKS)]
        self._mobile_ranks = list(accumulate(
            rank ** -MOBILE_FALL for rank in range(1, MOBILE_NETWORKS + 1)))
        self._homes = [self.network() for _ in range(HOME_NETWORKS)]
        self._home_sizes = list(accumulate(
            self.chance.lognormvariate(0, HOME_SIGMA) for _ in range(HOME_NETWORKS)))
        self._vpns = [self.network() for _ in range(VPN_NETWORKS)]
        self._targets = iter(self.chance.sample(self._proposals, len(popularity)))

    def scaled(self, people: int) -> int:
        """Return how many of such a number there are in a world of this scale."""
        return max(1, round(people * self._scale))

    # Names

    def network(self) -> bytes:
        """Make a network that nobody had before."""
        return self.chance.randbytes(16)

    def voter(self) -> bytes:
        """Make a voter."""
        return self.chance.randbytes(16)

    def target(self) -> int:
        """Choose a proposal that no other call or attack is about."""
        return next(self._targets)

    # Places and times

    def mobile(self) -> bytes:
        """Choose a prefix of a carrier."""
        return self.chance.choices(self._mobile, cum_weights=self._mobile_ranks)[0]

    def largest_mobile(self) -> bytes:
        """Return the busiest prefix of all carriers."""
        return self._mobile[0]

    def home(self) -> bytes:
        """Choose the network of a home."""
        return self.chance.choices(self._homes, cum_weights=self._home_sizes)[0]

    def anywhere(self) -> bytes:
        """Choose a network as voters have them."""
        kind = self.chance.random()
        if kind < MOBILE_SHARE:
            return self.mobile()
        return self.home() if kind < MOBILE_SHARE + HOME_SHARE else self.chance.choice(self._vpns)

    def mostly_mobile(self, share: float) -> Networks:
        """Make a choice of networks, so many of them mobile, the others homes."""
        return lambda: self.mobile() if self.chance.random() < share else self.home()

    def between(self, begins_hour: float, hours: float) -> Times:
        """Make instants at random within hours of the day."""
        begins = self.begins + int(begins_hour * HOUR_MS)
        return lambda: begins + int(self.chance.random() * hours * HOUR_MS)

    def after(self, hour: float, mean_minutes: float, most_hours: float = 4) -> Times:
        """Make instants after a call: many at once, then ever fewer."""
        begins, most = self.begins + int(hour * HOUR_MS), int(most_hours * HOUR_MS)
        return lambda: begins + min(most, int(
            self.chance.expovariate(1 / (mean_minutes * MINUTE_MS))))

    def in_classes(self, begins_hour: float, hours: float, classes: int) -> Times:
        """Make instants in classes that begin together."""
        starts = [self.between(begins_hour, hours)() for _ in range(classes)]
        return lambda: self.chance.choice(starts) + int(self.chance.expovariate(1 / 40_000))

    # People

    def popular(self) -> int:
        """Choose a proposal as the draw and people's links do."""
        return self.chance.choices(self._proposals, cum_weights=self._popularity)[0]

    def opinion(self) -> int:
        """Choose as most people do."""
        return self.chance.choices((AGREE, DISAGREE, NEUTRAL), AGREEMENT)[0]

    def reading(self, mu: float = READING_MU) -> int:
        """Take one's own time over a card."""
        return pause_bucket(self.chance.lognormvariate(mu, READING_SIGMA))

    def people(
        self, count: int, times: Times, networks: Networks, call: Call | None = None, *,
        alone: float = 0.5
    ) -> Iterator[Vote]:
        """Make people, who follow a call or come as they do; `alone` of them cast one vote only."""
        chance = self.chance
        for _ in range(count):
            voter, time, network = self.voter(), times(), networks()
            if call is not None and chance.random() * 100 < call.percent:
                yield Vote(time, voter, network, call.proposal, call.choice, ASKED,
                           self.reading(LINK_MU))
            else:
                asked = call is not None or chance.random() < ASKED_SHARE
                yield Vote(time, voter, network,
                           self.popular() if call is None else call.proposal, self.opinion(),
                           ASKED if asked else SERVED, self.reading())
            if chance.random() >= alone:
                for _ in range(chance.randint(1, MORE_CARDS_MOST)):
                    time += chance.randint(*NEXT_CARD_MS)
                    yield Vote(time, voter, network, self.popular(), self.opinion(), SERVED,
                               self.reading())
