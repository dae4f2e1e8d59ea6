"""One seed of faults on three brokers, as `make faults ARGS="--brokers 3"` runs twenty."""

from pathlib import Path

from tests.faults.brokers_plan import LATE
from tests.faults.brokers_run import SESSION_SECONDS, run_seed
from tests.production.brokers import three_brokers


SEED = 1
"""It kills, freezes and cuts off a broker each, and rolls all."""
VOTES_A_SECOND = 200


async def test_a_lost_broker_costs_no_vote_and_no_other_partition(
    tmp_path: Path, cache_folder: Path
) -> None:
    """None is lost or counts twice, others' partitions refuse nothing, and all recover.

    How late is the campaign's to judge, on a machine that does nothing else.
    """
    async with three_brokers(
            tmp_path / "cluster", cache_folder, wired=True,
            session_seconds=SESSION_SECONDS) as brokers:
        report = await run_seed(brokers, tmp_path, SEED, VOTES_A_SECOND)

    assert [each for each in report.violations if each.kind != LATE] == []
    assert len(report.silences) == len(report.faults)
