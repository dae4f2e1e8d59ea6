"""A worker that its group has forgotten ends, so that its next start can join again.

Theory of operation: a member that the coordinator throws out, or whose joining fails, may live on
without partitions, and Faust waits for ever. To have none is no fault by itself: others may hold
all of them. So who has none asks the coordinator who holds what, and ends if a partition has had no
holder for long (MISSING_SECONDS together), or if the group has had this one for a holder for
OURS_SECONDS, for then nobody else will take it. One answer says nothing: while a group is balanced
nobody holds anything. A balancing that does not come to an end looks the same, and ends so. Who is
no member for as long ends too, though others hold everything: nothing would ever come to it.
It looks from a thread of its own: Faust, whose joining failed, starts nothing more.

Two members of one name throw each other out for ever. So nobody joins under the name of a member
that lives; one that was killed is known for a session yet, and on its own host as dead at once. Two
that start at the same moment see nobody. So until the group has been balanced, and whenever it is
again, a member asks who bears its name: the group knows one of the two. Where the other one finds
it, it ends at once if its place comes later in the alphabet. Else it waits for that one to do so:
which it does not where the coordinator names it each time, or let nobody else in. Then the other
one ends, after NAMESAKE_LOOKS.

A member with a name keeps its partitions for a session after it has ended, which is right for who
comes back at once and is alone. Where others live they shall have them now: so who ends in order
leaves then.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from processors.workers.batch_lane import SESSION_SECONDS, member_name, stop_process
from processors.workers.kafka_checks import BrokerUnreachable, connected_admin
from schemas.kafka_members import Member, forget, members, place


MISSING_SECONDS = 45.0
"""Longest time without a partition that others do not have: several sessions of the group."""
ASK_SECONDS = 15.0
"""After so long without a partition the group is asked who has them, and so often again; at each
look while nobody has one, for what is left of MISSING_SECONDS."""
OURS_SECONDS = 300.0
"""Longest time in which a worker may have begun with nothing of what the group has given it: it
reads up to three snapshots of a partition first, each within its own bounds."""
LOOK_SECONDS = 5.0
"""So often a worker looks whether it has a partition."""
NAMESAKE_LOOKS = 3
"""So many looks in a row find another one of its name before a worker ends for it."""
ANSWER_SECONDS = 10.0
"""Longest wait for the coordinator's answer; without one it is asked again."""

FORGET_SECONDS = SESSION_SECONDS + 3.0
"""A member of another host that is still there after so long lives."""
FORGET_LOOK_SECONDS = 1.0
"""So often it is looked whether it has been forgotten."""
LEAVE_SECONDS = 3.0
"""Longest wait for leaving the group at the end; without an answer its session ends by itself."""
COORDINATOR_SECONDS = 30.0
"""Longest wait for the coordinator of the group at the start..."""
COORDINATOR_LOOK_SECONDS = 0.2
"""... which is asked for so often."""
_OUT = (
    "it was thrown out, or cannot join. Nothing is lost; start it again. If that does not help, "
    "see who else uses the group.")

log = structlog.get_logger("scrutin.membership")


class Unanswered:
    """The coordinator could not be asked."""


@dataclass(frozen=True)
class Membership:
    """What a worker is to have of its group."""

    kafka: str
    group: str
    topic: str
    partitions: int
    instance: str
    holds: Callable[[], bool]
    """Whether the worker has a partition."""
    rebalances: Callable[[], int]
    """How often the group has been balanced, as the worker knows: a member that is thrown out and
    comes back finds the same generation."""
    others_hold: threading.Event = field(default_factory=threading.Event, compare=False)
    """Set while the worker has no partition and its group said, when it was asked last, that others
    have all of them, and that this one is a member: it gets those of whoever is lost."""

    def watch(self) -> None:
        """Begin to look; end the process where it is missing from its group."""
        threading.Thread(target=asyncio.run, args=(_watch(self),), name="membership",
                         daemon=True).start()

    def leave(self) -> None:
        """Let others have our partitions now that we have ended in order; if there are any."""
        try:
            asyncio.run(_leave(self))
        except (KafkaError, OSError, TimeoutError, BrokerUnreachable) as error:
            log.warning("not left: our partitions wait for the end of our session",
                        group=self.group, error=repr(error))


