"""Serve the views and keep them up to date: one process, one loop, until told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import structlog
import uvicorn
from starlette.types import ASGIApp

from views.api import Beside, application
from views.draining import Draining, Told
from views.live import Live
from views.operations.pages import Operations
from views.publications import Publications
from views.reader import ResultsReader
from views.seldom_waking import SeldomWaking
from views.transport import StrictTransport


SHUTDOWN_SECONDS = 5
"""Longest wait for answers under way after being told to stop."""


class Place(Protocol):
    """The place of a process beside others at its port."""

    def ends(self, drain: Callable[[], None], stop: Callable[[], None]) -> None:
        """Know how this process is told to stop, and how it is ended."""

    async def due(self, stopping: Callable[[], bool]) -> None:
        """Wait until it is its turn to take requests."""

    def takes(self) -> None:
        """Say that requests are taken."""

    async def leave(self) -> None:
        """Say what is to be said last."""


class Front(NamedTuple):
    """What stands between the network and the application."""

    protocol: type[asyncio.Protocol]
    """Speaks HTTP, within bounds of its own."""
    proxied: Callable[[ASGIApp], ASGIApp]
    """Believes proxies how a request came to them, and from where."""
    hsts_seconds: int
    """As `StrictTransport` has it."""
    told: Told
    """Whether it was told to stop."""
    works: Iterable[Coroutine[Any, Any, None]] = ()
    """What goes on beside: where one of it fails, serving ends."""
    drain_seconds: float = 0.0
    """As `Server` has it."""
    place: Place | None = None
    """Where it is one of several at its port."""


class Closing(Protocol):
    """Streams that are closed before the server stops: it would wait for them."""

    def close(self) -> None: ...


async def serve(
    reader: ResultsReader, opened: socket.socket, publications: Publications,
    operations: Operations, beside: Beside, *, on_ready: Callable[[], None],
    front: Front,
) -> None:
    """Serve until SIGTERM or SIGINT; raise what ended the reader, or work beside it.

    What uvicorn says goes where all libraries say it, for there repeats are left out: it has a line
    for each request that is none, and anybody could fill a disk with them.
    """
    live = Live(reader.flushes, publications.documents)
    beside = replace(beside, operations=operations)
    draining = Draining(StrictTransport(operations.meter.metered(
        application(reader, publications, live, beside)), front.hsts_seconds), front.told)
    server = Server((live, operations.streams), uvicorn.Config(
        front.proxied(draining),
        interface="asgi3", http=front.protocol, ws="none", log_level="warning",
        access_log=False, lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS, server_header=False,
        proxy_headers=False, log_config=None,
    ), draining, front.drain_seconds)
    tasks = [
        asyncio.create_task(reader.read()),
        asyncio.create_task(operations.collector.collect()),
        asyncio.create_task(_announce(reader, publications, on_ready)),
        *map(asyncio.create_task, front.works),
    ]
    for task in tasks:
        task.add_done_callback(lambda done: _stop_on_failure(server, done))
    try:
        await server.serve_at(opened, front.place)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


def _stop_on_failure(server: "Server", task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        server.stop()


async def _announce(
    reader: ResultsReader, publications: Publications, on_ready: Callable[[], None]
) -> None:
    await reader.ready.wait()
    on_ready()
    await publications.warm()


class Server(SeldomWaking):
    """A server that ends in order by SIGTERM and SIGINT, its streams first.

    It says that it is not ready, serves for `drain_seconds`, and then takes no more. Told a second
    time it takes no more at once. uvicorn would end the process by the signal, not by 0, and wait
    for whoever follows a stream.
    """

    def __init__(
        self, streams: Iterable[Closing], config: uvicorn.Config, draining: Draining,
        drain_seconds: float = 0.0,
    ) -> None:
        super().__init__(config)
        self._streams = tuple(streams)
        self._told = draining.told
        self._drain_seconds = drain_seconds
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.drain)

    async def serve_at(self, opened: socket.socket, place: Place | None) -> None:
        """Serve until told to stop; one of several from when it is its turn on."""
        if place is None:
            await self.serve(sockets=[opened])
            return
        place.ends(lambda: None if self._told.begun else self.drain(), self.stop)
        await place.due(lambda: self._told.begun)
        place.takes()
        await self.serve(sockets=[opened])
        await place.leave()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def drain(self) -> None:
        """Be ready no more, and stop once others had time to see it."""
        if self._told.begun or not self._drain_seconds:
            self.stop()
            return
        self._told.begun = True
        structlog.get_logger("process").info(
            "told to stop: not ready any more", drain_seconds=self._drain_seconds)
        asyncio.get_running_loop().call_later(self._drain_seconds, self.stop)

    def stop(self) -> None:
        """Take no more requests, end the streams, and end once the answers under way are sent."""
        self._told.begun = True
        self._told.ends()
        self.end()
        for streams in self._streams:
            streams.close()
