"""A client passes over brokers that say nothing, and finds them again once they speak."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.client import ConnectionGroup
from aiokafka.errors import NodeNotReadyError, RequestTimedOutError

from producers.gateway import silent_brokers
from producers.gateway.carrier import ANSWER_SECONDS, REPLICAS_SECONDS
from producers.gateway.silent_brokers import SilentBrokers


SILENT, SPEAKING = 1, 2
LONG_SECONDS = 60.0
SHORT_SESSION_SECONDS = 4.0
"""What docs/operate.md advises to be back sooner."""


class Connection:
    """Answers with the broker's number, as long as that speaks."""

    def __init__(self, node: int, speaking: asyncio.Event) -> None:
        self._node, self._speaking, self._open = node, speaking, True

    def connected(self) -> bool:
        return self._open

    def send(self, _request: object) -> Any:
        """Ask, and return the answer to wait for."""
        return self._answer()

    async def _answer(self) -> int:
        if not self._speaking.is_set():
            raise TimeoutError
        return self._node

    def close(self, **_reason: object) -> None:
        self._open = False


class Client:
    """Connects as aiokafka's does, and to a silent broker never."""

    def __init__(self) -> None:
        self._conns: dict[Any, Any] = {}
        self._get_conn_lock_value: Any = asyncio.Lock()
        self.tried: list[int] = []
        self.asked_for_leaders = 0
        self.speaking = {SILENT: asyncio.Event(), SPEAKING: asyncio.Event()}
        for each in self.speaking.values():
            each.set()

    async def _get_conn(
        self, node: int, *, group: ConnectionGroup = ConnectionGroup.DEFAULT
    ) -> Any:
        async with self._get_conn_lock_value:
            self.tried.append(node)
            self._conns.pop((node, group), None)  # What is closed.
            await self.speaking[node].wait()
            found = self._conns[node, group] = Connection(node, self.speaking[node])
            return found

    async def send(self, node: int, request: object) -> object:
        """Ask a broker."""
        connection = await self._get_conn(node, group=ConnectionGroup.DEFAULT)
        if connection is None:
            raise NodeNotReadyError
        try:
            return await connection.send(request)
        except TimeoutError:
            connection.close()
            raise RequestTimedOutError from None

    def force_metadata_update(self) -> None:
        """Count who asks."""
        self.asked_for_leaders += 1

    async def close(self) -> None:
        """Have nothing to close."""


@asynccontextmanager
async def connected(answer_seconds: float) -> AsyncIterator[Client]:
    """Make a client that has sent once to the broker which then fell silent."""
    client = Client()
    SilentBrokers(client, answer_seconds)
    await client.send(SILENT, "before")
    client.speaking[SILENT].clear()
    with pytest.raises(RequestTimedOutError):
        await client.send(SILENT, "lost")
    client.tried.clear()
    try:
        async with asyncio.timeout(LONG_SECONDS):
            yield client
    finally:
        await client.close()
    assert len(asyncio.all_tasks()) == 1, "somebody tries it yet"


async def test_a_silent_broker_is_passed_over_at_once() -> None:
    """Who needs it does not wait, nor who needs another one; leaders are asked for anew."""
    async with connected(LONG_SECONDS) as client:
        await asyncio.sleep(0)  # It is tried beside all that.
        assert client.tried == [SILENT]
        with pytest.raises(NodeNotReadyError):
            await client.send(SILENT, "again")
        assert await client.send(SPEAKING, "now") == SPEAKING

    assert client.tried == [SILENT, SPEAKING]
    assert client.asked_for_leaders == 2


async def test_a_broker_that_takes_no_connection_is_passed_over_too() -> None:
    """It was never sent anything: one wait for it, and nobody waits again."""
    client = Client()
    client.speaking[SILENT].clear()
    SilentBrokers(client, 0.001)
    try:
        assert await client._get_conn(SILENT) is None
        assert [await client._get_conn(SILENT) for _ in range(3)] == [None] * 3
        assert client.tried == [SILENT]
    finally:
        await client.close()


async def test_a_broker_that_does_not_say_who_leads_is_passed_over_too() -> None:
    """That is asked past `send`, over a connection that stood before the broker fell silent."""
    client = Client()
    SilentBrokers(client, LONG_SECONDS)
    connection = await client._get_conn(SILENT)
    client.speaking[SILENT].clear()
    try:
        with pytest.raises(TimeoutError):
            await connection.send("who leads?")
        assert not connection.connected()
        assert await client._get_conn(SILENT) is None
        with pytest.raises(NodeNotReadyError):
            await client.send(SILENT, "a vote")
    finally:
        await client.close()


async def test_a_broker_that_speaks_again_is_found() -> None:
    """The try that is under way has its connection, and the next request goes by it."""
    async with connected(LONG_SECONDS) as client:
        await asyncio.sleep(0)
        client.speaking[SILENT].set()
        while not client._conns.get((SILENT, ConnectionGroup.DEFAULT)):
            await asyncio.sleep(0)
        assert await client.send(SILENT, "again") == SILENT

    assert client.tried == [SILENT]


async def test_it_is_tried_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A try that ends without a connection is followed by the next."""
    monkeypatch.setattr(silent_brokers, "PAUSE_SECONDS", 0.0)
    async with connected(0.001) as client:
        while len(client.tried) < 3:
            await asyncio.sleep(0.001)
        client.speaking[SILENT].set()
        while not client._conns.get((SILENT, ConnectionGroup.DEFAULT)):
            await asyncio.sleep(0)
        assert await client.send(SILENT, "again") == SILENT


def test_a_leader_that_waits_for_its_replicas_is_not_taken_for_silent() -> None:
    """Nor where it is late by as much itself; yet who is lost is known before the election."""
    assert 2 * REPLICAS_SECONDS <= ANSWER_SECONDS < SHORT_SESSION_SECONDS
