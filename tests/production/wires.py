"""Wires between processes that can be cut: `python -m tests.production.wires`.

A small relay of TCP connections, as a process of its own. Cut, a wire is as a network that loses
every packet: nothing comes through in either direction, nothing is refused and nothing closed, and
new connections are never answered. Mended, what was under way comes late, as TCP sends it again.
A wire may be cut for those alone whose name, which each client of Kafka says in its first request,
begins so: a broker's own, as it fetches from another.
Lines to stdin: `open NAME PORT UPSTREAM`, `cut NAME [CLIENT]`, `mend NAME [CLIENT]`; a line `done`
answers each.
"""

import asyncio
import functools
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import uvloop

from deploy.local import child
from deploy.local.ports import LOOPBACK


ANSWER_SECONDS = 20.0
"""Longest wait for an answer of the process."""
NAME_AT = 14
"""Where a client's name begins in a request of Kafka; two bytes before stand its length."""


def client_of(request: bytes) -> bytes | None:
    """Return the name of a client from what it sent first; None where that is not there yet."""
    end = NAME_AT + max(int.from_bytes(request[NAME_AT - 2:NAME_AT], signed=True), 0)
    return request[NAME_AT:end] if len(request) >= max(end, NAME_AT) else None


@dataclass
class _Wire:
    """The connections that go one way through, and whether any byte of them does."""

    upstream: int
    cuts: set[bytes] = field(default_factory=set)
    """How names of clients begin for whom it is cut; nothing at all: for everybody."""
    ends: set["_End"] = field(default_factory=set)

    def set_cut(self, client: bytes, *, cut: bool) -> None:
        (self.cuts.add if cut else self.cuts.discard)(client)
        for end in self.ends:
            end.turn()

    def is_cut(self, client: bytes) -> bool:
        return client.startswith(tuple(self.cuts))


class _End(asyncio.Protocol):
    """One of the two ends of a connection: what it reads the other one writes."""

    def __init__(self, wire: _Wire, other: "_End | None" = None) -> None:
        self.wire, self.other = wire, other
        self.transport: Any = None
        self.client: bytes | None = other.client if other else None
        """Who asked for the connection; None as long as nobody has said it."""
        self.is_full = False
        """Whether it cannot take more at the moment."""
        self._early: list[bytes] = []
        """What came and goes no further yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.wire.ends.add(self)
        if self.other is None:
            self._connecting = asyncio.ensure_future(self._connect())
        else:
            self.other.turn()
        self.turn()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                self._answering, LOOPBACK, self.wire.upstream)
        except OSError:
            self.transport.abort()

    def _answering(self) -> "_End":
        self.other = _End(self.wire, self)
        return self.other

    def turn(self) -> None:
        """Read on, or no more."""
        if self.transport is None or self.transport.is_closing():
            return
        other = self.other
        if (self.wire.is_cut(self.client or b"") or other is None or other.transport is None
                or other.is_full):
            self.transport.pause_reading()
            return
        if self.client is not None:
            for data in self._early:
                other.transport.write(data)
            self._early.clear()
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        # A loop may hand over what it had read before it was told to pause.
        self._early.append(data)
        if self.client is None:
            self.client = client_of(b"".join(self._early))
            if self.other is not None:
                self.other.client = self.client
        self.turn()

    def pause_writing(self) -> None:
        self.is_full = True
        if self.other is not None:
            self.other.turn()

    def resume_writing(self) -> None:
        self.is_full = False
        if self.other is not None:
            self.other.turn()

    def connection_lost(self, _error: Exception | None) -> None:
        self.wire.ends.discard(self)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


async def main() -> None:
    """Do what lines say until there are no more."""
    wires: dict[str, _Wire] = {}
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().split():
        verb, name, *more = line
        if verb == "open":
            listen, upstream = map(int, more)
            wire = wires[name] = _Wire(upstream)
            await loop.create_server(functools.partial(_End, wire), LOOPBACK, listen)
        else:
            wires[name].set_cut("".join(more).encode(), cut=verb == "cut")
        print("done", flush=True)


class Wires:
    """The process, as who starts it sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.production.wires"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def say(self, *words: object) -> None:
        """Tell it, and wait until it has done so."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"done\n", "the wires have ended"

    def stop(self) -> None:
        child.stop(self._process, ANSWER_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
