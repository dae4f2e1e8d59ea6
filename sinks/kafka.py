"""A consumer of whole logs: started, waited for and stopped whatever the broker does."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.kafka_clients import new_consumer
from schemas.stalls import Stalled, Standing
from sinks.faults import LogTruncated, ServiceAway


FETCH_BYTES_MAX = 32 * 1_048_576
"""Bytes of one answer of the broker at most, over all partitions."""
PARTITION_FETCH_BYTES_MAX = 4 * 1_048_576
"""Bytes of one partition in one answer; twice the largest record the broker takes."""
FETCH_WAIT_MILLISECONDS = 500
"""Longest the broker holds an empty answer back; records end the wait at once."""
POLL_MILLISECONDS = 200
"""Longest wait for records: what has become due meanwhile waits as long at most."""
POLL_RECORDS_MAX = 20_000
"""Records taken at once: about 100 ms of work."""
WATCH_SECONDS = 2.0
"""Pause between two looks at the ends of the logs."""
FEW_RECORDS = 100
"""After so few at once..."""
FEW_SECONDS = 0.4
"""... nobody takes the next ones sooner: each answer of the broker costs both the same..."""
FEW_SECONDS_MAX = 2.0
"""... and while few keep coming each rest is twice as long, up to this."""
RETRY_SECONDS = 1.0
"""Pause before a broker that is away is asked again."""


class KafkaPatience:
    """Since when Kafka has been away, against the bound."""

    def __init__(self, kafka: str, away_seconds: float) -> None:
        self._kafka, self._away_seconds = kafka, away_seconds
        self.renew()

    def renew(self) -> None:
        """Begin again: the broker has answered."""
        self._deadline = asyncio.get_running_loop().time() + self._away_seconds

    def away(self, error: Exception) -> None:
        """Note that Kafka did not answer; raise ServiceAway past the bound."""
        if asyncio.get_running_loop().time() > self._deadline:
            raise ServiceAway(
                f"no Kafka broker answered at {self._kafka} for {self._away_seconds:.0f} s "
                f"({type(error).__name__}: {error}). Start the broker or set SCRUTIN_KAFKA; "
                "after a restart it resumes where it was."
            ) from error


def log_consumer(kafka: str) -> AIOKafkaConsumer:
    """Make a consumer without a group, for whoever keeps the position elsewhere."""
    return new_consumer(
        kafka, fetch_max_bytes=FETCH_BYTES_MAX, fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES_MAX)


async def start_consumer(consumer: AIOKafkaConsumer, patience: KafkaPatience) -> None:
    """Start a consumer once a broker answers; raise ServiceAway past the bound."""
    while True:
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            patience.away(error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def fetched(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], next_to_be: str
) -> Mapping[TopicPartition, list[Any]]:
    """Take what is there of some partitions; raise LogTruncated where the next offset is gone.

    `next_to_be` says in the message what was to become of that record.
    """
    try:
        batches: Mapping[TopicPartition, list[Any]] = await consumer.getmany(
            *partitions, timeout_ms=POLL_MILLISECONDS, max_records=POLL_RECORDS_MAX)
    except OffsetOutOfRangeError as error:
        raise LogTruncated(
            f"an offset that is next to be {next_to_be} is not in the log ({error}): the topic was "
            "truncated or made anew. Restore it from a replica before going on."
        ) from error
    return batches


class Rests:
    """The rests of one reader, in which it asks for nothing."""

    def __init__(self, consumer: AIOKafkaConsumer, stopping: asyncio.Event) -> None:
        self._consumer, self._stopping = consumer, stopping
        self._seconds = 0.0

    async def after(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Let more records come after a few; end at once where it is time to stop."""
        if not self.seconds_after(sum(map(len, batches.values()))):
            return
        places = self._consumer.assignment() - self._consumer.paused()
        # Else it would go on fetching: of each partition what came, by a request for each record.
        self._consumer.pause(*places)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._seconds)
        finally:
            self._consumer.resume(*places)

    def seconds_after(self, records: int) -> float:
        """Return how long to rest after so many records: not at all after none or many."""
        longer = max(FEW_SECONDS, min(2 * self._seconds, FEW_SECONDS_MAX))
        self._seconds = longer if 0 < records < FEW_RECORDS else 0.0
        return self._seconds


async def watch_ends(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], patience: KafkaPatience,
    note: Callable[[Mapping[TopicPartition, int]], None],
    wanted: Callable[[TopicPartition], int | None],
) -> None:
    """Tell the ends of logs again and again.

    Raise ServiceAway when Kafka stays away, or where it answers and gives no records of a
    partition: `wanted` says which offset is to come next, None where nothing is asked for.
    """
    standing = {place: Standing(f"{place.topic} partition {place.partition}")
                for place in partitions}
    while True:
        try:
            ends = await consumer.end_offsets(partitions)
        except (KafkaError, OSError) as error:
            patience.away(error)
            for each in standing.values():
                each.forget()
        else:
            patience.renew()
            note(ends)
            for place, end in ends.items():
                _stand(standing[place], wanted(place), end)
        await asyncio.sleep(WATCH_SECONDS)


def _stand(standing: Standing, offset: int | None, end: int) -> None:
    if offset is None:
        standing.forget()
        return
    try:
        standing.see(offset, end, asyncio.get_running_loop().time())
    except Stalled as error:
        raise ServiceAway(str(error)) from error
