"""`scrutin restore`: what the archive keeps is Kafka's again, record by record, or nothing is."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from deploy.local.services import Broker, ClickHouse
from processors.workers.provisioning import provision
from schemas import codec
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.topics import KEPT_FOREVER, Topics
from scrutin.main import application
from sinks import kept
from sinks.bundle.layout import PUBLIC
from sinks.columns.records import Headers, Records
from sinks.kept import ArchiveUnfit, KeptLogs, KeptRecord
from sinks.logs import kept_logs
from sinks.recount.checks import EQUAL
from sinks.store import Store, connect
from tests.harness import Stack, connected_producer, stack_on, write
from tests.shown import blocks
from tests.sinks.archiving import caught_up, policy, running
from tests.sinks.ballots import BEGAN_AT, CONSULTATION, Log, decide, random_box
from tests.sinks.bundle.making import exported_of, prepared, verified
from tests.sinks.people import participants_log
from tests.sinks.published import Archived, catalogue_log, published
from tests.sinks.recount.test_words import corrections
from tests.sinks.stocking import open_store
from tests.waiting import WAIT_SECONDS, until_found
from views.documents import Documents
from views.reader import ResultsReader


Held = dict[tuple[str, int], list[KeptRecord]]
GARBAGE: Log = [b"no event", None, b"\0\0\0\x03\xe7later"]
RETIRED = ("ProposalRetired", {
    "proposal": "p-1", "reason": "asked for", "text_hidden": False, "by": NOBODY,
    "signature": UNSIGNED})

@dataclass
class Operator:
    """Somebody with an archive and a broker, and the settings of their log."""

    kafka: str
    found: Archived
    data: Path

    @property
    def topics(self) -> Topics:
        return self.found.topics

    @property
    def kept(self) -> KeptLogs:
        return KeptLogs(self.found.client, self.topics)

    async def restore(self, into: str, *options: str) -> Any:
        """Run the command."""
        return await asyncio.to_thread(
            CliRunner().invoke, application("restore"), ["restore", "--into", into, *options])

    def archived(self, client: Client | None = None) -> Held:
        """Read everything that an archive keeps, by log and partition."""
        topics, held = self.topics, KeptLogs(client or self.found.client, self.topics)
        return {
            (log.topic.removeprefix(topics.prefix), partition): _all(held, log, partition)
            for log in kept_logs(topics) for partition in range(log.partitions)}


def _all(held: KeptLogs, log: Any, partition: int) -> list[KeptRecord]:
    records: list[KeptRecord] = []
    end = held.extent(log, partition)
    while len(records) < end:
        records += held.piece(log, partition, len(records), end)
    return records


async def lying(kafka: str, topics: Topics) -> Held:
    """Read everything that lies in the topics that are for ever, as a stranger does."""
    places = [TopicPartition(log.topic, partition)
              for log in kept_logs(topics) for partition in range(log.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest",
                                enable_auto_commit=False, max_partition_fetch_bytes=4 << 20)
    found: Held = {
        (place.topic.removeprefix(topics.prefix), place.partition): [] for place in places}
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found[place.topic.removeprefix(topics.prefix), place.partition] += [
                    KeptRecord(one.offset, one.timestamp, one.key, one.value, list(one.headers))
                    for one in records]
    finally:
        await consumer.stop()
    return found


def _stock(
    store: Store, topics: Topics, topic: str, log: Log, *, keys: dict[int, bytes] | None = None,
    headers: dict[int, Headers] | None = None,
) -> None:
    """Archive a log with all that a record may have."""
    archived = next(one for one in kept_logs(topics) if one.topic == topic)
    records = Records(topic, 0, 0, [BEGAN_AT + number // 2 for number in range(len(log))], log,
                      keys or {}, headers or {})
    store.insert(archived.table, archived.columns(records), records)


@pytest.fixture
def operator(
    broker: Broker, clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    """Archive a consultation with controls, corrections and records set aside; its Kafka is lost.
    """
    box, people = random_box(31, 400, begins_with_keys=True), participants_log(5, 120)
    words = [*corrections(box, tuple(len(log) // 2 for log in box.logs), 0), RETIRED]
    before = box.randomness.getstate()
    found = prepared(clickhouse.url, topic_prefix, box, tmp_path, words)
    box.randomness.setstate(before)
    found.people = people
    found.document = published(decide(box)[0], catalogue_log(box, words), people)
    topics, store = found.topics, open_store(clickhouse.url, topic_prefix, topic_prefix)
    _stock(store, topics, topics.participants, people)
    _stock(store, topics, topics.sequences, [b"no event", codec.encode(
        "SequenceServed", event_id=bytes(16), voter=bytes(16), consultation="jeunes",
        algorithm="x/1", seed=bytes(16), offsets=[4, 2], catalogue_offset=7, included=[],
        history=[], proposals=["p2", "p1"], origin="web", occurred_at=BEGAN_AT)],
        keys={0: b"", 1: b"\xff\0key"}, headers={1: [("a", b""), ("a", None), ("é", b"\xfe")]})
    _stock(store, topics, topics.dead_letters, GARBAGE,
           keys=dict.fromkeys(range(3), b""),
           headers={number: [("source_offset", b"%d" % number)] for number in range(3)})
    for name, value in {
        "DATA_DIR": tmp_path, "CLICKHOUSE_URL": clickhouse.url, "TOPIC_PREFIX": topic_prefix,
        "CLICKHOUSE_DATABASE": topic_prefix, "PARTITIONS": topics.partitions,
        "KAFKA": broker.address,
    }.items():
        monkeypatch.setenv(f"SCRUTIN_{name}", str(value))
    yield Operator(broker.address, found, tmp_path)
    found.client.close()


async def test_every_record_lies_where_it_lay(
    operator: Operator, clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offsets, keys, times, headers, bytes; an archive made of it, where ClickHouse was lost, too.

    The archive there was goes on, with nothing to add.
    """
    monkeypatch.setattr(kept, "PIECE_RECORDS", 70)
    topics, held = operator.topics, operator.archived()
    [typed] = blocks("docs/operate.md", "When Kafka is lost")
    _, *words, _ = typed.split()  # The prefix is another one here.
    done = await asyncio.to_thread(
        CliRunner().invoke, application("restore"), [*words, topics.prefix])
    assert done.exit_code == 0, done.output
    assert await lying(operator.kafka, topics) == held
    assert all(held[name, 0] for name in (".dead-letters", ".participants", ".sequences"))
    report = json.loads(done.stdout)
    # Checkpoints of none, halfway and all, of two partitions and the catalogue.
    assert [report[name] for name in (
        "written", "found", "losses", "unsigned", "checkpoints")] == [
        sum(map(len, held.values())), 0, [], {}, 3 * 3]

    wanted = policy(operator.kafka, clickhouse.url, topics)
    anew = replace(wanted, database=f"{topics.prefix}_anew")
    for each in (wanted, anew):
        async with running(each) as archive:
            await caught_up(archive)
    with connect(clickhouse.url, anew.database) as client:
        assert operator.archived(client) == held == operator.archived()
    assert (await provision(operator.kafka, topics, replication=1)).partitions == []


