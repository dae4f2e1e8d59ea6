"""Waiting for what other processes do: asked again and again, within a bound."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2


WAIT_SECONDS = 60.0
"""Longest wait of a test: far more than anything takes."""
POLL_SECONDS = 0.05


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, or raise TimeoutError."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(POLL_SECONDS)


async def until_found(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds that has to be looked up, or raise TimeoutError."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():
            await asyncio.sleep(POLL_SECONDS)


async def until_answered(url: str) -> None:
    """Wait until an address answers with 200, or raise TimeoutError."""
    async with httpx2.AsyncClient() as client:
        async def good() -> bool:
            try:
                return (await client.get(url)).status_code == 200
            except httpx2.TransportError:
                return False

        await until_found(good)
