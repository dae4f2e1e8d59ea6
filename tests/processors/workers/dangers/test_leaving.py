"""Who ends in order leaves its group at once, where somebody else is there to go on."""

import signal

from processors.workers.kafka_checks import connected_admin
from schemas.kafka_members import members
from tests.harness import Stack, connected_producer, decided, folded_decisions, prepared, write


async def test_a_ledger_that_is_told_to_stop_leaves_its_group_to_the_others(stack: Stack) -> None:
    """They need not wait for its session; the last one keeps its place."""
    box = await prepared(stack, 73, size=40)
    one, other = (stack.started("ledger", name) for name in ("1", "2"))
    for worker in (one, other):
        await worker.says("recovered")
    one.send(signal.SIGTERM)
    assert one.wait() == 0, one.log()
    left = await names_in_group(stack)
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[1:], first_offset=1)
    found = await folded_decisions(stack, [41, 41])
    other.send(signal.SIGTERM)
    assert other.wait() == 0, other.log()

    group = f"{stack.topics.prefix}-ledger"
    assert left == [f"{group}-2"]
    assert found == decided(box)[1]
    assert ["left the group" in worker.log() for worker in (one, other)] == [True, False]


async def names_in_group(stack: Stack) -> list[str]:
    """Name the members that the coordinator has."""
    admin = await connected_admin(stack.kafka)
    try:
        return [each.static_name
                for each in await members(admin, f"{stack.topics.prefix}-ledger")]
    finally:
        await admin.close()
