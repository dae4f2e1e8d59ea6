"""Dangers of the group: zombies, batches that come too late, a partition that stalls."""

import asyncio
import os
import signal
import socket
import sys
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from faust.types import TP

from deploy.local.process import ProcessSpecification
from deploy.local.services import Broker
from deploy.local.supervisor import LOG_FOLDER, Supervisor
from processors.ledger.ledger import HoleInVotes, Ledger
from processors.workers.batch_lane import BatchValue
from processors.workers.decision_store import Held
from processors.workers.ledger_worker import LedgerPolicy, LedgerWorker
from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED
from tests.harness import (
    BEGAN_AT,
    ROOT,
    WAIT_SECONDS,
    Stack,
    Worker,
    connected_producer,
    decided,
    expected_document,
    folded_decisions,
    prepared,
    published_document,
    read_to_end,
    write,
)
from tests.processors.workers.dangers import (
    closed_ideas,
    crashed_ledger,
    late_ledger,
    lost_coordinator_ledger,
    slow_ledger,
    stalled_ledger,
    unasked_ledger,
    zombie_ledger,
)
from tests.waiting import until


POLL_SECONDS = 0.05


async def test_a_zombie_that_writes_after_its_session_harms_nothing(stack: Stack) -> None:
    """Frozen with decided votes in its hands, its partitions taken over, then awake: it writes."""
    size = 3_000
    box = await prepared(stack, 61, size=size, voters=300)
    zombie, heir = stack.worker("ledger", "1"), stack.worker("ledger", "2")
    zombie.program = [sys.executable, str(Path(zombie_ledger.__file__))]
    zombie.start()
    async with connected_producer(stack.kafka) as producer:

        async def written(first: int, end: int) -> None:
            for partition, log in enumerate(box):
                await write(producer, stack.topics.votes, partition, log[first:end],
                            first_offset=first)

        await written(1, 501)
        await folded_decisions(stack, [500, 500])
        await written(501, 1_501)
        await zombie.frozen()
        heir.start()
        await written(1_501, size + 1)
        found = await folded_decisions(stack, [size + 1, size + 1])
        zombie.send(signal.SIGCONT)

    assert found == decided(box)[1]
    strays = await beyond(stack, 2 * (size + 1))
    # What the zombie wrote is a repeat: the same bytes for the same offset.
    assert {(record.partition, record.value) for record in strays} <= {
        (partition, value) for partition, values in enumerate(found) for value in values}
    assert await folded_decisions(stack, [size + 1, size + 1]) == found
    assert heir.running()


async def beyond(stack: Stack, count: int) -> list[Any]:
    """Wait for more decisions than `count`, and return those beyond them."""
    async with asyncio.timeout(WAIT_SECONDS):
        while len(records := await read_to_end(
                stack.kafka, stack.topics.decisions, stack.topics.partitions)) <= count:
            await asyncio.sleep(POLL_SECONDS)
    return records[count:]


async def test_a_ledger_outlives_the_loss_of_its_coordinator(stack: Stack) -> None:
    """Fenced by its own lost join, then told of errors that aiokafka gives up at: it looks again.
    """
    size = 200
    box = await prepared(stack, 71, size=size, voters=50)
    ledger = stack.worker("ledger")
    ledger.program = [sys.executable, str(Path(lost_coordinator_ledger.__file__))]
    ledger.start()
    await folded_decisions(stack, [1, 1])
    await ledger.says("it answered FENCED_INSTANCE_ID")
    await ledger.says("it answered UNKNOWN_SERVER_ERROR", times=3)
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[1:], first_offset=1)

    assert await folded_decisions(stack, [size + 1, size + 1]) == decided(box)[1]
    assert ledger.running(), ledger.log()


async def test_a_ledger_says_that_it_lives_while_it_takes_its_partitions(stack: Stack) -> None:
    """Snapshots of millions may take longer to read than its session is."""
    box = await prepared(stack, 72, size=20)
    ledger = stack.worker("ledger")
    ledger.program = [sys.executable, str(Path(slow_ledger.__file__))]
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[1:], first_offset=1)
    ledger.start()

    assert await folded_decisions(stack, [21, 21]) == decided(box)[1]
    assert ledger.running(), ledger.log()