async def test_what_is_published_of_restored_topics_is_what_was_published(
    operator: Operator, broker: Broker, tmp_path: Path
) -> None:
    """Ledgers and ideas make tallies and results again: the same document; recounts are equal.

    A bundle made before verifies by the keys and checkpoints of before.
    """
    found, topics = operator.found, operator.topics
    keys = (tmp_path / "transparency" / topics.prefix / "policy").read_text()
    bundle = exported_of(found, tmp_path, PUBLIC, None)
    done = await operator.restore(topics.prefix)
    assert done.exit_code == 0, done.output
    with stack_on(broker, topics.prefix, topics.partitions, tmp_path) as stack:
        for name in ("ledger", "ideas"):
            stack.started(name)
        assert await _published(stack, found.document["as_of"]) == found.document
    assert found.audit().verdict == EQUAL
    assert verified(bundle, policy=keys).verdict == EQUAL


async def _published(stack: Stack, as_of: dict[str, Any]) -> Any:
    """Wait for the document of these positions."""
    async def found() -> bool:
        reader = ResultsReader(stack.kafka, stack.topics)
        await reader.read(until_ready=True)
        document = Documents(reader.flushes).whole_document(CONSULTATION)
        held.append(document)
        return document is not None and document["as_of"] == as_of
    held: list[Any] = []
    await until_found(found)
    return json.loads(json.dumps(held[-1]))


