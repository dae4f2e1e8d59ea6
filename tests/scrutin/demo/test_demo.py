"""The whole demo on real parts: Kafka, Faust, ClickHouse's engine, a campaign of 584,664 votes."""

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx2

from deploy.local.status import read_status
from scrutin.demo.play import PUBLISHED
from tests.waiting import POLL_SECONDS


DEMO_SECONDS = 400
"""Bound of one run; on two quiet cores it takes a minute."""
ENDS = "until Ctrl-C"
"""The last line of what it says once people can vote."""
TRICKLE_SECONDS = 60.0
"""Bound for the next votes of the trickle; a few come every second."""


def run_demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `scrutin demo --exit` in a data folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scrutin", "demo", "--exit", *arguments],
        env={**os.environ, "SCRUTIN_DATA_DIR": str(folder)}, capture_output=True, text=True,
        timeout=DEMO_SECONDS, check=False)


def test_the_campaign_holds_and_then_people_vote_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """All checks hold; then pages are open, votes trickle in; Ctrl-C ends it, nothing is left."""
    with (tmp_path / "errors").open("w") as errors, subprocess.Popen(
        [sys.executable, "-m", "scrutin", "demo"], stdout=subprocess.PIPE, stderr=errors,
        env={**os.environ, "SCRUTIN_DATA_DIR": str(tmp_path)}, text=True) as demo:
        watchdog = threading.Timer(DEMO_SECONDS, demo.terminate)
        watchdog.start()
        try:
            assert demo.stdout is not None
            said = "".join(itertools.takewhile(lambda line: ENDS not in line, demo.stdout))
            addresses = {name: text.split()[0] for name, _, text in (
                line.partition(":") for line in said.splitlines()) if "http" in text}
            seen = asyncio.run(looked_at(addresses))
            demo.send_signal(signal.SIGINT)
            demo.wait(DEMO_SECONDS)
        finally:
            watchdog.cancel()
            demo.terminate()

    assert demo.returncode == 0, said + (tmp_path / "errors").read_text()
    assert ("DIFFERENT" in said, "OK: all" in said) == (False, True)
    counters = (tmp_path / "errors").read_text()
    archived, to_archive = re.findall(r"archive ([\d,]+)/([\d,]+)", counters)[-1]
    assert archived == to_archive, "it awaits every log that is archived, and counts no other"
    assert set(addresses) == {"The campaign", "Open now", "Vote yourself", "Operators"}
    assert all("<h1" in page for page in seen.values())
    assert read_status(tmp_path / "demo").supervisor_pid is None


async def looked_at(addresses: dict[str, str]) -> dict[str, str]:
    """Open every address, and wait until more votes came in; return the pages."""
    async with httpx2.AsyncClient(follow_redirects=True) as client:
        pages = {name: (await client.get(address)).text for name, address in addresses.items()}
        results = addresses["Open now"].replace("/c/", "/v1/consultations/") + "/results"

        async def received() -> int:
            return int((await client.get(results)).json()["totals"]["received"])

        before = await received()
        assert before > 0
        async with asyncio.timeout(TRICKLE_SECONDS):
            while await received() <= before:
                await asyncio.sleep(POLL_SECONDS)
    return pages


def test_another_seed_holds_and_a_changed_published_figure_fails(tmp_path: Path) -> None:
    """By another seed only the figure that was changed differs; it ends by itself."""
    published = json.loads(PUBLISHED.read_text("utf-8"))
    published["themes"][1]["ideas"][2]["like_it"] += 1
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(published), "utf-8")

    demo = run_demo(tmp_path / "data", "--seed", "7", "--published", str(changed))

    assert demo.returncode == 1, demo.stdout + demo.stderr
    assert demo.stdout.count("DIFFERENT") == 1
    assert "FAILED: 1 of" in demo.stdout
