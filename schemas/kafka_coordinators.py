"""A member of a group finds its coordinator again where the one it asked is being lost.

Theory of operation: while a broker is lost, the coordinator of a group moves. A member that asks in
those seconds is told things for which aiokafka knows no remedy: that what was to be written of the
group was not written (UNKNOWN_SERVER_ERROR and its like), or that another one has its name
(FENCED_INSTANCE_ID, which aiokafka does not know and calls UnknownError too). The other one is
itself: it joined, the answer was lost, or the new coordinator remembers it as it was before.
aiokafka hands such an error to whoever reads next, and does nothing more for the group until it was
taken there. Faust reads by another door: it crashed where it was reading just then, and else the
member was dead without a word.

Here such an answer is a connection that broke: the coordinator is looked for again, and who was
fenced joins again under its name. Pauses between attempts are aiokafka's (0.1 s), and how long a
worker may be without a partition says `processors.workers.membership`; two that live under one name
are told apart there too.

And a member says that it lives from the moment it has joined: aiokafka begins once the partitions
were taken, and a ledger that reads snapshots of millions would be thrown out meanwhile.
"""

from collections.abc import Iterator
from typing import Any

import structlog
from aiokafka.errors import GroupCoordinatorNotAvailableError


BEING_LOST = {
    -1: "UNKNOWN_SERVER_ERROR",
    7: "REQUEST_TIMED_OUT",
    14: "COORDINATOR_LOAD_IN_PROGRESS",
    15: "COORDINATOR_NOT_AVAILABLE",
    16: "NOT_COORDINATOR",
    19: "NOT_ENOUGH_REPLICAS",
    20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    56: "KAFKA_STORAGE_ERROR",
}
"""Errors of a coordinator that cannot answer now, by their number in Kafka's protocol."""
FENCED_INSTANCE_ID = 82
"""Another member has our name."""

log = structlog.get_logger("scrutin.coordinator")


def find_again(consumer: Any) -> None:
    """Have a started member of a group outlive the loss of its coordinator."""
    coordinator = consumer._coordinator  # noqa: SLF001 -- aiokafka has no other door
    ask = coordinator._send_req  # noqa: SLF001 -- as above
    complete = coordinator._on_join_complete  # noqa: SLF001 -- as above

    async def asked(request: Any) -> Any:
        answer = await ask(request)
        codes = {*_codes(answer)}
        if FENCED_INSTANCE_ID in codes:
            _say(coordinator, request, "FENCED_INSTANCE_ID")
            coordinator.reset_generation()
            raise GroupCoordinatorNotAvailableError
        if found := codes & BEING_LOST.keys():
            _say(coordinator, request, BEING_LOST[min(found)])
            coordinator.coordinator_dead()
            raise GroupCoordinatorNotAvailableError
        return answer

    async def completed(*agreed: Any) -> None:
        coordinator._start_heartbeat_task()  # noqa: SLF001 -- as above
        await complete(*agreed)

    coordinator._send_req = asked  # noqa: SLF001 -- as above
    coordinator._on_join_complete = completed  # noqa: SLF001 -- as above


def _codes(answer: Any) -> Iterator[int]:
    """Yield the errors of an answer: its own, and those of partitions whose offsets it has."""
    yield getattr(answer, "error_code", 0)
    for _, partitions in getattr(answer, "topics", ()):
        for found in partitions:
            yield found[-1]


def _say(coordinator: Any, request: Any, error: str) -> None:
    what = f"the coordinator is looked for again: it answered {error}"
    log.warning(what, group=coordinator.group_id, broker=coordinator.coordinator_id,
                asked=type(request).__name__)
