"""The bulk writer on a real broker: order, durability, and what a dead broker leaves behind."""

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from deploy.local import services
from deploy.local.ports import find_free
from producers import writer as writer_module
from producers.errors import Missing, ProducingError, Unreachable
from producers.writer import BulkWriter, Lane, Patience, Record
from tests.producers.kafka_log import PARTITIONS, provisioned, read_all


VALUE_BYTES = 90


def value(number: int) -> bytes:
    return number.to_bytes(8, "big") + bytes(VALUE_BYTES)


def number_of(record_value: bytes | None) -> int:
    return int.from_bytes((record_value or b"")[:8], "big")


async def numbers(address: str, topic: str) -> list[int]:
    """Read the numbers written to partition 0, after the rules."""
    return [number_of(record.value) for record in (await read_all(address, topic))[0][1:]]


async def test_records_lie_in_order_with_their_timestamps(
    broker: services.Broker, topic_prefix: str
) -> None:
    """Many batches to several partitions: each holds its records, in order, as given."""
    topics = await provisioned(broker.address, topic_prefix)
    total = 20_000
    async with BulkWriter(broker.address) as writer:
        for number in range(total):
            writer.add(topics.votes, number % PARTITIONS, 1_000_000 + number, value(number))
            if number % 1_000 == 0:
                await writer.ready()
    found = await read_all(broker.address, topics.votes, PARTITIONS)
    for partition, records in enumerate(found):
        wanted = list(range(partition, total, PARTITIONS))
        assert [number_of(record.value) for record in records[1:]] == wanted
        assert [record.timestamp for record in records[1:]] == [1_000_000 + n for n in wanted]


async def test_a_record_that_no_repetition_mends_is_refused_at_once(
    broker: services.Broker, topic_prefix: str
) -> None:
    """Kafka takes none from the future: the sentence says so, and nothing waits for a broker."""
    topics = await provisioned(broker.address, topic_prefix)
    writer = BulkWriter(broker.address, wait_seconds=5)
    with pytest.raises(ProducingError, match="Kafka refuses the records") as refused:
        async with writer:
            await writer.write(topics.votes, 0, 4_000_000_000_000, value(1))

    assert not isinstance(refused.value, Unreachable)


async def test_a_single_write_gives_its_offset(
    broker: services.Broker, topic_prefix: str
) -> None:
    """`write` goes behind everything added before and says where the record lies."""
    topics = await provisioned(broker.address, topic_prefix)
    async with BulkWriter(broker.address) as writer:
        for number in range(5_000):
            writer.add(topics.votes, 0, 0, value(number))
        offset = await writer.write(topics.votes, 0, 0, value(5_000))
    records = (await read_all(broker.address, topics.votes))[0]
    assert number_of(records[-1].value) == 5_000
    assert records[-1].offset == offset


async def test_a_broker_killed_and_restarted_loses_and_reorders_nothing(
    own_broker: services.Broker, topic_prefix: str
) -> None:
    """SIGKILL of the broker under load: the idempotent producer goes on, nothing is twice.

    Of records of today: the broker forgets the producer of older ones (see `producers.writer`).
    """
    topics = await provisioned(own_broker.address, topic_prefix)
    now = time.time_ns() // 1_000_000
    async with BulkWriter(own_broker.address) as writer:
        for number in range(60_000):
            writer.add(topics.votes, 0, now, value(number))
            if number == 30_000:
                own_broker.kill()
                await asyncio.to_thread(own_broker.restart)
            if number % 500 == 0:
                await writer.ready()
                await asyncio.sleep(0)
    assert await numbers(own_broker.address, topics.votes) == list(range(60_000))


async def test_a_replaced_producer_repeats_at_most_its_batch(
    own_broker: services.Broker, topic_prefix: str
) -> None:
    """Producers given up while the broker is away: the log holds all, in order but for repeats."""
    topics = await provisioned(own_broker.address, topic_prefix)
    async with BulkWriter(own_broker.address, attempt_seconds=0.5) as writer:
        for number in range(30_000):
            writer.add(topics.votes, 0, 0, value(number))
            if number % 500 == 0:
                await asyncio.sleep(0)
        own_broker.kill()
        flushed = asyncio.create_task(writer.flush())
        done, _ = await asyncio.wait([flushed], timeout=3)
        await asyncio.to_thread(own_broker.restart)
        await flushed
    found = await numbers(own_broker.address, topics.votes)
    assert not done
    assert first_occurrences(found) == list(range(30_000))
    assert_only_whole_repeats(found)


def first_occurrences(found: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(found))


def assert_only_whole_repeats(found: Sequence[int]) -> None:
    """Where numbers go back, they go back once, to the beginning of a batch just written."""
    for before, after in pairwise(found):
        assert after == before + 1 or after <= before


class ForgetfulLane(Lane):
    """A lane whose first acknowledgement says no offset, as brokers answer to a known sequence."""

    forgot = False

    async def _attempt(self, records: Sequence[Record]) -> int:
        offset = await super()._attempt(records)
        if self.forgot:
            return offset
        self.forgot = True
        return -1


async def test_an_acknowledgement_without_an_offset_is_no_acknowledgement(
    broker: services.Broker, topic_prefix: str
) -> None:
    """The batch is sent again, whole and in order, by another producer; later ones follow."""
    topics = await provisioned(broker.address, topic_prefix)
    lane = ForgetfulLane(broker.address, topics.votes, 0, Patience())
    lane.add(0, value(0))
    lane.add(0, value(1))
    await lane.flush()
    lane.add(0, value(2))
    await lane.flush()
    await lane.close()
    assert await numbers(broker.address, topics.votes) == [0, 1, 0, 1, 2]


async def test_without_a_broker_the_writer_gives_up_in_bounded_time() -> None:
    """Nobody answers: every method ends with a sentence that says what to do."""
    address = f"127.0.0.1:{find_free(1)[0]}"
    said = r"acknowledged nothing for 0\.5 s.*repeat the command"
    writer = BulkWriter(address, attempt_seconds=0.3, wait_seconds=0.5)
    await writer.__aenter__()
    writer.add("any.votes", 0, 0, b"x")
    for method in (writer.flush, writer.ready):
        with pytest.raises(Unreachable, match=said):
            await method()
    with pytest.raises(Unreachable, match=said):
        await writer.__aexit__(None, None, None)


async def test_a_missing_partition_is_said_at_once(
    broker: services.Broker, topic_prefix: str
) -> None:
    """A partition the topic does not have is no reason to wait."""
    topics = await provisioned(broker.address, topic_prefix)
    with pytest.raises(Missing, match="scrutin provision"):
        async with BulkWriter(broker.address) as writer:
            writer.add(topics.votes, PARTITIONS, 0, b"x")


def test_a_full_batch_and_the_largest_value_fit_the_broker() -> None:
    """A batch is sealed below what a producer takes, whatever comes last."""
    largest = writer_module.BATCH_BYTES + writer_module.RECORD_OVERHEAD_BYTES + (1 << 20)
    assert largest < writer_module.MAX_BATCH_BYTES
