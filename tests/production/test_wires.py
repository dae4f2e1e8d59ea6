"""A wire that is cut lets nothing through and closes nothing; mended, nothing is missing."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from deploy.local.ports import LOOPBACK, find_free
from tests.production.wires import Wires, client_of


SILENCE_SECONDS = 0.2
"""So long nothing may come through: nobody can wait for what must never come."""


class Line(NamedTuple):
    """A connection through a wire to somebody who sends back what comes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hears(self, data: bytes) -> bool:
        """Whether just this comes back."""
        return await self.reader.readexactly(len(data)) == data

    async def is_silent(self) -> bool:
        """Whether nothing comes, and no end either."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


def request(client: str) -> bytes:
    """Write the head of a request of Kafka, as far as the client's name."""
    return struct.pack(f">ihhih{len(client)}s", 40, 3, 1, 7, len(client), client.encode())


class Place:
    """The two ends of a wire of the name `way`."""

    def __init__(self) -> None:
        self.near, self.far = find_free(2)
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, client: str) -> Line:
        """Connect through the wire, and say who it is."""
        line = Line(*await asyncio.open_connection(LOOPBACK, self.near))
        self._writers.append(line.writer)
        line.say(request(client))
        return line

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send back what comes to the far end."""
        self._writers.append(writer)
        while data := await reader.read(1_024):
            writer.write(data)

    async def close(self) -> None:
        """Close what was opened at either end."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(each.wait_closed() for each in self._writers))


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[Wires, Place]]:
    """Lay a wire."""
    place, wires = Place(), Wires()
    server = await asyncio.start_server(place.echo, LOOPBACK, place.far)
    try:
        wires.say("open", "way", place.near, place.far)
        yield wires, place
    finally:
        await place.close()
        wires.stop()
        server.close()


async def test_a_cut_wire_is_silent_in_both_directions_and_loses_nothing() -> None:
    """What was under way comes late, and whoever connected meanwhile is answered then."""
    async with wired() as (wires, place):
        line = await place.open("voter")
        assert await line.hears(request("voter"))
        wires.say("cut", "way")
        line.say(b"late")
        other = await place.open("newcomer")
        assert await line.is_silent()
        assert await other.is_silent()
        wires.say("mend", "way")
        assert await line.hears(b"late")
        assert await other.hears(request("newcomer"))


async def test_a_wire_is_cut_for_one_client_alone() -> None:
    """By the beginning of its name, on old connections and on new ones."""
    async with wired() as (wires, place):
        first = await place.open("broker-1-fetcher-0")
        assert await first.hears(request("broker-1-fetcher-0"))
        wires.say("cut", "way", "broker-1-")
        second = await place.open("broker-1-fetcher-1")
        other = await place.open("broker-2-fetcher-0")
        first.say(b"more")
        assert await other.hears(request("broker-2-fetcher-0"))
        assert await first.is_silent()
        assert await second.is_silent()
        wires.say("mend", "way", "broker-1-")
        assert await first.hears(b"more")
        assert await second.hears(request("broker-1-fetcher-1"))


def test_a_client_is_known_once_its_name_is_whole() -> None:
    """Pieces say nothing; a client may have no name."""
    whole = request("broker-1-fetcher-0")
    assert client_of(whole) == b"broker-1-fetcher-0"
    assert client_of(whole[:-1]) is client_of(whole[:13]) is None
    assert client_of(struct.pack(">ihhih", 10, 18, 0, 1, -1)) == b""
