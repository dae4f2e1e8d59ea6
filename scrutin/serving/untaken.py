"""What clients do not take: bounded in bytes for all of them together, and in time for each.

Theory of operation: what is written to a connection lies in this process until its client takes
it. A server library holds the next part of an answer back, but not what it has been handed: five
megabytes of results for each client that asks for them and does not read. So connections with
anything untaken stand in a line, in the order in which they came to have it. Once a second those
that have taken everything leave it, and those that have taken nothing for UNTAKEN_SECONDS are cut.
Past UNTAKEN_BYTES whoever has stood longest is cut, until the rest fits: a client that reads is
soon gone from the line, one that takes a byte a second is not. A long body that many are sent is
one object, and counts once: a crowd that reads the same results over slow lines is no danger. That
holds on uvloop alone, on which gateways and views run: before Python 3.12 asyncio's own loop copies
what a client does not take, which made gigabytes of one document.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


UNTAKEN_BYTES = 128 << 20
"""Untaken by all clients together, at most: the largest results as they were at two dozen moments,
and the largest snapshot for each of the streams there may be."""
UNTAKEN_SECONDS = 30.0
"""A client that takes nothing for so long is cut; its browser asks anew."""
LOOK_SECONDS = 1.0
"""Between two looks at the line, while anybody stands in it."""


class Connection(Protocol):
    """What is written to: a transport of asyncio."""

    def get_write_buffer_size(self) -> int: ...

    def abort(self) -> None: ...


@dataclass(slots=True)
class _Standing:
    """A connection in the line."""

    moved_at: float
    """When it took something, or began to stand here."""
    size: int = 0
    """What it has not taken."""
    bodies: list[bytes] = field(default_factory=list)
    """The long bodies that it was handed meanwhile."""
    own: int = 0
    """What it takes beside them."""


class Untaken:
    """The line of connections of one process, and what they have not taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._line: OrderedDict[Connection, _Standing] = OrderedDict()
        self._bodies: dict[int, int] = {}
        """How many in the line were handed a body, by the body's identity."""
        self._bytes = 0
        self._looking: asyncio.TimerHandle | None = None

    @property
    def size_bytes(self) -> int:
        """Untaken by all, as far as known."""
        return self._bytes

    def written(self, connection: Connection, bodies: Sequence[bytes] = ()) -> None:
        """Note a connection that has not taken all, just after it was written to.

        `bodies` are the long ones among what it was handed.
        """
        standing = self._line.get(connection)
        if standing is None:
            standing = self._line[connection] = _Standing(self._loop.time())
        for body in bodies:
            standing.bodies.append(body)
            holders = self._bodies.get(id(body), 0)
            self._bodies[id(body)] = holders + 1
            self._bytes += 0 if holders else len(body)
        self._measure(connection, standing)
        if self._bytes > UNTAKEN_BYTES:
            self._make_room()
        if self._looking is None and self._line:
            self._looking = self._loop.call_later(LOOK_SECONDS, self._look)

    def gone(self, connection: Connection) -> None:
        """Forget a connection that has taken all, or is closed."""
        standing = self._line.pop(connection, None)
        if standing is None:
            return
        self._bytes -= standing.own
        for body in standing.bodies:
            self._bodies[id(body)] -= 1
            if not self._bodies[id(body)]:
                del self._bodies[id(body)]
                self._bytes -= len(body)

    def cut_first(self) -> bool:
        """Cut whoever has stood longest; false where nobody stands."""
        first = next(iter(self._line), None)
        if first is not None:
            self._cut(first)
        return first is not None

    def _measure(self, connection: Connection, standing: _Standing) -> None:
        size = connection.get_write_buffer_size()
        if not size:
            self.gone(connection)
            return
        if size < standing.size:
            standing.moved_at = self._loop.time()
        own = max(size - sum(map(len, standing.bodies)), 0)
        self._bytes += own - standing.own
        standing.size, standing.own = size, own

    def _look(self) -> None:
        """Let those go who have taken everything; cut those who take nothing."""
        now = self._loop.time()
        for connection, standing in list(self._line.items()):
            self._measure(connection, standing)
            if connection in self._line and now - standing.moved_at >= UNTAKEN_SECONDS:
                self._cut(connection)
        self._looking = self._loop.call_later(LOOK_SECONDS, self._look) if self._line else None

    def _make_room(self) -> None:
        """Cut whoever has stood longest; what was taken meanwhile is asked first."""
        for connection, standing in list(self._line.items()):
            self._measure(connection, standing)
        while self._bytes > UNTAKEN_BYTES and self._line:
            self._cut(next(iter(self._line)))

    def _cut(self, connection: Connection) -> None:
        self.gone(connection)
        connection.abort()
