"""Seeds of the campaign of faults: whatever is killed, frozen or away, the count is right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.report import line
from tests.faults.run import Setup, run_seed, setup
from tests.faults.schedule import BROKER, CLICKHOUSE, LEDGERS, WORKERS, Kind, schedule


SEEDS = (12181, 7355, 294, 19852)
"""A zombie, ideas replaced, every process killed, the broker with its group coordinator stopped
in order, too, a full disk of every process, clocks ahead, behind and apart, small faults and
adoptions of rules beside; chosen for their short load. `make faults` runs as many as asked, and
those who leave."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Setup]:
    """Run a broker and a ClickHouse for these seeds alone: they are killed."""
    with setup(tmp_path_factory.mktemp("faults"), cache_folder) as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_lose_nothing_and_count_nothing_twice(parts: Setup, seed: int) -> None:
    """Votes, decisions, results, recount and archive are as if nothing had happened."""
    report = run_seed(parts, seed)
    print(line(report))

    assert not report.violations, line(report)


def test_these_seeds_meet_what_they_are_chosen_for() -> None:
    """A change of schedules that takes faults out of the tests is noticed."""
    plans = [schedule(seed) for seed in SEEDS]
    met = {(fault.kind, fault.target) for plan in plans for fault in plan.faults}

    every = {*WORKERS, BROKER, CLICKHOUSE}
    assert {target for kind, target in met if kind is Kind.KILL} == every
    assert {target for kind, target in met if kind is Kind.FULL} | {*LEDGERS} == every
    assert (Kind.STOP, BROKER) in met
    assert {kind for kind, _ in met} == set(Kind) - {Kind.LEAVE}
    assert any((Kind.FULL, name) in met for name in LEDGERS)
    assert any(plan.clocks.gateway > 0 for plan in plans)
    assert any(plan.clocks.gateway < 0 for plan in plans)
    assert any(plan.clocks.second for plan in plans)
    assert any(plan.joins_late for plan in plans)
    assert {bool(plan.adoption) for plan in plans} == {True, False}
    assert any(plan.adoption and plan.adoption.killed_after_seconds for plan in plans)
