"""Voters who vote over HTTP under faults, and keep their receipts.

Theory of operation: each voter is shown a proposal by one gateway, and asks the next one for one
vote after the other, with the proof that the proposal was shown. A vote is repeated under the same
Idempotency-Key until there is a receipt, whoever is away meanwhile. What an answer says of the log
is kept of every request: a receipt names a place; "nothing was recorded" and a door that did not
open mean that this request is not in the log; anything else that it may be, once. The votes are
of a consultation of their own, so the log can be held against them event by event.
"""

import asyncio
import base64
import itertools
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2

from tests.faults.told import BOOTH, Receipt
from tests.producers.gateway.booths import consultation, holds, proposal


PROPOSALS = ("b-0", "b-1", "b-2")
CATALOGUE = [consultation(BOOTH), *(proposal(name, BOOTH) for name in PROPOSALS)]
VOTERS = 6
PAUSE_SECONDS = 0.1
"""A voter's rest between two requests."""
ANSWER_SECONDS = 8.0
"""A voter waits so long for an answer: longer than a gateway waits for the broker."""
END_SECONDS = 45.0
"""Once told to stop, voters ask so long for the receipt of the vote that they are at."""


@dataclass
class Cast:
    """One vote, asked for until its receipt came."""

    key: str
    asked_at: float
    answered_at: float = 0.0
    """In seconds since 1970."""
    possible: int = 0
    """Requests of it that may be in the log."""
    receipt: dict[str, Any] | None = None


@dataclass
class Voters:
    """Voters before gateways, whom they ask by turns."""

    urls: Sequence[str]
    casts: list[Cast] = field(default_factory=list)
    strangers: int = 0
    """Requests that may be in the log, of voters who have no cookie yet.

    Repeated, they are other voters, and their votes other events.
    """
    keys: set[bytes] = field(default_factory=set)
    """Public keys by which the gateway says it signs receipts."""

    def __post_init__(self) -> None:
        self._url = itertools.cycle(self.urls).__next__

    async def vote(self, ended: Callable[[], bool], sleep: Callable[[float], Awaitable[None]]
                   ) -> None:
        """Vote until told to stop, and then until each has the receipt of the last vote."""
        await asyncio.gather(*(self._voter(number, ended, sleep) for number in range(VOTERS)))

    async def _voter(
        self, number: int, ended: Callable[[], bool], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        proposal = PROPOSALS[number % len(PROPOSALS)]
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS) as client:
            while not ended():
                proof = await self._shown(client, proposal)
                if proof:
                    cast = Cast(str(uuid.uuid4()), time.time())
                    self.casts.append(cast)
                    choice = ("agree", "disagree", "neutral")[len(self.casts) % 3]
                    body = {"proposal": proposal, "choice": choice, "proof": proof}
                    await self._cast(client, cast, body, ended)
                await sleep(PAUSE_SECONDS)

    async def _shown(self, client: httpx2.AsyncClient, proposal: str) -> str:
        """Return the proof that a proposal was shown; empty where nobody showed it.

        Or where nobody has said yet by which keys receipts are signed.
        """
        url = self._url()
        try:
            if not self.keys:
                said = await client.get(f"{url}/v1/keys")
                self.keys |= {base64.b64decode(key["public"]) for key in said.json()["receipts"]
                              } if said.status_code == HTTPStatus.OK else set()
                return ""
            answer = await client.get(f"{url}/v1/consultations/{BOOTH}/sequence",
                                      params={"include": proposal})
        except httpx2.TransportError:
            return ""
        if answer.status_code != HTTPStatus.OK:
            return ""
        return str(answer.json()["proposals"][0]["proof"])

    async def _cast(
        self, client: httpx2.AsyncClient, cast: Cast, body: dict[str, str],
        ended: Callable[[], bool],
    ) -> None:
        loop = asyncio.get_running_loop()
        give_up_at: float | None = None
        while cast.receipt is None:
            if give_up_at is None and ended():
                give_up_at = loop.time() + END_SECONDS
            if give_up_at is not None and loop.time() > give_up_at:
                return
            await self._ask(client, cast, body)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, client: httpx2.AsyncClient, cast: Cast, body: dict[str, str]) -> None:
        """Ask once, and keep what the answer says."""
        url, known = self._url(), bool(client.cookies)
        cast.possible += 1
        try:
            answer = await client.post(
                f"{url}/v1/consultations/{BOOTH}/votes", json=body,
                headers={"idempotency-key": cast.key})
            if answer.status_code == HTTPStatus.ACCEPTED:
                cast.receipt, cast.answered_at = answer.json(), time.time()
            elif answer.status_code != HTTPStatus.GATEWAY_TIMEOUT:
                cast.possible -= 1  # Whatever else it says, it says that nothing was recorded.
        except httpx2.ConnectError:
            cast.possible -= 1
        except httpx2.TransportError:
            # Nobody answered: it may be there.
            self.strangers += not known
            cast.possible -= not known

    def receipts(self, topic: str) -> list[Receipt]:
        """Return what was told of every vote."""
        return [self._receipt(cast, topic) for cast in self.casts]

    def _receipt(self, cast: Cast, topic: str) -> Receipt:
        told = cast.receipt
        if told is None:
            return Receipt(cast.key, cast.possible)
        return Receipt(
            cast.key, cast.possible, base64.b64decode(told["event"]), told["partition"],
            told["offset"], is_signed=any(holds(told, key, topic) for key in self.keys),
            asked_at=cast.asked_at, answered_at=cast.answered_at)
