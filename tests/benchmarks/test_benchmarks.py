"""The benchmarks: every figure is promised by a group, and a small run gives what it promises."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import GROUPS
from benchmarks.figures import FIGURES


ROOT = Path(__file__).parents[2]


def test_every_figure_is_promised_by_exactly_one_group() -> None:
    """A figure in the list that no group measures, or a measured one not in it, is a mistake."""
    promised = [name for _, names in GROUPS.values() for name in names]

    assert sorted(FIGURES) == sorted(promised)


@pytest.mark.parametrize(("value", "verdict"), [
    (4.0, "reached"), (5.0, "reached"), (5.1, "MISSED")])
def test_a_goal_is_reached_or_missed_as_its_direction_says(value: float, verdict: str) -> None:
    """Lower or higher is better, and the goal itself reaches it; none without a goal."""
    runs = {"restart_seconds": [value], "ledger_against_raw_read": [value]}
    found = report.document(runs)

    assert {row[0]: row[-1] for row in report.rows(found)} == {
        "restart_seconds": verdict, "ledger_against_raw_read": ""}


def test_a_document_holds_the_median_of_its_runs() -> None:
    """Each figure has value, unit, goal, direction, what against, and every run."""
    [entry] = report.document({"restart_seconds": [3.0, 1.0, 2.0]}).values()

    assert entry == {
        "value": 2.0, "unit": "s", "goal": 5, "lower_is_better": True,
        "against": FIGURES["restart_seconds"].against, "runs": [3.0, 1.0, 2.0]}
    assert json.loads(json.dumps(entry)) == entry


def test_a_small_run_measures_what_its_groups_promise(cache_folder: Path) -> None:
    """A worker decides a few votes and recovers them; each promised figure is in the table."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "restart", "memory", "--votes", "3000", "--runs",
         "1"], capture_output=True, text=True, timeout=240, check=False, cwd=ROOT)
    promised = {name for group in ("restart", "memory") for name in GROUPS[group][1]}

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"\b\w+_\w+\b", done.stdout)) & set(FIGURES) == promised
    assert "missing" not in done.stdout
