"""The clerk: closes each consultation at its date.

Theory of operation: gateways take no vote from the date on, by themselves; what is left to do is to
write the closing into every partition, so that results can become final. The notary does it, for
one of them holds its lease. The closing is that of `scrutin close`: a second one, by somebody who
was frozen or by an operator, writes the same events, which count once, and one that was interrupted
is finished by whoever comes next. The date is one of the broker's clock, as for gateways.

An earlier or later date in the catalogue takes the place of the one before, until the closing is
announced. Where a log takes signed closings alone, a clerk's key lies in SCRUTIN_CONTROL_KEYS.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import structlog
from aiokafka.errors import KafkaError

from producers import operations, signing
from producers.due_closings import Date, date_of, dates
from producers.errors import ProducingError
from producers.gateway.broker_time import BrokerTime
from producers.gateway.clock_watch import ANSWER_SECONDS, measures, steady
from producers.gateway.follower import Follower
from producers.log_reader import LogReader
from producers.operations import Log
from schemas.private_files import KeyRefused
from schemas.registry import UnknownSchema
from schemas.topics import Topics


LOOK_SECONDS = 1.0
"""Between two looks at what is due: a closing comes so much late, and as long as it is written."""
MEASURE_SECONDS = 600.0
"""While a date lies ahead the broker's clock is measured so often."""
PREPARE_MILLISECONDS = 600_000
"""So long before the date partitions are read for their keys: that takes its time once."""
CLOSE_SECONDS = 300.0
"""One closing takes no longer; the next one goes on from there."""
NAMED_MOST = 10
"""So many consultations that are overdue a line of the log names."""
FAILURES = (ProducingError, KafkaError, KeyRefused, UnknownSchema, OSError, TimeoutError)

log = structlog.get_logger("scrutin.clerk")


class Clerk:
    """Closes what is due, for as long as it runs."""

    def __init__(self, kafka: str, topics: Topics, keys: Path) -> None:
        """`keys` is the folder of the private keys that closings are signed with."""
        self._kafka, self._topics, self._keys = kafka, topics, keys
        self._follower = Follower(kafka, topics)
        self._time = BrokerTime(time.time, steady)
        self._measured_at = -MEASURE_SECONDS
        self._dates: list[Date] = []
        self._read_to = -1
        """Catalogue offset of these dates."""
        self._partitions: signing.Read = {}
        self._prepared: str | None = None
        """Consultation for whose date partitions were read."""
        self._failed: dict[str, str] = {}
        """What went wrong at the last look, by consultation: it is said once."""

    def status(self) -> list[str]:
        """List the consultations whose date has passed and which are not closed yet."""
        now = self._time.milliseconds()
        return [date.consultation for date in self._dates if date.closes_at <= now]

    async def run(self) -> None:
        """Close what is due until cancelled, over whatever becomes of the broker."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follower.follow())
            while True:
                await self._follower.ready.wait()
                await self._look()
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        if self._read_to != self._follower.offset:
            self._read_to = self._follower.offset
            self._dates = dates(self._follower.known)
        if not self._dates:
            return
        failures: dict[str, str] = {}
        with _failing(failures, "the broker's clock"):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._measure()
        now = self._time.milliseconds()
        if due := [date for date in self._dates if date.closes_at <= now]:
            with _failing(failures, "what is due"):
                await self._close(due, now, failures)
        if self._dates and self._dates[0].closes_at - now <= PREPARE_MILLISECONDS:
            with _failing(failures, "keys in force"):
                await self._prepare(self._dates[0])
        self._tell(failures)

    async def _measure(self) -> None:
        if steady() - self._measured_at >= MEASURE_SECONDS:
            async for measure in measures(self._kafka, self._topics.clocks):
                self._time.learn(measure)
            self._measured_at = steady()

    async def _close(self, due: list[Date], now: int, failures: dict[str, str]) -> None:
        """Close what is due; one that cannot be closed holds up none behind it."""
        own = await asyncio.to_thread(signing.own_keys, self._keys)
        log_of_all = Log(self._kafka, self._topics, own_keys=own)
        async with operations.closings(log_of_all, now=now, read=self._partitions) as closings:
            for date in due:
                # It may have been put off since: others are closed before it is its turn.
                if any(date_of(known, date.consultation) != date
                       for known in (closings.known, self._follower.known)):
                    continue
                with _failing(failures, date.consultation):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        closed = await closings.close(date.consultation, secrets.token_bytes(16))
                    self._dates.remove(date)
                    if closed.written:
                        log.info("consultation closed at its date",
                                 consultation=date.consultation, offsets=closed.offsets)

    async def _prepare(self, date: Date) -> None:
        """Read the partitions for their keys, once for a date: that takes its time."""
        if self._prepared != date.consultation:
            async with LogReader(self._kafka) as reader:
                await signing.controls(
                    reader, self._topics, self._follower.known, (), read=self._partitions)
            self._prepared = date.consultation

    def _tell(self, failures: dict[str, str]) -> None:
        """Say what goes wrong, once for each reason."""
        for what, reason in failures.items():
            if self._failed.get(what) != reason:
                log.error("a closing cannot be written yet", of=what, reason=reason,
                          overdue=self.status()[:NAMED_MOST],
                          remedy="it is tried again each second; `scrutin close` does the same")
        self._failed = failures


@contextlib.contextmanager
def _failing(failures: dict[str, str], what: str) -> Iterator[None]:
    """Note what goes wrong here, and go on behind it."""
    try:
        yield
    except FAILURES as error:
        failures[what] = f"{type(error).__name__}: {error}"
