"""Who gives up while a client of Kafka begins leaves no connection open.

Theory of operation: an aiokafka client asks for the brokers over a connection that it closes once
it has the answer, or a refusal. Who gives up before, as whoever has a bound for connecting does on
a busy broker, leaves it open, for the library has named it nowhere by then: a gateway would hold
one more after each attempt. So what a task opens while it begins is noted, and closed where that
fails.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import client as library


_connect: Callable[..., Awaitable[Any]] = library.create_conn
_opened: dict["asyncio.Task[Any] | None", list[Any]] = {}
"""By the task that begins, as long as it does."""


async def _noted(*arguments: Any, **options: Any) -> Any:
    connection = await _connect(*arguments, **options)
    _opened.get(asyncio.current_task(), []).append(connection)
    return connection


library.create_conn = _noted


def close_when_given_up(client: Any) -> None:
    """Have an AIOKafkaClient close what it opened where its beginning is given up."""
    begin: Callable[[], Awaitable[None]] = client.bootstrap

    async def bootstrap() -> None:
        task = asyncio.current_task()
        opened = _opened[task] = []
        try:
            await begin()
        except BaseException:
            for connection in opened:
                connection.close()
            raise
        finally:
            del _opened[task]

    client.bootstrap = bootstrap
