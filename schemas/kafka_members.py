"""Who is in a consumer group, and which of them this machine knows to be dead.

Theory of operation: the coordinator knows a member as living until its session ends, seconds after
its death. Who starts again in the place of a process that was killed need not wait for that: a
member says in its client id on which host it runs, and under which process id, and on that host
anybody can see whether there is such a process. Who is thrown out by mistake, for two hosts may
have one name, joins again.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import LeaveGroupRequest


UUID_CHARACTERS = 36
"""Length of what makes a member's id unique."""
_MEMBERS = 5
"""Place of the members in a described group."""


class Member(NamedTuple):
    """A member as its group describes it."""

    member_id: str
    client_id: str
    assignment: bytes
    """Empty while the group is being balanced."""

    @property
    def runs(self) -> bool | None:
        """Whether its process runs on this host; None where it is of another one."""
        host, _, process = self.place.rpartition(":")
        if host != socket.gethostname() or not process.isdecimal():
            return None
        # Who asks is no member yet: the same number was a predecessor's, of another container.
        return int(process) != os.getpid() and _runs(int(process))

    @property
    def static_name(self) -> str:
        """Its name, where it has one: the coordinator puts a UUID behind that."""
        return self.member_id[:-UUID_CHARACTERS - 1]

    @property
    def place(self) -> str:
        """Where it runs, for people: host and process id."""
        return self.client_id.rpartition("@")[2] or "an unknown place"


def place() -> str:
    """Return where this process runs, as `Member.place` has it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def client_id(name: str) -> str:
    """Return what a process says of itself to the broker: its name, and where it runs."""
    return f"{name}@{place()}"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # It is somebody else's.
        return True
    return True


async def members(admin: AIOKafkaAdminClient, group: str) -> list[Member]:
    """Ask the coordinator who is in a group; raises KafkaError."""
    return [found for answer in await admin.describe_consumer_groups([group])
            for found in _described(answer)]


def _described(answer: Any) -> Iterator[Member]:
    for described in answer.groups:
        for member_id, client, _host, _metadata, assignment in described[_MEMBERS]:
            yield Member(member_id, client, assignment)


async def forget_the_dead(admin: AIOKafkaAdminClient, group: str) -> list[Member]:
    """Have the coordinator forget the members that are known here to be dead; return those.

    Raises KafkaError.
    """
    dead = [member for member in await members(admin, group) if member.runs is False]
    await forget(admin, group, dead)
    return dead


async def forget(admin: AIOKafkaAdminClient, group: str, gone: Sequence[Member]) -> None:
    """Have the coordinator forget members and their names; raises KafkaError.

    Who was thrown out meanwhile is gone all the same.
    """
    if not gone:
        return
    coordinator = await admin.find_coordinator(group)
    for member in gone:
        answer = await admin._client.send(  # noqa: SLF001 -- it has no door for this
            coordinator, LeaveGroupRequest(group, member.member_id))
        error = for_code(answer.error_code)
        if error not in (NoError, UnknownMemberIdError):
            raise error
