"""What people type into a command's arguments ends it in a sentence, whatever they typed."""

import os
import subprocess
import sys
from pathlib import Path

from tests.harness import ROOT
from tests.waiting import WAIT_SECONDS


def test_no_argument_of_any_command_ends_it_with_a_trace_of_ours(tmp_path: Path) -> None:
    """Each of every command, hidden ones too, with words, numbers and places that are none."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/scrutin/every_argument.py")], cwd=tmp_path, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCRUTIN_DATA_DIR": str(tmp_path / "data")},
        capture_output=True, text=True, timeout=5 * WAIT_SECONDS)
    _, tried = done.stderr.split()

    assert done.stdout == ""
    assert int(tried) > 100


def test_a_place_that_no_supervisor_gave_is_a_wrong_argument(tmp_path: Path) -> None:
    """Nobody needs to know what it is to be told."""
    done = subprocess.run(
        [sys.executable, "-m", "scrutin", "gateway", "--place", "1:2:0.0"], check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCRUTIN_DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=WAIT_SECONDS)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Leave it out" in done.stderr
    assert "Traceback" not in done.stderr
