"""A client does not wait for a broker that says nothing, while others can say who leads.

Theory of operation: a broker that is frozen or cut off keeps its connections and answers nothing.
aiokafka asks brokers in turn who leads, and waits for each, the silent one among them, first for
the connection, then for the answer; and while it connects nobody else can. So a partition whose new
leader was elected could wait three times as long as for an answer to hear of it. Here a broker that
let a connection or any request time out, also the question who leads, is passed over, and others
are asked meanwhile; whether it speaks again is tried beside all that, each try as long as any
connection may take.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.client import ConnectionGroup
from aiokafka.conn import CloseReason
from aiokafka.errors import NodeNotReadyError, RequestTimedOutError


PAUSE_SECONDS = 0.2
"""Between two tries of a broker that was silent."""


class SilentBrokers:
    """The brokers that a client passes over."""

    def __init__(self, client: Any, answer_seconds: float) -> None:
        """Have a client that was not started pass over who needs longer than `answer_seconds`."""
        self._client, self._answer_seconds = client, answer_seconds
        self._tries: dict[int, asyncio.Task[None]] = {}
        self._making: dict[tuple[int, ConnectionGroup], asyncio.Lock] = {}
        """Held while a connection is made; the client has one lock for all brokers."""
        self._connect, self._send = client._get_conn, client.send  # noqa: SLF001 -- no other door
        self._close = client.close
        client._get_conn, client.send = self._connected, self._sent  # noqa: SLF001 -- as above
        client._get_conn_lock_value = contextlib.nullcontext()  # noqa: SLF001 -- as above
        client.close = self._closed

    async def _connected(
        self, node: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT, **options: Any
    ) -> Any:
        """Return a connection; None where there is none, or the broker is passed over."""
        there = self._client._conns.get((node, group))  # noqa: SLF001 -- as above
        if there is not None and there.connected():
            return there
        if node in self._tries:
            return None
        async with self._making.setdefault((node, group), asyncio.Lock()):
            if node in self._tries:
                return None
            clock = asyncio.get_running_loop().time
            deadline, found = clock() + self._answer_seconds, None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    found = await self._connect(node, group=group, **options)
            if found is None and clock() >= deadline:
                self._pass_over(node)
            elif found is not None:
                self._listen(node, found)
            return found

    def _listen(self, node: Any, connection: Any) -> None:
        """Have a connection tell of a question that nobody answered, whoever asked it."""
        if "send" not in vars(connection):  # It may be one that somebody else made meanwhile.
            connection.send = functools.partial(self._asked, node, connection, connection.send)

    def _asked(
        self, node: Any, connection: Any, ask: Callable[..., Awaitable[Any]], *arguments: Any,
        **options: Any,
    ) -> Awaitable[Any]:
        # It is sent now, as its caller expects; only the answer is waited for later.
        return self._answered(node, connection, ask(*arguments, **options))

    async def _answered(self, node: Any, connection: Any, answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except TimeoutError:
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
            self._pass_over(node)
            raise

    async def _sent(self, node: Any, request: Any, **options: Any) -> Any:
        try:
            return await self._send(node, request, **options)
        except (RequestTimedOutError, NodeNotReadyError):
            self._client.force_metadata_update()
            raise

    def _pass_over(self, node: Any) -> None:
        if node not in self._tries:
            self._tries[node] = asyncio.create_task(self._try(node))

    async def _try(self, node: Any) -> None:
        """Try a broker until it takes a connection."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._answer_seconds):
                    found = await self._connect(node)
                    if found is not None:
                        self._listen(node, found)
                        break
            await asyncio.sleep(PAUSE_SECONDS)
        del self._tries[node]

    async def _closed(self) -> None:
        """Close the client; who is silent is tried no more."""
        tries = [*self._tries.values()]
        for each in tries:
            each.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
        await self._close()