async def test_a_restore_that_was_killed_goes_on_or_refuses(operator: Operator) -> None:
    """It goes on where it is asked to; not where somebody has written meanwhile."""
    topics, held = operator.topics, operator.archived()
    await _killed_half_way(operator)
    begun = await lying(operator.kafka, topics)
    assert 0 < sum(map(len, begun.values())) < sum(map(len, held.values()))
    refused = await operator.restore(topics.prefix)
    assert (refused.exit_code, "--resume" in refused.stderr) == (2, True)
    resumed = await operator.restore(topics.prefix, "--resume")
    assert json.loads(resumed.stdout)["found"] == sum(map(len, begun.values())), resumed.output
    assert await lying(operator.kafka, topics) == held
    async with connected_producer(operator.kafka) as producer:
        await write(producer, topics.votes, 0, [b"another"])
    taken = await operator.restore(topics.prefix, "--resume")
    assert (taken.exit_code, "Somebody has worked with these" in taken.stderr) == (2, True)


KILLED = """
import sys, threading
from scrutin.main import application
from scrutin.restoring import filling
from sinks import kept

def piece(*asked):
    asked_for.append(asked)
    if len(asked_for) == 6:
        print("half-way", flush=True)
        threading.Event().wait()
    return read(*asked)

asked_for, read = [], kept.KeptLogs.piece
kept.PIECE_RECORDS, filling.PARTS_AT_ONCE, kept.KeptLogs.piece = 50, 2, piece
application("restore")(sys.argv[1:])
"""
"""The command, which stops before its sixth piece: others are with the broker by then."""


