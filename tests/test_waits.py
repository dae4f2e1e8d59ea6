"""Nothing waits for ever: every wait of every process has a bound, or is for the next thing to do.

The waits are found in the source (`tests/waits.py`). Each that shows no bound where it stands is
here, with what bounds it: a new one fails until somebody has said so.
"""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from scrutin.settings import Settings
from tests.waits import Sources, Wait


ROOT = Path(__file__).parents[1]
ROOMS = ("deploy", "processors", "producers", "schemas", "scrutin", "sinks", "views")
SOURCES = Sources(ROOT, ROOMS)

KAFKA_ANSWERS = {
    "start", "stop", "close", "end_offsets", "beginning_offsets", "offsets_for_times", "topics",
    "list_topics", "create_topics", "describe_topics", "describe_configs", "alter_configs",
    "describe_consumer_groups", "seek_to_beginning", "position",
}
"""What consumers and admin clients ask once, and give up after `request_timeout_ms`. The position
of a partition is known as soon as somebody has sought in it, as all do here. A producer is not
among them: an idempotent one sends again for ever."""
_HANDED_ON = re.compile(r"\(scope, receive, \w+\)$")
"""A request is handed on to another application of ours, whose waits are listed too."""
_OURS = {"to_thread", "run_in_executor", "run_sync", "run_in_threadpool", "gather", "TaskGroup",
         "shield"}
"""Work of ours, in a thread or in tasks: its own waits are listed too."""

NEXT = {
    "processors/workers/ideas_worker.py:IdeasWorker._due": "record of its topics, or the lease",
    "processors/workers/ideas_worker.py:IdeasWorker.run": "stop",
    "processors/workers/ledger_worker.py:LedgerWorker._decide_stream": "batch of votes",
    "processors/workers/ledger_worker.py:LedgerWorker._acknowledge": "batch that was decided",
    "processors/workers/patrol_worker.py:PatrolWorker._fold_stream": "judgement",
    "producers/gateway/clock_watch.py:ClockWatch.run": "broker that takes events",
    "producers/gateway/history.py:History.follow": "end of the catalogue's first reading",
    "producers/gateway/key_watch.py:KeyWatch.run": "broker that takes events",
    "producers/gateway/outlet.py:Outlet._deliver": "event to write",
    "producers/gateway/outlet.py:Outlet.watch": "fault of a lane, or the end",
    "producers/writer.py:Lane._deliver": "batch to write",
    "scrutin/notary/clerk.py:Clerk.run": "catalogue, read once: without a broker nothing is closed",
    "scrutin/notary/notary_keys.py:name_log_keys": "broker at the notary's start, or the stop",
    "scrutin/notary/turn.py:NotaryTurn._countersigned": "broker at the notary's start, or the stop",
    "scrutin/process/standby.py:Standby._turns": "lease, or the stop",
    "scrutin/process/standby.py:Standby._ended": "end of the work, the loss of the lease, the stop",
    "sinks/lane.py:Lane._gathered": "records to archive, or the stop",
    "sinks/transparency/notary.py:Notary._start": "broker, which is waited for within "
                                                  "KafkaPatience, or the stop",
    "scrutin/workers/place.py:Place.attend": "word of the supervisor",
    "scrutin/workers/place.py:lines": "word of the supervisor, or of a worker; a silent one is "
                                      "killed",
    "scrutin/workers/supervisor.py:Supervisor._attend": "end of a worker; a silent one is killed",
    "scrutin/workers/supervisor.py:Supervisor._idle": "something that a worker does, or the stop",
    "views/live.py:Live._pace": "change of the results",
    "views/live.py:LiveStream.__call__": "change of the results; the reader who goes",
    "views/server.py:_announce": "end of the first reading, which ends the process if it fails",
}
"""What is idle, and the next thing that it waits for."""

