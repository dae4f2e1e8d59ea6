"""People who vote through whichever gateway is ready, and readers whose results never go back."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from tests.producers.gateway.booths import Browser
from tests.waiting import until_found


RESULTS = "/v1/consultations/town/results"
LOOK_SECONDS = 0.25
"""So often the balancer asks who is ready: a proxy does every two seconds."""
PATIENCE_SECONDS = 4.0
"""So long a request is waited for before another gateway is asked."""
PAUSE_SECONDS = 0.2


async def answered(url: str) -> httpx2.Response | None:
    """Ask an address; None where nobody answers in time."""
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            return await client.get(url)
    except httpx2.HTTPError:
        return None


@dataclass
class Crowd:
    """Everybody votes once, by turns at the gateways that are ready, until acknowledged."""

    gateways: Sequence[str]
    views: Sequence[str]
    acknowledged: int = 0
    refused: list[str] = field(default_factory=list)
    """What somebody was told, other than that it is recorded, by a gateway said to be ready; also
    connections that were refused or broken off."""
    _ready: list[str] = field(default_factory=list)
    _seen: dict[str, tuple[int, ...]] = field(default_factory=dict)

    async def balances(self) -> None:
        """Ask all the time who is ready."""
        while True:
            answers = await asyncio.gather(*(answered(f"{url}/readyz") for url in self.gateways))
            self._ready = [url for url, answer in zip(self.gateways, answers, strict=True)
                           if answer is not None and answer.status_code == 200]
            await asyncio.sleep(LOOK_SECONDS)

    async def votes(self) -> None:
        """Let one after the other vote, for ever."""
        for number in itertools.count():
            async with Browser(self.gateways[0]) as browser:
                browser.client.timeout = httpx2.Timeout(PATIENCE_SECONDS)
                proofs: list[str] = []
                while not await self._voted(browser, number, proofs):
                    await asyncio.sleep(PAUSE_SECONDS)
            self.acknowledged += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _voted(self, browser: Browser, number: int, proofs: list[str]) -> bool:
        if not self._ready:
            return False
        url = self._ready[number % len(self._ready)]
        browser.client.base_url = httpx2.URL(url)
        try:
            if not proofs:
                shown = await browser.client.get("/v1/consultations/town/sequence")
                proofs += [each["proof"] for each in shown.json()["proposals"]]
            answer = await browser.vote(
                "trains", of="town", key=f"vote-{number:020}", proof=proofs[0])
        except httpx2.TimeoutException:
            return False  # Slow, on a busy machine perhaps: nobody was turned away.
        except (httpx2.HTTPError, ValueError, LookupError) as error:
            self.refused.append(f"{url}: {type(error).__name__}")
            return False
        if answer.status_code != 202:
            self.refused.append(f"{url}: {answer.status_code} {answer.text}")
        return answer.status_code == 202

    async def reads(self, url: str) -> None:
        """Read results of one process all the time; fail where they go back."""
        while True:
            answer = await answered(url + RESULTS)
            if answer is not None and answer.status_code == 200:
                self._read(url, answer)
            await asyncio.sleep(PAUSE_SECONDS)

    def _read(self, url: str, answer: httpx2.Response) -> None:
        found = answer.json()
        now = (found["totals"]["counted"]["votes"], *found["as_of"]["votes"])
        before = self._seen.get(url, now)
        assert all(new >= old for new, old in zip(now, before, strict=True)), (url, before, now)
        self._seen[url] = now

    async def counted(self) -> None:
        """Wait until every views shows what was acknowledged by now, or more."""
        wanted = self.acknowledged

        async def shown() -> bool:
            return all(self._seen.get(url, (0,))[0] >= wanted for url in self.views)

        await until_found(shown)


@asynccontextmanager
async def crowd(gateways: Sequence[str], views: Sequence[str]) -> AsyncIterator[Crowd]:
    """Have people vote and read meanwhile; what fails of it fails the test."""
    found = Crowd(gateways, views)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each) for each in (
            found.balances(), found.votes(), *(found.reads(url) for url in views))]
        try:
            yield found
        finally:
            for task in running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
