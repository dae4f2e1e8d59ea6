"""A process whose loop stands still ends itself, of every kind; one that was frozen does not."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.services import Broker
from processors.workers.provisioning import provision
from schemas.exit_codes import EXIT_STOPPED
from scrutin.main import PROCESSES
from scrutin.process.health import LIVE_SECONDS
from scrutin.process.pulse import BEAT_SECONDS, LOOK_SECONDS, STILL_LOOKS, Pulse, Stillness, beating
from tests.harness import ROOT, Stack, Worker, stack_on
from tests.scrutin.process import standing
from tests.scrutin.process.unheard import end_of
from tests.waiting import WAIT_SECONDS, until


@given(st.lists(st.integers(0, 3), max_size=400))
def test_only_looks_in_a_row_without_a_beat_are_standing_still(steps: list[int]) -> None:
    """However long a look takes, frozen or asleep: one is one, and each beat begins anew."""
    stillness, beats, row = Stillness(), 0, 0
    for step in steps:
        beats += step
        row = row + 1 if step == 0 else 0

        assert stillness.look(beats) == (row >= STILL_LOOKS)


def test_the_bounds_follow_one_another() -> None:
    """A loop beats several times before anybody minds; who asks from outside minds first."""
    assert 10 * BEAT_SECONDS <= LIVE_SECONDS < STILL_LOOKS * LOOK_SECONDS <= 60.0


async def test_the_watch_ends_with_the_beating() -> None:
    """Who stopped in order has no thread left that would end the process."""
    def watching() -> bool:
        return any(each.name == "pulse" for each in threading.enumerate())

    async with beating(Pulse()):
        await until(watching)
    await until(lambda: not watching())


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Name topics of one partition."""
    with stack_on(broker, topic_prefix, 1, tmp_path) as found:
        yield found


async def test_every_process_ends_where_its_loop_stands_still(stack: Stack) -> None:
    """With a status that has it started again, where it stood, and the reason as its last line.

    A supervisor of several gateways is one more; its workers end with it.
    """
    await provision(stack.kafka, stack.topics, replication=1)
    kinds = sorted(PROCESSES - {"provision"})
    workers = [_standing(stack, kind, kind) for kind in kinds]
    workers.append(_standing(stack, "gateway", "several", SCRUTIN_GATEWAY_WORKERS="2"))
    statuses = await asyncio.gather(*(asyncio.to_thread(each.wait) for each in workers))

    assert statuses == [EXIT_STOPPED] * 8, [each.log() for each in workers]
    for each in workers:
        # A worker that the supervisor had started speaks on for a moment, into the same log.
        *_, stack_line, last = (line for line in each.log().splitlines()
                                if '"worker": "1"' not in line and '"worker": "2"' not in line)
        assert "stand_here" in stack_line, each.log()
        assert "the loop of this process has stood still for 1 s" in last


def _standing(stack: Stack, kind: str, instance: str, **settings: str) -> Worker:
    worker = stack.worker(kind, instance, **{
        "SCRUTIN_LOG_FORMAT": "json", f"SCRUTIN_{kind.upper()}_PORT": str(stack.ports.find()),
        "SCRUTIN_CLICKHOUSE_URL": "http://127.0.0.1:1", **settings})
    worker.program = [sys.executable, str(Path(standing.__file__)), kind]
    worker.start()
    return worker


BEATING = """
import asyncio, signal, sys, threading
from scrutin.process import pulse
pulse.STILL_LOOKS, pulse.LOOK_SECONDS, pulse.BEAT_SECONDS = 20, 0.05, 0.05
# The watch looks before the loop beats:
signal.signal(signal.SIGCONT, lambda *_: threading.Event().wait(0.3))
async def main():
    async with pulse.beating(pulse.Pulse()):
        await asyncio.sleep(5 * pulse.BEAT_SECONDS)
        while True:
            print("round", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""


async def test_a_frozen_process_is_not_taken_for_one_that_stands_still() -> None:
    """It was away for longer than its loop may stand, by every clock: and goes on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEATING, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            assert await process.stdout.readline() == b"round\n"
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(1.5)
            process.send_signal(signal.SIGCONT)
            for _ in range(2):
                process.stdin.write(b"\n")
                assert await process.stdout.readline() == b"round\n"
    finally:
        process.kill()
        await process.wait()


STUCK = """
import asyncio, os
from scrutin.process import log, pulse
from scrutin.settings import Settings
log.configure(Settings())
pulse.STILL_LOOKS, pulse.LOOK_SECONDS, pulse.SAY_SECONDS = 20, 0.05, 0.2
async def main():
    async with pulse.beating(pulse.Pulse()):
        await asyncio.sleep(0)
        while True:
            os.write(2, bytes(65536))
asyncio.run(main())
"""


def test_a_process_whose_log_nobody_takes_ends_all_the_same() -> None:
    """Its loop stands in a write that does not return, and what it would say stands there too."""
    assert end_of(STUCK) == EXIT_STOPPED
