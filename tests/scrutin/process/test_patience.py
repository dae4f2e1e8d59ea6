"""Whoever kills one of our processes waits longer than it may take to end by itself.

Each who may kill stands here, and is held against the bounds that the process has of its own.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import HeldPorts
from deploy.local.services import BROKER_STOP_SECONDS, CLICKHOUSE_STOP_SECONDS
from scrutin.process.patience import SURPLUS_SECONDS, WORKER_SURPLUS_SECONDS, ending_seconds
from scrutin.settings import Settings
from scrutin.stack.plan import SERVERS, WORKERS, ExplicitPorts, compose
from scrutin.workers.supervisor import supervisor_of
from tests.deploy.test_chart import TEMPLATES
from tests.deploy.test_compose import OURS
from tests.deploy.test_compose_variants import WHOLE
from tests.harness import ROOT
from tests.shown import blocks


PAGE = "docs/operate.md"
OPERATE = " ".join((ROOT / PAGE).read_text("utf-8").split())
STEPS = "Two machines, step by step"


def test_who_stands_farther_out_waits_longer() -> None:
    """Else what is within would be killed with who would have ended it."""
    assert 0 < WORKER_SURPLUS_SECONDS < SURPLUS_SECONDS


@pytest.mark.parametrize("kind", SERVERS)
def test_a_supervisor_waits_for_what_its_workers_may_take(kind: str) -> None:
    """Whatever that is set to: acts under way are settled in that time."""
    settings = Settings(stop_seconds=200.0, drain_seconds=100.0)

    assert supervisor_of(kind, 1, 2, settings).patience_seconds == 300.0 + WORKER_SURPLUS_SECONDS


def test_the_local_stack_waits_for_what_its_processes_may_take(
    tmp_path: Path, cache_folder: Path
) -> None:
    """Workers end, servers drain first; Kafka and ClickHouse have bounds of their own."""
    settings = Settings(data_dir=tmp_path, cache_dir=cache_folder, stop_seconds=200.0,
                        drain_seconds=100.0)
    found = {each.name: each.stop_seconds
             for each in compose(settings, ExplicitPorts(), HeldPorts()).specifications}
    del found["provision"]  # It has nothing to settle.

    assert found == {
        "kafka": BROKER_STOP_SECONDS, "clickhouse": CLICKHOUSE_STOP_SECONDS,
        **dict.fromkeys(WORKERS, 200.0 + SURPLUS_SECONDS),
        **dict.fromkeys(SERVERS, 300.0 + SURPLUS_SECONDS)}


@pytest.mark.parametrize("chosen", WHOLE)
def test_containers_have_the_time_that_their_processes_may_take(chosen: tuple[str, ...]) -> None:
    """Compose kills after the service's time, not after what the settings say."""
    for name in OURS:
        service = WHOLE[chosen]["services"][name]
        told = {key: value for key, value in service["environment"].items()
                if key in {"SCRUTIN_STOP_SECONDS", "SCRUTIN_DRAIN_SECONDS"}}

        assert _seconds(service) >= _may_take(told, serves=name in SERVERS) + SURPLUS_SECONDS, name


def _seconds(service: dict[str, Any]) -> int:
    return int(service["stop_grace_period"].removesuffix("s"))


def _may_take(told: dict[str, str], *, serves: bool) -> float:
    given = {name.removeprefix("SCRUTIN_").lower(): value for name, value in told.items()}
    return ending_seconds(Settings.model_validate(given), serves=serves)


def test_pods_have_the_time_that_their_processes_may_take() -> None:
    """The chart adds up the same values, which it gives to the processes too."""
    [line] = re.findall(r"terminationGracePeriodSeconds: (.*)", TEMPLATES)

    assert line == (
        "{{ add (ternary .root.Values.drainSeconds 0 $serves | int) "
        f"(.root.Values.stopSeconds | int) {SURPLUS_SECONDS:.0f} }}}}")


def test_operators_are_told_so_much() -> None:
    """In words for whatever they use, and in seconds where the page has the settings."""
    [printed], [unit] = blocks(PAGE, STEPS, "ini"), blocks(PAGE, STEPS, "systemd")
    told = dict(line.split("=", 1) for line in printed.splitlines()
                if line.startswith(("SCRUTIN_STOP_SECONDS", "SCRUTIN_DRAIN_SECONDS")))
    least = _may_take(told, serves=True) + SURPLUS_SECONDS

    assert "SCRUTIN_DRAIN_SECONDS" in told
    assert f"with {least:.0f} s to end when it is told to" in OPERATE
    assert f"\nTimeoutStopSec={least:.0f}\n" in unit
    words = f"`SCRUTIN_DRAIN_SECONDS`, `SCRUTIN_STOP_SECONDS` and {SURPLUS_SECONDS:.0f} s more"
    assert f"give whoever kills it {words}" in OPERATE
    row = "| a supervisor of workers, told to stop | its workers to end | `SCRUTIN_DRAIN_SECONDS`,"
    assert f"{row} `SCRUTIN_STOP_SECONDS` and {WORKER_SURPLUS_SECONDS:.0f} s |" in OPERATE
