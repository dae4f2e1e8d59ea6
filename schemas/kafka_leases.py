"""A lease as a consumer group gives it: the process that is given the group's one partition.

Who is a member costs the broker a heartbeat in two seconds and reads nothing. Errors of the
broker end nothing here: whoever cannot ask stands by, and asks again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from aiokafka.errors import KafkaError

from schemas import kafka_members
from schemas.kafka_clients import close_consumer, new_admin, new_member
from schemas.kafka_coordinators import find_again
from schemas.leases import Lease, chosen


SESSION_SECONDS = 8.0
"""A holder that says nothing for so long has lost the lease..."""
HEARTBEAT_SECONDS = 2.0
"""... and so often members say that they live, and hear of changes: others take it after both."""
LOOK_SECONDS = 5.0
"""So often it is looked whether being a member has failed."""
RETRY_SECONDS = 2.0
"""Pause before a broker that is away, or refuses us, is asked again."""

log = structlog.get_logger("scrutin.lease")


class KafkaLease(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One process's place in the group of its kind."""

    def __init__(
        self, kafka: str, group: str, topic: str, instance: str, *,
        lease: Lease, told: Callable[[], None], ready: Callable[[], bool],
    ) -> None:
        """Keep `lease` up to date and call `told` after each change of it.

        The topic has one partition, and is never read here. `ready` says whether this process
        could go on at once. Names of groups and instances are for people.
        """
        self._kafka, self._group, self._topic = kafka, group, topic
        self._client_id = kafka_members.client_id(f"{group}-{instance}")
        self._lease, self._told, self._ready = lease, told, ready
        self._consumer: Any = None

    async def keep(self) -> None:
        """Be a member until cancelled; then another one is given the lease at once."""
        while True:
            # Who cannot be made to leave does so when its session ends.
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await self._forget_the_dead()
            try:
                await self._be_member()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("the lease cannot be asked for", group=self._group,
                            reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(RETRY_SECONDS)

    async def _forget_the_dead(self) -> None:
        admin = new_admin(self._kafka, request_timeout_ms=int(SESSION_SECONDS * 1000))
        try:
            await admin.start()
            dead = await kafka_members.forget_the_dead(admin, self._group)
        finally:
            await admin.close()
        if dead:
            log.info("predecessors that were killed have left the group", group=self._group,
                     places=[member.place for member in dead])

    async def _be_member(self) -> None:
        self._consumer = new_member(
            self._kafka, self._group, client_id=self._client_id,
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            rebalance_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
            partition_assignment_strategy=[_Chooser(self._standing)])
        try:
            await self._consumer.start()
            find_again(self._consumer)
            self._consumer.subscribe([self._topic], listener=self)
            while True:
                # Gives nothing, for all is paused; raises what made an end of being a member.
                await self._consumer.getmany(timeout_ms=int(LOOK_SECONDS * 1000))
        finally:
            self._lease.lost()
            self._told()
            await close_consumer(self._consumer)

    def _standing(self) -> bytes:
        return self._lease.standing(ready=self._ready()).encoded()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Leave the lease as it was: what the group agrees on next says whether it went on."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take what the group has agreed on."""
        places = [*assigned]
        self._consumer.pause(*places)
        before = self._lease.joined, self._lease.holds, self._lease.turn
        generation = self._consumer._coordinator.generation  # noqa: SLF001 -- it has no other door
        self._lease.assigned(generation, holds=bool(places))
        if (self._lease.joined, self._lease.holds, self._lease.turn) != before:
            log.info("holds the lease" if places else "stands by", group=self._group,
                     generation=generation)
        self._told()


class _Chooser(AbstractPartitionAssignor):  # type: ignore[misc]  # as above
    """Gives the one partition by what members say of themselves."""

    name = "scrutin-lease"

    def __init__(self, standing: Callable[[], bytes]) -> None:
        self._standing = standing

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(0, [*topics], self._standing())

    def assign(
        self, _cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        holder = chosen({name: found.user_data or b"" for name, found in members.items()})
        return {
            name: ConsumerProtocolMemberAssignment(
                0, [(topic, [0]) for topic in found.subscription] if name == holder else [], b"")
            for name, found in members.items()}

    def on_assignment(self, _assignment: ConsumerProtocolMemberAssignment) -> None:
        """Remember nothing: the lease does."""
