"""The workers as processes on a real broker: what they make is what the pure ledger makes."""

import random
import signal

import httpx2
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from processors.workers.ideas_worker import IdeasPolicy, IdeasWorker, rest_seconds
from schemas import figures
from tests.harness import (
    Logs,
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


PARTITIONS = 2
CHUNK_RECORDS = 500
"""Records of one partition written between two looks at the plan of kills."""


async def write_votes(stack: Stack, box: Logs, first: int, end: int) -> None:
    """Write the votes of some offsets, partition by partition."""
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[first:end],
                        first_offset=first)


async def committed(stack: Stack, group: str) -> dict[tuple[str, int], int]:
    """Read the offsets a group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(f"{stack.topics.prefix}-{group}")
    finally:
        await admin.close()
    return {(tp.topic, tp.partition): found.offset for tp, found in offsets.items()}


async def assert_exact(stack: Stack, box: Logs) -> None:
    """Compare decisions and results with those of an undisturbed, pure run."""
    ledgers, decisions = decided(box)

    assert await folded_decisions(stack, [len(log) for log in box]) == decisions
    assert await published_document(stack, [len(log) - 1 for log in box]) == expected_document(
        ledgers)


class CuriousIdeas(IdeasWorker):
    """Ideas that end when they have looked up where they stand."""

    could_write = True

    async def _look_up(self) -> None:
        self.could_write = hasattr(self, "producer")
        assert not self.ready()
        await super()._look_up()
        raise EOFError


async def test_ideas_are_ready_once_they_can_write(lone_stack: Stack) -> None:
    """They know where they stand last: whoever is told that they are ready finds them connected."""
    await prepared(lone_stack, 4, size=0)
    ideas = CuriousIdeas(IdeasPolicy(lone_stack.kafka, lone_stack.topics, "1"))
    try:
        with pytest.raises(EOFError):
            await ideas._publish()
        assert ideas.could_write
    finally:
        await ideas._close()


async def test_workers_make_what_the_pure_ledger_makes(stack: Stack) -> None:
    """Decisions byte for byte, results to the unit, dead letters whole, a quiet end."""
    box = await prepared(stack, 1, size=400)
    port = stack.ports.find()
    ledger = stack.started("ledger", SCRUTIN_HEALTH_PORT=str(port))
    ideas = stack.started("ideas")
    await write_votes(stack, box, 1, 401)
    await assert_exact(stack, box)
    await assert_dead_letters(stack, box)
    status = httpx2.get(f"http://127.0.0.1:{port}/status").json()
    metrics = figures.read(httpx2.get(f"http://127.0.0.1:{port}/metrics").text)
    alive = httpx2.get(f"http://127.0.0.1:{port}/livez")
    for worker in (ledger, ideas):
        worker.send(signal.SIGTERM)

    assert [found["decided"] for found in status["partitions"].values()] == [400, 400]
    assert metrics.labelled(figures.LEDGER_NEXT) == {("0",): 401, ("1",): 401}
    assert (metrics.one(figures.READY.name), alive.status_code) == (1, 200)
    assert (ledger.wait(), ideas.wait()) == (0, 0), ledger.log() + ideas.log()
    # The last batches were acknowledged although nothing came after them.
    assert await committed(stack, "ledger") == {
        (stack.topics.votes, number): 401 for number in range(PARTITIONS)}


async def assert_dead_letters(stack: Stack, box: Logs) -> None:
    """Every undecodable record lies in the dead letters with its bytes, place and reason."""
    naive = {
        (partition, offset): value for partition, log in enumerate(box)
        for offset, value in enumerate(log) if value is None or value == b"{}" or len(value) == 40}
    letters = await read_to_end(stack.kafka, stack.topics.dead_letters, 1)
    found = {}
    for record in letters:
        headers = dict(record.headers)
        assert headers.pop("reason") == b"undecodable"
        found[int(headers["source_partition"]), int(headers["source_offset"])] = record.value

    assert found == naive
    assert len(naive) > 3


@pytest.mark.parametrize("seed", [11])
async def test_killed_workers_lose_nothing_and_count_nothing_twice(
    stack: Stack, seed: int
) -> None:
    """SIGKILL of ledger and ideas at random moments, once twice in a row: exact in the end."""
    print("seed", seed)
    chunks = 24
    box = await prepared(stack, seed, size=chunks * CHUNK_RECORDS, voters=400)
    randomness = random.Random(seed)
    workers = [stack.started("ledger", SCRUTIN_SNAPSHOT_DECISIONS="700"), stack.started("ideas")]
    kills: dict[int, list[Worker]] = {}
    for place in randomness.sample(range(2, chunks), 3):
        kills.setdefault(place, []).append(workers[0])
    kills.setdefault(randomness.randrange(2, chunks), []).append(workers[1])
    twice = randomness.choice([place for place, killed in kills.items() if workers[0] in killed])
    for chunk in range(chunks):
        first = 1 + chunk * CHUNK_RECORDS
        await write_votes(stack, box, first, first + CHUNK_RECORDS)
        if chunk in kills or chunk % 6 == 1:
            await folded_decisions(stack, [randomness.randrange(first)] * PARTITIONS)
        for worker in kills.get(chunk, ()):
            worker.kill()
            worker.start()
            if chunk == twice and worker is workers[0]:
                worker.kill()
                worker.start()
    await assert_exact(stack, box)


async def test_two_ledgers_join_and_leave_under_load(stack: Stack) -> None:
    """Partitions move between two instances, one killed, one told to stop: decisions stay exact."""
    chunks = 6
    box = await prepared(stack, 21, size=chunks * CHUNK_RECORDS, voters=200)
    one, two = stack.started("ledger", "1"), stack.worker("ledger", "2")
    ideas = stack.started("ideas")
    for chunk in range(chunks):
        first = 1 + chunk * CHUNK_RECORDS
        await write_votes(stack, box, first, first + CHUNK_RECORDS)
        if chunk == 1:
            await folded_decisions(stack, [first] * PARTITIONS)
            two.start()
        if chunk == 2:
            await folded_decisions(stack, [first + CHUNK_RECORDS] * PARTITIONS)
        if chunk == 3:
            one.send(signal.SIGTERM)
            assert one.wait() == 0, one.log()
        if chunk == 4:
            one.start()
            two.kill()
    await assert_exact(stack, box)

    assert one.running()
    assert ideas.running()
    assert "worker stopped" not in one.so_far() + two.log()


async def test_a_vote_is_published_again_after_nothing_but_refusals(stack: Stack) -> None:
    """Records that move no count still bring the published vector to the end of the log."""
    box = await prepared(stack, 31, size=20)
    box[0] += [b"{}"] * 3
    stack.started("ledger")
    stack.started("ideas")
    await write_votes(stack, box, 1, 21)
    await assert_exact(stack, [log[:21] for log in box])
    await write_votes(stack, box, 21, 24)
    await assert_exact(stack, box)


async def test_records_that_nobody_can_read_end_no_worker(stack: Stack) -> None:
    """Wherever they lie: results go on without them, and the log says where they were."""
    box = await prepared(stack, 37, size=20)
    async with connected_producer(stack.kafka) as producer:
        for topic in (stack.topics.tallies, stack.topics.participants):
            for value in (b"{}", None, b"\0\0\0\0\x32garbage"):
                await producer.send_and_wait(topic, value, key=b"any", partition=0)
    stack.started("ledger")
    ideas = stack.started("ideas")
    await write_votes(stack, box, 1, 21)
    ledgers, _ = decided(box)
    found = await published_document(stack, [len(log) - 1 for log in box])
    expected = expected_document(ledgers)

    await ideas.says("records set aside", 2)
    assert found["as_of"].pop("participants") == 2
    assert expected["as_of"].pop("participants") == -1
    assert found == expected


@pytest.mark.parametrize(("publication", "rest"), [(0.001, 0.02), (0.1, 0.1), (30.0, 2.0)])
def test_results_do_not_rest_from_a_broker_that_was_away(publication: float, rest: float) -> None:
    """The ideas worker rests as long as it worked, but seconds at the most."""
    assert rest_seconds(publication) == rest
