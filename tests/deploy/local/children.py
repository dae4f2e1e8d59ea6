"""Tiny real programs for the supervisor's tests, and specifications that run them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from deploy.local.health import Ready, readiness
from deploy.local.process import ProcessSpecification
from deploy.local.status import wait_for


WAIT_SECONDS = 30.0

# Writes its pid to a file when it is ready, notes SIGTERM in a journal, then ends.
OBEDIENT = """
import os, signal, sys, threading
name, folder = sys.argv[1], sys.argv[2]
ended = threading.Event()
def end(*_):
    with open(f"{folder}/journal", "a") as journal:
        journal.write(f"{name}\\n")
    ended.set()
signal.signal(signal.SIGTERM, end)
with open(f"{folder}/{name}.new", "w") as file:
    file.write(str(os.getpid()))
os.replace(f"{folder}/{name}.new", f"{folder}/{name}.pid")
ended.wait()
"""

# Dies as soon as it was seen to be ready, and at once from then on: `ready_once` says so.
HOPELESS = """
import sys, threading
from pathlib import Path
print("the reason it gives", flush=True)
while not Path(sys.argv[2], "seen").exists():
    threading.Event().wait(0.01)
sys.exit(3)
"""

# Ignores SIGTERM.
STUBBORN = OBEDIENT.replace("SIGTERM, end", "SIGTERM, signal.SIG_IGN")

# Starts a child of its own and shows its pid.
PARENT = """
import subprocess, sys
from pathlib import Path
child = subprocess.Popen(["sleep", "600"])
Path(sys.argv[2], f"{sys.argv[1]}.pid").write_text(str(child.pid))
child.wait()
"""

# A whole supervisor in a process of its own, over the programs named on its command line.
SUPERVISE = """
import asyncio, sys
from pathlib import Path
from deploy.local.supervisor import Supervisor, hold
from tests.deploy.local.children import specify
folder = Path(sys.argv[1])
async def main():
    lock = hold(folder)
    processes = [specify(name, folder) for name in sys.argv[2:]]
    await Supervisor(folder, processes, urls={}, report=print).run()
    lock.release()
asyncio.run(main())
"""


def ready_once(folder: Path) -> Ready:
    """Say yes to the first question, and no to all others."""

    async def ready() -> bool:
        first = not (folder / "seen").exists()
        (folder / "seen").touch()
        return first

    return ready


def start_supervisor(folder: Path, *names: str) -> subprocess.Popen[bytes]:
    """Run a supervisor over tiny programs in a process of its own."""
    argv = [sys.executable, "-c", SUPERVISE, str(folder), *names]
    return subprocess.Popen(argv, cwd=Path(__file__).parents[3], stdout=subprocess.DEVNULL)


def specify(
    name: str, folder: Path, program: str = OBEDIENT, **options: Any
) -> ProcessSpecification:
    """Describe a tiny program that is ready when its file is there."""
    return ProcessSpecification(
        name=name,
        argv=[sys.executable, "-c", program, name, str(folder)],
        ready=file_exists(folder / f"{name}.pid"),
        **options,
    )


def file_exists(path: Path) -> Ready:
    return readiness(path.exists)


def has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or only its entry is left for its parent to collect."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another process brings about."""
    wait_for(condition, WAIT_SECONDS)