async def _killed_half_way(operator: Operator) -> None:
    """Fill topics in a process of its own until it is half-way, and kill it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, "restore", "--into", operator.topics.prefix,
        stdout=subprocess.PIPE)
    assert child.stdout is not None
    async with asyncio.timeout(WAIT_SECONDS):
        assert await child.stdout.readline() == b"half-way\n"
        child.kill()
        assert await child.wait() == -signal.SIGKILL


async def test_records_that_nobody_signed_are_told(operator: Operator) -> None:
    """Those behind the last checkpoint, and all where the transparency logs were not kept."""
    topics, notes = operator.topics, operator.data / "transparency" / operator.topics.prefix
    held = operator.archived()
    shutil.rmtree(notes / "votes" / "1")
    done = await operator.restore(f"{topics.prefix}_2")
    number = len(held[".votes", 1])
    assert json.loads(done.stdout)["unsigned"] == {f"{topics.prefix}_2.votes partition 1": number}
    assert f"not signed: the last {number} records of" in done.stderr


async def test_a_record_that_is_not_the_one_signed_is_not_restored(operator: Operator) -> None:
    """The checkpoint that it lies under says so, and the record is in no topic."""
    topics = operator.topics
    operator.found.client.command(
        "ALTER TABLE votes_log UPDATE value = concat(ifNull(value, ''), 'x')"
        " WHERE partition = 1 AND offset = 3", settings={"mutations_sync": 1})
    done = await operator.restore(topics.prefix)
    assert done.exit_code == 4, done.output
    assert "not those that were signed in the checkpoint of example.org/log/" in done.stderr
    assert not (await lying(operator.kafka, topics))[".votes", 1]


async def test_topics_that_would_change_times_are_refused_by_name(operator: Operator) -> None:
    """A broker that stamps records itself would move every vote to today."""
    admin = AIOKafkaAdminClient(bootstrap_servers=operator.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(operator.topics.votes, 2, 1, topic_configs={
        **KEPT_FOREVER, "message.timestamp.type": "LogAppendTime"})])
    await admin.close()
    done = await operator.restore(operator.topics.prefix)
    assert done.exit_code == 2, done.output
    assert f"{operator.topics.votes} has message.timestamp.type=LogAppendTime" in done.stderr


LACKING = [
    ("catalogue_log DELETE WHERE offset > 5", 1, "were signed, and are not in the"),
    ("votes_log DELETE WHERE partition = 1 AND offset > 9", 1,
     "decisions of votes from offset 10 on"),
    ("votes_log DELETE WHERE partition = 1 AND offset = 3", 4, "lacks records of"),
    ("votes_log DELETE WHERE partition = 1", 4, "has no record of partition 1"),
]
"""What is deleted in the archive, one after the other; the exit code, and why."""


async def test_what_the_archive_lacks_is_said_before_anything_is_written(
    operator: Operator
) -> None:
    """A hole is refused; a loss is accepted for a log of another name alone."""
    own = operator.topics.prefix
    for deleted, status, said in LACKING:
        operator.found.client.command(f"ALTER TABLE {deleted}", settings={"mutations_sync": 1})
        for options in ((own,), (own, "--accept-loss"), (f"{own}_2",)):
            done = await operator.restore(*options)
            assert (done.exit_code, said in done.stderr) == (status, True), done.output
    assert not {log.topic for log in kept_logs(operator.topics)} & await _topics(operator.kafka)


async def test_an_accepted_loss_leaves_no_decision_without_its_vote(operator: Operator) -> None:
    """A ledger would stop there; all other records are where they were, in the other log."""
    held, into = operator.archived(), Topics(f"{operator.topics.prefix}_2", 2)
    operator.found.client.command(
        "ALTER TABLE votes_log DELETE WHERE partition = 1 AND offset > 9",
        settings={"mutations_sync": 1})
    done = await operator.restore(into.prefix, "--accept-loss")
    assert done.exit_code == 0, done.output
    cut = {**held, (".votes", 1): held[".votes", 1][:10],
           (".decisions", 1): held[".decisions", 1][:10]}
    assert await lying(operator.kafka, into) == cut


async def _topics(kafka: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


def test_a_row_that_is_there_twice_is_passed_by_or_refused(operator: Operator) -> None:
    """Alike it is one record; otherwise nobody can say which one it was."""
    client, held, votes = operator.found.client, operator.archived(), kept_logs(operator.topics)[0]
    for change, offset in (("", 3), ("concat(ifNull(value, ''), 'x')", 9)):
        client.command(
            "INSERT INTO votes_log SELECT * "
            + (f"REPLACE ({change} AS value) " if change else "")
            + f"FROM votes_log WHERE partition = 0 AND offset = {offset}")
    assert operator.kept.piece(votes, 0, 0, 9) == held[".votes", 0][:9]
    with pytest.raises(ArchiveUnfit, match=r"two different records of .* offset 9"):
        operator.kept.piece(votes, 0, 0, 10)


def test_a_piece_is_bounded_in_records_and_bytes(
    clickhouse: ClickHouse, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the records weigh, headers too; one that is larger than any piece comes alone."""
    topics, store = Topics(topic_prefix, 1), open_store(clickhouse.url, topic_prefix, topic_prefix)
    letters, log = kept_logs(topics)[-2], list[bytes | None]([*[b"v" * 100] * 6, b"v" * 2_000])
    _stock(store, topics, topics.dead_letters, log, headers={3: [("h", b"h" * 800)]},
           keys={4: b"k" * 900})
    monkeypatch.setattr(kept, "PIECE_RECORDS", 3)
    monkeypatch.setattr(kept, "PIECE_BYTES", 1_000)
    with connect(clickhouse.url, topic_prefix) as client:
        held, first, sizes = KeptLogs(client, topics), 0, []
        while first < 7:
            sizes.append(len(held.piece(letters, 0, first, 7)))
            first += sizes[-1]
    assert sizes == [3, 1, 1, 1, 1]
