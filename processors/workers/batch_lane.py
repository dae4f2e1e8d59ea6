"""The batch lane: Faust workers whose agents receive whole fetched batches.

Theory of operation: Faust's machinery per event carries some thousands of events a second. Here
its consumer hands on one Faust event per fetched batch of one partition, so the same worker, group
and rebalance carry hundreds of thousands. Each class says which of Faust's habits it replaces:

- `BatchConsumer._getmany` wraps the records of a partition into one `Batch`, marked with the
  group generation it was fetched under: a batch delivered after its partition was revoked (it may
  wait in flow control past the clearing of queues) is known and dropped by whoever handles it.
- `Seeks` counts the beginnings and ends of seeks of each partition, and a batch bears the count it
  was fetched under: after a rebalance Faust fetches again before it seeks, and what comes of that,
  from wherever the consumer stood, would look like a hole in the log. Whoever drops a batch seeks
  again, for it may have been the right one.
- `_read_offset` remembers nothing: a batch dropped for any of these reasons would make Faust
  skip the right ones that follow it.
- `keep_records_lean`: aiokafka builds an object of eleven fields around each record its C reader
  gives; here the records stay as read, which halves the cost of reading. They know their offset,
  key, value and timestamp; topic and partition are those of the batch.
- `_seek`: Faust seeks from its own thread in the midst of the reading of another one, which ended
  the worker now and then (KeyError); here the thread that reads also seeks.
- `_add_gap`: between two batches Faust sees a gap and would count it as processed.
- `ReadingThread`: a fetch that waits to try again when the worker is told to stop ended Faust's
  thread in aiokafka's closing, and the worker waited for that thread for ever. A coordinator that
  is being lost ended Faust, or its membership without a word (`schemas.kafka_coordinators`).
- `WatchedApp`: a step of the recovery that took too long ended all recovering (`recoveries`).
- `_new_offset`: what is committed is what the handler says is durable. Only lag monitoring reads
  it: `seek_to_committed` resumes where the state says, never where the group's offset says.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Protocol, cast

import faust
import structlog
from aiokafka.consumer import fetcher
from aiokafka.errors import IllegalStateError
from faust.auth import Credentials, OAuthCredentials
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from processors.workers.recoveries import WatchedApp
from schemas.exit_codes import EXIT_STOPPED
from schemas.kafka_clients import security
from schemas.kafka_coordinators import find_again
from schemas.kafka_members import client_id
from schemas.private_files import make_private_folder


MAX_POLL_RECORDS = 10_000
"""Records handed to an agent at once: some 50 ms of work, so the loop stays responsive."""
MAX_FETCH_BYTES = 4 << 20
"""Bytes fetched of one partition at once."""
MAX_WAITING_BATCHES = 64
"""Batches waiting in a stream before fetching is held back."""
SESSION_SECONDS = 10.0
"""A dead worker is noticed after this long, if nothing else is set; Faust's default is 60 s."""
HEARTBEATS = 3
"""So often in a session a member says that it lives."""
ANSWER_SECONDS = SESSION_SECONDS
"""Longest wait for one answer of one broker; then the leader or the coordinator is looked for anew.
Faust's default is 90 s, for which a broker that is frozen or cut off kept its partitions unread. A
group that takes longer to be balanced is joined again, under the same name."""
COMMIT_SECONDS = 5.0
"""Offsets are committed so often, and at the end: for eyes, no worker goes by them."""
SAY_SECONDS = 5.0
"""Who ends at once does so after this long, even where nobody takes what it says."""
SWITCH_SECONDS = 0.0002
"""A thread may compute so long while another one waits: Faust fetches in a thread of its own, which
would wait Python's 5 ms each time it is answered."""

log = structlog.get_logger("scrutin.batch_lane")


class BatchValue:
    """What an agent receives: the records of one partition, and when they were fetched.

    `generation` is that of the group, `seeks` the count of seeks of the partition.
    """

    __slots__ = ("generation", "records", "seeks")

    def __init__(self, records: list[Any], generation: int, seeks: int) -> None:
        self.records, self.generation, self.seeks = records, generation, seeks


class Batch:
    """One record to Faust, a list of records to the agent; its offset is that of the last one."""

    __slots__ = ("checksum", "headers", "key", "offset", "partition", "serialized_key_size",
                 "serialized_value_size", "timestamp", "timestamp_type", "topic", "value")

    def __init__(self, tp: TP, records: list[Any], generation: int, seeks: int) -> None:
        last = records[-1]
        self.topic, self.partition = tp
        self.offset, self.timestamp = last.offset, last.timestamp
        self.timestamp_type = self.serialized_key_size = self.serialized_value_size = 0
        self.headers: tuple[()] = ()
        self.key = self.checksum = None
        self.value = BatchValue(records, generation, seeks)


