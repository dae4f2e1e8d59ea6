"""A stack starts in order, heals within a limit, and leaves nothing behind, however it ends."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local import process as process_module
from deploy.local import supervisor as supervisor_module
from deploy.local.errors import ProcessFailedError
from deploy.local.process import ProcessSpecification
from deploy.local.status import bring_down, read_status
from deploy.local.supervisor import Supervisor, hold
from deploy.machine.errors import FolderHeldError, MachineError
from tests.deploy.local.children import (
    HOPELESS,
    PARENT,
    STUBBORN,
    WAIT_SECONDS,
    file_exists,
    has_ended,
    ready_once,
    specify,
    start_supervisor,
    wait_until,
)


def _document(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "stack.json").read_text())
    return document


def _process(folder: Path, name: str) -> dict[str, Any]:
    return next(each for each in _document(folder)["processes"] if each["name"] == name)


async def _until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition)


@asynccontextmanager
async def _running(
    folder: Path,
    *specifications: ProcessSpecification,
    report: Callable[[str], None] = lambda _line: None,
) -> AsyncIterator[tuple[Supervisor, "asyncio.Task[None]"]]:
    """Run a supervisor until all its processes are up; end it afterwards."""
    up = asyncio.Event()
    supervisor = Supervisor(folder, specifications, urls={"a": "b"}, report=report)
    task = asyncio.create_task(supervisor.run(up.set))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await up.wait()
        yield supervisor, task
    finally:
        supervisor.request_stop()
        await asyncio.wait([task], timeout=WAIT_SECONDS)


async def test_processes_start_in_order_and_end_in_reverse(tmp_path: Path) -> None:
    """One starts when those before it are ready, and ends when those after it have ended."""
    names = ["broker", "ledger", "views"]
    lines: list[str] = []
    supervisor = Supervisor(
        tmp_path, [specify(name, tmp_path) for name in names], urls={}, report=lines.append
    )
    await asyncio.wait_for(supervisor.run(supervisor.request_stop), WAIT_SECONDS)

    assert [line.split()[0] for line in lines] == names
    assert (tmp_path / "journal").read_text().split() == names[::-1]
    assert _document(tmp_path)["state"] == "stopped"


async def test_a_step_is_done_before_the_next_process_starts(tmp_path: Path) -> None:
    """A one-shot that ends with 0 opens the way; the stack runs with it done."""
    step = ProcessSpecification(
        name="provision", argv=[sys.executable, "-c", "print('topics')"], once=True
    )
    async with _running(tmp_path, step, specify("ledger", tmp_path)):
        assert _process(tmp_path, "provision")["state"] == "done"
        assert _process(tmp_path, "ledger")["state"] == "running"

    assert (tmp_path / "logs" / "provision.log").read_text() == "topics\n"


async def test_a_step_that_fails_stops_the_stack_with_its_log(tmp_path: Path) -> None:
    """Nothing after a failed step is started, and its own words are shown."""
    step = ProcessSpecification(
        name="provision",
        argv=[sys.executable, "-c", "import sys; sys.exit('wrong topic settings')"],
        once=True,
    )
    supervisor = Supervisor(
        tmp_path, [step, specify("ledger", tmp_path)], urls={}, report=lambda _line: None
    )
    with pytest.raises(ProcessFailedError, match="wrong topic settings"):
        await asyncio.wait_for(supervisor.run(), WAIT_SECONDS)

    assert not (tmp_path / "ledger.pid").exists()
    document = _document(tmp_path)
    assert document["state"] == "failed"
    assert "wrong topic settings" in document["message"]
    assert document["processes"][0]["state"] == "failed"


async def test_processes_that_do_not_need_each_other_start_together(tmp_path: Path) -> None:
    """Each is ready only once the other runs: one after the other would wait for ever."""
    ready_with_other = [file_exists(tmp_path / f"{name}.pid") for name in ("views", "ledger")]
    specifications = [
        replace(specify("ledger", tmp_path, after=()), ready=ready_with_other[0]),
        replace(specify("views", tmp_path, after=()), ready=ready_with_other[1]),
    ]
    async with _running(tmp_path, *specifications):
        assert _process(tmp_path, "ledger")["state"] == "running"
        assert _process(tmp_path, "views")["state"] == "running"


async def test_what_died_waits_for_what_it_needs(tmp_path: Path) -> None:
    """While the broker is down, nothing that needs it is started in vain."""
    lines: list[str] = []
    names = ("broker", "ledger")
    specifications = [specify(name, tmp_path) for name in names]
    async with _running(tmp_path, *specifications, report=lines.append):
        for name in reversed(names):
            (tmp_path / f"{name}.pid").unlink()
            os.kill(_process(tmp_path, name)["pid"], signal.SIGKILL)
        await _until(lambda: _process(tmp_path, "ledger")["state"] == "running")
        await _until(lambda: len(lines) == 6)

    assert [line for line in lines if "ready" in line] == 2 * [f"{name} ready" for name in names]


async def test_while_all_are_up_a_death_alone_makes_it_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not look all the time, and yet a death is seen long before the next look is due."""
    monkeypatch.setattr(supervisor_module, "IDLE_LOOK_SECONDS", 10 * WAIT_SECONDS)
    looks, look = list[int](), Supervisor._look

    async def counted(supervisor: Supervisor) -> None:
        looks.append(1)
        await look(supervisor)

    monkeypatch.setattr(Supervisor, "_look", counted)
    async with _running(tmp_path, specify("ledger", tmp_path)):
        # The look after the one that found it up is the last.
        await asyncio.sleep(5 * supervisor_module.LOOK_SECONDS)
        found = len(looks)
        await asyncio.sleep(5 * supervisor_module.LOOK_SECONDS)
        unmoved = len(looks) == found
        os.kill(_process(tmp_path, "ledger")["pid"], signal.SIGKILL)
        await _until(lambda: _process(tmp_path, "ledger")["restarts"] == 1)

    assert unmoved