async def _leave(membership: Membership) -> None:
    async with asyncio.timeout(LEAVE_SECONDS):
        admin = await connected_admin(membership.kafka)
        try:
            found = await members(admin, membership.group)
            own = own_place_left(found, member_name(membership.group, membership.instance))
            await forget(admin, membership.group, own)
            if own:
                log.info("left the group", group=membership.group)
        finally:
            await admin.close()


def own_place_left(found: Iterable[Member], name: str) -> list[Member]:
    """Return what this process, which has ended in order, is in its group, if others live there.

    Nobody else is made to leave: of two containers whose hosts have one name each takes the
    other's process for a dead one, or for itself.
    """
    own, others = [], False
    for member in found:
        if member.static_name == name:
            own += [member] if member.place == place() else []
        else:
            others |= member.runs is not False
    return own if others else []


async def _watch(membership: Membership) -> None:
    """Look, each at its own pace: a coordinator that does not answer holds up neither."""
    await asyncio.gather(_look_for_rivals(membership), _look_for_partitions(membership))


async def _look_for_rivals(membership: Membership) -> None:
    """End the process where another one of its name is to go on."""
    settled, found = 0, 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if not (rebalances := membership.rebalances()) or rebalances != settled:
            rival = await _rival(membership)
            found = found + 1 if isinstance(rival, Member) else 0
            if isinstance(rival, Member) and (place() > rival.place or found == NAMESAKE_LOOKS):
                stop_process(_in_use(membership.group, membership.instance, rival))
            if rival is None:
                settled = rebalances


class Missing:
    """For how long a worker has had no partition, and what the group said of them meanwhile."""

    def __init__(self, membership: Membership, now: float) -> None:
        self._membership = membership
        self._since = now
        self.nobodys: float | None = None
        """When the group said first, and each time since, that a partition has no holder."""
        self._given: float | None = None
        """When it said first, and each time since, that this worker has one."""
        self._outside: float | None = None
        """When it said first, and each time since, that this worker is no member."""

    def has_some(self, now: float) -> None:
        """Begin anew: the worker holds a partition."""
        self._since = now
        self.unanswered()

    def unanswered(self) -> None:
        """Know nothing of before: the coordinator did not answer."""
        self.nobodys = self._given = self._outside = None

    @property
    def others_hold(self) -> bool:
        """Whether the group said last that every partition has a holder, which is another member,
        and this one is a member too."""
        return self.nobodys is None and self._given is None and self._outside is None

    def look_seconds(self) -> float:
        """Say how long after one look at the group the next is due."""
        return ASK_SECONDS if self.nobodys is None else LOOK_SECONDS

    def reason(self, found: "Group", now: float) -> str | None:
        """Say why the process must end, from what its group says; None: it waits.

        `now` in seconds. In the midst of a balancing no partition has a holder: that is when who
        stands by is given those of one that was killed. So one look says nothing.
        """
        group, topic, holders = self._membership.group, self._membership.topic, found.holders
        nobodys = [number for number in range(self._membership.partitions)
                   if number not in holders]
        ours = sorted(number for number, holder in holders.items() if holder == place())
        self.nobodys = (self.nobodys or now) if nobodys else None
        self._given = (self._given or now) if ours else None
        self._outside = None if found.has_us else self._outside or now
        bound = MISSING_SECONDS - ASK_SECONDS
        if self.nobodys is not None and now - self.nobodys >= bound:
            return (f"no partition came to this worker for {now - self._since:.0f} s, and for "
                    f"{now - self.nobodys:.0f} s nobody in the group {group} holds {topic} "
                    f"{', '.join(map(str, nobodys))}: {_OUT}")
        if self._outside is not None and now - self._outside >= bound:
            return (f"this worker has been no member of the group {group} for "
                    f"{now - self._outside:.0f} s, and {', '.join(sorted(set(holders.values())))} "
                    f"holds {topic}: {_OUT}")
        if self._given is not None and now - self._given >= OURS_SECONDS:
            return (
                f"the group {group} has had this worker for the holder of {topic} "
                f"{', '.join(map(str, ours))} for {now - self._given:.0f} s, and it has taken none "
                "of them. Nothing is lost; start it again.")
        return None


