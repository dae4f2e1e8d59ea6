"""A worker that says who it is and counts its answers: no more than a supervisor needs."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator

from schemas import figures
from schemas.figures import Sample
from scrutin.workers.place import Place
from views.ports import bound


class Worker:
    """Answers one request a connection."""

    def __init__(self, place: Place) -> None:
        self.place, self.answers = place, 0

    def says(self) -> Iterator[Sample]:
        yield Sample(figures.GATEWAY_ANSWERS, self.answers, ("pages", "200"))

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what is asked at an address."""
        _, path, _ = (await reader.readline()).split()
        while (await reader.readline()).strip():
            pass
        body = await self.at(path)
        writer.write(b"HTTP/1.1 %d .\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
            200 if body else 503, len(body or b""), body or b""))
        writer.close()
        await writer.wait_closed()

    async def at(self, path: bytes) -> bytes | None:
        """Return the figures of all, or who this is; stand still where that is asked for."""
        if path == b"/metrics":
            return await self.place.joined()
        if path == b"/freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        self.answers += 1
        return b"%d %d" % (self.place.worker, os.getpid())


async def main(port: int, place: Place) -> None:
    """Answer until told to stop."""
    worker, stopped = Worker(place), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    place.stands(worker.says, lambda: True)
    place.ends(stopped.set, stopped.set)
    attending = asyncio.create_task(place.attend())
    with bound("127.0.0.1", port, shared=True) as opened:
        await place.due(stopped.is_set)
        place.takes()
        async with await asyncio.start_server(worker.take, sock=opened) as server:
            await stopped.wait()
            server.close()
        await place.leave()
    attending.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Place.read(sys.argv[3])))