async def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    """SIGKILL of one process costs that process only, and is counted."""
    names = ("broker", "ledger")
    async with _running(tmp_path, *(specify(name, tmp_path) for name in names)):
        killed, other = _process(tmp_path, "broker")["pid"], _process(tmp_path, "ledger")["pid"]
        os.kill(killed, signal.SIGKILL)
        await _until(lambda: _process(tmp_path, "broker")["restarts"] == 1)
        await _until(lambda: _process(tmp_path, "broker")["state"] == "running")

        assert _process(tmp_path, "broker")["pid"] != killed
        assert _process(tmp_path, "ledger")["pid"] == other


@pytest.mark.parametrize("window_seconds", [60.0, 0.0])
async def test_what_dies_too_often_stops_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window_seconds: float
) -> None:
    """Past the limit of restarts, in a time or without being ready, naming process and log."""
    monkeypatch.setattr(process_module, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(process_module, "RESTART_WINDOW_SECONDS", window_seconds)
    hopeless = replace(specify("ledger", tmp_path, HOPELESS), ready=ready_once(tmp_path))
    specifications = [specify("broker", tmp_path), hopeless]
    supervisor = Supervisor(tmp_path, specifications, urls={}, report=lambda _line: None)

    with pytest.raises(MachineError) as caught:
        await asyncio.wait_for(supervisor.run(), WAIT_SECONDS)

    assert str(caught.value).startswith("ledger ended with status 3")
    assert "the reason it gives" in str(caught.value)
    assert (tmp_path / "journal").read_text() == "broker\n"


async def test_a_process_that_ignores_the_end_is_killed(tmp_path: Path) -> None:
    """After its bound a process goes by SIGKILL."""
    stubborn = specify("stubborn", tmp_path, STUBBORN, stop_seconds=0.2)
    async with _running(tmp_path, stubborn):
        pid = _process(tmp_path, "stubborn")["pid"]

    assert has_ended(pid)
    assert _process(tmp_path, "stubborn")["state"] == "stopped"


async def test_a_second_request_ends_at_once(tmp_path: Path) -> None:
    """Who presses Ctrl-C twice does not wait for anybody."""
    stubborn = specify("stubborn", tmp_path, STUBBORN, stop_seconds=600.0)
    async with _running(tmp_path, stubborn) as (supervisor, task):
        supervisor.request_stop()
        supervisor.request_stop()
        await asyncio.wait_for(task, WAIT_SECONDS)


async def test_a_killed_child_leaves_no_child_of_its_own(tmp_path: Path) -> None:
    """What a process started goes with it."""
    async with _running(tmp_path, specify("parent", tmp_path, PARENT)):
        grandchild = int((tmp_path / "parent.pid").read_text())
        os.kill(_process(tmp_path, "parent")["pid"], signal.SIGKILL)
        await _until(lambda: has_ended(grandchild))


async def test_a_fault_of_preparation_stops_the_stack(tmp_path: Path) -> None:
    """A port or disk that is not there is reported, and nothing is left running."""

    def refuse() -> None:
        raise MachineError("the disk is full")

    specifications = [specify("broker", tmp_path), specify("ledger", tmp_path, prepare=refuse)]
    supervisor = Supervisor(tmp_path, specifications, urls={}, report=lambda _line: None)
    with pytest.raises(MachineError, match="the disk is full"):
        await asyncio.wait_for(supervisor.run(), WAIT_SECONDS)

    assert (tmp_path / "journal").read_text() == "broker\n"


async def test_what_is_not_ready_in_time_stops_the_stack(tmp_path: Path) -> None:
    """A process that never becomes ready is not waited for without end."""
    silent = ProcessSpecification(
        name="silent",
        argv=["sleep", "600"],
        ready=specify("silent", tmp_path).ready,
        ready_seconds=0.3,
    )
    supervisor = Supervisor(tmp_path, [silent], urls={}, report=lambda _line: None)

    with pytest.raises(ProcessFailedError, match="silent was not ready after 0 s"):
        await asyncio.wait_for(supervisor.run(), WAIT_SECONDS)


def _pids(folder: Path) -> list[int]:
    return [each["pid"] for each in _document(folder)["processes"]]


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    """SIGKILL of the supervisor ends every process, and its folder is free again."""
    with start_supervisor(tmp_path, "broker", "ledger") as supervisor:
        wait_until(lambda: read_status(tmp_path).all_running)
        pids = _pids(tmp_path)
        supervisor.kill()
        supervisor.wait()

        wait_until(lambda: all(has_ended(pid) for pid in pids))
        status = read_status(tmp_path)
        assert (status.state, status.supervisor_pid) == ("stopped", None)
        assert [each["state"] for each in status.processes] == ["stopped", "stopped"]
        assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_stack_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, `kill` and a closed terminal all end it from the last process to the first."""
    with start_supervisor(tmp_path, "broker", "ledger") as supervisor:
        wait_until(lambda: read_status(tmp_path).all_running)
        supervisor.send_signal(number)

        assert supervisor.wait(WAIT_SECONDS) == 0
    assert (tmp_path / "journal").read_text().split() == ["ledger", "broker"]


def test_a_second_supervisor_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    """One folder, one stack; the second one learns whose it is."""
    with start_supervisor(tmp_path, "broker") as supervisor:
        wait_until(lambda: read_status(tmp_path).all_running)

        with pytest.raises(FolderHeldError, match="scrutin status") as caught:
            hold(tmp_path)
        assert caught.value.holder_pid == supervisor.pid

        assert bring_down(tmp_path) == supervisor.pid
        assert supervisor.wait(WAIT_SECONDS) == 0
    hold(tmp_path).release()
    assert bring_down(tmp_path) is None


def test_two_stacks_run_side_by_side(tmp_path: Path) -> None:
    """Ending one changes nothing for the other."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with start_supervisor(one, "broker"), start_supervisor(two, "broker"):
        wait_until(lambda: read_status(one).all_running and read_status(two).all_running)
        bring_down(one)

        assert read_status(one).state == "stopped"
        assert read_status(two).all_running
        bring_down(two)


async def test_who_ends_a_stack_knows_how_long_that_may_take(tmp_path: Path) -> None:
    """Its processes end one after the other, each with the time that it may take."""
    specifications = [replace(specify(name, tmp_path), stop_seconds=seconds)
                      for name, seconds in (("broker", 100.0), ("ledger", 200.0))]
    async with _running(tmp_path, *specifications):
        assert read_status(tmp_path).stop_seconds == 300.0


def test_a_folder_without_a_stack_says_so(tmp_path: Path) -> None:
    """Asking costs nothing and creates nothing."""
    assert read_status(tmp_path / "absent").state == "none"
    assert not (tmp_path / "absent").exists()
