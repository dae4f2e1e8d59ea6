"""The outlet alone: offsets in order, a full queue, and a broker that is not there."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaStorageError, RequestTimedOutError

from deploy.local.ports import find_free
from deploy.local.services import Broker
from producers.gateway import carrier as carrier_module
from producers.gateway import outlet as outlet_module
from producers.gateway import rereading
from producers.gateway.carrier import Carrier
from producers.gateway.outlet import BATCH_BYTES, Full, NotWritten, Outlet, Unknown
from schemas.topics import Topics
from tests.producers.kafka_log import provisioned, read_all
from tests.waiting import until


async def test_every_event_is_told_its_own_offset(broker: Broker, topic_prefix: str) -> None:
    """Events written at once to all partitions, many batches: each answer names its record."""
    topics = await provisioned(broker.address, topic_prefix)
    async with Outlet(broker.address, {topics.votes: topics.partitions}) as outlet:
        await until(lambda: outlet.connected)
        answers = [outlet.write(topics.votes, number % 3, 1_000 + number, b"%d" % number)
                   for number in range(3_000)]
        found = await asyncio.gather(*answers)
        assert outlet.waiting == 0
    log = await read_all(broker.address, topics.votes, 3)
    for number, acknowledged in enumerate(found):
        record = log[number % 3][acknowledged.offset]
        assert (record.value, record.timestamp) == (b"%d" % number, 1_000 + number)


async def test_batches_are_bounded_in_bytes(broker: Broker, topic_prefix: str) -> None:
    """Events too large for one batch go in several, none is lost, all in order."""
    topics = await provisioned(broker.address, topic_prefix, 1)
    value = bytes(BATCH_BYTES // 3)
    async with Outlet(broker.address, {topics.votes: 1}) as outlet:
        await until(lambda: outlet.connected)
        found = await asyncio.gather(*(outlet.write(topics.votes, 0, 0, value) for _ in range(8)))

    assert [each.offset for each in found] == list(range(1, 9))
    assert max(len(each.batch.values) for each in found) <= 3


async def test_a_full_queue_refuses_at_once(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events than may wait are refused; those that waited are written."""
    monkeypatch.setattr(outlet_module, "WAITING_EVENTS", 10)
    topics = await provisioned(broker.address, topic_prefix, 1)
    async with Outlet(broker.address, {topics.votes: 1}) as outlet:
        await until(lambda: outlet.connected)
        answers = [outlet.write(topics.votes, 0, 0, b"x") for _ in range(5)]
        with pytest.raises(Full):
            outlet.write(topics.votes, 0, 0, b"x")
        assert [(await answer).offset for answer in answers] == [1, 2, 3, 4, 5]
        assert (await outlet.write(topics.votes, 0, 0, b"x")).offset == 6


