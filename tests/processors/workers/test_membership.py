"""A worker without partitions: it ends where nobody has them, and waits where somebody does.

And one that ends in order: what it leaves of its group.
"""

import asyncio
import socket
import sys
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from processors.workers.membership import (
    ASK_SECONDS,
    MISSING_SECONDS,
    Group,
    Membership,
    Missing,
    own_place_left,
)
from schemas.exit_codes import EXIT_STOPPED
from schemas.kafka_members import Member, client_id
from tests.harness import Stack, connected_producer, folded_decisions, prepared, write
from tests.processors.workers.dangers import empty_handed, outcast, standing_by
from tests.waiting import until


@pytest.mark.parametrize(("topic", "said"), [
    ("networks", "nobody in the group {} holds"),
    ("votes", "has been no member of the group {} for")])
async def test_a_worker_that_cannot_join_its_group_ends(
    stack: Stack, topic: str, said: str
) -> None:
    """A stranger is in it and holds none of its partitions, or all: it says so, and ends."""
    await prepared(stack, 69, size=1)
    group = f"{stack.topics.prefix}-ledger"
    stranger = AIOKafkaConsumer(
        getattr(stack.topics, topic), bootstrap_servers=stack.kafka, group_id=group)
    await stranger.start()
    try:
        await until(lambda: bool(stranger.assignment()))
        worker = stack.worker("ledger")
        worker.program = [sys.executable, str(Path(outcast.__file__))]
        worker.start()
        status = await asyncio.to_thread(worker.wait)
    finally:
        await stranger.stop()

    assert status == EXIT_STOPPED, worker.log()
    assert said.format(group) in worker.log()


async def test_a_worker_that_does_not_take_what_it_was_given_ends(lone_stack: Stack) -> None:
    """The group has it for the holder, so nobody else will come."""
    await prepared(lone_stack, 71, size=1)
    worker = lone_stack.worker("ledger")
    worker.program = [sys.executable, str(Path(empty_handed.__file__))]
    worker.start()
    status = await asyncio.to_thread(worker.wait)

    assert status == EXIT_STOPPED, worker.log()
    assert f"holder of {lone_stack.topics.votes} 0 for" in worker.log()


async def test_a_ledger_without_partitions_takes_over_when_the_holder_is_killed(
    lone_stack: Stack
) -> None:
    """It waits while another one holds them, also while the group is balanced and nobody does."""
    [log] = await prepared(lone_stack, 70, size=1)
    first = lone_stack.started("ledger", "1")
    await folded_decisions(lone_stack, [1])
    second = lone_stack.worker("ledger", "2")
    second.program = [sys.executable, str(Path(standing_by.__file__))]
    second.start()
    await second.says("every partition of the group has a holder")

    first.kill()
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, lone_stack.topics.votes, 0, log[1:], first_offset=1)
    await folded_decisions(lone_stack, [2])

    assert second.running(), second.log()


MEMBERSHIP = Membership("kafka:9092", "ledger", "votes", 2, "one", holds=lambda: False,
                        rebalances=lambda: 0)
BALANCED, BALANCING = {0: "elsewhere:1", 1: "elsewhere:1"}, dict[int, str]()


def test_nobody_ends_for_one_answer_of_a_group_that_is_being_balanced() -> None:
    """Who stands by meets it just then: when the holder was killed."""
    missing, now = Missing(MEMBERSHIP, 0.0), 0.0
    for holders in (BALANCED, BALANCING, BALANCED, BALANCING) * 10:
        now += MISSING_SECONDS - ASK_SECONDS - 1.0
        has_us = holders == BALANCED
        assert missing.reason(Group(holders, has_us), now) is None
        assert missing.others_hold == has_us
    missing.unanswered()
    late = missing.reason(Group(BALANCING, has_us=False), now + MISSING_SECONDS)

    assert late is None, "who held it in between?"


def test_a_balancing_without_an_end_ends_the_process() -> None:
    """It looks as if this member had been thrown out."""
    missing = Missing(MEMBERSHIP, 0.0)
    half = Group({0: "elsewhere:1"}, has_us=True)
    found = [missing.reason(half, ASK_SECONDS + seconds) is not None
             for seconds in range(int(MISSING_SECONDS))]

    assert found.index(True) == MISSING_SECONDS - ASK_SECONDS
    assert missing.look_seconds() < ASK_SECONDS


def test_who_is_no_member_ends_though_others_hold_everything() -> None:
    """It takes nobody's place, and does not say that it stands by."""
    missing, outside = Missing(MEMBERSHIP, 0.0), Group(BALANCED, has_us=False)
    found = list[bool]()
    for seconds in range(int(MISSING_SECONDS)):
        found.append(missing.reason(outside, ASK_SECONDS + seconds) is not None)
        assert not missing.others_hold

    assert found.index(True) == MISSING_SECONDS - ASK_SECONDS


def member(name: str, *, at: str = "") -> Member:
    """Describe a member with a name; at another place than this process's, if one is given."""
    return Member(f"{name}-{uuid.uuid4()}", f"{name}@{at}" if at else client_id(name), b"")


def test_who_ends_in_order_leaves_its_own_place_alone() -> None:
    """Another container whose host has the same name, and which looks dead from here, stays."""
    own, other = member("ledger-1"), member("ledger-2", at="elsewhere:1")
    looks_dead = member("ledger-3", at=f"{socket.gethostname()}:999999999")
    successor = member("ledger-1", at="elsewhere:2")

    assert own_place_left([looks_dead, own, other], "ledger-1") == [own]
    assert own_place_left([own], "ledger-1") == [], "alone: it comes back to the same partitions"
    assert own_place_left([own, looks_dead], "ledger-1") == [], "nobody is there to go on"
    assert own_place_left([successor, other], "ledger-1") == [], "its name is another one's by now"
