"""`scrutin restore` does one of two things, and says which where it is told neither or both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scrutin.main import application


@pytest.mark.parametrize("arguments", [
    [], ["p1"], ["--reason", "lawful"], ["p1", "--into", "x"],
    ["p1", "--reason", "lawful", "--into", "x"], ["p1", "--reason", "lawful", "--resume"],
    ["--into", "x", "--after-closing"], ["--into", "x", "--consultation", "town"],
    ["--accept-loss"]])
def test_neither_or_both_is_refused_with_what_to_give(arguments: list[str]) -> None:
    """Nothing is asked of Kafka or the archive before."""
    done = CliRunner().invoke(application("restore"), ["restore", *arguments])
    assert (done.exit_code, "either a PROPOSAL and --reason" in done.output) == (2, True)


def test_an_archive_that_is_away_is_said_in_one_line(tmp_path: Path) -> None:
    """Ours, with the status of what is missing: no word of the client's stands before it."""
    done = subprocess.run(
        [sys.executable, "-m", "scrutin", "restore", "--into", "again"], capture_output=True,
        text=True, check=False, env={
            **os.environ, "SCRUTIN_DATA_DIR": str(tmp_path), "SCRUTIN_KAFKA": "127.0.0.1:9",
            "SCRUTIN_CLICKHOUSE_URL": "http://somebody:hidden-word@127.0.0.1:1"})

    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert done.stderr.startswith("scrutin: ClickHouse did not answer")
    assert "hidden-word" not in done.stderr