BOUNDED = {
    "scrutin/doctor/cluster.py:look": "scrutin.doctor.kafka.LOOK_SECONDS",
    "scrutin/doctor/cluster.py:_coordinator": "scrutin.doctor.kafka.LOOK_SECONDS",
    "scrutin/doctor/cluster.py:may_join": "scrutin.doctor.kafka.LOOK_SECONDS",
    "producers/gateway/clock_watch.py:measures": "producers.gateway.clock_watch.ANSWER_SECONDS",
    "scrutin/doctor/examination.py:_beside": "scrutin.doctor.examination.DEADLINE_SECONDS",
    "deploy/local/kafka_probe.py:describe_brokers":
        "deploy.local.kafka_probe.PROBE_TIMEOUT_SECONDS",
    "deploy/local/kafka_probe.py:_read": "deploy.local.kafka_probe.PROBE_TIMEOUT_SECONDS",
    "processors/workers/batch_lane.py:transport.BatchConsumer._seek":
        "processors.workers.membership.MISSING_SECONDS",
    "schemas/kafka_coordinators.py:find_again.completed":
        "processors.workers.membership.MISSING_SECONDS",
    "processors/workers/batch_lane.py:Seeks.seek": "processors.workers.membership.MISSING_SECONDS",
    "processors/workers/batches.py:connected_producer": "processors.workers.batches.WRITE_SECONDS",
    "processors/workers/batches.py:Batches.send": "processors.workers.batches.WRITE_SECONDS",
    "processors/workers/ideas_worker.py:IdeasWorker._close":
        "scrutin.settings.Settings.stop_seconds",
    "processors/workers/ledger_worker.py:LedgerWorker._close":
        "scrutin.settings.Settings.stop_seconds",
    "processors/workers/ledger_worker.py:LedgerWorker.connected_producer":
        "processors.workers.batches.WRITE_SECONDS",
    "processors/workers/ledger_worker.py:LedgerWorker._decide":
        "processors.workers.batches.WRITE_SECONDS",
    "processors/workers/ledger_worker.py:LedgerWorker._dead_letter":
        "processors.workers.batches.WRITE_SECONDS",
    "processors/workers/ledger_worker.py:LedgerWorker._still":
        "processors.workers.batches.WRITE_SECONDS",
    "processors/workers/tally_flushes.py:TallyFlushes._write_tallies":
        "processors.workers.batches.WRITE_SECONDS",
    **{f"processors/workers/{name}": "processors.workers.patrol_reading.ANSWER_SECONDS"
       for name in (
        "patrol_reading.py:Stretches._cut_by_time", "patrol_reading.py:Stretches._instant",
        "patrol_worker.py:PatrolWorker.resume_offsets", "patrol_worker.py:PatrolWorker._take",
        "patrol_worker.py:PatrolWorker._judge")},
    "processors/workers/membership.py:_coordinated":
        "processors.workers.membership.COORDINATOR_SECONDS",
    **{f"processors/workers/{name}": "processors.workers.snapshot_files.READ_SECONDS"
       for name in ("snapshot_files.py:Snapshots.keep", "kept_snapshots.py:Kept.take")},
    "processors/workers/snapshot_places.py:Threads.do":
        "processors.workers.snapshot_files.PUT_SECONDS",
    "processors/workers/recoveries.py:PatientRecovery._wait":
        "scrutin.settings.Settings.stall_seconds",
    "processors/workers/snapshot_places.py:StorePlace._done":
        "processors.workers.snapshot_files.PUT_SECONDS",
    "processors/workers/patrol_worker.py:PatrolWorker._close":
        "scrutin.settings.Settings.stop_seconds",
    "processors/workers/provisioning.py:_known_everywhere":
        "processors.workers.provisioning.VISIBLE_SECONDS",
    "processors/workers/provisioning.py:_begin": "processors.workers.provisioning.BEGIN_SECONDS",
    "producers/gateway/exchange.py:Asked.json_body":
        "scrutin.serving.joined_writes.REQUEST_SECONDS",
    "producers/gateway/rereading.py:Rereader._in_turn": "producers.gateway.rereading.READ_SECONDS",
    "producers/gateway/rereading.py:Rereader._read": "producers.gateway.rereading.READ_SECONDS",
    "producers/gateway/silent_brokers.py:SilentBrokers._answered":
        "producers.gateway.carrier.ANSWER_SECONDS",
    "producers/gateway/silent_brokers.py:SilentBrokers._connected":
        "producers.gateway.carrier.ANSWER_SECONDS",
    "producers/gateway/shared_rates.py:SharedRates.share":
        "producers.gateway.shared_rates.ANSWER_SECONDS",
    "producers/writer.py:Lane.ready": "producers.writer.WAIT_SECONDS",
    "producers/writer.py:Lane.flush": "producers.writer.WAIT_SECONDS",
    "producers/writer.py:Lane.close": "producers.writer.STOP_SECONDS",
    "producers/writer.py:Lane._attempt": "producers.writer.ATTEMPT_SECONDS",
    "producers/writer.py:Lane._started_producer": "producers.writer.ATTEMPT_SECONDS",
    "scrutin/audit/replaying.py:replay": "processors.workers.batches.WRITE_SECONDS",
    "schemas/kafka_coordinators.py:find_again.asked":
        "processors.workers.batch_lane.ANSWER_SECONDS",
    "schemas/kafka_members.py:forget": "schemas.kafka_leases.SESSION_SECONDS",
    "sinks/archive.py:Archive.run": "sinks.store.INSERT_SECONDS",
    "producers/gateway/exchange.py:Answer.go_on": "views.voting.everybody.COUNTED_SECONDS",
    "views/voting/everybody.py:Everybody.counted": "views.voting.everybody.COUNTED_SECONDS",
    "views/asked.py:body_of": "scrutin.serving.joined_writes.REQUEST_SECONDS",
}
"""What its callers, or others, bound: by which number of seconds."""

