"""What a seed does to three brokers, and what is a violation of what was promised."""

import pytest

from tests.faults.brokers_plan import (
    NODES,
    RECOVERY_SECONDS,
    BrokerFault,
    BrokerKind,
    Silence,
    Told,
    Window,
    broken,
    plan,
    silences,
)


SESSION_SECONDS = 4.0
PLACES = {(0, 0), (0, 1)}
LOST = Window(BrokerFault(BrokerKind.KILL, 1, 10.0), 100.0, 120.0, frozenset({0}))


def taken(partition: int, *moments: float) -> list[Told]:
    """Votes taken for a partition at the first gateway, at moments since the window began."""
    return [Told(0, partition, 100.0 + each, 100.0 + each, 202) for each in moments]


def kinds(window: Window, told: list[Told]) -> list[str]:
    return [found.kind for found in broken(
        window, told, PLACES, session_seconds=SESSION_SECONDS)]


STEADY = [told for partition in (0, 1) for told in taken(partition, *range(0, 21, 5))]


def test_three_seeds_hit_each_broker_in_each_way_and_every_second_one_rolls_all() -> None:
    """Whatever three seeds stand in a row."""
    for first in range(1, 20):
        plans = [plan(seed) for seed in range(first, first + 3)]
        hit = {(fault.kind, fault.broker) for found in plans for fault in found
               if fault.kind is not BrokerKind.ROLL}
        assert len(hit) == NODES * NODES
        assert sum(fault.kind is BrokerKind.ROLL for found in plans[:2] for fault in found) == NODES


def test_a_steady_crowd_breaks_nothing() -> None:
    """Votes at every place, never a long pause."""
    assert kinds(LOST, STEADY) == []
    assert silences(LOST, STEADY) == dict.fromkeys(PLACES, Silence(5.0, after=15.0))


@pytest.mark.parametrize("late", [
    [told for told in STEADY if told.partition == 1],
    [*taken(1, *range(0, 21, 5)), *taken(0, 0, 20)],
    [*taken(1, *range(0, 21, 5)), *taken(0, SESSION_SECONDS + RECOVERY_SECONDS + 0.1, 15, 20)],
])
def test_a_partition_that_is_silent_too_long_recovered_late(late: list[Told]) -> None:
    """From the fault on, between two votes, or for good."""
    assert kinds(LOST, late) == ["recovered late"]


def test_what_the_brokers_took_to_elect_is_not_counted() -> None:
    """As far as it lies in the silence; a silence afterwards has no such excuse."""
    late = LOST._replace(elected_seconds=SESSION_SECONDS + 3.0)
    in_it = [*taken(1, *range(0, 21, 5)), *taken(0, 0, SESSION_SECONDS + RECOVERY_SECONDS + 2, 20)]
    behind_it = [*taken(1, *range(0, 21, 5)), *taken(0, 0, 5, 11.9, 20.1)]

    assert kinds(late, in_it) == []
    assert kinds(late, behind_it) == ["recovered late"]


@pytest.mark.parametrize("status", [0, 503, 504])
def test_what_others_lead_refuses_nothing(status: int) -> None:
    """A refusal is allowed to the lost broker's partitions alone, and to none in a roll."""
    rolled = LOST._replace(fault=BrokerFault(BrokerKind.ROLL, 1, 0.0))
    refused = [Told(0, partition, 101.0, 102.0, status) for partition in (0, 1)]

    assert kinds(LOST, STEADY + refused) == ["refused by another's partition"]
    assert kinds(rolled, STEADY + refused) == ["refused by another's partition"] * 2