class Seeks:
    """Where partitions are read on, and which batches were fetched since."""

    def __init__(self) -> None:
        self.counts: Counter[TP] = Counter()

    async def seek(self, consumer: Any, partition: TP, offset: int) -> None:
        """Read a partition on from an offset; what is being fetched right now is out of place."""
        self.counts[partition] += 1
        try:
            await consumer.seek(partition, offset)
        except IllegalStateError:
            log.info("not sought: the partition is being moved", partition=str(partition))
        finally:
            self.counts[partition] += 1

    def in_place(self, partition: TP, batch: BatchValue) -> bool:
        """Whether a batch was fetched after the last seek of its partition had ended."""
        return batch.seeks == self.counts[partition]


class NothingRead(dict[TP, int | None]):
    """What Faust last handed on of each partition, to skip what it hands on again: never anything.

    The worker's own state says which offset comes next; it drops the others itself.
    """

    def __getitem__(self, _partition: TP) -> None:
        return None

    def __setitem__(self, _partition: TP, _offset: int | None) -> None: ...


class Positions(Protocol):
    """What the lane asks of the worker that uses it."""

    seeks: "Seeks"

    async def resume_offsets(self, partitions: set[TP]) -> Mapping[TP, int]:
        """Say from which offset each assigned partition is read on; others stay as they are."""

    def durable_offset(self, partition: TP) -> int | None:
        """Say up to which offset (exclusive) everything is durable; None where nothing is."""


def keep_records_lean() -> None:
    """Leave what this process consumes as aiokafka's C reader made it."""
    fetcher.PartitionRecords._consumer_record = (  # noqa: SLF001 -- it has no other door
        lambda _records, _partition, record: record)
    # They are iterated as such, not by a call around each.
    fetcher.PartitionRecords.__iter__ = (
        lambda records: records._records_iterator)  # noqa: SLF001 -- nor this one


