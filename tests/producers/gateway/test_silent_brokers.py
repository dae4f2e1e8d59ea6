"""A client passes over brokers that say nothing, and finds them again once they speak."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import ConnectionGroup
from aiokafka.errors import NodeNotReadyError, RequestTimedOutError

from producers.gateway import silent_brokers
from producers.gateway.silent_brokers import SilentBrokers


SILENT, SPEAKING = 1, 2
LONG_SECONDS = 60.0


class Client:
    """Connects as aiokafka's does: one at a time, and to the silent broker never."""

    def __init__(self) -> None:
        self._conns: dict[Any, Any] = {}
        self._lock = asyncio.Lock()
        self.tried: list[int] = []
        self.asked_for_leaders = 0
        self.silent = {SILENT}

    async def _get_conn(self, node: int, *, group: ConnectionGroup) -> Any:
        async with self._lock:
            self.tried.append(node)
            if node in self.silent:
                await asyncio.Event().wait()
            found = SimpleNamespace(connected=lambda: True)
            self._conns[node, group] = found
            return found

    async def send(self, node: int, _request: object) -> object:
        """Answer for a broker that speaks."""
        if await self._get_conn(node, group=ConnectionGroup.DEFAULT) is None:
            raise NodeNotReadyError
        if node in self.silent:
            del self._conns[node, ConnectionGroup.DEFAULT]
            raise RequestTimedOutError
        return node

    def force_metadata_update(self) -> None:
        """Count who asks."""
        self.asked_for_leaders += 1


@asynccontextmanager
async def connected(answer_seconds: float) -> AsyncIterator[Client]:
    """Make a client that has sent once to the broker which then fell silent."""
    client = Client()
    client.silent.clear()
    SilentBrokers(client, answer_seconds)
    await client.send(SILENT, "before")
    client.silent.add(SILENT)
    with pytest.raises(RequestTimedOutError):
        await client.send(SILENT, "lost")
    client.tried.clear()
    async with asyncio.timeout(LONG_SECONDS):
        yield client


async def test_a_silent_broker_is_passed_over_at_once() -> None:
    """Nobody connects to it for a while, leaders are asked for anew, and others are asked."""
    async with connected(LONG_SECONDS) as client:
        assert await client._get_conn(SILENT, group=ConnectionGroup.DEFAULT) is None
        with pytest.raises(NodeNotReadyError):
            await client.send(SILENT, "again")
        assert await client.send(SPEAKING, "now") == SPEAKING

    assert client.tried == [SPEAKING]
    assert client.asked_for_leaders == 2


async def test_who_waits_for_the_try_of_another_broker_is_not_silent(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try ends by itself, long before the wait for an answer; the next in turn has its own."""
    monkeypatch.setattr(silent_brokers, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(silent_brokers, "FIRST_TRY_SECONDS", 0.01)
    async with connected(LONG_SECONDS) as client:
        tried, found = await asyncio.gather(
            client._get_conn(SILENT, group=ConnectionGroup.DEFAULT), client.send(SPEAKING, "now"))

    assert (tried, found, client.tried) == (None, SPEAKING, [SILENT, SPEAKING])


async def test_a_broker_that_speaks_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try is longer than the one before: in the end a slow one has the whole wait."""
    monkeypatch.setattr(silent_brokers, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(silent_brokers, "FIRST_TRY_SECONDS", 0.001)
    async with connected(0.004) as client:
        for _ in range(4):
            assert await client._get_conn(SILENT, group=ConnectionGroup.DEFAULT) is None
        client.silent.clear()
        assert await client.send(SILENT, "again") == SILENT

    assert client.tried == [SILENT] * 5