async def test_a_batch_that_comes_after_its_partition_was_taken_away_is_not_decided(
    stack: Stack,
) -> None:
    """Fetched before a second ledger joined, delivered after: dropped, and decided by who holds."""
    size = 400
    box = await prepared(stack, 64, size=size, voters=50)
    late, heir = stack.worker("ledger", "1"), stack.worker("ledger", "2")
    late.program = [sys.executable, str(Path(late_ledger.__file__))]
    late.start()
    await folded_decisions(stack, [1, 1])
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[1:], first_offset=1)
    await late.says(late_ledger.HOLDS)
    heir.start()

    assert await folded_decisions(stack, [size + 1, size + 1]) == decided(box)[1]
    await late.says("batch dropped: fetched before the last rebalance")
    assert heir.running()


async def test_ideas_told_to_stop_within_a_publication_end_in_order(
    own_stack: Stack, own_broker: Broker
) -> None:
    """Their connection is closed under it: that is no failure, the next start publishes again."""
    box = await prepared(own_stack, 65, size=20)
    ideas = own_stack.worker("ideas")
    ideas.program = [sys.executable, str(Path(closed_ideas.__file__))]
    ideas.start()
    await ideas.says(closed_ideas.WRITES)
    os.kill(own_broker.pid, signal.SIGSTOP)
    try:
        ideas.send(signal.SIGTERM)
        await ideas.says(closed_ideas.CLOSES)
    finally:
        os.kill(own_broker.pid, signal.SIGCONT)
    assert ideas.wait() == 0, ideas.log()

    ideas.program = []
    ideas.start()
    own_stack.started("ledger")
    assert await published_document(own_stack, [0, 0]) == expected_document(
        decided([log[:1] for log in box])[0])


async def test_workers_told_to_stop_while_the_broker_is_away_end_in_order_when_it_is_back(
    own_stack: Stack, own_broker: Broker
) -> None:
    """What they were fetching fails, and is given up; they have time, the broker starts slowly."""
    await prepared(own_stack, 66, size=1)
    ports = [own_stack.ports.find(), own_stack.ports.find()]
    workers = [own_stack.started(command, SCRUTIN_HEALTH_PORT=str(port),
                                 SCRUTIN_STOP_SECONDS=str(WAIT_SECONDS))
               for command, port in zip(("ledger", "ideas"), ports, strict=True)]
    await until(lambda: all(answers(f"http://127.0.0.1:{port}/readyz") for port in ports))
    own_broker.kill()
    await until(lambda: all(misses_the_broker(worker) for worker in workers))
    for worker in workers:
        worker.send(signal.SIGTERM)
    own_broker.start()

    assert [worker.wait() for worker in workers] == [0, 0], workers[0].log() + workers[1].log()


async def test_a_worker_told_to_stop_ends_though_the_broker_does_not_answer(
    own_stack: Stack, own_broker: Broker
) -> None:
    """Within the time it was given, with status 70 and the reason; one that answers lets it end."""
    await prepared(own_stack, 67, size=1)
    statuses = []
    for instance, answering in (("1", True), ("2", False)):
        ideas = own_stack.worker("ideas", instance, SCRUTIN_STOP_SECONDS="8")
        ideas.program = [sys.executable, str(Path(closed_ideas.__file__))]
        ideas.start()
        await ideas.says(closed_ideas.WRITES)
        if not answering:
            os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            ideas.send(signal.SIGTERM)
            statuses.append(ideas.wait())
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)

    assert statuses == [0, EXIT_STOPPED], ideas.log()
    assert "told to stop 8 s ago, and something still waits" in ideas.log()


def misses_the_broker(worker: Worker) -> bool:
    """Whether it tries in vain to reach the broker; one that ended will not."""
    assert worker.running(), worker.log()
    return "Unable connect" in worker.so_far()


