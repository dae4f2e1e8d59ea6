"""Work beside a server that fails ends the process: it never answers on with a part of it gone."""

import asyncio
from pathlib import Path

import pytest

from producers.gateway.follower import Follower
from producers.gateway.outlet import Outlet
from schemas.topics import Topics
from scrutin.gateway import composition
from scrutin.process.background import Background, BackgroundFailed
from scrutin.settings import Settings
from tests.waiting import WAIT_SECONDS


NOBODY = "127.0.0.1:1"
"""No broker listens there."""


async def endless() -> None:
    await asyncio.Event().wait()


async def failing() -> None:
    raise ZeroDivisionError("planted")


async def test_the_first_failure_stops_and_is_told() -> None:
    """Also where it came before anybody could be stopped; what was only cancelled is none."""
    stopped = asyncio.Event()
    async with Background((endless(), failing(), failing())) as beside:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        beside.stops(stopped.set)
    assert stopped.is_set()
    with pytest.raises(BackgroundFailed, match="ZeroDivisionError: planted"):
        beside.check()
    async with Background((endless(),)) as beside:
        beside.stops(stopped.set)
    beside.check()


async def test_a_lane_that_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no event of its partition would go any more, and every vote there would be a 504."""
    async def deliver(_: Outlet, lane: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Outlet, "_deliver", deliver)
    async with Outlet(NOBODY, {"votes": 1}) as outlet, asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(ZeroDivisionError):
            await outlet.watch()


async def test_a_gateway_ends_where_a_part_of_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of everything that goes on in it, whichever: here its follower of the catalogue."""
    async def follow(_: Follower) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Follower, "follow", follow)
    stopped = asyncio.Event()
    settings = Settings(kafka=NOBODY, data_dir=tmp_path)
    async with composition.connected(
            settings, NOBODY, Topics("t", 1)) as (_, _, beside), asyncio.timeout(WAIT_SECONDS):
        beside.stops(stopped.set)
        await stopped.wait()
    with pytest.raises(BackgroundFailed):
        beside.check()
