"""Measure, print, and keep: `python -m benchmarks [GROUP ...]`, or `make bench`."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console

from benchmarks import (
    archive,
    booth,
    bundles,
    gateway,
    large,
    latency,
    ledger,
    live,
    pages,
    patrol,
    quiet,
    release,
    report,
    request_limits,
    soak,
    transparency,
)
from benchmarks.figures import FIGURES
from benchmarks.house import House, Unmeasurable
from benchmarks.report import Runs


VOTES = 1_000_000
GROUPS: dict[str, tuple[Callable[[House, int], Awaitable[dict[str, float]]], tuple[str, ...]]] = {
    "throughput": (ledger.throughput, (
        "ledger_votes_per_second", "ledger_cpu_microseconds_per_vote", "ledger_against_raw_read",
        "ledger_against_kafka_streams", "ledger_against_kafka_streams_warm",
        "ledger_against_plain_faust")),
    "streams": (ledger.streams, tuple(
        name for name in FIGURES if name.endswith(("streams_by_rules_2", "by_rules_2_warm")))),
    "restart": (ledger.restart, (
        "restart_seconds", "restart_without_snapshots_seconds",
        "recovery_decisions_per_second")),
    "memory": (ledger.memory, ("ledger_bytes_per_live_vote",)),
    "growth": (ledger.growth, ("ledger_cost_growth", *(
        name for name in FIGURES if name.startswith("ledger_cpu_microseconds_per_vote_at_")))),
    "latency": (latency.latencies, tuple(
        name for name in FIGURES if name.startswith(("decision_latency", "result_latency")))),
    "gateway": (gateway.gateway, tuple(
        name for name in FIGURES
        if name.startswith("gateway_") and not name.endswith("_against_0_1_0"))),
    "booth": (booth.booth, tuple(
        name for name in FIGURES
        if name.startswith("booth_") and not name.endswith("_against_0_1_0"))),
    "booth-release": (booth.against_release, (
        "booth_acts_against_0_1_0", "booth_cpu_against_0_1_0")),
    "door": (gateway.door, ("door_votes_against_open", "door_cpu_against_open")),
    "limits": (request_limits.counted, tuple(
        name for name in FIGURES if name.startswith("limits_"))),
    "release": (release.release, ("gateway_against_0_1_0", "gateway_cpu_against_0_1_0")),
    "ledger-release": (release.ledgers, ("ledger_against_0_1_0", "ledger_cpu_against_0_1_0")),
    "live": (live.live, tuple(name for name in FIGURES if name.startswith("live_"))),
    "archive": (archive.archived, ("archive_events_per_second",)),
    "soak": (soak.soaked, tuple(name for name in FIGURES if name.startswith("soak_"))),
    "pages": (pages.pages, ("results_page_kilobytes", "results_page_milliseconds",
                            "sequence_milliseconds")),
    "large": (large.large, tuple(
        name for name in FIGURES if name.endswith(("_at_20000", "_at_100000", "_proposals")))),
    "quiet": (quiet.quiet, tuple(name for name in FIGURES if name.startswith("idle_cpu_"))),
    "patrol": (patrol.patrolled, ("patrol_votes_per_second", "ledger_beside_the_patrol")),
    "transparency": (transparency.logged, ("leaves_per_second", "proof_milliseconds")),
    "verify": (bundles.verified, ("verify_events_per_second", "verify_peak_megabytes")),
    "verify7m": (bundles.verified_large, (
        "verify_events_per_second_at_7m", "verify_peak_megabytes_at_7m")),
    "demo": (archive.demo, (
        "demo_seconds", "recount_pure_seconds", "recount_sql_seconds",
        "replay_events_per_second")),
}
"""Measurements that are run together, and the figures each must give."""
OPTIONAL = ("growth", "soak", "verify7m")
"""Groups that run only when named: they take five or ten minutes, for the millions of votes."""


def main() -> int:
    """Run the groups asked for; return the exit status: 1 where a promised figure is missing."""
    wanted = _arguments()
    console, progress = Console(width=None if sys.stdout.isatty() else 120), Console(stderr=True)
    runs: Runs = {}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        house = House(Path(name))
        try:
            missing = asyncio.run(_measure(house, wanted, runs, progress))
        finally:
            house.close()
    found = report.document(runs)
    report.show(found, console)
    if set(wanted.groups) <= set(OPTIONAL) and wanted.votes == VOTES:
        found = report.written(found)
        if wanted.write_docs:
            report.write_page(found, missing)
    for line in missing:
        console.print(line)
    return 1 if missing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], metavar="GROUP",
                        help=f"what to measure, of {', '.join(GROUPS)}; without any, all but "
                        f"{' and '.join(OPTIONAL)}")
    parser.add_argument("--runs", type=int, default=3, help="how often; 3 unless told")
    parser.add_argument("--votes", type=int, default=VOTES, help="how many a run")
    parser.add_argument("--write-docs", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


async def _measure(
    house: House, wanted: argparse.Namespace, runs: Runs, progress: Console
) -> list[str]:
    """Run each group; return a line for each promised figure that was not measured, and why."""
    missing = []
    for group, (measure, names) in GROUPS.items():
        if group not in (wanted.groups or set(GROUPS) - set(OPTIONAL)):
            continue
        reason = "it was not measured"
        for run in range(1, wanted.runs + 1):
            progress.print(f"{group}, run {run} of {wanted.runs}")
            try:
                found = await measure(house, wanted.votes)
            except Unmeasurable as error:
                reason, found = str(error), error.found
            except Exception as error:  # noqa: BLE001 -- what was measured before is shown
                reason, found = f"{type(error).__name__}: {error}", {}
            for name, value in found.items():
                runs.setdefault(name, []).append(value)
        missing += [f"missing: {name}: {reason}" for name in names if name not in runs]
    return missing


if __name__ == "__main__":
    sys.exit(main())
