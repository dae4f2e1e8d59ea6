"""The notary on a real broker: each log is that of its partition, and no other one is signed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from deploy.local.services import Broker
from schemas import codec
from schemas.named_keys import KeyList, parse_keys
from schemas.topics import Topics
from sinks.faults import LogDiffers, LogTruncated, ServiceAway, reason_of
from sinks.transparency.checkpoints import open_checkpoint, parse_checkpoint
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.key_commitments import commitment, committed, require_committed
from sinks.transparency.keys import make_key
from sinks.transparency.notary import Notary, NotaryPolicy
from sinks.transparency.notes import Refused, Signer, Verifier, text_of
from sinks.transparency.policy import parse_policy
from sinks.transparency.serving import ServedLogs
from tests.sinks.ballots import Box, Log, random_box
from tests.sinks.published import catalogue_log
from tests.sinks.topics import append, create
from tests.sinks.transparency.keeping import entries, entries_of, opened, signed
from tests.waiting import until


def policy(kafka: str, topics: Topics, folder: Path, *, seconds: float = 0.1) -> NotaryPolicy:
    """Keep logs in a folder of the test."""
    return NotaryPolicy(
        kafka=kafka, topics=topics, folder=folder / "logs", keys=folder / "keys",
        origin="example.org/log", checkpoint_seconds=seconds, away_seconds=0.5)


@asynccontextmanager
async def running(wanted: NotaryPolicy) -> AsyncIterator[Notary]:
    """Run a notary; stop it in order, and raise what it ended with."""
    notary = Notary(wanted)
    task = asyncio.create_task(notary.run())
    try:
        yield notary
    finally:
        notary.stop()
        await asyncio.wait([task])
    await task


async def written(kafka: str, prefix: str, seed: int, events: int) -> tuple[Topics, Box, Log]:
    """Write a random consultation to topics of its own."""
    topics, box = Topics(prefix, 2), random_box(seed, events)
    catalogue = catalogue_log(box)
    await create(kafka, topics)
    await append(kafka, topics.votes, box.logs)
    await append(kafka, topics.catalogue, [catalogue])
    return topics, box, catalogue


def log_at(wanted: NotaryPolicy, place: str) -> tuple[list[bytes], list[int]]:
    """Return the entries of a log and the sizes of its checkpoints, by the published key."""
    policy_file = wanted.folder / wanted.topics.prefix / "policy"
    verifier = parse_policy(policy_file.read_text())[f"example.org/log/{place}"]
    return signed(wanted.folder / place, verifier)


def caught_up(notary: Notary) -> bool:
    """Whether every record known of is under a checkpoint."""
    status = notary.status()
    return bool(status["ready"]) and all(
        each["checkpoint"] == each["log_end"] for each in status["logs"])


async def test_each_log_is_that_of_its_partition(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Stopped and started again, leaf n is that of offset n; a closing has its own checkpoint."""
    topics, box, catalogue = await written(broker.address, topic_prefix, 1, 700)
    wanted = policy(broker.address, topics, tmp_path)
    async with running(wanted) as notary:
        await until(lambda: caught_up(notary))
    more = [[closing(), *random_box(2, 300).logs[0]], random_box(2, 300).logs[1]]
    await append(broker.address, topics.votes, more)
    # Nothing is due for an hour: what is signed is signed at the closing, and at the end.
    async with running(policy(broker.address, topics, tmp_path, seconds=3_600)) as notary:
        await until(lambda: notary.status()["ready"] and all(
            each["size"] == each["log_end"] for each in notary.status()["logs"]))

    for partition in range(2):
        logged, sizes = log_at(wanted, f"{topic_prefix}/votes/{partition}")
        assert logged == entries_of([*box.logs[partition], *more[partition]])
        assert partition or len(box.logs[0]) + 1 in sizes
    assert log_at(wanted, f"{topic_prefix}/catalogue/0")[0] == entries_of(catalogue)


def closing() -> bytes:
    """End a consultation."""
    return codec.encode(
        "ConsultationClosed", event_id=bytes(16), consultation="jeunes", salt=bytes(16),
        origin="operator", occurred_at=1, closes_at=1)


def naming(number: int, state: str = "in_use") -> bytes:
    """Name a key of receipts in the catalogue."""
    return codec.encode(
        "PublicKeyNamed", event_id=bytes([number] * 16), kind="receipt", name="",
        public=bytes([number] * 32), state=state, salt=bytes(16), origin="operator", occurred_at=1)


