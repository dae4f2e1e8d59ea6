"""People who vote through whichever gateway is ready, and readers whose results never go back.

Whoever votes is shown the proposals by one gateway and votes at the next, and then thinks better of
it at the one after that: no gateway may refuse what another one has shown or recorded. Some readers
ask the same process all the time, others one after the other, by tags and by streams. How long
votes and results stood still is remembered, to be printed: `still`.
"""

import asyncio
import contextlib
import itertools
import json
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple

import httpx2

from tests.faults.brokers_crowd import Ballot
from tests.producers.gateway.booths import Browser
from tests.waiting import until


RESULTS = "/v1/consultations/town/results"
STREAM = "/v1/consultations/town/live?proposals=trains"
STREAM_SECONDS = 1.0
"""So long one process's stream is followed before the other's is."""
LOOK_SECONDS = 0.25
"""So often the balancer asks who is ready: a proxy does every two seconds."""
PATIENCE_SECONDS = 4.0
"""So long a request is waited for before another gateway is asked."""
PAUSE_SECONDS = 0.2
PEOPLE = 4
"""So many vote at once."""
LEISURE_SECONDS = 0.5
"""Between two voters of one address: with more of them in a minute than a network may have that are
shown proposals at one gateway and vote at the other, the door would ask them for work."""
TRUSTED = ssl.create_default_context()
"""Nobody asks by TLS here; but each client would read all certificates again."""
CHOICES = ("agree", "disagree")
"""What each says, one after the other."""


class Still(NamedTuple):
    """How long things stood still, at the most."""

    votes_seconds: float
    """Between two acknowledgements, of whichever gateway."""
    receipt_seconds: float
    """From the first request of a vote of the load until its receipt, of whichever gateway."""
    results_seconds: float
    """From an acknowledgement until results of any views held that vote."""


class Act(NamedTuple):
    """A vote that is acknowledged, and where its receipt says that it lies."""

    at: float
    partition: int
    offset: int

    def is_in(self, vector: Sequence[int]) -> bool:
        """Whether results hold it that were made up to an offset of each partition."""
        return vector[self.partition] >= self.offset


async def answered(url: str, headers: dict[str, str] | None = None) -> httpx2.Response | None:
    """Ask an address; None where nobody answers in time."""
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS, verify=TRUSTED) as client:
            return await client.get(url, headers=headers)
    except httpx2.HTTPError:
        return None


