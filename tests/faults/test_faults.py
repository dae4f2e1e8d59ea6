"""Seeds of the campaign of faults: whatever is killed, frozen or away, the count is right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.report import line
from tests.faults.run import Setup, run_seed, setup


SEEDS = range(1, 6)
"""Five in a row meet every great fault; `make faults` runs as many as asked."""


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
