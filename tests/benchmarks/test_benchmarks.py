"""The benchmarks: every figure is promised by a group, and a small run gives what it promises."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import report, soak
from benchmarks.__main__ import GROUPS
from benchmarks.figures import FIGURES
from benchmarks.peers.plain_faust import vote_of
from schemas import codec
from schemas.registry import newest, versions


ROOT = Path(__file__).parents[2]


def test_every_figure_is_promised_by_exactly_one_group() -> None:
    """A figure in the list that no group measures, or a measured one not in it, is a mistake."""
    promised = [name for _, names in GROUPS.values() for name in names]

    assert sorted(FIGURES) == sorted(promised)


def test_a_peer_reads_votes_of_every_version() -> None:
    """What it left out it would decide at no cost at all."""
    for schema in versions("VoteCast"):
        value = codec.encode_as(
            schema, event_id=bytes(16), voter=b"v" * 16, salt=bytes(16), choice="neutral",
            trust="trusted", origin="web", consultation="town", proposal="p1", occurred_at=7)
        vote = vote_of(value)
        assert (vote["voter"], vote["choice"], vote["proposal"]) == (b"v" * 16, "neutral", "p1")
    assert vote_of(newest("VoteWithdrawn").header + bytes(60)) is None


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


def test_what_was_not_measured_this_time_stays_and_growth_is_drawn(tmp_path: Path) -> None:
    """Figures of rarer runs are kept beside newer ones; their chart marks each size."""
    file = tmp_path / "latest.json"
    report.written(report.document({"restart_seconds": [3.0], "demo_seconds": [50.0]}), file)
    latest = report.written(report.document({"restart_seconds": [4.0]}), file)
    drawn = ET.fromstring(report.chart({1: 5.0, 3: 5.1, 10: 5.2}))

    assert {name: entry["value"] for name, entry in latest.items()} == {
        "restart_seconds": 4.0, "demo_seconds": 50.0}
    assert json.loads(file.read_text("utf-8")) == latest
    assert [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")] == [
        "5.0 µs", "1 M", "5.1 µs", "3 M", "5.2 µs", "10 M"]


def test_the_slope_of_a_soak_is_that_of_its_settled_part() -> None:
    """Growth while caches fill is no leak; what comes after it is told a minute."""
    filling = [(minute / 10, 100.0 * minute) for minute in range(30)]
    leaking = [(minute / 10, 3_000 + 2 * minute / 10) for minute in range(30, 100)]

    assert soak.slope(filling + leaking) == pytest.approx(2)


def test_minds_that_change_hold_no_more_votes() -> None:
    """After the first round every vote replaces one: the population stays, the ids do not."""
    cast = list(itertools.islice(soak.minds_changing(), 2 * soak.POPULATION))

    assert len({value[5:21] for _, _, value in cast}) == len(cast)
    assert len({value[21:37] for _, _, value in cast}) == soak.POPULATION


def test_a_small_run_measures_what_its_groups_promise(cache_folder: Path) -> None:
    """A worker decides a few votes and recovers them; each promised figure is in the table."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "restart", "memory", "--votes", "3000", "--runs",
         "1"], capture_output=True, text=True, timeout=240, check=False, cwd=ROOT)
    promised = {name for group in ("restart", "memory") for name in GROUPS[group][1]}

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"\b\w+_\w+\b", done.stdout)) & set(FIGURES) == promised
    assert "missing" not in done.stdout