@dataclass
class Crowd:
    """Everybody votes by turns at the gateways that are ready, until acknowledged."""

    gateways: Sequence[str]
    views: Sequence[str]
    drain_seconds: float
    """A gateway that said that it is ready goes on for so long at least."""
    acknowledged: int = 0
    """Voters of whom a vote is acknowledged."""
    refused: list[str] = field(default_factory=list)
    """What somebody was told, other than that it is recorded, by a gateway that had said just then
    that it is ready; also connections that were refused or broken off."""
    faulted: list[str] = field(default_factory=list)
    """Answers by which a gateway, ready or not, finds fault with what it was asked."""
    wandered: int = 0
    """Newer results that a reader was given who asks one process after the other."""
    followed: int = 0
    """Snapshots that one was sent who follows their streams by turns."""
    _ended: bool = False
    _ready: dict[str, float] = field(default_factory=dict)
    """When each gateway that is ready was asked for that."""
    _seen: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Counted votes as each views showed them last, and the offsets up to which it did."""
    _acts: list[Act] = field(default_factory=list)
    _unshown: list[Act] = field(default_factory=list)
    _waits: list[tuple[float, float]] = field(default_factory=list)
    """When an act was shown, and how long that had taken."""
    _load: list[tuple[float, float]] = field(default_factory=list)
    """When a vote of others was acknowledged, and how long that had taken."""

    def took(self, ballot: Ballot) -> None:
        """Know of a vote of others that is acknowledged: it is waited for like all."""
        self._load.append((monotonic(), ballot.waited_seconds))
        self._unshown.append(Act(monotonic(), ballot.partition, ballot.offset))

    def standing(self) -> Counter[str]:
        """Count the votes that stand by choice: each person said the last one last."""
        return Counter({CHOICES[-1]: self.acknowledged})

    async def balances(self, url: str) -> None:
        """Ask a gateway all the time whether it is ready."""
        while True:
            asked_at, answer = monotonic(), await answered(f"{url}/readyz")
            if answer is not None and answer.status_code == HTTPStatus.OK:
                self._ready[url] = asked_at
            else:
                self._ready.pop(url, None)
            await asyncio.sleep(LOOK_SECONDS)

    def _at(self, turn: int) -> str:
        """Return the gateway whose turn it is; empty where none is ready."""
        ready = [url for url in self.gateways if url in self._ready]
        return ready[turn % len(ready)] if ready else ""

    async def votes(self, numbers: "itertools.count[int]") -> None:
        """Let one after the other vote, and vote otherwise, until told that it is the end."""
        for number in itertools.takewhile(lambda _: not self._ended, numbers):
            kept = httpx2.AsyncHTTPTransport(verify=TRUSTED)
            async with Browser(self.gateways[0], kept) as browser:
                browser.client.timeout = httpx2.Timeout(PATIENCE_SECONDS)
                proofs: list[str] = []
                for turn, choice in enumerate(CHOICES, number):
                    while not await self._voted(browser, turn, f"{choice}-{number:020}", proofs):
                        await asyncio.sleep(PAUSE_SECONDS)
                    self.acknowledged += choice == CHOICES[0]
            await asyncio.sleep(LEISURE_SECONDS)

    async def _voted(self, browser: Browser, turn: int, key: str, proofs: list[str]) -> bool:
        """Vote once; say whether that is acknowledged."""
        if not proofs:
            answer = await self._asked(browser, turn + 1, lambda: browser.client.get(
                "/v1/consultations/town/sequence"), HTTPStatus.OK)
            if answer is None:
                return False
            proofs += [each["proof"] for each in answer.json()["proposals"]]
        answer = await self._asked(browser, turn, lambda: browser.vote(
            "trains", key.partition("-")[0], of="town", key=key, proof=proofs[0],
        ), HTTPStatus.ACCEPTED)
        if answer is None:
            return False
        told = answer.json()
        if told["trust"] != "trusted":  # It is not counted, and that is said.
            self.faulted.append(f"{browser.client.base_url}: {answer.text}")
        self._acts.append(Act(monotonic(), told["partition"], told["offset"]))
        self._unshown.append(self._acts[-1])
        return True

    async def _asked(
        self, browser: Browser, turn: int, ask: Callable[[], Awaitable[httpx2.Response]],
        wanted: HTTPStatus,
    ) -> httpx2.Response | None:
        """Ask the gateway whose turn it is; None where it gives no such answer."""
        url = self._at(turn)
        if not url:
            return None
        said_at, browser.client.base_url = self._ready[url], httpx2.URL(url)
        try:
            answer = await ask()
        except httpx2.TimeoutException:
            return None  # Slow, on a busy machine perhaps: nobody was turned away.
        except httpx2.HTTPError as error:
            told = type(error).__name__
        else:
            if answer.status_code == wanted:
                return answer
            told = f"{answer.status_code} {answer.text}"
            self.faulted += [f"{url}: {told}"] * answer.is_client_error
        # Who looks seldom, on a busy machine, learns late that it is not ready any more.
        if monotonic() - said_at < self.drain_seconds:
            self.refused.append(f"{url}: {told}")
        return None

    async def reads(self, url: str) -> None:
        """Read results of one process all the time; fail where they go back."""
        while True:
            answer = await answered(url + RESULTS)
            if answer is not None and answer.status_code == HTTPStatus.OK:
                self._read(url, answer)
            await asyncio.sleep(PAUSE_SECONDS)

    async def wanders(self) -> None:
        """Read results of one process after the other by tag; fail where they go back."""
        tag = ""
        before: tuple[int, ...] = (0,)
        for url in itertools.cycle(self.views):
            answer = await answered(url + RESULTS, {"if-none-match": tag})
            if answer is not None and answer.status_code == HTTPStatus.OK:
                now = _shown_in(answer)
                assert not _lower(now, before), (url, before, now)
                tag, before = answer.headers["etag"], now
                self.wandered += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def follows(self) -> None:
        """Follow the stream of one process after the other, as browsers come again."""
        last = ""
        before: tuple[int, ...] = (0,)
        for url in itertools.cycle(self.views):
            with contextlib.suppress(httpx2.HTTPError):
                async for identifier, votes in _streamed(url + STREAM, last):
                    now = votes, *map(int, re.findall(r"(?:^|(?<=\d)-)(-?\d+)", identifier))
                    assert not _lower(now, before), (url, before, now)
                    last, before = identifier, now
                    self.followed += 1
            await asyncio.sleep(PAUSE_SECONDS)

    def _read(self, url: str, answer: httpx2.Response) -> None:
        now = _shown_in(answer)
        before = self._seen.get(url, now)
        assert not _lower(now, before), (url, before, now)
        self._seen[url] = now
        at, vector = monotonic(), now[1:]
        self._waits += [(at, at - act.at) for act in self._unshown if act.is_in(vector)]
        self._unshown = [act for act in self._unshown if not act.is_in(vector)]

    async def counted(self) -> None:
        """Wait until every views shows what was acknowledged by now."""
        wanted = {act.partition: act for act in sorted(
            [*self._acts, *self._unshown], key=lambda act: act.offset)}
        await until(lambda: len(self._seen) == len(self.views) and all(
            act.is_in(vector) for _, *vector in self._seen.values() for act in wanted.values()))

    async def end(self, voters: Sequence["asyncio.Task[None]"]) -> None:
        """Let everybody vote to the end, and wait until every views shows it."""
        self._ended = True
        await until(lambda: all(voter.done() for voter in voters))
        await self.counted()

    async def goes_on(self) -> None:
        """Wait until all have voted from now on, and some views shows all votes until then."""
        acts = len(self._acts) + 2 * PEOPLE
        await until(lambda: len(self._acts) >= acts)
        last = self._acts[-1]
        await until(lambda: all(act.at > last.at for act in self._unshown))

    def still(self, since: float) -> Still:
        """Return how long votes and results stood still at the most since an instant, by now."""
        now = monotonic()
        load = [each for each in self._load if each[0] >= since]
        acts = sorted([since, now, *(at for at, _ in load),
                       *(act.at for act in self._acts if act.at >= since)])
        waits = [waited for at, waited in self._waits if at >= since]
        waits += [now - act.at for act in self._unshown]
        receipts = [waited for _, waited in load]
        return Still(max(map(float.__sub__, acts[1:], acts)), max(receipts, default=0.0),
                     max(waits, default=0.0))


def _shown_in(answer: httpx2.Response) -> tuple[int, ...]:
    """Return how many votes results count, and the offsets up to which they do."""
    found = answer.json()
    return found["totals"]["counted"]["votes"], *found["as_of"]["votes"]


def _lower(now: tuple[int, ...], before: tuple[int, ...]) -> bool:
    """Whether anything has gone back."""
    return any(new < old for new, old in zip(now, before, strict=False))


async def _streamed(url: str, last: str) -> AsyncIterator[tuple[str, int]]:
    """Follow a stream for a while; yield the id and the counted votes of each snapshot."""
    identifier, ends_at = "", monotonic() + STREAM_SECONDS
    async with (httpx2.AsyncClient(timeout=PATIENCE_SECONDS, verify=TRUSTED) as client,
                client.stream("GET", url, headers={"last-event-id": last}) as answer):
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                identifier = line.removeprefix("id: ")
            elif line.startswith("data: "):
                totals = json.loads(line.removeprefix("data: "))["totals"]
                yield identifier, totals["counted"]["votes"] if totals else 0
            if monotonic() > ends_at:
                return


@asynccontextmanager
async def crowd(
    gateways: Sequence[str], views: Sequence[str], *, drain_seconds: float
) -> AsyncIterator[Crowd]:
    """Have people vote and read meanwhile, and to the end; what fails of it fails the test."""
    found, numbers = Crowd(gateways, views, drain_seconds), itertools.count()
    async with asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(each) for each in (
            *map(found.balances, gateways), *map(found.reads, views))]
        looking += [tasks.create_task(each) for each in (found.wanders(), found.follows())]
        voters = [tasks.create_task(found.votes(numbers)) for _ in range(PEOPLE)]
        try:
            yield found
            await found.end(voters)
        finally:
            for task in (*looking, *voters):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