class ReadingThread(driver.AIOKafkaConsumerThread):
    """Faust's thread that reads: it ends when told, and knows secrets that were changed."""

    async def on_start(self) -> None:
        await super().on_start()
        find_again(self._ensure_consumer())

    async def on_thread_stop(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    def _create_worker_consumer(self, transport: Any) -> Any:
        made = super()._create_worker_consumer(transport)
        security().keep_fresh(made._client)  # noqa: SLF001 -- it has no other door
        return made


class FreshProducer(driver.Producer):
    """Faust's own producer, which knows secrets that were changed."""

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        made = super()._new_producer(transactional_id)
        security().keep_fresh(made.client)
        return made


def transport(positions: Positions) -> type[driver.Transport]:
    """Make the transport class of a worker."""

    class BatchConsumer(driver.Consumer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._read_offset = NothingRead()

        def _new_consumer_thread(self) -> ReadingThread:
            return ReadingThread(self, loop=self.loop, beacon=self.beacon)

        async def _getmany(
            self, active_partitions: set[TP] | None, timeout: float  # noqa: ASYNC109 -- Faust's
        ) -> dict[TP, Any]:
            generation, counts = self.app.consumer_generation_id, positions.seeks.counts.copy()
            fetched = await super()._getmany(active_partitions, timeout)
            return {
                tp: [Batch(tp, records, generation, counts[tp])]
                for tp, records in fetched.items() if records
            }

        async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
            """Leave the offsets inside a batch alone: they are acknowledged with it."""

        def _new_offset(self, tp: TP) -> int | None:
            return positions.durable_offset(tp)

        async def _seek(self, partition: TP, offset: int) -> None:
            # Its type asks for a coroutine; it takes plain functions just as well.
            await self._thread.call_thread(cast(Any, self._thread.seek), partition, offset)

        async def seek_to_committed(self) -> Mapping[TP, int]:
            offsets = dict(await super().seek_to_committed())
            for tp, offset in (await positions.resume_offsets(set(offsets))).items():
                offsets[tp] = offset
                await positions.seeks.seek(self, tp, offset)
            return offsets

    class BatchTransport(driver.Transport):
        Consumer = BatchConsumer
        Producer = FreshProducer

    return BatchTransport


def credentials() -> Credentials | None:
    """Say to Faust, in its own words, how this process proves who it is (`kafka_security`)."""
    found = security()
    access, context = found.access, found.context
    if not access.names:
        return faust.SSLCredentials(context=context) if access.encrypts else None
    if found.token_provider:
        return OAuthCredentials(oauth_cb=found.token_provider, ssl_context=context)
    return faust.SASLCredentials(
        username=access.username, password=found.password, ssl_context=context,
        mechanism=access.mechanism)


def member_name(group: str, instance: str) -> str:
    """Return the name of a static member."""
    return f"{group}-{instance}"


def application(
    name: str, kafka: str, *, partitions: int, instance: str, folder: Path, positions: Positions,
    session_seconds: float = SESSION_SECONDS,
) -> WatchedApp:
    """Make a Faust application on the batch lane, with every web endpoint off.

    `folder` is the worker's data folder: Faust makes a folder of its own there.
    """
    make_private_folder(folder)
    app = WatchedApp(
        name,
        broker=f"kafka://{kafka}",
        broker_credentials=credentials(),
        store="memory://",
        web_enabled=False,
        web_tables_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_partitions=partitions,
        table_standby_replicas=0,
        broker_max_poll_records=MAX_POLL_RECORDS,
        consumer_max_fetch_size=MAX_FETCH_BYTES,
        stream_buffer_maxsize=MAX_WAITING_BATCHES,
        broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=session_seconds,
        broker_heartbeat_interval=session_seconds / HEARTBEATS,
        broker_request_timeout=ANSWER_SECONDS,
        # A static member that comes back within the session keeps its partitions at once.
        consumer_group_instance_id=member_name(name, instance),
        broker_client_id=client_id(member_name(name, instance)),
        stream_wait_empty=False,
        datadir=str(folder / "faust"),
    )
    app.transport = transport(positions)(app.conf.broker_consumer, app)
    return app


def closing(app: faust.App, close: Callable[[], Awaitable[None]]) -> None:
    """Have `close` run when the worker stops in order."""

    async def on_shutdown(*_positional: Any, **_named: Any) -> None:
        await close()

    # Faust's type asks for its own parameter names.
    app.on_before_shutdown.connect(cast(Any, on_shutdown))


def assigning(app: faust.App, told: Callable[[set[TP]], None]) -> None:
    """Have `told` hear what a worker has after each rebalance, also where that is nothing.

    A worker with nothing is asked for no offsets (`Positions.resume_offsets`).
    """

    async def on_assigned(_app: Any, assigned: set[TP], **_named: Any) -> None:
        told(assigned)

    app.on_partitions_assigned.connect(cast(Any, on_assigned))


def stop_process(message: str, error: BaseException | None = None) -> NoReturn:
    """End this process at once: all state is in the log, and going on would be wrong.

    An orderly shutdown would wait for batches that can never be acknowledged.
    """
    said = message or (f"{error!r}, without a word" if error else "")
    try:
        giving_up = threading.Timer(SAY_SECONDS, os._exit, (EXIT_STOPPED,))
        giving_up.daemon = True
        giving_up.start()
        log.critical("worker stopped", reason=said, error=repr(error) if error else None)
    finally:
        os._exit(EXIT_STOPPED)


def late(stop_seconds: float, crash: BaseException | None = None) -> str:
    """Say why a worker that was told to stop, or crashed, ends at once and not in order."""
    why = f"Faust crashed: {crash!r}" if crash else f"told to stop {stop_seconds:.0f} s ago"
    return (f"{why}, and something still waits, for the broker perhaps. Nothing is lost: a restart "
            "goes on from the log.")


def guarded(
    work: Callable[[], Awaitable[None]], *, is_closing: Callable[[], bool] = lambda: False
) -> Callable[[], Awaitable[None]]:
    """Make any error of a background task end the process: Faust would swallow it.

    One that comes while the worker `is_closing` is that of a connection closed under the task.
    """

    async def run() -> None:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it was, the worker must not go on
            if not is_closing():
                stop_process(str(error), error)

    return run


class BoundedWorker(faust.Worker):
    """Faust's worker, which ends when it is to, whatever Faust then waits for."""

    def __init__(self, app: faust.App, stop_seconds: float, **options: Any) -> None:
        super().__init__(app, **options)
        self.spinner = None  # It writes signs for a terminal between the lines of the log.
        self._stop_seconds = stop_seconds

    async def stop(self) -> None:
        giving_up = threading.Timer(self._stop_seconds, self._give_up)
        giving_up.daemon = True
        giving_up.start()
        await super().stop()

    def _give_up(self) -> None:
        stop_process(late(self._stop_seconds, self.crash_reason), self.crash_reason)


class Watch(Protocol):
    """What looks after a running worker from outside Faust."""

    def watch(self) -> None:
        """Begin to look."""

    def leave(self) -> None:
        """Let others take over what the worker had, which has ended in order."""


def run_worker(app: faust.App, membership: Watch, stop_seconds: float) -> NoReturn:
    """Run a Faust worker until SIGTERM or SIGINT, then exit with 0.

    If it crashes, is missing from its group, or has not ended so long after it was told to stop,
    with EXIT_STOPPED.
    """
    keep_records_lean()
    sys.setswitchinterval(SWITCH_SECONDS)
    membership.watch()
    worker = BoundedWorker(app, stop_seconds, loglevel="WARNING", redirect_stdouts=False,
                           override_logging=False, quiet=True)
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        # Faust ends with 1 after a crash; status 1 says something else here.
        if worker.crash_reason is None and not ended.code:
            membership.leave()
            raise
        error = worker.crash_reason or ended.__context__
        stop_process(f"Faust crashed: {error!r}", error)
