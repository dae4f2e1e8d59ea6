"""One look at a Kafka cluster: its brokers, where partitions lie, what our account may do.

Theory of operation: brokers say from version 8 of their metadata on what the account that asks may
do with each topic, and from version 3 of the description of groups on with each group. aiokafka
speaks neither, so the two are written down here (KIP-430).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.admin import DescribeGroupsRequest_v3, DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String


OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10,
              "AlterConfigs": 11}
"""Kafka's numbers for operations: the bit that says whether one is allowed."""
_TEXT = String("utf-8")
_FETCH, _FETCH_LEAST_OF_4 = 1, 4
"""Kafka 4.0 was the first not to speak versions of Fetch below this one."""
COORDINATOR_ATTEMPTS, COORDINATOR_PAUSE_SECONDS = 10, 0.5
"""So often, and with such pauses, a group's coordinator is asked for that is not there yet."""
MISSING = "UnknownTopicOrPartitionError"
REFUSED = "TopicAuthorizationFailedError"


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY, API_VERSION = 3, 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT), ("controller_id", Int32),
        ("topics", Array(
            ("error_code", Int16), ("name", _TEXT), ("is_internal", Boolean),
            ("partitions", Array(
                ("error_code", Int16), ("partition", Int32), ("leader", Int32),
                ("leader_epoch", Int32), ("replicas", Array(Int32)), ("isr", Array(Int32)),
                ("offline_replicas", Array(Int32)))),
            ("authorized_operations", Int32))),
        ("cluster_authorized_operations", Int32))


class _MetadataRequestStruct(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY, API_VERSION = 3, 8
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(("topics", Array(_TEXT)), ("allow_auto_topic_creation", Boolean),
                    ("include_cluster_authorized_operations", Boolean),
                    ("include_topic_authorized_operations", Boolean))


class _MetadataRequest(Request[_MetadataRequestStruct]):  # type: ignore[misc]  # as above
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequestStruct]) -> _MetadataRequestStruct:
        return request_struct_class(self._topics, False, False, True)  # noqa: FBT003 -- positional


class _GroupsRequestStruct(DescribeGroupsRequest_v3):  # type: ignore[misc]  # as above
    RESPONSE_TYPE = DescribeGroupsResponse_v3


class _GroupsRequest(Request[_GroupsRequestStruct]):  # type: ignore[misc]  # as above
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_GroupsRequestStruct]) -> _GroupsRequestStruct:
        return request_struct_class([self._group], True)  # noqa: FBT003 -- positional


@dataclass(frozen=True)
class Seen:
    """A topic as the cluster shows it to us."""

    error: str
    """Name of Kafka's error; empty where there is none."""
    replicas: tuple[int, ...] = ()
    """How many each partition has."""
    leaderless: tuple[int, ...] = ()
    """Partitions that nobody leads."""
    behind: tuple[int, ...] = ()
    """Partitions of which a replica is not in sync."""
    allowed: frozenset[str] = frozenset()
    """What our account may do with it, by OPERATIONS."""


@dataclass(frozen=True)
class Cluster:
    """What one look shows."""

    brokers: int
    since_4: bool
    """Whether it is Kafka 4.0 or later."""
    topics: dict[str, Seen]


async def look(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> Cluster:
    """Ask a broker; raises KafkaError, OSError."""
    answer = await admin._send_request(_MetadataRequest(list(topics)))  # noqa: SLF001 -- no other door
    versions = next(iter(admin._client._conns.values()))._versions  # noqa: SLF001 -- as above
    return Cluster(
        len(answer.brokers), versions.get(_FETCH, (0, 0))[0] >= _FETCH_LEAST_OF_4,
        {found[1]: _seen(found) for found in answer.topics})


def _seen(found: Any) -> Seen:
    code, _, _, partitions, operations = found
    if code:
        return Seen(for_code(code).__name__)
    return Seen(
        "", tuple(len(each[4]) for each in partitions),
        tuple(sorted(each[1] for each in partitions if each[2] < 0)),
        tuple(sorted(each[1] for each in partitions if len(each[5]) < len(each[4]))),
        allowed(operations))


def allowed(bits: int) -> frozenset[str]:
    """Read the bits that say which operations are allowed; the least number says none were told."""
    return frozenset(name for name, number in OPERATIONS.items() if bits >> number & 1)


async def may_join(admin: AIOKafkaAdminClient, group: str) -> bool:
    """Whether our account may be a member of a group; raises KafkaError, OSError."""
    try:
        node = await _coordinator(admin, group)
    except GroupAuthorizationFailedError:
        return False
    answer = await admin._send_request(_GroupsRequest(group), node)  # noqa: SLF001 -- no other door
    code, *_, operations = answer.groups[0]
    return not code and "Read" in allowed(operations)


async def _coordinator(admin: AIOKafkaAdminClient, group: str) -> int:
    """Find who looks after a group; a cluster that never had one makes their topic first."""
    for _ in range(COORDINATOR_ATTEMPTS):
        try:
            return int(await admin.find_coordinator(group))
        except CoordinatorNotAvailableError:
            await asyncio.sleep(COORDINATOR_PAUSE_SECONDS)
    return int(await admin.find_coordinator(group))
