"""One producer of a gateway: it carries batches of some partitions to whoever leads them.

Theory of operation: an idempotent producer of aiokafka tries a batch again until it is in the log,
and writes it once, whoever leads the partition meanwhile. Its two waits are the same by default and
far too long for us: a broker that takes connections and answers nothing is asked for 40 s. So here
it is asked for ANSWER_SECONDS; then the leaders are looked up anew, of those who answer
(`silent_brokers`), and the batch goes to the one there is by then. A batch that is given up is
withdrawn: what is under way on a connection nobody can take back, but it is not tried again, or it
might come into the log after later ones.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from producers.gateway.silent_brokers import SilentBrokers
from producers.unhurried import unhurried
from producers.writer import abandon, heard
from schemas.kafka_clients import new_producer


CONNECT_SECONDS = 10.0
"""Longest wait for a cluster to answer a new producer: brokers that are silent are asked first."""
ANSWER_SECONDS = 3.0
"""Longest wait for one answer of one broker; then it is asked again, or another. Shorter than any
session, so before there can be a new leader the lost one is passed over."""
REPLICAS_SECONDS = 1.5
"""So long a leader waits for its replicas before it says that they are late: half as long as we
wait for it. What it says is heard, and the connection stays, also where it is late itself, as one
that has just started and is given back what it led before."""
ACKNOWLEDGE_SECONDS = 14.0
"""Longest wait for an acknowledgement: a broker's session (9 s by default), the election of a
controller (2 s) and the way to a new leader. A browser gives up after 15 s."""
ACKNOWLEDGE_ALONE_SECONDS = 5.0
"""The same where a partition has one replica: nobody takes its leader's place."""

Record = tuple[int, bytes]
"""Timestamp in milliseconds UTC, value."""


class Carrier:
    """A producer, for as long as some partition goes by it."""

    def __init__(self, address: str, *, batch_bytes: int) -> None:
        self._producer = unhurried(new_producer(
            address, max_batch_size=batch_bytes, request_timeout_ms=int(ANSWER_SECONDS * 1_000)))
        SilentBrokers(self._producer.client, ANSWER_SECONDS)
        self.users = 0
        """Partitions that go by it."""

    async def start(self, partitions: Mapping[str, int]) -> None:
        """Connect, and learn where all partitions are; raises KafkaError, OSError, TimeoutError."""
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._producer.start()
            sender: Any = self._producer._sender  # noqa: SLF001 -- it has no option for this alone
            sender._request_timeout_ms = int(REPLICAS_SECONDS * 1_000)  # noqa: SLF001 -- as above
            accumulator = self._accumulator
            accumulator.reenqueue = _unless_withdrawn(accumulator)
            for topic, count in partitions.items():
                found = len(await self._producer.partitions_for(topic))
                if found != count:
                    raise KafkaError(f"{topic} has {found} partitions, not {count}")

    def leader(self, topic: str, partition: int) -> int | None:
        """Return the number of who leads a partition; None where nobody does."""
        found = self._cluster.leader_for_partition(TopicPartition(topic, partition))
        return None if found in (None, -1) else int(found)

    def patience_seconds(self, topic: str, partition: int) -> float:
        """Say how long to wait for an acknowledgement of a partition.

        While a cluster elects somebody it may know nothing of a topic that was there before.
        """
        known = self._cluster._partitions.get(topic, {}).get(partition)  # noqa: SLF001 -- no other door
        alone = known is not None and len(known.replicas) < 2
        return ACKNOWLEDGE_ALONE_SECONDS if alone else ACKNOWLEDGE_SECONDS

    async def send(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        """Write a batch, and return the offset of its first record.

        Raises KafkaError, OSError, TimeoutError: then nobody knows whether it is in the log.
        """
        batch = self._producer.create_batch()
        for timestamp, value in records:
            appended = batch.append(timestamp=timestamp, key=None, value=value)
            assert appended is not None, "a batch is taken so that it fits"
        async with asyncio.timeout(self.patience_seconds(topic, partition)):
            future = await self._producer.send_batch(batch, topic, partition=partition)
            offset: int = (await future).offset
        if offset < 0:
            raise KafkaError("acknowledged without an offset")
        return offset

    def withdraw(self, topic: str, partition: int) -> None:
        """Try what was given up of a partition no more; others go on."""
        accumulator, place = self._accumulator, TopicPartition(topic, partition)
        pending = accumulator._pending_batches  # noqa: SLF001 -- aiokafka has no way to do it
        waiting = accumulator._batches.pop(place, ())  # noqa: SLF001 -- as above
        # What a batch calls once it ends expects it there if it was ever sent.
        pending.update(batch for batch in waiting if batch.retry_count)
        for batch in {*waiting, *(each for each in pending if each.tp == place)}:
            batch.failure(KafkaError("withdrawn"))
            heard(batch.future)
            heard(batch._drain_waiter)  # noqa: SLF001 -- as above

    @property
    def ended(self) -> bool:
        """Whether it carries nothing any more, whatever the partition."""
        task = self._producer._sender.sender_task  # noqa: SLF001 -- aiokafka does not say it
        return task is None or bool(task.done())

    async def abandon(self) -> None:
        """Close it without waiting for what it could not deliver."""
        await abandon(self._producer)

    @property
    def _cluster(self) -> Any:
        return self._producer.client.cluster

    @property
    def _accumulator(self) -> Any:
        return self._producer._message_accumulator  # noqa: SLF001 -- see `withdraw`


def _unless_withdrawn(accumulator: Any) -> Any:
    """Return what lets a batch be tried again, unless it was withdrawn while it was under way."""
    again = accumulator.reenqueue

    def reenqueue(batch: Any) -> None:
        if not batch.future.done():
            again(batch)

    return reenqueue
