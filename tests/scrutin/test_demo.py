"""The whole demo on real parts: Kafka, Faust, ClickHouse's engine, a campaign of 584,664 votes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from deploy.local.status import read_status
from scrutin.demo.play import PUBLISHED


DEMO_SECONDS = 400
"""Bound of one run; on two quiet cores it takes a minute."""


def run_demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `scrutin demo --exit` in a data folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scrutin", "demo", "--exit", *arguments],
        env={**os.environ, "SCRUTIN_DATA_DIR": str(folder)}, capture_output=True, text=True,
        timeout=DEMO_SECONDS, check=False)


def test_the_campaign_ends_with_every_published_figure(tmp_path: Path) -> None:
    """`scrutin demo --exit` ends by itself with status 0, all checks hold, nothing is left."""
    demo = run_demo(tmp_path)

    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "DIFFERENT" not in demo.stdout
    assert "OK: all" in demo.stdout
    assert "lag" in demo.stderr
    assert read_status(tmp_path / "demo").supervisor_pid is None


def test_another_seed_holds_and_a_changed_published_figure_fails(tmp_path: Path) -> None:
    """Under another seed only the figure that was changed in the published file differs."""
    published = json.loads(PUBLISHED.read_text("utf-8"))
    published["themes"][1]["ideas"][2]["like_it"] += 1
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(published), "utf-8")

    demo = run_demo(tmp_path / "data", "--seed", "7", "--published", str(changed))

    assert demo.returncode == 1, demo.stdout + demo.stderr
    assert demo.stdout.count("DIFFERENT") == 1
    assert "FAILED: 1 of" in demo.stdout
