"""The whole stack, started as an operator starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import LOOPBACK
from deploy.local.status import StackStatus, read_status, wait_for
from tests.deploy.local.children import has_ended, wait_until


# A start on a machine busy with other tests.
START_SECONDS = 240.0


def _scrutin(folder: Path, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "SCRUTIN_DATA_DIR": str(folder),
        "SCRUTIN_CACHE_DIR": str(cache),
    }
    return subprocess.run(
        [sys.executable, "-m", "scrutin", *arguments],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        env=environment,
        check=False,
    )


def _status(folder: Path, cache: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_scrutin(folder, cache, "status", "--json").stdout)
    return document


def _check_kept(starting: StackStatus) -> None:
    """Check that nobody is given the port of a process that does not run."""
    waiting = next(each for each in starting.processes if each["name"] == "notary")
    assert waiting["pid"] is None
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind((LOOPBACK, int(waiting["address"].rpartition(":")[2])))


def test_a_detached_stack_runs_on_resumes_and_leaves_nothing(
    tmp_path: Path, cache_folder: Path
) -> None:
    """It outlives its `up`, dies whole with its supervisor, comes up again and goes down."""
    try:
        with ThreadPoolExecutor(1) as starting:
            start = starting.submit(_scrutin, tmp_path, cache_folder, "up", "--detach")
            wait_for(lambda: bool(read_status(tmp_path).processes), START_SECONDS)
            _check_kept(read_status(tmp_path))
            first = start.result()
        assert first.returncode == 0, first.stderr
        status = _status(tmp_path, cache_folder)
        pids = [process["pid"] for process in status["processes"] if process["pid"]]
        with urllib.request.urlopen(f"{status['urls']['views']}/readyz") as answer:
            assert answer.status == 200

        os.kill(status["supervisor_pid"], signal.SIGKILL)
        wait_until(lambda: all(has_ended(pid) for pid in pids))
        again = _scrutin(tmp_path, cache_folder, "up", "--detach")
    finally:
        down = _scrutin(tmp_path, cache_folder, "down")

    assert (again.returncode, down.returncode) == (0, 0), again.stderr + down.stderr
    assert again.stdout == first.stdout
    assert _status(tmp_path, cache_folder)["state"] == "stopped"
