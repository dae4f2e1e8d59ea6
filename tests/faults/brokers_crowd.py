"""A crowd of voters at several gateways, each with a connection and a timetable.

Theory of operation: every voter votes once in an interval, a request at a time; so a cluster that
is late has as many requests waiting as there are voters, and no more. What has no receipt is sent
again under its key. Every answer is kept with its moments, every receipt with its event.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from benchmarks.keep_alive import Answer, Connection, request
from schemas.words import CHOICES
from tests.faults.brokers_plan import Told


INTERVAL_SECONDS = 2.0
"""Each voter votes so often."""
ANSWER_SECONDS = 20.0
"""A voter waits so long for an answer."""
AGAIN_SECONDS = 0.5
"""Until a vote without a receipt is sent again."""
IDLE_SECONDS = 3.0
"""A connection that rested so long is not used again: after 5 s a gateway closes it."""
UNKNOWN_STATUS = (0, HTTPStatus.GATEWAY_TIMEOUT)
"""After these the vote may be in the log."""


@dataclass
class Ballot:
    """One vote, sent until there is a receipt."""

    possible: int = 0
    """Requests of it that may be in the log."""
    partition: int = -1
    offset: int = -1
    event: bytes = b""
    """What the receipt is of; empty: there is none."""


@dataclass
class Crowd:
    """Voters of a consultation, as many as it takes for so many votes a second."""

    hosts: Sequence[str]
    path: str
    proposals: Sequence[str]
    votes_per_second: int
    told: list[Told] = field(default_factory=list)
    ballots: list[Ballot] = field(default_factory=list)
    strangers: int = 0
    """Requests that may be in the log, of voters who had no cookie yet: repeated, they are others.
    """
    known: set[int] = field(default_factory=set)
    """Voters who have a receipt, and whose partition is known by it."""
    places: set[tuple[int, int]] = field(default_factory=set)
    """Gateways and partitions at which somebody votes."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def size(self) -> int:
        return int(self.votes_per_second * INTERVAL_SECONDS)

    async def vote(self) -> None:
        """Vote until told to end, and until every vote has its receipt."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as voters:
            for number in range(self.size):
                voters.create_task(self._voter(
                    number, began + INTERVAL_SECONDS * number / self.size))

    async def _voter(self, number: int, next_at: float) -> None:
        voter = _Voter(self, number)
        for turn in itertools.count():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_at - time.monotonic())):
                    await self.ended.wait()
            if self.ended.is_set():
                break
            await voter.cast(turn)
            next_at = max(next_at + INTERVAL_SECONDS, time.monotonic())
        voter.close()


class _Voter:
    """One device."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd, self._number = crowd, number
        self._gateway = number % len(crowd.hosts)
        self._host = crowd.hosts[self._gateway]
        self._cookie: dict[str, str] = {}
        self._connection: Connection | None = None
        self._partition = -1
        self._used_at = 0.0

    async def cast(self, turn: int) -> None:
        """Cast a vote until there is a receipt of it."""
        crowd, ballot = self._crowd, Ballot()
        crowd.ballots.append(ballot)
        body = json.dumps({"proposal": crowd.proposals[self._number % len(crowd.proposals)],
                           "choice": CHOICES[turn % len(CHOICES)]}).encode()
        while not ballot.event:
            asked = request("POST", f"{crowd.path}/votes", {
                "host": self._host, "idempotency-key": f"{self._number}-{turn}", **self._cookie},
                body)
            ballot.possible += 1
            asked_at = time.monotonic()
            answer = await self._ask(asked)
            status = answer.status if answer else 0
            if answer and status == HTTPStatus.ACCEPTED:
                self._keep(ballot, answer)
            elif status not in UNKNOWN_STATUS:
                ballot.possible -= 1
            elif not self._cookie:
                ballot.possible -= 1
                crowd.strangers += 1
            crowd.told.append(Told(
                self._gateway, self._partition, asked_at, time.monotonic(), status))
            if not ballot.event:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _ask(self, asked: bytes) -> Answer | None:
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._connection is None:
                    name, _, port = self._host.partition(":")
                    self._connection = await Connection.open(name, int(port))
                answer = await self._connection.ask(asked)
                self._used_at = time.monotonic()
                return answer
        except (OSError, TimeoutError):
            self.close()
            return None

    def _keep(self, ballot: Ballot, answer: Answer) -> None:
        receipt = json.loads(answer.body)
        ballot.event = base64.b64decode(receipt["event"])
        ballot.partition, ballot.offset = receipt["partition"], receipt["offset"]
        if not self._cookie:
            given = answer.head.partition(b"set-cookie: ")[2].partition(b";")[0]
            self._cookie = {"cookie": given.decode()}
            self._partition = ballot.partition
            self._crowd.known.add(self._number)
            self._crowd.places.add((self._gateway, self._partition))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