async def test_what_waits_is_bounded_in_bytes(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few long events are refused as many short ones are; once written they are forgotten."""
    monkeypatch.setattr(outlet_module, "WAITING_BYTES", 1_000)
    topics = await provisioned(broker.address, topic_prefix, 1)
    async with Outlet(broker.address, {topics.votes: 1}) as outlet:
        await until(lambda: outlet.connected)
        for first in (1, 6):
            answers = [outlet.write(topics.votes, 0, 0, bytes(99)) for _ in range(5)]
            with pytest.raises(Full):
                outlet.write(topics.votes, 0, 0, bytes(6))
            assert [(await answer).offset for answer in answers] == [*range(first, first + 5)]


async def test_an_acknowledgement_without_an_offset_is_none(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idempotent producer that sent twice may learn no offset: unknown, and another producer."""
    topics = await provisioned(broker.address, topic_prefix, 1)
    send_batch = AIOKafkaProducer.send_batch
    sent_by = []

    async def repeated(self: AIOKafkaProducer, *arguments: Any, **options: Any) -> Any:
        answer = await send_batch(self, *arguments, **options)
        sent_by.append(self)
        if len(sent_by) > 1:
            return answer
        # As aiokafka reads DuplicateSequenceNumber: the batch lies in the log, who knows where.
        await answer
        lost: asyncio.Future[SimpleNamespace] = asyncio.get_running_loop().create_future()
        lost.set_result(SimpleNamespace(offset=-1))
        return lost

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", repeated)
    async with Outlet(broker.address, {topics.votes: 1}) as outlet:
        await until(lambda: outlet.connected)
        with pytest.raises(Unknown):
            await outlet.write(topics.votes, 0, 0, b"x")
        await until(lambda: outlet.connected)
        assert (await outlet.write(topics.votes, 0, 0, b"x")).offset == 2
    assert sent_by[0] is not sent_by[1]


async def test_a_partition_that_fails_leaves_the_others_theirs(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It alone is away, and gets another producer, on trial; the others go on by the first one."""
    topics = await provisioned(broker.address, topic_prefix)
    send_batch = AIOKafkaProducer.send_batch
    sent_by: dict[int, list[AIOKafkaProducer]] = {0: [], 1: [], 2: []}
    late = asyncio.Event()

    async def failing(
        self: AIOKafkaProducer, batch: Any, topic: str, *, partition: int) -> Any:
        sent_by[partition].append(self)
        if partition == 1 and len(sent_by[1]) == 1:
            raise KafkaStorageError
        if partition == 1 and len(sent_by[1]) == 2:
            await late.wait()
        return await send_batch(self, batch, topic, partition=partition)

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", failing)
    async with Outlet(broker.address, {topics.votes: 3}) as outlet:
        await until(lambda: outlet.connected)
        with pytest.raises(Unknown) as said:
            await outlet.write(topics.votes, 1, 0, b"x")
        with pytest.raises(NotWritten) as refused:
            outlet.write(topics.votes, 1, 0, b"x")
        away = [f"{topics.votes}/1"]
        assert [said.value.away, refused.value.away, outlet.away] == [away] * 3
        await until(lambda: not outlet.away)
        trial = outlet.write(topics.votes, 1, 0, b"x")
        with pytest.raises(NotWritten):
            outlet.write(topics.votes, 1, 0, b"y")
        assert (outlet.away, outlet.takes(topics.votes)) == (away, True)
        others = await asyncio.gather(*(
            outlet.write(topics.votes, number, 0, b"z") for number in (0, 2)))
        late.set()
        assert [each.offset for each in (*others, await trial)] == [1, 1, 1]
    first, second = sent_by[1]
    assert sent_by[0] == sent_by[2] == [first]
    assert second is not first


async def test_a_producer_that_ends_is_replaced_once_for_all_its_partitions(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever notices first: no lane is left behind, none connects twice."""
    topics = await provisioned(broker.address, topic_prefix)
    send_batch = AIOKafkaProducer.send_batch
    sent_by: list[AIOKafkaProducer] = []

    async def ending(
        self: AIOKafkaProducer, batch: Any, topic: str, *, partition: int) -> Any:
        sent_by.append(self)
        if self is sent_by[0]:
            await self._sender.close()
            raise KafkaStorageError
        return await send_batch(self, batch, topic, partition=partition)

    monkeypatch.setattr(AIOKafkaProducer, "send_batch", ending)
    async with Outlet(broker.address, {topics.votes: 3}) as outlet:
        await until(lambda: outlet.connected)
        lost = await asyncio.gather(*(outlet.write(topics.votes, number, 0, b"x")
                                      for number in range(3)), return_exceptions=True)
        await until(lambda: not outlet.away)
        taken = await asyncio.gather(*(outlet.write(topics.votes, number, 0, b"x")
                                       for number in range(3)))
        await until(lambda: len(outlet._tasks) == 3)  # A lane each, and nobody connects any more.
    assert [type(each) for each in lost] == [Unknown] * 3
    assert [each.offset for each in taken] == [1] * 3
    assert len({*sent_by}) == 2


async def test_what_was_given_up_is_not_tried_again(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch without an answer is withdrawn: it never comes into the log behind a later one."""
    monkeypatch.setattr(carrier_module, "ACKNOWLEDGE_ALONE_SECONDS", 0.5)
    topics = await provisioned(broker.address, topic_prefix, 2)
    carrier = Carrier(broker.address, batch_bytes=BATCH_BYTES)
    await carrier.start({topics.votes: 2})
    client = carrier._producer.client
    send, asked = client.send, asyncio.Event()

    async def silent(*_arguments: Any, **_options: Any) -> Any:
        asked.set()
        raise RequestTimedOutError

    client.send = silent
    with pytest.raises(TimeoutError):
        await carrier.send(topics.votes, 0, [(0, b"given up")])
    carrier.withdraw(topics.votes, 0)
    client.send = send
    try:
        assert asked.is_set()
        # Each takes a turn of its sender: what waited for another attempt would go with them.
        for offset in range(1, 9):
            assert await carrier.send(topics.votes, 1, [(0, b"later")]) == offset
            await asyncio.sleep(0.05)
    finally:
        await carrier.abandon()
    log = await read_all(broker.address, topics.votes, 2)
    assert [len(each) for each in log] == [1, 9]


async def test_receipts_read_anew_wait_within_bounds_for_a_broker_that_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Too many readers, or no broker to ask: refused at once; the others after one and one wait."""
    monkeypatch.setattr(rereading, "WAITING_MOST", 3)
    monkeypatch.setattr(rereading, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connected = True
        reader = rereading.Rereader(
            f"127.0.0.1:{silent.getsockname()[1]}", "any", connected=lambda: connected)
        waiting = [asyncio.create_task(reader.value_at(0, 0)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(NotWritten):
            await reader.value_at(0, 0)
        assert not any(task.done() for task in waiting)
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in found] == [NotWritten] * 3
        connected = False
        with pytest.raises(NotWritten):
            await reader.value_at(0, 0)
        await reader.close()


async def test_without_a_broker_nothing_is_written_and_that_is_said() -> None:
    """An address where nobody listens: NotWritten at once, and an orderly end."""
    topics = Topics("nobody", 1)
    async with Outlet(f"127.0.0.1:{find_free(1)[0]}", {topics.votes: 1}) as outlet:
        await asyncio.sleep(0)
        assert not outlet.connected
        with pytest.raises(NotWritten):
            outlet.write(topics.votes, 0, 0, b"x")


async def test_whoever_waits_is_answered_when_it_ends(
    broker: Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under way: unknown. Behind it: not written. And no producer is left open."""
    topics = await provisioned(broker.address, topic_prefix, 1)
    asked, open_ones = asyncio.Event(), set[AIOKafkaProducer]()
    start, stop = AIOKafkaProducer.start, AIOKafkaProducer.stop

    async def silent(*_: Any, **__: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    async def started(self: AIOKafkaProducer) -> None:
        open_ones.add(self)
        await start(self)

    async def stopped(self: AIOKafkaProducer) -> None:
        await asyncio.sleep(0.05)  # So long is it told to end before it has closed anything.
        await stop(self)
        open_ones.discard(self)

    monkeypatch.setattr(carrier_module, "ACKNOWLEDGE_ALONE_SECONDS", 0.2)
    monkeypatch.setattr(AIOKafkaProducer, "send_batch", silent)
    monkeypatch.setattr(AIOKafkaProducer, "start", started)
    monkeypatch.setattr(AIOKafkaProducer, "stop", stopped)
    async with Outlet(broker.address, {topics.votes: 1}) as outlet:
        await until(lambda: outlet.connected)
        with pytest.raises(Unknown):
            await outlet.write(topics.votes, 0, 0, b"given up, and its producer with it")
        assert open_ones
    assert not open_ones
    monkeypatch.setattr(carrier_module, "ACKNOWLEDGE_ALONE_SECONDS", 60.0)
    asked.clear()
    async with Outlet(broker.address, {topics.votes: 1}) as outlet:
        await until(lambda: outlet.connected)
        first = outlet.write(topics.votes, 0, 0, b"under way")
        await asked.wait()
        second = outlet.write(topics.votes, 0, 0, b"waits")
    assert (type(first.exception()), type(second.exception())) == (Unknown, NotWritten)
    assert (outlet.waiting, open_ones) == (0, set())


async def test_a_topic_that_a_cluster_forgets_for_a_moment_ends_no_lane(
    broker: Broker, topic_prefix: str
) -> None:
    """What brokers say while they elect: how many replicas it has is not known then."""
    topics = await provisioned(broker.address, topic_prefix, 1)
    async with Outlet(broker.address, {topics.votes: 1}) as outlet:
        await until(lambda: outlet.connected)
        [lane] = outlet._lanes.values()
        assert lane.carrier is not None
        lane.carrier._cluster._partitions.clear()
        assert (await outlet.write(topics.votes, 0, 0, b"x")).offset == 1
