"""Batches of a partner: many voters' ballots in one request, under the partner's key.

Theory of operation: a partner names its voters by texts of its own, which go no further: a voter is
the pseudonym of partner and name. Each ballot is recorded as a single vote is, under a key of its
own, and answered by itself; those of one voter in their order. `via` is the number whose key was
shown. The key vouches for the voters, so that ballots are trusted; by which route they came to a
proposal nobody can tell. Nothing tells whom the partner has invented: what holds is its limit, a
number of ballots a minute. It is divided among gateway processes, and what one batch takes beyond
a minute's part is taken from the next minutes, so that a small part lets batches through, too.

Few ballots at a time are handed to the outlet, so that people's votes wait for no batch. Where the
log does not confirm one, or is slow, the rest is not written: the partner sends the batch again.
"""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from producers.gateway.ballots import Act
from producers.gateway.booth import Booth, Recorded, Voter
from producers.gateway.cells import WINDOW_SECONDS
from producers.gateway.identity import IDENTIFIER_BYTES
from producers.gateway.models import Ballot
from producers.gateway.rates import Rate, part
from producers.gateway.refusals import Refused
from schemas import problems
from schemas.partners import holds_key
from schemas.words import ORIGINS


BATCH_BYTES = 60_000
"""Longest body: 300 bytes for each ballot. Proxies in front let 64,000 through."""
BALLOTS_AT_ONCE = 50
"""Ballots of a batch on their way to the log at once, at most: some milliseconds of work."""
PARTNER_BATCHES_MOST = 4
"""Batches of a partner at once in a process; one more is refused..."""
BATCHES_MOST = 32
"""... and so many of all: 2 MB of bodies."""
BATCH_SECONDS = 20.0
"""After so long no further ballot of a batch is tried. With the longest wait for the one that is
under way the answer comes before proxies in front give up, after 45."""
_API = ORIGINS.index("api")
_NO_NETWORK = b""
"""A partner's server stands for many networks: none is noted."""
_NOBODY = bytes(IDENTIFIER_BYTES)
_NOT_TRIED = Refused(problems.UNAVAILABLE)


class Partner(NamedTuple):
    """Who has shown a partner's key."""

    consultation: str
    number: int
    ballots_per_minute: int


class Batches:
    """Takes batches."""

    def __init__(
        self, booth: Booth, *, gateways: int = 1, seconds: float = BATCH_SECONDS
    ) -> None:
        self._booth = booth
        self._seconds = seconds
        self._gateways = gateways
        self._windows: dict[tuple[str, int], tuple[float, int]] = {}
        """Of each partner that has sent: when its minute began, and how many ballots it has."""
        self._under_way: Counter[tuple[str, int]] = Counter()
        """Batches by partner."""

    def partner(self, consultation: str, number: int, key: str) -> Partner:
        """Return the partner of a number whose key it is.

        Raises Refused where it is not, and where the consultation takes no votes.
        """
        self._booth.voter(consultation, _NOBODY, _API, _NO_NETWORK)
        described = self._booth.partners(consultation).get(number)
        if not holds_key(described, key):
            raise Refused(problems.NO_PARTNER, headers={b"www-authenticate": b"Bearer"})
        assert described is not None, "nobody has a key of nobody"
        return Partner(consultation, number, described["ballots_per_minute"])

    @contextlib.contextmanager
    def admitted(self, partner: Partner) -> Iterator[None]:
        """Hold a place while a batch is read and recorded; raise Refused where there is none."""
        place = partner[:2]
        if self._under_way[place] >= PARTNER_BATCHES_MOST:
            raise Refused(problems.TOO_MANY_REQUESTS, headers={b"retry-after": b"1"})
        if self._under_way.total() >= BATCHES_MOST:
            raise Refused(problems.BUSY)
        self._under_way[place] += 1
        try:
            yield
        finally:
            self._under_way[place] -= 1
            if not self._under_way[place]:
                del self._under_way[place]

    def count(self, partner: Partner, ballots: int, now: float) -> Rate:
        """Count the ballots of a batch, all of them unless the partner's minute is used up."""
        quota = part(partner.ballots_per_minute, self._gateways)
        began, used = self._windows.get(partner[:2], (now, 0))
        began = min(began, now)  # The clock may have been put back.
        passed = int((now - began) // WINDOW_SECONDS)
        used = max(0, used - passed * quota)
        began = began + passed * WINDOW_SECONDS if used else now
        left, minutes = -1, used // quota if quota else 1
        if used < quota:
            used += ballots
            left, minutes = max(0, quota - used), 1
        self._windows[partner[:2]] = began, used
        return Rate("partner", quota, left, int(began + minutes * WINDOW_SECONDS - now) + 1)

    async def record(
        self, partner: Partner, ballots: Sequence[Ballot]
    ) -> list[Recorded | Refused]:
        """Record ballots; give for each, in their order, what became of it."""
        found: list[Recorded | Refused] = [_NOT_TRIED] * len(ballots)
        clock = asyncio.get_running_loop().time
        until = clock() + self._seconds

        async def one(places: list[int]) -> None:
            for place in places:
                if clock() > until:
                    return
                try:
                    found[place] = await self._one(partner, ballots[place])
                except Refused as refused:
                    found[place] = refused
                    if refused.problem in problems.OWN_FAULTS:
                        return  # What the voter did after it must not come before it.

        voters = _by_voter(ballots)
        for begin in range(0, len(voters), BALLOTS_AT_ONCE):
            some = voters[begin:begin + BALLOTS_AT_ONCE]
            for fault in await asyncio.gather(*map(one, some), return_exceptions=True):
                if fault is not None:
                    raise fault
            if any(_is_unknown(found[place]) for places in some for place in places):
                break  # Each further one might take as long as this.
        return found

    async def _one(self, partner: Partner, ballot: Ballot) -> Recorded:
        act = Act("VoteWithdrawn", ballot.proposal) if ballot.choice is None else Act(
            "VoteCast", ballot.proposal, ballot.choice)
        return await self._booth.record(self._voter(partner, ballot.voter), act, ballot.key)

    def _voter(self, partner: Partner, name: str) -> Voter:
        """Name a partner's voter: no cookie has such a device, for we sign none."""
        named = f"partner\0{partner.number}\0{name}".encode()
        device = hashlib.sha256(named).digest()[:IDENTIFIER_BYTES]
        found = self._booth.voter(partner.consultation, device, _API, _NO_NETWORK)
        return found._replace(via=partner.number, keyed=True)


def _by_voter(ballots: Sequence[Ballot]) -> list[list[int]]:
    """Return the places of each voter's ballots, in their order."""
    found: dict[str, list[int]] = {}
    for place, ballot in enumerate(ballots):
        found.setdefault(ballot.voter, []).append(place)
    return list(found.values())


def _is_unknown(answer: Recorded | Refused) -> bool:
    return isinstance(answer, Refused) and answer.problem is problems.UNKNOWN_OUTCOME
