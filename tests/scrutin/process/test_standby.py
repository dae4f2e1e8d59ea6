"""Work of which one process does it at a time: it is done in turns, and ends with each."""

import asyncio
from typing import Any

import pytest

from schemas.topics import Topics
from scrutin.process import standby
from scrutin.process.standby import Standby
from scrutin.process.worker import Begun
from scrutin.settings import Settings
from sinks.faults import ArchiveSuperseded, LogTruncated


class Turns:
    """Makes pieces of work, and knows what became of them."""

    def __init__(self) -> None:
        self.made: list[Piece] = []

    def begin(self) -> "Piece":
        """Make the work of a turn."""
        self.made.append(Piece())
        return self.made[-1]


class Piece:
    """Work of one turn: it goes on until it is stopped or fails."""

    def __init__(self) -> None:
        self.running = self.was_stopped = False
        self._ended = asyncio.Event()
        self._error: Exception | None = None

    async def run(self) -> None:
        """Go on until the end."""
        self.running = True
        try:
            await self._ended.wait()
        finally:
            self.running = False
        if self._error:
            raise self._error

    def stop(self) -> None:
        """End in order."""
        self.was_stopped = True
        self._ended.set()

    def fail(self, error: Exception) -> None:
        """End by an error."""
        self._error = error
        self._ended.set()

    def status(self) -> dict[str, Any]:
        """Say how it stands."""
        return {"ready": self.running}


class Stage:
    """A standby whose group says what the test says."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.standby = Standby(
            Begun(Settings(), "127.0.0.1:1", Topics("t", 1)), "archive", self.turns.begin)
        self.working = asyncio.create_task(self.standby._turns())

    async def told(self, generation: int, *, holds: bool) -> None:
        """Have the group agree on something, and everybody act on it."""
        self.standby.lease.assigned(generation, holds=holds)
        self.standby._told.set()
        await self.settled()

    async def settled(self) -> None:
        """Let every task go on as far as it can."""
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def now(self) -> tuple[bool, bool, bool]:
        """Whether it is ready, leads, and works."""
        said = self.standby.status()
        return said["ready"], said["leads"], self.turns.made[-1].running


async def test_work_is_done_while_the_lease_is_held() -> None:
    """Not before it is given, through a rebalance, and no more after it is lost."""
    stage = Stage()
    await stage.settled()
    seen = [stage.now]
    for generation, holds in ((1, False), (2, True), (3, True), (4, False), (5, True)):
        await stage.told(generation, holds=holds)
        seen.append(stage.now)
    stage.standby.stop()
    await stage.working

    nothing, waits, works = (False, False, False), (True, False, False), (True, True, True)
    assert seen == [nothing, waits, works, works, waits, works]
    assert [piece.was_stopped for piece in stage.turns.made] == [False, True, True]


async def test_a_turn_that_was_interrupted_begins_anew() -> None:
    """Somebody else may have worked between: nothing that was known before is gone by."""
    stage = Stage()
    await stage.told(2, holds=True)
    await stage.told(4, holds=True)
    stage.standby.stop()
    await stage.working

    assert len(stage.turns.made) == 3, "one to ask before the first turn, and one a turn"


async def test_who_was_superseded_while_it_was_frozen_stands_by() -> None:
    """Its successor is heard of first in ClickHouse, then in the group: no end of the process."""
    stage = Stage()
    await stage.told(2, holds=True)
    stage.turns.made[-1].fail(ArchiveSuperseded("another archive has started"))
    await stage.settled()
    await stage.told(4, holds=False)

    assert stage.now == (True, False, False)
    stage.standby.stop()
    await stage.working


@pytest.mark.parametrize(("error", "heard_seconds"), [
    (ArchiveSuperseded("another archive has started"), 0.0), (LogTruncated("shorter"), 60.0)])
async def test_what_ends_the_work_while_the_lease_is_held_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, error: Exception, heard_seconds: float
) -> None:
    """An archive that nobody leased has started; or the log is not what it was."""
    monkeypatch.setattr(standby, "HEAR_SECONDS", heard_seconds)
    stage = Stage()
    await stage.told(2, holds=True)
    stage.turns.made[-1].fail(error)

    with pytest.raises(type(error)):
        await stage.working