OTHERWISE = {
    "scrutin/process/standby.py:Standby._take": "the work of a turn: its own waits are listed too",
    "scrutin/process/standby.py:keeping": "the work under a lease: its own waits are listed too",
    "deploy/local/child.py:stop": "the child was killed: the kernel ends it",
    "deploy/local/process.py:SupervisedProcess.kill": "the child was killed: the kernel ends it",
    "deploy/local/services.py:Service.kill": "the child was killed: the kernel ends it",
    "deploy/local/clickhouse_body.py:receive": "an insert's body; uvicorn of the local stack alone",
    "deploy/local/clickhouse_body.py:_write": "as receive",
    "deploy/local/clickhouse_body.py:_decoded": "as receive",
    "deploy/local/clickhouse_body.py:_bounded": "as receive",
    "deploy/local/clickhouse_process.py:SeldomWaking.main_loop": "uvicorn writes a date",
    "processors/workers/batch_lane.py:guarded.run": "a task of ours",
    "producers/gateway/exchange.py:Endpoint.__call__": "a handler of ours",
    "producers/gateway/outlet.py:Outlet._connect": "the end of a carrier: its own waits are listed",
    "producers/gateway/outlet.py:Outlet._started": "the end of a carrier: its own waits are listed",
    "producers/unhurried.py:_Asked._answered": "it is done",
    "scrutin/demo/play.py:Demo._simulate": "commands of ours: people look on, and end it",
    "scrutin/demo/play.py:Demo.recount": "commands of ours: people look on, and end it",
    "scrutin/demo/play.py:Demo.open_booth": "commands of ours: people look on, and end it",
    "scrutin/demo/play.py:Demo._scrutin": "the start of a process",
    "scrutin/notary/results_notary.py:ResultsNotary._follow": "it is done",
    "scrutin/notary/witnessing.py:_Names.close": "it waits for no thread",
    "scrutin/restoring/filling.py:Filling._fill": "other partitions, written within their bounds",
    "scrutin/gateway/composition.py:connected": "it begins and cancels work of ours",
    "schemas/kafka_clients.py:close_consumer": "it is done",
    "schemas/kafka_security.py:KafkaSecurity.keep_fresh.fresh": "aiokafka connects, by its timeout",
    "scrutin/workers/supervisor.py:Supervisor._start": "a pair of sockets that is connected",
    "sinks/recount/audit.py:_recount": "work of ours in a thread",
    "sinks/transparency/folder.py:LogFolder.settle": "writes to the own disk",
    "views/aged.py:weigh": "it is done",
    "views/reader.py:ResultsReader._follow_one": "a rest of ours",
    "views/seldom_waking.py:SeldomWaking.main_loop": "uvicorn writes a date",
    "views/transparency.py:_Served._weigh": "it is done",
    "views/voting/pages.py:VotePages._answer": "a handler of ours",
    "views/workshop.py:Workshop.make": "pages of others, which are work of ours in threads",
}
"""What needs no number, and why."""