async def test_a_worker_in_which_faust_crashes_says_so(stack: Stack) -> None:
    """Faust would end it with 1, which is the answer of a check; the reason is its last line."""
    await prepared(stack, 68, size=1)
    ledger = stack.worker("ledger")
    ledger.program = [sys.executable, str(Path(crashed_ledger.__file__))]
    ledger.start()
    assert ledger.wait() == EXIT_STOPPED, ledger.log()
    assert f"Faust crashed: RuntimeError('{crashed_ledger.WHY}')" in ledger.log()


def answers(url: str) -> bool:
    """Whether somebody says 200 there."""
    try:
        return httpx2.get(url).status_code == HTTPStatus.OK
    except httpx2.TransportError:
        return False


class SeekingLedger(LedgerWorker):
    """A ledger without a consumer of its own: it remembers where it would read on."""

    def __init__(self, policy: LedgerPolicy) -> None:
        super().__init__(policy)
        self.sought: list[int] = []

    async def _seek_again(self, held: Held) -> None:
        self.sought.append(held.ledger.last_offset + 1)


async def deliver(
    worker: SeekingLedger, log: list[bytes | None], generation: int, *, seeks: int,
    acknowledged: list[int], first: int = 0,
) -> None:
    """Deliver records from an offset on as one batch fetched in a generation."""
    records = [SimpleNamespace(offset=offset, value=value, key=None, partition=0,
                               timestamp=BEGAN_AT + 1_000 * offset)
               for offset, value in enumerate(log)][first:]
    message = SimpleNamespace(partition=0, value=BatchValue(records, generation, seeks))
    event: Any = SimpleNamespace(message=message, ack=lambda: acknowledged.append(generation))
    await worker._decide(event)


async def test_a_hole_is_read_twice_before_it_is_believed(lone_stack: Stack) -> None:
    """A batch from where the consumer stood by mistake ends nobody; a hole in the log does."""
    box = await prepared(lone_stack, 62, size=5)
    worker = SeekingLedger(LedgerPolicy(
        kafka=lone_stack.kafka, topics=lone_stack.topics, instance="1", stall_seconds=30,
        undecodable_ratio=1, folder=lone_stack.folder, snapshot_decisions=500_000))
    held = worker.held[0] = Held(Ledger(0, 1))
    worker.app.consumer_generation_id = held.generation = 7
    acknowledged: list[int] = []
    given = partial(deliver, worker, box[0], 7, seeks=0, acknowledged=acknowledged)
    try:
        await given(first=2)
        assert (held.ledger.last_offset, acknowledged, worker.sought) == (-1, [7], [0])
        await given()
        assert (held.ledger.last_offset, worker.sought) == (5, [0])

        box[0].extend(box[0])
        await given(first=8)
        assert worker.sought == [0, 6]
        with pytest.raises(HoleInVotes, match="offset 8 came after 5"):
            await given(first=8)
    finally:
        await worker._close()


async def test_a_batch_from_before_a_rebalance_is_dropped(lone_stack: Stack) -> None:
    """Not held, still recovering, of another generation, from before the seek: not decided.

    Nor while the group is in a new generation and the state was not yet told of it.
    """
    box = await prepared(lone_stack, 62, size=5)
    worker = SeekingLedger(LedgerPolicy(
        kafka=lone_stack.kafka, topics=lone_stack.topics, instance="1", stall_seconds=30,
        undecodable_ratio=1, folder=lone_stack.folder, snapshot_decisions=500_000))
    acknowledged: list[int] = []

    async def delivered(generation: int, *, seeks: int = 3) -> None:
        """Deliver the whole ballot box as one batch fetched then."""
        await deliver(worker, box[0], generation, seeks=seeks, acknowledged=acknowledged)

    worker.app.consumer_generation_id = 7
    try:
        worker.held[0] = Held(Ledger(0, 1))
        worker.held[0].generation = 7
        assert not worker.status()["ready"], "it holds its partition, and has nothing to write with"
        worker.held.clear()
        await delivered(7)
        held = worker.held[0] = Held(Ledger(0, 1))
        await delivered(7)
        held.generation = 7
        worker.seeks.counts[TP(lone_stack.topics.votes, 0)] = 3
        await delivered(6)
        await delivered(7, seeks=2)
        # The batch dropped may have been the right one: the worker reads on after its last.
        assert (held.ledger.last_offset, acknowledged, worker.sought) == (
            -1, [7, 7, 6, 7], [0, 0])
        worker.app.consumer_generation_id = 8
        await delivered(7)
        # The rebalance under way will say where to read on.
        assert (held.ledger.last_offset, worker.sought) == (-1, [0, 0])
        worker.app.consumer_generation_id = 7
        assert await read_to_end(lone_stack.kafka, lone_stack.topics.decisions, 1) == []
        await delivered(7)
        assert (held.ledger.last_offset, worker.status()["ready"]) == (5, True)
        assert await folded_decisions(lone_stack, [6]) == decided(box)[1]
    finally:
        await worker._close()


