"""Simulated voters over HTTP, as everybody votes: a few a second, so that counters move."""

import asyncio
import random
from itertools import count
from typing import Any

import aiohttp

from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE


CROWD_VOTERS = 80
"""Voters who come at once in the beginning: enough votes for shares and ranks to be shown."""
CROWD_AT_ONCE = 8
VOTES_PER_SECOND = 4.0
RETRY_SECONDS = 1.0
"""Pause after the stack did not answer."""
SUSPECT_SHARE, QUALIFIED_SHARE, CHANGED_SHARE, DESCRIBED_SHARE = 0.03, 0.35, 0.04, 0.3


class Voter:
    """Somebody with a browser of their own, and opinions that are most people's."""

    def __init__(
        self, session: aiohttp.ClientSession, consultation: str, chance: random.Random
    ) -> None:
        self._session = session
        self._base = f"/v1/consultations/{consultation}"
        self._chance = chance

    async def proposals(self) -> list[dict[str, Any]]:
        """Be served proposals, and keep some."""
        async with self._session.get(f"{self._base}/sequence") as answer:
            answer.raise_for_status()
            served: list[dict[str, Any]] = (await answer.json())["proposals"]
        return served[:self._chance.randint(3, len(served))] if len(served) > 3 else served

    async def vote(self, proposal: dict[str, Any]) -> dict[str, Any]:
        """Vote, qualify, change one's mind: as it comes; return the receipt."""
        chance = self._chance
        shown = {} if chance.random() < SUSPECT_SHARE else {"proof": proposal["proof"]}
        choice = _choice(proposal["id"], chance)
        receipt = await self._post("votes", proposal, {"choice": choice, **shown})
        if chance.random() < QUALIFIED_SHARE:
            first = CHOICES.index(choice) * QUALIFICATIONS_PER_CHOICE
            word = QUALIFICATIONS[first + chance.choice((0, 0, 1, 1, 2))]
            await self._post("qualifications", proposal, {"qualification": word, **shown})
        if chance.random() < CHANGED_SHARE:
            receipt = await self._post(
                "votes", proposal, {"choice": chance.choice(CHOICES), **shown})
        return receipt

    async def describe(self, receipt: dict[str, Any]) -> None:
        """Say who one is, perhaps."""
        chance = self._chance
        if chance.random() < DESCRIBED_SHARE:
            await self._post("participants", None, {
                "receipt": receipt, "gender": chance.choice(("woman", "woman", "man")),
                "age_band": chance.choice(("18-24", "25-34", "35-49", "50-64")),
                "region": chance.choice(("FR-IDF", "FR-ARA", "FR-NAQ", "FR-BRE"))})

    async def _post(
        self, what: str, proposal: dict[str, Any] | None, fields: dict[str, Any]
    ) -> dict[str, Any]:
        body = fields if proposal is None else {"proposal": proposal["id"], **fields}
        async with self._session.post(f"{self._base}/{what}", json=body) as answer:
            answer.raise_for_status()
            receipt: dict[str, Any] = await answer.json()
            return receipt


def _choice(proposal: str, chance: random.Random) -> str:
    """Choose as people do here: each proposal has its own share of agreement."""
    agreement = random.Random(proposal).uniform(0.35, 0.92)
    if chance.random() < agreement:
        return "agree"
    return chance.choice(("disagree", "disagree", "neutral"))


def _address(chance: random.Random) -> str:
    """Say where somebody comes from: the gateway of the demo believes this machine."""
    return f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


async def one_voter(
    gateway: str, consultation: str, chance: random.Random, *, votes_per_second: float = 0
) -> int:
    """Let a new voter vote, at once or at a pace; return the number of votes."""
    # The gateway's address is a number here; a jar takes cookies of such only if told to.
    jar = aiohttp.CookieJar(unsafe=True)
    said = {"X-Forwarded-For": _address(chance)}
    async with aiohttp.ClientSession(gateway, cookie_jar=jar, headers=said) as session:
        voter = Voter(session, consultation, chance)
        proposals = await voter.proposals()
        receipt = None
        for proposal in proposals:
            if votes_per_second:
                await asyncio.sleep(chance.expovariate(votes_per_second))
            receipt = await voter.vote(proposal)
        if receipt is not None:
            await voter.describe(receipt)
        return len(proposals)


async def crowd(gateway: str, consultation: str, seed: int, *, voters: int = CROWD_VOTERS) -> int:
    """Let many vote at once; return the number of votes."""
    numbers = iter(range(voters))

    async def come() -> int:
        return sum([await one_voter(gateway, consultation, random.Random(f"{seed} {number}"))
                    for number in numbers])

    return sum(await asyncio.gather(*(come() for _ in range(CROWD_AT_ONCE))))


async def trickle(gateway: str, consultation: str, seed: int) -> None:
    """Let voters come one after the other until cancelled, whatever becomes of the stack."""
    for number in count():
        chance = random.Random(f"{seed} trickle {number}")
        try:
            await one_voter(gateway, consultation, chance, votes_per_second=VOTES_PER_SECOND)
        except (aiohttp.ClientError, TimeoutError):
            await asyncio.sleep(RETRY_SECONDS)
