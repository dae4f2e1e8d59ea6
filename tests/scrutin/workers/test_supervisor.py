"""Several processes at one port: who ends is started again, sums go on, all end in order."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from schemas import figures
from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED
from schemas.figures import Reading, read
from scrutin.workers.place import LINE_BYTES_MOST, Place
from scrutin.workers.restarts import GivenUp
from scrutin.workers.supervisor import Supervisor
from tests.harness import ROOT
from tests.waiting import WAIT_SECONDS, until, until_found
from views.ports import AddressTaken, bound, held, listen


WORKERS = 2
PAGES = ("pages", "200")


@pytest.fixture
def port() -> Iterator[int]:
    """Hold a port as a supervisor does."""
    with held("127.0.0.1", 0) as found:
        yield found


def supervisor(port: int, **bounds: float) -> Supervisor:
    """Make one of workers that say who they are."""
    program = str(ROOT / "tests/scrutin/workers/some_worker.py")
    return Supervisor([sys.executable, program, str(port)],
                      {**os.environ, "PYTHONPATH": str(ROOT)}, WORKERS, WAIT_SECONDS, **bounds)


@dataclass
class Visitor:
    """Who asks at the port, over a new connection each time."""

    url: str

    async def asks(self, path: str = "/") -> str:
        """Return an answer; empty where none came."""
        async with httpx2.AsyncClient(timeout=WAIT_SECONDS) as client:
            try:
                answer = await client.get(self.url + path)
            except httpx2.TransportError:
                return ""
            return answer.text if answer.status_code == 200 else ""

    async def meets(self) -> dict[str, int]:
        """Ask until all workers have answered; return their numbers and processes."""
        found: dict[str, int] = {}

        async def all_met() -> bool:
            number, _, pid = (await self.asks()).partition(" ")
            if pid:
                found[number] = int(pid)
            return len(found) == WORKERS

        await until_found(all_met)
        return found

    async def reads(self) -> Reading:
        """Read the figures of all, whoever gives them."""
        while not (said := await self.asks("/metrics")):
            await asyncio.sleep(0)
        return read(said)

    async def says(self, name: str, value: float) -> bool:
        """Whether a figure of all is so much."""
        return (await self.reads()).one(name) == value


@asynccontextmanager
async def running(found: Supervisor) -> AsyncIterator[asyncio.Task[None]]:
    """Run a supervisor and end it in order."""
    async with asyncio.timeout(5 * WAIT_SECONDS):
        task = asyncio.create_task(found.run())
        try:
            yield task
        finally:
            found.stop()
            await asyncio.wait([task])


async def test_whoever_is_killed_is_started_again_and_the_sums_go_on(port: int) -> None:
    """All answer at one port; what was counted by all of them stays counted, and grows.

    No other process may listen there; once they were told to stop any may.
    """
    visitor = Visitor(f"http://127.0.0.1:{port}")
    async with running(supervisor(port)) as task:
        before = await visitor.meets()
        first = await visitor.reads()
        os.kill(before["1"], signal.SIGKILL)
        await until_found(lambda: visitor.says(figures.WORKER_RESTARTS.name, 1))
        await until_found(lambda: visitor.says(figures.WORKERS.name, WORKERS))
        after = await visitor.meets()
        second = await visitor.reads()
        with pytest.raises(AddressTaken):
            bound("127.0.0.1", port)
    listen("127.0.0.1", port).close()

    assert (before["2"], before.keys()) == (after["2"], after.keys())
    assert before["1"] != after["1"]
    counted = [each.labelled(figures.GATEWAY_ANSWERS)[PAGES] for each in (first, second)]
    assert counted[0] >= WORKERS
    assert counted[1] >= counted[0] + WORKERS
    assert task.exception() is None


def test_a_port_is_held_for_workers_once_from_the_first_moment_on() -> None:
    """Nobody listens yet, so binding alone refuses no second one: their workers would share it."""
    with held("127.0.0.1", 0) as port:
        with pytest.raises(AddressTaken, match="in use"), held("127.0.0.1", port):
            pass
        with held("127.0.0.2", port), bound("127.0.0.1", port, shared=True) as worker:
            worker.listen()
    with held("127.0.0.1", port) as again:
        assert again == port


@pytest.mark.parametrize(("first", "second"), [
    ("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "::")])
def test_a_port_is_held_at_no_two_addresses_of_which_one_reaches_into_the_other(
    first: str, second: str
) -> None:
    """Else workers of both would answer at the narrower one, each for a part of the requests."""
    with (held(first, 0) as port, pytest.raises(AddressTaken, match="in use"),
          held(second, port)):
        pass
    with held(second, port) as again:
        assert again == port


async def test_a_worker_that_stands_still_is_killed_and_started_again(port: int) -> None:
    """Its port takes connections that nobody answers: only the supervisor can see it."""
    visitor = Visitor(f"http://127.0.0.1:{port}")
    async with running(supervisor(port, ask_seconds=0.1, silent_seconds=2.0)):
        await visitor.meets()
        # Answered by nobody: the connection ends when the frozen process is killed.
        answer = await visitor.asks("/freeze")
        await until_found(lambda: visitor.says(figures.WORKER_RESTARTS.name, 1))
        await visitor.meets()

    assert answer == ""


async def test_workers_that_say_what_is_missing_are_given_up_at_once() -> None:
    """With their status, as a process alone ends with it; nobody is left."""
    program = f"import sys; sys.exit({EXIT_MISSING})"
    with pytest.raises(GivenUp, match="first start") as given_up:
        async with asyncio.timeout(WAIT_SECONDS):
            await Supervisor([sys.executable, "-c", program], os.environ, WORKERS, 0.0).run()

    assert given_up.value.status == EXIT_MISSING


LASTING = """
import signal, sys, threading
from pathlib import Path
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
Path(sys.argv[1]).touch()
told.wait()
threading.Event().wait(float(sys.argv[2]))
"""
"""A worker that is begun where a file is, and takes so many seconds to end once it is told to."""


async def _told_to_stop(begun: Path, *, lasting: float, patience: float) -> None:
    command = [sys.executable, "-c", LASTING, str(begun), str(lasting)]
    async with running(Supervisor(command, os.environ, 1, patience)) as task:
        await until(begun.exists)
    await task


async def test_a_worker_that_is_told_to_stop_has_its_time(tmp_path: Path) -> None:
    """Who ends within it has ended in order."""
    await _told_to_stop(tmp_path / "begun", lasting=0.5, patience=WAIT_SECONDS)


async def test_a_worker_that_takes_longer_to_end_is_killed(tmp_path: Path) -> None:
    """The supervisor says so, and with which status it is started again."""
    with pytest.raises(GivenUp, match="did not end in order") as given_up:
        await _told_to_stop(tmp_path / "begun", lasting=WAIT_SECONDS, patience=0.1)

    assert given_up.value.status == EXIT_STOPPED


async def test_who_is_told_again_and_again_to_stop_has_ended_in_order(tmp_path: Path) -> None:
    """Signals come while workers end: none of them takes away with which status one did."""
    many = 16
    program = ("import signal, sys, tempfile\n"
               f"tempfile.mkstemp(dir={str(tmp_path)!r})\nsignal.pause()")
    found = Supervisor([sys.executable, "-c", program], os.environ, many, WAIT_SECONDS)
    async with running(found) as task:
        await until(lambda: len(list(tmp_path.iterdir())) == many)
        while not task.done():
            found.stop()
            await asyncio.sleep(0)
    await task


@asynccontextmanager
async def attended() -> AsyncIterator[tuple[Place, socket.socket]]:
    """Make a place, and the supervisor's end of its line."""
    ours, theirs = socket.socketpair()
    place = Place.read(f"1:{theirs.detach()}:0.0")
    with ours:
        attending = asyncio.create_task(place.attend())
        async with asyncio.timeout(WAIT_SECONDS):
            yield place, ours
        attending.cancel()
        await asyncio.wait([attending])
        await asyncio.sleep(0)  # What was closed is let go in the next round of the loop.


