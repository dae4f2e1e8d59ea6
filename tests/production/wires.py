"""Wires between processes that can be cut: `python -m tests.production.wires`.

A small relay of TCP connections, as a process of its own. Cut, a wire is as a network that loses
every packet: nothing comes through in either direction, nothing is refused and nothing closed, and
new connections are never answered. Mended, what was under way comes late, as TCP sends it again.
Lines to stdin: `open NAME PORT UPSTREAM`, `cut NAME`, `mend NAME`; a line `done` answers each.
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


@dataclass
class _Wire:
    """The connections that go one way through, and whether any byte of them does."""

    upstream: int
    is_cut: bool = False
    ends: set["_End"] = field(default_factory=set)

    def set_cut(self, *, cut: bool) -> None:
        self.is_cut = cut
        for end in self.ends:
            end.turn()


class _End(asyncio.Protocol):
    """One of the two ends of a connection: what it reads the other one writes."""

    def __init__(self, wire: _Wire, other: "_End | None" = None) -> None:
        self.wire, self.other = wire, other
        self.transport: Any = None
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
        if self.wire.is_cut or other is None or other.transport is None or other.is_full:
            self.transport.pause_reading()
            return
        for data in self._early:
            other.transport.write(data)
        self._early.clear()
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        # A loop may hand over what it had read before it was told to pause.
        self._early.append(data)
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
        verb, name, *ports = line
        if verb == "open":
            listen, upstream = map(int, ports)
            wire = wires[name] = _Wire(upstream)
            await loop.create_server(functools.partial(_End, wire), LOOPBACK, listen)
        else:
            wires[name].set_cut(cut=verb == "cut")
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
