"""A worker that its group has forgotten ends, so that its next start can join again.

Theory of operation: a member that the coordinator throws out, or whose joining fails, may live on
without partitions, and Faust waits for ever. To have none is no fault by itself: others may hold
all of them. So who has had none for MISSING_SECONDS asks the coordinator who holds what, and ends
if a partition has no holder. A rebalance that does not come to an end looks the same, and ends so.
It looks from a thread of its own: Faust, whose joining failed, starts nothing more.
"""

import asyncio
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from processors.workers.batch_lane import stop_process
from processors.workers.kafka_checks import connected_admin


MISSING_SECONDS = 45.0
"""Longest time without a partition that others do not have: several sessions of the group."""
LOOK_SECONDS = 5.0
"""So often a worker looks whether it has a partition."""
ANSWER_SECONDS = 10.0
"""Longest wait for the coordinator's answer; without one it is asked again."""

_MEMBERS = 5
"""Place of the members in a described group; a member's assignment is its last field."""

log = structlog.get_logger("scrutin.membership")


@dataclass(frozen=True)
class Membership:
    """What a worker is to have of its group."""

    kafka: str
    group: str
    topic: str
    partitions: int
    holds: Callable[[], bool]
    """Whether the worker has a partition."""

    def watch(self) -> None:
        """Begin to look; end the process where it is missing from its group."""
        threading.Thread(target=asyncio.run, args=(_watch(self),), name="membership",
                         daemon=True).start()


async def _watch(membership: Membership) -> None:
    clock = asyncio.get_running_loop().time
    since = clock()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if membership.holds():
            since = clock()
        elif clock() - since >= MISSING_SECONDS:
            nobodys = await _without_holder(membership)
            if nobodys:
                stop_process(
                    f"no partition came to this worker for {clock() - since:.0f} s, and nobody in "
                    f"the group {membership.group} holds {membership.topic} "
                    f"{', '.join(map(str, nobodys))}: it was thrown out, or cannot join. Nothing "
                    "is lost; start it again. If that does not help, see who else uses the group.")
            log.info("every partition of the group has a holder, or nobody can say",
                     group=membership.group)
            since = clock()


async def _without_holder(membership: Membership) -> Collection[int]:
    """Return the partitions that no member holds; none where the coordinator does not answer."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            admin = await connected_admin(membership.kafka)
            try:
                return sorted({*range(membership.partitions)} - await _held(admin, membership))
            finally:
                await admin.close()
    except (KafkaError, OSError, TimeoutError) as error:
        # The broker is away: other bounds are for that.
        log.warning("the group cannot be looked at", group=membership.group, reason=str(error))
        return ()


async def _held(admin: AIOKafkaAdminClient, membership: Membership) -> set[int]:
    """Return the partitions of the topic that members hold."""
    found: set[int] = set()
    for answer in await admin.describe_consumer_groups([membership.group]):
        for described in answer.groups:
            for member in described[_MEMBERS]:
                if member[-1]:  # Empty while the group is being balanced.
                    assignment = ConsumerProtocolMemberAssignment.decode(member[-1])
                    found |= {number for name, numbers in assignment.assignment
                              if name == membership.topic for number in numbers}
    return found
