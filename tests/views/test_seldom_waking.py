"""A server that nobody asks hardly wakes, and ends as soon as it is told to."""

import asyncio

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from tests.harness import WAIT_SECONDS
from views import seldom_waking


class Counting(seldom_waking.SeldomWaking):
    """Counts its wakings."""

    ticks = 0

    async def on_tick(self, counter: int) -> bool:
        self.ticks += 1
        return await super().on_tick(counter)


async def test_a_server_wakes_for_its_date_alone_and_ends_at_once(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two dates nothing wakes it but its end, for which it does not wait for a date."""
    monkeypatch.setattr(seldom_waking, "TICK_SECONDS", 10 * WAIT_SECONDS)
    serving = Counting(uvicorn.Config(
        PlainTextResponse("here"), port=0, lifespan="off", log_config=None))
    async with asyncio.timeout(WAIT_SECONDS):
        task = asyncio.create_task(serving.serve())
        while not serving.ticks:
            await asyncio.sleep(0)
        dated = serving.server_state.default_headers
        serving.end()
        await task

    assert serving.ticks == 2
    assert [name for name, _ in dated] == [b"date", b"server"]
