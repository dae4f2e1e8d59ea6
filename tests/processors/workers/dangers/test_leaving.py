"""Who ends in order leaves its group at once, and whoever goes on knows what others did."""

import signal

from processors.guard.inputs import Batch, beginning
from processors.guard.judgements import encoded
from processors.guard.judging import judge
from processors.guard.parameters import Rules
from processors.guard.state import PatrolState
from processors.workers.kafka_checks import connected_admin
from processors.workers.patrol_worker import PatrolPolicy, PatrolWorker
from processors.workers.provisioning import provision
from schemas.kafka_members import members
from scrutin.patrol.suspension_controls import SuspensionControls
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


async def test_a_patrol_that_had_lost_its_place_reads_what_others_judged_meanwhile(
    stack: Stack,
) -> None:
    """Else it would judge on from what it knew, and end: another one's judgement is there."""
    await provision(stack.kafka, stack.topics, replication=1)
    worker = PatrolWorker(
        PatrolPolicy(stack.kafka, stack.topics, "1", stack.folder, judge_seconds=1),
        SuspensionControls(stack.kafka, stack.topics, stack.folder))
    nothing = beginning(stack.topics.partitions)
    judgement = encoded(judge(
        PatrolState(stack.topics.partitions), Batch(nothing, nothing), Rules(), 1))
    worker.app.consumer_generation_id = 1
    try:
        assert await worker.resume_offsets({worker.place}) == {worker.place: 0}
        assert worker.leads()
        # As Faust tells of a rebalance after which it has nothing.
        await worker.app.on_partitions_assigned.send(set())
        assert not worker.leads()
        async with connected_producer(stack.kafka) as producer:
            await write(producer, stack.topics.patrol, 0, [judgement])
        worker.app.consumer_generation_id = 3

        assert await worker.resume_offsets({worker.place}) == {worker.place: 0}
        assert not worker.leads(), "judgement 1 is another one's, and it has not read it"
    finally:
        await worker._close()
