"""The campaign as a program: `make faults SEEDS=50`, or `python -m tests.faults --seeds 50`."""

import argparse
import asyncio
import datetime as dt
import importlib.metadata
import logging
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop

from deploy.local.kafka_jars import KAFKA_VERSION
from tests.faults import brokers_run
from tests.faults.report import Circumstances, line, page, summary
from tests.faults.run import run_seed, setup
from tests.production.brokers import NODES


PAGE = Path(__file__).parents[2] / "docs/faults.md"
CACHE_FOLDER = Path("~/.cache/scrutin")


def main() -> int:
    """Run the seeds asked for; 0 only if every one held."""
    asked = _asked()
    # Clients say at length that a broker is away, which it is on purpose.
    for name in ("aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asked.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="campaign-", dir=asked.folder)).resolve()
    if asked.brokers == NODES:
        return _of_brokers(asked, folder)
    reports = []
    with setup(folder, CACHE_FOLDER) as parts:
        for seed in range(asked.first, asked.first + asked.seeds):
            reports.append(run_seed(parts, seed))
            print(line(reports[-1]), flush=True)
    print(summary(reports))
    if asked.write_docs:
        PAGE.write_text(page(reports, _circumstances()), "utf-8")
    if any(report.violations for report in reports):
        print(f"What the failed seeds left, the broker's data included: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _of_brokers(asked: argparse.Namespace, folder: Path) -> int:
    """Run the seeds on a cluster of three brokers."""
    seeds = range(asked.first, asked.first + asked.seeds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held = runner.run(brokers_run.campaign(
            folder, CACHE_FOLDER, seeds, votes_per_second=asked.votes,
            session_seconds=asked.session))
    if not held:
        print(f"What the seeds left, the brokers' data included: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--folder", type=Path, default=Path(".scrutin/faults"),
                        help="where data of failed seeds is kept")
    parser.add_argument("--brokers", type=int, choices=(1, NODES), default=1,
                        help="how many brokers; on three, these alone are hit")
    parser.add_argument("--votes", type=int, default=brokers_run.VOTES_A_SECOND,
                        help="votes a second on three brokers")
    parser.add_argument("--session", type=float, default=brokers_run.SESSION_SECONDS,
                        help="session of three brokers, in seconds; Kafka's own is 9")
    parser.add_argument("--write-docs", action="store_true", help="write docs/faults.md")
    return parser.parse_args()


def _circumstances() -> Circumstances:
    packages = ("faust-streaming", "aiokafka", "chdb")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    return Circumstances(
        dt.datetime.now(dt.UTC).date().isoformat(),
        f"{os.cpu_count()} cores, Linux, Python {platform.python_version()}",
        ", ".join([f"Kafka {KAFKA_VERSION}", *versions]))


if __name__ == "__main__":
    sys.exit(main())
