"""Where nobody looks results may be read later, and at once where somebody does."""

import asyncio
from typing import Any

import pytest

from tests.harness import WAIT_SECONDS
from views import audience
from views.audience import STAY_SECONDS, Audience, Counted


class House:
    """An application with an audience, under a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.audience = Audience(lambda: self.now)
        self.goes_on = asyncio.Event()
        self.counted = Counted(self._answer, self.audience)

    async def _answer(self, *_: Any) -> None:
        await self.goes_on.wait()

    def ask(self, path: str) -> "asyncio.Task[None]":
        """Begin a request that ends when `goes_on` is set."""
        async def asking() -> None:
            await self.counted({"type": "http", "path": path}, _nothing, _nothing)
        return asyncio.create_task(asking())

    async def rests(self) -> bool:
        """Whether a reader rests now."""
        resting = asyncio.create_task(self.audience.rest())
        for _ in range(5):
            await asyncio.sleep(0)
        rested = not resting.done()
        resting.cancel()
        await asyncio.gather(resting, return_exceptions=True)
        return rested


async def _nothing(*_: Any) -> Any:
    return {}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    """Rests are endless here."""
    monkeypatch.setattr(audience, "REST_SECONDS", 10 * WAIT_SECONDS)
    return House()


async def test_nobody_rests_while_somebody_looks_or_did_a_moment_ago(house: House) -> None:
    """As long as a request or a stream lasts, and a while beyond."""
    before = await house.rests()
    asking = house.ask("/c/town")
    await asyncio.sleep(0)
    house.now += 10 * STAY_SECONDS
    during = await house.rests()
    house.goes_on.set()
    await asking
    house.now += STAY_SECONDS - 1
    after = await house.rests()
    house.now += 1

    assert (before, during, after, await house.rests()) == (True, False, False, True)


async def test_the_first_to_come_ends_the_rest(house: House) -> None:
    """Not at its own end: it is shown what there is, and soon what is new."""
    resting = [asyncio.create_task(house.audience.rest()) for _ in range(2)]
    await asyncio.sleep(0)
    house.goes_on.set()
    async with asyncio.timeout(WAIT_SECONDS):
        await house.ask("/v1/votes")
        await asyncio.gather(*resting)


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/livez"])
async def test_programs_that_ask_how_a_process_is_are_no_audience(house: House, path: str) -> None:
    """They ask every few seconds for ever."""
    house.goes_on.set()
    await house.ask(path)

    assert await house.rests()
