"""Follows what the patrol asks of the door: networks from which more is to be asked for a while.

Theory of operation: the records lie among those of networks, which gateways write themselves. A
gateway reads on from an hour before it started, but no more than so many records back, in no group.
What it reads binds nobody for long: a place stands raised for an hour at most, a step or two, by
its name of today and for a proposal that there is. What is anything else is passed over, whoever
wrote it; what is lost costs a script nothing but its group's next report.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import codec
from schemas.codec import Undecodable
from schemas.kafka_clients import close_consumer, new_consumer
from schemas.registry import HEADER_BYTES, UnknownSchema, headers


HOLDS_MS = 3_600_000
"""Longest that a place stands raised by one record."""
LEVELS = (1, 2)
"""The patrol asks for no more: what is above comes of what is solved here."""
SKEW_MS = 60_000
"""Clocks of two machines differ by no more; around midnight names of both days are good."""
RECORDS_BACK = 20_000
"""Records that are read at the start, at most: half an hour of the busiest."""
POLL_MILLISECONDS = 1_000
RECORDS_AT_ONCE = 500
FETCH_WAIT_MILLISECONDS = 5_000
"""Longest the broker holds a fetch..."""
FETCH_BYTES_LEAST = 1 << 18
"""... for so many bytes to come together: networks are written ten times a second, and answers
for each would cost a gateway as much again. What is asked of the door is known so much later."""
RETRY_SECONDS = 1.0
"""Pause before a broker that does not answer is asked again."""
ANSWER_SECONDS = 20.0
"""Longest wait for the broker's answer about where to begin."""
DAY_MILLISECONDS = 86_400_000
_RAISED = headers("ChallengeRaised")


class Raises(Protocol):
    """Asks more at a place: `producers.gateway.door.Door`."""

    def raise_challenge(
        self, name: bytes, consultation: str, proposal: str, level: int, until: int, now: int
    ) -> None: ...


class RaisedPlaces:
    """Reads the topic of networks for as long as the gateway lives."""

    def __init__(
        self, address: str, topic: str, door: Raises, *,
        accepts: Callable[[str, str], bool], milliseconds: Callable[[], int],
    ) -> None:
        """`accepts` says whether a proposal of a consultation can be voted on."""
        self._address = address
        self._place = TopicPartition(topic, 0)
        self._door = door
        self._accepts = accepts
        self._now = milliseconds
        self._offset = -1
        """Of the next record; -1 before the first look."""
        self._logger = structlog.get_logger("gateway")

    async def follow(self) -> None:
        """Read until cancelled, over whatever becomes of the broker."""
        while True:
            consumer = new_consumer(
                self._address, fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS,
                fetch_min_bytes=FETCH_BYTES_LEAST)
            try:
                await self._read(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                self._logger.warning("what the patrol asks of the door cannot be read",
                                     kafka=self._address,
                                     reason=f"{type(error).__name__}: {error}")
            finally:
                await close_consumer(consumer)
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, consumer: Any) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            await consumer.start()
            begin = await self._begin(consumer)
        consumer.assign([self._place])
        consumer.seek(self._place, begin)
        while True:
            found = await consumer.getmany(
                timeout_ms=POLL_MILLISECONDS, max_records=RECORDS_AT_ONCE)
            for record in found.get(self._place, ()):
                self.take(record.value, self._now())
                self._offset = record.offset + 1
            await asyncio.sleep(0)

    async def _begin(self, consumer: Any) -> int:
        """Return where to read on: behind the last record, else so far back as anything holds."""
        [first] = (await consumer.beginning_offsets([self._place])).values()
        [end] = (await consumer.end_offsets([self._place])).values()
        if self._offset < 0:
            since = self._now() - HOLDS_MS - SKEW_MS
            [found] = (await consumer.offsets_for_times({self._place: since})).values()
            self._offset = end if found is None else int(found.offset)
        return int(min(end, max(self._offset, first, end - RECORDS_BACK)))

    def take(self, value: bytes | None, now: int) -> bool:
        """Raise what a record asks for, now (milliseconds since 1970); say whether it did."""
        if value is None or value[:HEADER_BYTES] not in _RAISED:
            return False
        try:
            _, fields = codec.decode(value)
        except (Undecodable, UnknownSchema):
            return False
        until = min(fields["until"], fields["occurred_at"] + HOLDS_MS, now + HOLDS_MS)
        days = {(now - SKEW_MS) // DAY_MILLISECONDS, (now + SKEW_MS) // DAY_MILLISECONDS}
        if (fields["level"] not in LEVELS or until <= now or fields["day"] not in days
                or fields["occurred_at"] > now + SKEW_MS
                or not self._accepts(fields["consultation"], fields["proposal"])):
            return False
        self._door.raise_challenge(fields["network"], fields["consultation"], fields["proposal"],
                                   fields["level"], until, now)
        return True
