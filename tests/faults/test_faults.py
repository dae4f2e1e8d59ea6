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

    assert {(Kind.STOP, BROKER), *((Kind.KILL, name) for name in every),
            *((Kind.FULL, name) for name in every.difference(LEDGERS))} <= met
    assert any((Kind.FULL, name) in met for name in LEDGERS)
    assert {kind for kind, _ in met} == set(Kind) - {Kind.LEAVE}


def test_these_seeds_adopt_rules_and_have_wrong_clocks() -> None:
    """With the command killed and not, and not at all; clocks ahead, behind, and two apart."""
    plans = [schedule(seed) for seed in SEEDS]
    adoptions = [plan.adoption for plan in plans]
    ahead = [plan.clocks.gateway for plan in plans]

    assert {bool(adoption) for adoption in adoptions} == {True, False}
    assert any(adoption and adoption.killed_after_seconds for adoption in adoptions)
    assert min(ahead) < 0 < max(ahead)
    assert any(plan.clocks.second for plan in plans)
    assert any(plan.joins_late for plan in plans)
