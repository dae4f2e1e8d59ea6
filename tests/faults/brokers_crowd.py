"""A crowd of voters at several gateways, each with a connection and a timetable.

Theory of operation: every voter votes once in an interval, a request at a time; so a cluster that
is late has as many requests waiting as there are voters, and no more. What has no receipt is sent
again under its key. Every answer is kept with its moments, every receipt with its event.

Voters of a crowd that is shown the proposals have a view proof, so that their votes count, and each
comes out of a network of its own, as a proxy says. Who had no receipt then asks the next gateway.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from benchmarks.keep_alive import Answer, Connection, request
from schemas.words import CHOICES
from tests.faults.brokers_plan import Told
from tests.faults.checker import Attempt, Outcome


INTERVAL_SECONDS = 2.0
"""Each voter votes so often."""
ANSWER_SECONDS = 20.0
"""A voter waits so long for an answer."""
LOOK_SECONDS = 0.1
"""So often the crowd looks how late it is itself."""
AGAIN_SECONDS = 0.5
"""Until a vote without a receipt is sent again."""
IDLE_SECONDS = 3.0
"""A connection that was last asked so long ago is not used again: a gateway closes it 5 s after its
answer, which may have lain here unread."""
CLIENT_ERRORS = 4
"""Hundreds of the statuses by which a gateway finds fault with a request."""
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
    waited_seconds: float = 0.0
    """From the first request until that receipt."""


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
    places: dict[tuple[int, int], float] = field(default_factory=dict)
    """Gateways and partitions at which somebody votes, and when one was taken there last."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    shown: bool = False
    """Whether they are shown the proposals, and go from gateway to gateway: see above."""
    answer_seconds: float = ANSWER_SECONDS
    """A voter waits so long for an answer."""
    received: Callable[[Ballot], None] = lambda _ballot: None
    """Is told of every receipt."""
    stands: dict[int, tuple[str, str]] = field(default_factory=dict)
    """The proposal and choice of each voter's last vote that has a receipt."""
    faulted: list[str] = field(default_factory=list)
    """Answers by which a gateway finds fault with what it was asked, or does not count a vote that
    bears a proof."""
    late: list[tuple[float, float]] = field(default_factory=list)
    """How many seconds late the crowd was itself, and when: a machine without a core for it."""

    def standing(self) -> Counter[str]:
        """Count the votes that stand by choice."""
        return Counter(choice for _, choice in self.stands.values())

    def statuses(self) -> dict[int, int]:
        """Count answers by status; 0: none came."""
        return dict(sorted(Counter(told.status for told in self.told).items()))

    @property
    def size(self) -> int:
        return int(self.votes_per_second * INTERVAL_SECONDS)

    async def vote(self) -> None:
        """Vote until told to end, and until every vote has its receipt."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as voters:
            voters.create_task(self._look())
            for number in range(self.size):
                voters.create_task(self._voter(
                    number, began + INTERVAL_SECONDS * number / self.size))

    async def _look(self) -> None:
        while not self.ended.is_set():
            due = time.monotonic() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            self.late.append((now, now - due))

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


def attempts(ballots: Sequence[Ballot]) -> list[Attempt]:
    """Return what is known of ballots that have a receipt."""
    return [Attempt(each.partition, each.event, Outcome.ACKNOWLEDGED, each.offset)
            for each in ballots if each.event]


class _Voter:
    """One device."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd, self._number = crowd, number
        self._gateway = number % len(crowd.hosts)
        self._cookies: dict[str, str] = {}
        self._proposal = crowd.proposals[number % len(crowd.proposals)]
        self._proof: str | None = None
        self._connection: Connection | None = None
        self._partition = -1
        self._asked_at = 0.0

    async def cast(self, turn: int) -> None:
        """Cast a vote until there is a receipt of it."""
        crowd, ballot = self._crowd, Ballot()
        crowd.ballots.append(ballot)
        began = time.monotonic()
        while crowd.shown and self._proof is None:
            await self._look()
        said = {"proposal": self._proposal, "choice": CHOICES[turn % len(CHOICES)]}
        body = json.dumps({**said, **({"proof": self._proof} if self._proof else {})}).encode()
        while not ballot.event:
            ballot.possible += 1
            answer = await self._told("POST", "votes", body, f"{self._number}-{turn}")
            if answer and answer.status == HTTPStatus.ACCEPTED:
                ballot.waited_seconds = time.monotonic() - began
                self._keep(ballot, answer)
                crowd.stands[self._number] = said["proposal"], said["choice"]
                crowd.received(ballot)
                return
            if (answer.status if answer else 0) not in UNKNOWN_STATUS:
                ballot.possible -= 1
            elif not self._cookies:
                ballot.possible -= 1
                crowd.strangers += 1
            await self._again(answer)

    async def _look(self) -> None:
        """Ask for the proposals, and keep the proof of ours."""
        answer = await self._told("GET", "sequence")
        if answer is None or answer.status != HTTPStatus.OK:
            await self._again(answer)
            return
        self._keep_cookies(answer)
        self._proof = next(each["proof"] for each in json.loads(answer.body)["proposals"]
                           if each["id"] == self._proposal)

    async def _again(self, answer: Answer | None) -> None:
        """Note what was found fault with, and rest before the next try."""
        crowd = self._crowd
        if answer and answer.status // 100 == CLIENT_ERRORS:
            crowd.faulted.append(f"{crowd.hosts[self._gateway]}: {answer.status} {answer.body!r}")
        if crowd.shown:
            self.close()
            self._gateway = (self._gateway + 1) % len(crowd.hosts)
        await asyncio.sleep(AGAIN_SECONDS)

    async def _told(
        self, method: str, what: str, body: bytes | None = None, key: str = ""
    ) -> Answer | None:
        """Ask for something, and remember when what was answered."""
        crowd, asked_at = self._crowd, time.monotonic()
        head = {"host": crowd.hosts[self._gateway], **({"idempotency-key": key} if key else {})}
        if self._cookies:
            head["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if crowd.shown:
            head["x-forwarded-for"] = f"10.{self._number >> 8}.{self._number & 255}.1"
        answer = await self._ask(request(method, f"{crowd.path}/{what}", head, body))
        status, ended = (0, answer) if isinstance(answer, str) else (answer.status, "")
        crowd.told.append(Told(
            self._gateway, self._partition, asked_at, time.monotonic(), status, ended))
        return None if isinstance(answer, str) else answer

    async def _ask(self, asked: bytes) -> Answer | str:
        """Return the answer, or how the connection ended without one."""
        rested = time.monotonic() - self._asked_at
        if self._connection is not None and (
                rested > IDLE_SECONDS or self._connection.closed):
            self.close()
        is_new = self._connection is None
        try:
            async with asyncio.timeout(self._crowd.answer_seconds):
                if self._connection is None:
                    name, _, port = self._crowd.hosts[self._gateway].partition(":")
                    self._connection = await Connection.open(name, int(port))
                self._asked_at = time.monotonic()
                return await self._connection.ask(asked)
        except (OSError, TimeoutError) as error:
            self.close()
            return f"{type(error).__name__} on " + (
                "a new connection" if is_new else f"one asked {rested:.0f} s before")

    def _keep(self, ballot: Ballot, answer: Answer) -> None:
        receipt = json.loads(answer.body)
        ballot.event = base64.b64decode(receipt["event"])
        ballot.partition, ballot.offset = receipt["partition"], receipt["offset"]
        if self._proof and receipt["trust"] != "trusted":
            self._crowd.faulted.append(f"{self._crowd.hosts[self._gateway]}: {receipt}")
        self._keep_cookies(answer)
        self._partition = ballot.partition
        self._crowd.known.add(self._number)
        self._crowd.places[self._gateway, self._partition] = time.monotonic()

    def _keep_cookies(self, answer: Answer) -> None:
        for given in answer.head.split(b"set-cookie: ")[1:]:
            name, _, value = given.partition(b";")[0].decode().partition("=")
            if value:
                self._cookies[name] = value
            else:  # It is to be forgotten.
                self._cookies.pop(name, None)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