async def test_each_checkpoint_commits_to_the_keys_named_so_far(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Of every log, over a restart: its line is made again from the list that is served."""
    topics, _, catalogue = await written(broker.address, topic_prefix, 6, 60)
    wanted = policy(broker.address, topics, tmp_path)
    await append(broker.address, topics.catalogue, [[naming(1)]])
    async with running(wanted) as notary:
        await until(lambda: caught_up(notary))
    await append(broker.address, topics.catalogue, [[naming(2), naming(1, "retired")]])
    await append(broker.address, topics.votes, [[b"odd"], [b"odd"]])
    async with running(wanted) as notary:
        await until(lambda: caught_up(notary))
    text = ServedLogs(wanted.folder, topics).text(f"{topic_prefix}/keys")
    assert text is not None
    keys = parse_keys(text)
    whole = len(catalogue) + 3

    assert [(key.public[0], key.state) for key in keys.of("receipt")] == [
        (1, "retired"), (2, "in_use")]
    for place in ("votes/0", "votes/1", "catalogue/0"):
        history = LogFolder(wanted.folder / topic_prefix / place).history()
        heads = [parse_checkpoint(text_of(note)) for note in history]
        sizes = [committed(head) for head in heads if require_committed(head, keys)]
        assert len(sizes) == len(heads) - 1 >= 2, "all but that of the empty log"
        if place == "catalogue/0":
            assert [found and found.size for found in sizes] == [head.size for head in heads[1:]]
            assert heads[-1].size == whole
        assert sha256(text.encode()).digest() == keys.digest(whole)


async def test_no_checkpoint_commits_to_more_of_the_catalogue_than_is_signed(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Killed right after one of votes, the notary goes on from a catalogue that is no shorter.

    Else a later checkpoint would commit to fewer keys than one before it, and no bundle would hold.
    """
    topics, _, catalogue = await written(broker.address, topic_prefix, 8, 60)
    wanted = policy(broker.address, topics, tmp_path, seconds=3_600)
    place = f"{topic_prefix}/votes/0"
    await append(broker.address, topics.catalogue, [[naming(1)]])
    notary = Notary(wanted)
    killed = asyncio.create_task(notary.run())
    await until(lambda: notary.status()["ready"] and all(
        each["size"] == each["log_end"] for each in notary.status()["logs"]))
    await append(broker.address, topics.votes, [[closing()], []])
    await until(lambda: notary.status()["logs"][0]["checkpoint"] > 0)
    killed.cancel()
    await asyncio.wait([killed])
    head = parse_checkpoint(text_of(LogFolder(wanted.folder / place).checkpoint() or ""))
    said = committed(head)

    assert said is not None
    assert said.size == len(catalogue) + 1
    assert log_at(wanted, f"{topic_prefix}/catalogue/0")[1][-1] >= said.size


async def test_a_catalogue_that_names_other_keys_than_were_signed_ends_the_notary(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Whoever rewrites the topic below its last record gets no signature for another list."""
    topics, _, catalogue = await written(broker.address, topic_prefix, 9, 60)
    wanted, place = policy(broker.address, topics, tmp_path), f"{topic_prefix}/catalogue/0"
    await append(broker.address, topics.catalogue, [[naming(1), b"the last"]])
    key = make_key(wanted.keys / f"{place}.key")
    keeper = Keeper(LogFolder(wanted.folder / place), Signer(f"example.org/log/{place}", key),
                    lambda: (commitment(other, len(catalogue) + 2),))
    other = KeyList()
    other.apply(codec.decode(naming(2))[1], len(catalogue))
    keeper.open()
    keeper.append(entries_of([*catalogue, naming(2), b"the last"]))
    keeper.sign()
    ended = asyncio.create_task(Notary(wanted).run())
    await asyncio.wait([ended], timeout=30)
    reason = reason_of(ended.exception() or AssertionError())

    assert isinstance(reason, LogDiffers)
    assert "is not the catalogue that was signed" in str(reason)
    assert log_at(wanted, place)[1] == [0, len(catalogue) + 2]


async def test_a_log_s_key_is_changed_over_two_restarts(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """First both sign, then the new one alone; the policy of each time opens what was signed then.

    Whoever kept the first policy goes on until the old key is gone, and the last one opens all.
    """
    topics, box, _ = await written(broker.address, topic_prefix, 7, 60)
    wanted, place = policy(broker.address, topics, tmp_path), f"{topic_prefix}/votes/0"
    published, checkpoint = (wanted.folder / topic_prefix / "policy",
                             wanted.folder / place / "checkpoint")
    policies, heads = [], []
    for step in range(3):
        if step == 1:
            make_key(wanted.keys / f"{place}.1764378000.key")
        if step == 2:
            (wanted.keys / f"{place}.key").unlink()
        await append(broker.address, topics.votes, [[f"{step}".encode()], []])
        async with running(wanted) as notary:
            await until(lambda: caught_up(notary))
        policies.append(parse_policy(published.read_text())[f"example.org/log/{place}"])
        heads.append(checkpoint.read_text())

    assert [len(verifier.publics) for verifier in policies] == [1, 2, 2]
    assert [opens(heads, verifier) for verifier in policies] == [
        [True, True, False], [True, True, True], [True, True, True]]
    assert [head.count("\N{EM DASH}") for head in heads] == [1, 2, 1]
    assert log_at(wanted, place)[0] == [*entries_of(box.logs[0]), *entries_of([b"0", b"1", b"2"])]


def opens(heads: list[str], verifier: Verifier) -> list[bool]:
    """Say which checkpoints hold by the keys of a policy."""
    found = []
    for head in heads:
        try:
            open_checkpoint(head, verifier)
        except Refused:
            found.append(False)
        else:
            found.append(True)
    return found


async def test_an_unknown_schema_stops_its_partition_only(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """What comes before it is signed, the other logs go on, the status says what to do."""
    topics, box, _ = await written(broker.address, topic_prefix, 3, 60)
    await append(broker.address, topics.votes, [[b"\0\0\0\x03\xe7later", box.logs[0][0]], []])
    wanted = policy(broker.address, topics, tmp_path)
    async with running(wanted) as notary:
        await until(lambda: bool(notary.status()["stopped"]))
        await append(broker.address, topics.votes, [[], [box.logs[1][1]]])
        await until(lambda: notary.status()["logs"][1]["checkpoint"] == len(box.logs[1]) + 1)
        status = notary.status()
    assert not status["ready"]
    assert "unknown schema id 999" in status["stopped"][0]
    assert log_at(wanted, f"{topic_prefix}/votes/0")[0] == entries_of(box.logs[0])


@pytest.mark.parametrize(("size", "fault", "said"), [
    (5_000, LogTruncated, "was truncated or made anew"),
    (20, LogDiffers, "is not the record that was signed")])
async def test_another_log_of_the_same_name_is_not_signed(
    broker: Broker, topic_prefix: str, tmp_path: Path, size: int, fault: type, said: str
) -> None:
    """A topic that ends before what was signed, or reads differently there, ends the notary."""
    topics, _, _ = await written(broker.address, topic_prefix, 4, 100)
    wanted, place = policy(broker.address, topics, tmp_path), f"{topic_prefix}/votes/0"
    key = make_key(wanted.keys / f"{place}.key")
    keeper = opened(wanted.folder / place, Signer(f"example.org/log/{place}", key))
    keeper.append(entries(size, "of the first topic"))
    keeper.sign()
    ended = asyncio.create_task(Notary(wanted).run())
    await asyncio.wait([ended], timeout=30)
    reason = reason_of(ended.exception() or AssertionError())
    assert isinstance(reason, fault)
    assert said in str(reason)
    assert log_at(wanted, place)[1] == [0, size]


async def test_kafka_away_ends_after_a_bound(topic_prefix: str, tmp_path: Path) -> None:
    """Without a broker the notary waits its bound, then ends and says what to start."""
    with pytest.raises(ServiceAway, match="no Kafka broker answered"):
        await Notary(policy("127.0.0.1:9", Topics(topic_prefix, 2), tmp_path)).run()


async def test_told_to_stop_while_kafka_is_away_it_ends(
    topic_prefix: str, tmp_path: Path
) -> None:
    """Waiting for a broker, the notary ends in order when it is told to."""
    patient = replace(policy("127.0.0.1:9", Topics(topic_prefix, 2), tmp_path), away_seconds=600)
    async with running(patient) as notary:
        await until(lambda: len(notary.status()["logs"]) == 4)
