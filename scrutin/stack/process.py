"""Run the local stack: in this process until it is told to stop, or in one of its own.

The demo and `scrutin up --detach` use the second; both leave a stack that `scrutin status` and
`scrutin down` find by its data folder.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local import child
from deploy.local.errors import ProcessFailedError
from deploy.local.ports import HeldPorts
from deploy.local.status import StackStatus, read_status
from deploy.local.supervisor import LOCK_FILE, LOG_FOLDER, Supervisor, hold
from deploy.machine.files import keep_private
from deploy.machine.locks import holder_pid
from deploy.machine.waiting import until
from scrutin.settings import Settings
from scrutin.stack.plan import ExplicitPorts, compose


# The first start on a machine downloads Kafka; later ones take a few seconds.
DETACHED_READY_SECONDS = 300.0
DETACHED_POLL_SECONDS = 0.1

# A detached supervisor is meant to outlive us: kept, so that Python does not call it forgotten.
_DETACHED: list[subprocess.Popen[bytes]] = []

Report = Callable[[str], None]


def run_here(
    settings: Settings,
    ports: ExplicitPorts,
    *,
    report: Report,
    on_running: Callable[[Mapping[str, str]], None],
) -> None:
    """Run the stack until SIGINT, SIGTERM or a fault; `on_running` gets the addresses.

    Raises the `MachineError` that kept it from starting or stopped it.
    """
    folder = settings.data_folder
    if closed := keep_private(folder):
        report(closed)
    lock = hold(folder)
    held = HeldPorts()
    try:
        report("preparing (the first time on a machine this downloads Kafka)")
        stack = compose(settings, ports, held)

        async def supervise() -> None:
            supervisor = Supervisor(folder, stack.specifications, urls=stack.urls, report=report)
            await supervisor.run(lambda: on_running(stack.urls))

        asyncio.run(supervise())
    finally:
        held.close()
        lock.release()


def start_detached(settings: Settings, ports: ExplicitPorts, *, report: Report) -> StackStatus:
    """Start the stack in a session of its own and wait until all of it is ready.

    Its progress is passed to `report`. Raises `FolderHeldError` if one is running already, and
    `ProcessFailedError` with the end of its log if it does not come up.
    """
    folder = settings.data_folder
    if holder_pid(folder / LOCK_FILE) is not None:
        hold(folder).release()  # Raises the error that names the holder.
    log_path = folder / LOG_FOLDER / "supervisor.log"
    keep_private(folder)
    log_path.parent.mkdir(exist_ok=True)
    child.rotate(log_path)
    process = _spawn(folder, log_path, ports)
    _DETACHED.append(process)
    try:
        return _wait_until_running(process, folder, log_path, report=report)
    except BaseException:
        process.send_signal(signal.SIGTERM)
        raise


def _spawn(folder: Path, log_path: Path, ports: ExplicitPorts) -> subprocess.Popen[bytes]:
    """Start `scrutin up` so that it outlives us: no death signal, a session of its own."""
    options = ["--kafka-port", str(ports.kafka), "--clickhouse-port", str(ports.clickhouse)]
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "scrutin", "up", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, "SCRUTIN_DATA_DIR": str(folder)},
            start_new_session=True,
        )


def _wait_until_running(
    process: subprocess.Popen[bytes], folder: Path, log_path: Path, *, report: Report
) -> StackStatus:
    reported, ended, status = 0, False, read_status(folder)

    def settled() -> bool:
        nonlocal reported, ended, status
        # Asked before the log is read: what it said last is then in what we read.
        ended = process.poll() is not None
        status = read_status(folder)
        reported = _report_new(log_path, reported, report)
        return ended or running()

    def running() -> bool:
        return status.supervisor_pid == process.pid and status.state == "running"

    until(settled, seconds=DETACHED_READY_SECONDS, poll_seconds=DETACHED_POLL_SECONDS)
    if running():
        return status
    what = "ended before it was ready" if ended else "was not ready in time"
    raise ProcessFailedError("The stack", what, log_path, child.tail(log_path))


def _report_new(log_path: Path, reported: int, report: Report) -> int:
    """Pass on the whole lines of the log that are new; return how far we are."""
    with log_path.open("rb") as log:
        log.seek(reported)
        news = log.read()
    whole = news[: news.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        report(line)
    return reported + len(whole)
