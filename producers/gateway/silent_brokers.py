"""A client does not wait for a broker that says nothing, while others can say who leads.

Theory of operation: a broker that is frozen or cut off keeps its connections and answers nothing.
aiokafka asks brokers in turn who leads, and waits for each, the silent one among them, first for
the connection, then for the answer; and while it connects nobody else can. So a partition whose new
leader was elected could wait three times ANSWER_SECONDS to hear of it. Here a broker that let a
request or a connection time out is passed over for PAUSE_SECONDS; then it is tried for a moment,
which doubles up to the whole wait: soon where the machine is quick, and in the end where it is not.
Meanwhile the others are asked, each tenth of a second.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from aiokafka.client import ConnectionGroup
from aiokafka.errors import NodeNotReadyError, RequestTimedOutError


PAUSE_SECONDS = 1.0
"""So long a broker is left alone after each wait in vain."""
FIRST_TRY_SECONDS = 0.5
"""Longest first try of a broker that was silent; each further one takes twice as long at most."""


@dataclass
class _Silence:
    """What is known of a broker that said nothing."""

    until: float
    """Until then it is not asked, by the loop's clock."""
    try_seconds: float = FIRST_TRY_SECONDS


class SilentBrokers:
    """The brokers that a client passes over."""

    def __init__(self, client: Any, answer_seconds: float) -> None:
        self._client, self._answer_seconds = client, answer_seconds
        self._silences: dict[int, _Silence] = {}
        self._connecting = asyncio.Lock()
        """Held while a connection is made, as the client has one: who waits for it is not silent.
        """
        self._connect, self._send = client._get_conn, client.send  # noqa: SLF001 -- no other door
        client._get_conn, client.send = self._connected, self._sent  # noqa: SLF001 -- as above

    async def _connected(
        self, node: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT, **options: Any
    ) -> Any:
        """Return a connection; None where there is none, or the broker is passed over."""
        there = self._client._conns.get((node, group))  # noqa: SLF001 -- as above
        if there is not None and there.connected():
            return there
        async with self._connecting:
            clock = asyncio.get_running_loop().time
            silence = self._silences.get(node)
            if silence is not None and clock() < silence.until:
                return None
            deadline = clock() + (silence.try_seconds if silence else self._answer_seconds)
            found = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    found = await self._connect(node, group=group, **options)
            if found is not None:
                self._silences.pop(node, None)
            elif clock() >= deadline:
                self._passed_over(node)
            return found

    async def _sent(self, node: Any, request: Any, **options: Any) -> Any:
        try:
            return await self._send(node, request, **options)
        except RequestTimedOutError:
            self._passed_over(node)
            self._client.force_metadata_update()
            raise
        except NodeNotReadyError:
            self._client.force_metadata_update()
            raise

    def _passed_over(self, node: Any) -> None:
        until = asyncio.get_running_loop().time() + PAUSE_SECONDS
        silence = self._silences.get(node)
        if silence is None:
            self._silences[node] = _Silence(until)
        else:
            silence.until = until
            silence.try_seconds = min(2 * silence.try_seconds, self._answer_seconds)
