"""A gateway measures the broker's clock, at its start and each minute.

Theory of operation: no request of Kafka asks for the time. But a broker stamps the records of a
topic whose times are those of appending, and its acknowledgement bears the stamp. So a record
without content is written to such a topic, and forgotten after an hour. By a producer of its own,
that is connected and knows its topic before the time is taken: nothing else is waited for.
"""

import asyncio
import functools
import time
from collections.abc import AsyncIterator

import structlog
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from producers.gateway.broker_time import BrokerTime, Measure
from producers.gateway.identity import Clock
from producers.gateway.outlet import Outlet
from producers.unhurried import unhurried
from producers.writer import abandon
from schemas.kafka_clients import new_producer


MEASURE_SECONDS = 60.0
"""So often the clock is measured: a good one drifts by 0.01 s in a day."""
RETRY_SECONDS = 2.0
"""Until the next attempt, while none has succeeded."""
ANSWER_SECONDS = 5.0
"""Longest time for all of a measure."""
SETTLE_SECONDS = 60.0
"""A gateway that starts takes no vote for so long at most, while the broker is away or slow, or has
no such topic: our own clock may be hours wrong. Where the broker says that it will not tell, our
own counts at once."""
WRITES = 3
"""Records of one measure. The first pays for what the producer and the broker learn on the way; the
quickest says most."""
_STAMPED_BY_BROKER = 1
"""Kafka's number for times of appending."""


class StampedByWriters(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """The topic bears times of those who write it."""


WILL_NOT_TELL = (StampedByWriters, TopicAuthorizationFailedError)

steady: Clock = functools.partial(
    time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
"""Seconds since some moment: nobody sets it, and where there is such a clock it counts on while the
machine sleeps."""


class ClockWatch:
    """Measures again and again."""

    def __init__(self, kafka: str, topic: str, brokers: BrokerTime) -> None:
        self._kafka, self._topic, self._brokers = kafka, topic, brokers
        self.settled = asyncio.Event()
        """Whether `brokers` is settled."""
        self._told = ""
        """What went wrong last: it is said once."""
        self._logger = structlog.get_logger("gateway")

    async def run(self, outlet: Outlet) -> None:
        """Measure until cancelled, once a broker takes events, over whatever becomes of it."""
        await outlet.opened.wait()
        since = steady()
        while True:
            try:
                await self._measure()
            except (KafkaError, OSError, TimeoutError) as error:
                self._tell(f"{type(error).__name__}: {error}".rstrip(": "))
                if isinstance(error, WILL_NOT_TELL) or steady() - since >= SETTLE_SECONDS:
                    self._settle()
            else:
                self._told = ""
                self._settle()
            await asyncio.sleep(MEASURE_SECONDS if self._brokers.measured else RETRY_SECONDS)

    def _settle(self) -> None:
        self._brokers.settled = True
        self.settled.set()

    async def _measure(self) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            async for measure in measures(self._kafka, self._topic):
                self._brokers.learn(measure)

    def _tell(self, reason: str) -> None:
        if reason != self._told:
            self._logger.warning(
                "the broker's clock cannot be measured",
                topic=self._topic, reason=reason)
            self._told = reason


async def measures(kafka: str, topic: str) -> AsyncIterator[Measure]:
    """Measure the broker's clock WRITES times; whoever asks bounds the time.

    Raises KafkaError, also where the topic bears times of its writers, OSError.
    """
    producer = unhurried(new_producer(kafka))
    try:
        await producer.start()
        await producer.partitions_for(topic)
        for _ in range(WRITES):
            sent_at = steady()
            written = await producer.send_and_wait(topic, b"", partition=0)
            answered_at = steady()
            if written.timestamp_type != _STAMPED_BY_BROKER:
                raise StampedByWriters(
                    f"{topic} bears times of its writers: run `scrutin provision`")
            yield Measure(sent_at, written.timestamp / 1_000, answered_at)
    finally:
        await abandon(producer)