async def _look_for_partitions(membership: Membership) -> None:
    """End the process where nobody does the work, or nobody but who does nothing."""
    clock = asyncio.get_running_loop().time
    asked, others_hold = clock(), membership.others_hold
    missing = Missing(membership, asked)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if membership.holds():
            asked = clock()
            missing.has_some(asked)
            others_hold.clear()
        elif clock() - asked >= missing.look_seconds():
            asked = clock()
            if (group := await _asked(membership)) is None:
                missing.unanswered()
            elif reason := missing.reason(group, clock()):
                stop_process(reason)
            elif not missing.others_hold:
                others_hold.clear()
            elif not others_hold.is_set():
                others_hold.set()
                log.info("every partition of the group has a holder", group=membership.group)


async def _rival(membership: Membership) -> Member | Unanswered | None:
    """Return the living one that bears our name; Unanswered where nobody can say."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            admin = await connected_admin(membership.kafka)
            try:
                return await _namesake(admin, membership.group, membership.instance)
            finally:
                await admin.close()
    except (KafkaError, OSError, TimeoutError):
        return Unanswered()


class Group(NamedTuple):
    """What the coordinator says of a group."""

    holders: Mapping[int, str]
    """The place at which each partition of the topic is held."""
    has_us: bool
    """Whether this process is a member."""


async def _asked(membership: Membership) -> Group | None:
    """Ask who has what; None where the coordinator does not answer."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            admin = await connected_admin(membership.kafka)
            try:
                return group_of(membership, await members(admin, membership.group))
            finally:
                await admin.close()
    except (KafkaError, OSError, TimeoutError) as error:
        # The broker is away: other bounds are for that.
        log.warning("the group cannot be looked at", group=membership.group, reason=str(error))
        return None


def group_of(membership: Membership, found: Iterable[Member]) -> Group:
    """Gather what members say they hold, and where these run."""
    holders, has_us = dict[int, str](), False
    for member in found:
        has_us |= member.place == place()
        if member.assignment:
            assignment = ConsumerProtocolMemberAssignment.decode(member.assignment)
            holders |= {number: member.place for name, numbers in assignment.assignment
                        if name == membership.topic for number in numbers}
    return Group(holders, has_us)


class NameInUse(Exception):
    """A living member of the group has this one's name."""


async def require_own_name(kafka: str, group: str, instance: str) -> None:
    """Raise NameInUse where a living member has the name, BrokerUnreachable without a broker."""
    admin = await connected_admin(kafka)
    try:
        async with asyncio.timeout(COORDINATOR_SECONDS):
            await _coordinated(admin, group)
        await _require_own_name(admin, group, instance)
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnreachable(kafka, error or f"no coordinator of {group}") from error
    finally:
        await admin.close()


async def _coordinated(admin: AIOKafkaAdminClient, group: str) -> None:
    """Wait until the group has a coordinator: the first one of a new broker comes late."""
    while True:
        try:
            await admin.find_coordinator(group)
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(COORDINATOR_LOOK_SECONDS)
        else:
            return


async def _require_own_name(admin: AIOKafkaAdminClient, group: str, instance: str) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + FORGET_SECONDS
    while member := await _namesake(admin, group, instance):
        if member.runs or clock() > deadline:
            raise NameInUse(_in_use(group, instance, member))
        await asyncio.sleep(FORGET_LOOK_SECONDS)


def _in_use(group: str, instance: str, member: Member) -> str:
    return (f"SCRUTIN_INSTANCE={instance} is in use: a member of the group {group} has that "
            f"name and lives at {member.place}. Give each process of a kind a name of its "
            "own, or none: then it has its host's.")


async def _namesake(admin: AIOKafkaAdminClient, group: str, instance: str) -> Member | None:
    """Find the member of a name that is not known here to be dead."""
    return next((member for member in await members(admin, group)
                 if member.static_name == member_name(group, instance)
                 and member.runs is not False), None)