def unnamed(waits: list[Wait]) -> Iterator[Wait]:
    """Yield what shows no bound where it stands, and is of no kind that has one."""
    for wait in waits:
        on = wait.what.partition("(")[0].rpartition(".")[0].rpartition(".")[2].strip("_")
        kafka = on in {"consumer", "admin"} and wait.call in KAFKA_ANSWERS
        aiohttp = on in {"session", "answer", "content"} or wait.call == "ClientSession"
        if not (kafka or aiohttp or wait.call in _OURS or _HANDED_ON.search(wait.what)):
            yield wait


def test_every_wait_has_a_bound_or_is_for_the_next_thing_to_do() -> None:
    """What is found in the source is what is named here, nothing more and nothing less."""
    found = {wait.place for wait in unnamed(SOURCES.waits())}

    assert sorted(found ^ {*NEXT, *BOUNDED, *OTHERWISE}) == []
    assert len(NEXT) + len(BOUNDED) + len(OTHERWISE) == len({*NEXT, *BOUNDED, *OTHERWISE})


@pytest.mark.parametrize("bound", sorted(set(BOUNDED.values())))
def test_every_bound_is_a_number_of_seconds(bound: str) -> None:
    """It exists, and is no endless one."""
    setting = bound.removeprefix("scrutin.settings.Settings.")
    module, _, name = bound.rpartition(".")
    number = (getattr(importlib.import_module(module), name) if setting == bound
              else Settings.model_fields[setting].default)

    assert 0 < number <= 600


def test_the_libraries_give_up() -> None:
    """Kafka's clients have a bound where nobody gives one, and nobody here takes it away."""
    for kind in (AIOKafkaConsumer, AIOKafkaAdminClient):
        assert kind.__init__.__kwdefaults__["request_timeout_ms"] <= 40_000
    sources = [(ROOT / path).read_text("utf-8") for path in SOURCES.trees]
    assert not any(re.search(r"request_timeout_ms=None|total=None|timeout=None", text)
                   for text in sources)


@pytest.mark.parametrize("planted", [
    "async def f(event): await event.wait()",
    "async def f(queue): return await queue.get()",
    "async def f(producer): await producer.send_and_wait('t', b'')",
    "async def f(producer): await producer.stop()",
    "async def f(task): await task",
    "async def f(tasks): await asyncio.wait(tasks)",
    "async def f(lock):\n    async with lock: pass",
    "async def f(stream):\n    async for each in stream: pass",
    "async def f(consumer): return await consumer.getone()",
    "async def f(consumer): return [each async for each in consumer]",
    "async def f(e):\n    async with asyncio.timeout(1):\n        async def g(): await e.wait()",
    "async def f(e): await asyncio.wait(e, timeout=None)",
    "def f(process): process.wait()",
    "def f(process): process.communicate()",
    "def f(thread): thread.join()",
    "def f(file): fcntl.flock(file, fcntl.LOCK_EX)",
    "def f(): subprocess.run(['x'])",
    "def f(future): return future.result()",
    "def f(): return urllib.request.urlopen('http://x')",
])
def test_a_new_wait_without_a_bound_is_found(planted: str) -> None:
    """The list is made from the source, so that nobody has to remember it."""
    assert list(unnamed(SOURCES.waits_of(planted)))


@pytest.mark.parametrize("planted", [
    "async def f(event): await asyncio.wait_for(event.wait(), 5)",
    "async def f(event):\n    async with asyncio.timeout(5): await event.wait()",
    "async def f(tasks): await asyncio.wait(tasks, timeout=5)",
    "async def f(): await asyncio.sleep(5)",
    "async def f(consumer): return await consumer.getmany(timeout_ms=5)",
    "def f(process): process.wait(5)",
    "def f(names): return ', '.join(names)",
    "def f(known): return known.get('name')",
    "def f(): subprocess.run(['x'], timeout=5)",
])
def test_a_wait_with_a_bound_is_none_to_be_named(planted: str) -> None:
    """Nobody has to name what says itself how long it lasts."""
    assert list(unnamed(SOURCES.waits_of(planted))) == []
