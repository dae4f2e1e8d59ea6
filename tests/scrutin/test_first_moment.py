"""Whoever is told to stop before it has loaded ends, also as the first process of a container."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.machine.waiting import until
from schemas.exit_codes import EXIT_INTERRUPTED, EXIT_TERMINATED
from scrutin.first_moment import SERVICES
from scrutin.main import PROCESSES
from tests.harness import ROOT
from tests.waiting import WAIT_SECONDS


DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
[_ENTRY] = re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)
*HELD_BACK, PROGRAM = json.loads(_ENTRY)
"""What the image runs before the program, and the program."""
_SPACE = ["unshare", "--pid", "--fork", "--kill-child",
          *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
_IS_ALLOWED = subprocess.run([*_SPACE, "true"], capture_output=True, check=False).returncode == 0
FIRST = _SPACE if _IS_ALLOWED else ["bash", "-c", '"$@"; exit $?', "bash"]
"""Makes a program the first process of a space of its own, as a container does. Where nobody may
(within a container, mostly), it is only a child: what the kernel drops there it does not drop here,
but that signals are held back, and what they do later, is seen all the same."""
LOADED = """
import sys, scrutin.__main__
print([each for each in ('typer', 'pydantic', 'asyncio') if each in sys.modules])
"""
NOBODY = "127.0.0.1:1"


@contextmanager
def first_process(command: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a command as the image does; give who waits for it, and its number among ours."""
    program = [*FIRST, *HELD_BACK, sys.executable, "-m", PROGRAM, command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCRUTIN_KAFKA": NOBODY,
                   "SCRUTIN_DATA_DIR": str(folder)}
    with subprocess.Popen(program, env=environment, stderr=subprocess.PIPE) as waiting:
        children = Path(f"/proc/{waiting.pid}/task/{waiting.pid}/children")
        assert until(lambda: _has_begun(children), seconds=WAIT_SECONDS, poll_seconds=0.0)
        try:
            yield waiting, int(children.read_text())
        finally:
            waiting.kill()


def _has_begun(children: Path) -> bool:
    """Whether the child is the image's program, and no copy of who starts it any more."""
    return any(Path(f"/proc/{child}/exe").readlink().name != FIRST[0]
               for child in children.read_text().split())


def _holds_back(process: int, number: signal.Signals) -> bool:
    """Whether signals wait until a process asks for them; it asks for none before."""
    [blocked] = re.findall(
        r"SigBlk:\t(\w+)", Path(f"/proc/{process}/status").read_text("utf-8"))
    return bool(int(blocked, 16) >> (number - 1) & 1)


@pytest.mark.parametrize(("command", "number", "status"), [
    ("gateway", signal.SIGTERM, 0), ("ledger", signal.SIGINT, 0),
    ("provision", signal.SIGTERM, EXIT_TERMINATED), ("provision", signal.SIGINT, EXIT_INTERRUPTED)])
def test_a_containers_first_process_ends_by_a_signal_from_its_first_moment_on(
    tmp_path: Path, command: str, number: signal.Signals, status: int
) -> None:
    """The kernel drops what a first process does not ask for, and Python takes seconds to ask."""
    with first_process(command, tmp_path) as (waiting, process):
        assert until(lambda: _holds_back(process, number), seconds=WAIT_SECONDS, poll_seconds=0.0)
        os.kill(process, number)
        said = waiting.communicate(timeout=WAIT_SECONDS)[1]

    assert (waiting.returncode, said) == (status, b"")


@pytest.mark.parametrize("command", sorted(SERVICES))
def test_a_service_that_cannot_begin_yet_ends_in_order(command: str, tmp_path: Path) -> None:
    """It waits for an answer, and has nothing to end: it is done."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(WAIT_SECONDS)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        waiting = subprocess.Popen(
            [sys.executable, "-m", "scrutin", command], stderr=subprocess.PIPE, env={
                **os.environ, "PYTHONPATH": str(ROOT), "SCRUTIN_KAFKA": address,
                "SCRUTIN_CLICKHOUSE_URL": f"http://{address}",
                "SCRUTIN_DATA_DIR": str(tmp_path), f"SCRUTIN_{command.upper()}_PORT": "0"})
        try:
            asked, _ = silent.accept()
            waiting.send_signal(signal.SIGTERM)

            with asked:
                said = waiting.communicate(timeout=WAIT_SECONDS)[1]
        finally:
            waiting.kill()
    assert (waiting.returncode, b"Traceback" in said) == (0, False), said


def test_services_are_what_runs_until_it_is_told_to_stop() -> None:
    """The first moment knows no list of commands: it loads nothing."""
    assert PROCESSES - {"provision"} == SERVICES


def test_the_program_listens_before_it_loads() -> None:
    """The command and `python -m scrutin` begin alike, with what is light."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)

    assert scripts == {PROGRAM: "scrutin.__main__:main"}
    assert loaded.stdout == "[]\n"
