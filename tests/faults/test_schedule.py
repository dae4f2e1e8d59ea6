"""A seed says which faults are injected, and five in a row meet every kind."""

from collections import Counter

from tests.faults.schedule import (
    BROKER,
    CLICKHOUSE,
    GREAT,
    OF_GATEWAYS,
    QUIET_SECONDS,
    SECOND_GATEWAY,
    WORKERS,
    WRONG_CLOCKS,
    Clocks,
    Fault,
    Kind,
    schedule,
)


SEEDS = range(200)


def test_a_seed_always_gives_the_same_schedule() -> None:
    """What a failing seed did can be done again; another seed does something else."""
    assert [schedule(seed) for seed in SEEDS] == [schedule(seed) for seed in SEEDS]
    assert len({schedule(seed).faults for seed in SEEDS}) == len(SEEDS)


def test_faults_of_one_target_do_not_overlap() -> None:
    """A process that is frozen, stopped or dead is not hit before it is back."""
    for seed in SEEDS:
        last: dict[str, Fault] = {}
        for fault in schedule(seed).faults:
            if fault.target in last:
                assert fault.at_seconds >= last[fault.target].end_seconds + QUIET_SECONDS
            last[fault.target] = fault


def test_the_load_outlives_every_fault() -> None:
    """Votes are written while each fault begins, lasts and ends."""
    for plan in map(schedule, SEEDS):
        assert all(fault.at_seconds >= QUIET_SECONDS for fault in plan.faults)
        assert all(plan.load_seconds > fault.end_seconds for fault in plan.faults)


def test_any_five_seeds_in_a_row_meet_every_great_fault() -> None:
    """Broker and ClickHouse killed, a zombie, a successor beside it, one who leaves."""
    for first in range(20):
        met = {(fault.kind, fault.target) for seed in range(first, first + len(GREAT))
               for fault in schedule(seed).faults}
        assert {(Kind.KILL, BROKER), (Kind.KILL, CLICKHOUSE)} <= met
        assert {Kind.ZOMBIE, Kind.REPLACE, Kind.LEAVE} <= {kind for kind, _ in met}


def test_disks_are_full_and_brokers_stop_in_order_in_many_seeds() -> None:
    """Of everything that writes; a broker's coordinator hands its groups over as it stops."""
    met = [(fault.kind, fault.target) for seed in SEEDS for fault in schedule(seed).faults]
    hit = {target for kind, target in met if kind is Kind.FULL}

    assert hit == {*WORKERS, BROKER, CLICKHOUSE}
    assert met.count((Kind.STOP, BROKER)) >= len(SEEDS) / 20


def test_clocks_are_wrong_in_about_half_of_the_seeds() -> None:
    """An hour and more ahead and behind, and two gateways too far apart to believe each other."""
    met = Counter(plan.clocks for plan in map(schedule, SEEDS))
    right = met.pop(Clocks())

    assert len(SEEDS) / 3 < right < 2 * len(SEEDS) / 3
    assert {*met} == {*WRONG_CLOCKS}
    assert {(clocks.gateway > 3_600, clocks.gateway < -3_600) for clocks in WRONG_CLOCKS} >= {
        (True, False), (False, True)}
    assert min(met.values()) >= len(SEEDS) / 20


def test_about_half_of_the_seeds_adopt_rules_2_under_load() -> None:
    """At any moment of it, and in half of these the command is killed on the way."""
    adoptions = [(plan.adoption, plan.load_seconds) for plan in map(schedule, SEEDS)
                 if plan.adoption]
    killed = [one for one, _ in adoptions if one.killed_after_seconds is not None]

    assert len(SEEDS) / 3 < len(adoptions) < 2 * len(SEEDS) / 3
    assert len(adoptions) / 3 < len(killed) < 2 * len(adoptions) / 3
    assert all(0 <= one.at_seconds < load_seconds for one, load_seconds in adoptions)


def test_every_process_is_hit() -> None:
    """No worker and no service is spared by all seeds."""
    hit = {fault.target for seed in SEEDS for fault in schedule(seed).faults}

    assert hit == {*WORKERS, BROKER, CLICKHOUSE, SECOND_GATEWAY}


def test_of_two_gateways_one_is_killed_frozen_or_rolled() -> None:
    """In every seed that has two."""
    two = [plan for plan in map(schedule, SEEDS) if plan.clocks.second is not None]
    kinds = [[fault.kind for fault in plan.faults if fault.target == SECOND_GATEWAY]
             for plan in two]

    assert {len(each) for each in kinds} == {1}
    assert {kind for each in kinds for kind in each} == {*OF_GATEWAYS}