async def test_a_partition_that_stalls_ends_the_process_and_the_supervisor_restarts_it(
    lone_stack: Stack,
) -> None:
    """Input, but no progress, and no error from Faust: status 70, and the restart decides all."""
    box = await prepared(lone_stack, 63, size=5)
    settings = lone_stack.worker("ledger", SCRUTIN_STALL_SECONDS="2").environment
    specification = ProcessSpecification(
        name="ledger", argv=[sys.executable, str(Path(stalled_ledger.__file__))],
        environment={**os.environ, "PYTHONPATH": str(ROOT), **settings})
    lines: list[str] = []
    supervisor = Supervisor(lone_stack.folder, [specification], urls={}, report=lines.append)
    supervising = asyncio.create_task(supervisor.run())
    try:
        async with connected_producer(lone_stack.kafka) as producer:
            await write(producer, lone_stack.topics.votes, 0, box[0][1:], first_offset=1)
        assert await folded_decisions(lone_stack, [6]) == decided(box)[1]
    finally:
        supervisor.request_stop()
        await supervising

    assert f"ledger ended with status {EXIT_STOPPED}; starting it again (1)" in lines
    said = (lone_stack.folder / LOG_FOLDER / "ledger.log").read_text("utf-8")
    assert "votes partition 0 has stood at offset -1 for" in said
    assert "A restart recovers from the log" in said


async def test_a_name_in_use_keeps_a_second_ledger_from_starting(stack: Stack) -> None:
    """It says whose it is and ends with 3, and the first goes on; once that is killed, it starts.
    """
    box = await prepared(stack, 69, size=20)
    first, second = stack.worker("ledger", "same"), stack.worker("ledger", "same")
    second.log_path = stack.folder / "second.log"
    first.start()
    await folded_decisions(stack, [1, 1])
    second.start()
    assert second.wait() == EXIT_MISSING, second.log()
    assert first.running()
    first.kill()
    second.start()
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[1:], first_offset=1)

    assert await folded_decisions(stack, [21, 21]) == decided(box)[1]
    assert (f"SCRUTIN_INSTANCE=same is in use: a member of the group {stack.topics.prefix}-ledger "
            f"has that name and lives at {socket.gethostname()}:") in second.so_far()


async def test_of_two_ledgers_that_took_one_name_at_one_moment_one_ends(stack: Stack) -> None:
    """Neither saw the other before it joined: they throw each other out until one has asked."""
    box = await prepared(stack, 70, size=20)
    pair = [stack.worker("ledger", "same") for _ in range(2)]
    for number, each in enumerate(pair):
        each.log_path = stack.folder / f"racing-{number}.log"
        each.program = [sys.executable, str(Path(unasked_ledger.__file__))]
        each.start()
    await until(lambda: [each.running() for each in pair].count(False) == 1)
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[1:], first_offset=1)

    assert await folded_decisions(stack, [21, 21]) == decided(box)[1]
    [ended] = [each for each in pair if not each.running()]
    assert ended.wait() == EXIT_STOPPED
    assert "SCRUTIN_INSTANCE=same is in use" in ended.log()