async def test_a_worker_whose_supervisor_is_gone_ends() -> None:
    """At once, also where it was not known yet how it ends."""
    async with attended() as (place, line):
        early, late = asyncio.Event(), asyncio.Event()
        place.ends(early.clear, early.set)
        line.close()
        await early.wait()
        place.ends(late.clear, late.set)
        assert late.is_set()

    assert await place.joined() is None


@pytest.mark.parametrize("heard", [b"", b'["drain"', b'["all", "scrutin_wor'])
async def test_who_is_killed_in_the_midst_of_a_line_has_said_nothing(heard: bytes) -> None:
    """It is gone as any other: half a line is no fault of who reads it, and nothing is done by it.
    """
    async with attended() as (place, line):
        drained, stopped = asyncio.Event(), asyncio.Event()
        place.ends(drained.set, stopped.set)
        await asyncio.to_thread(line.recv, LINE_BYTES_MOST)  # Else its end would be a reset.
        line.sendall(heard)
        line.close()
        await stopped.wait()

        assert not drained.is_set()


async def test_a_worker_that_is_told_to_stop_drains() -> None:
    """It is not ended at once, also where it was told before it knew how."""
    async with attended() as (place, line):
        drained, stopped = asyncio.Event(), asyncio.Event()
        place.ends(drained.set, stopped.set)
        line.sendall(b'["drain"]\n')
        await drained.wait()
        drained.clear()
        place.ends(drained.set, stopped.set)

        assert drained.is_set()
        assert not stopped.is_set()


async def test_a_program_that_cannot_be_started_is_given_up() -> None:
    """At the first start at once: what is missing does not come by itself."""
    with pytest.raises(GivenUp, match="first start") as given_up:
        async with asyncio.timeout(WAIT_SECONDS):
            await Supervisor(["/dev/null"], {}, WORKERS, 0.0).run()

    assert given_up.value.status == EXIT_MISSING
