"""Consultations close at their date, once, whoever is killed and however many look."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from producers import closing, endorsing, operations
from producers.consultation_file import ConsultationFile
from producers.due_closings import Date, dates
from producers.known_catalogue import KnownCatalogue, read_catalogue
from producers.log_reader import LogReader
from producers.operations import Closed, Log
from producers.signing import OwnKey, own_key
from producers.writer import BulkWriter
from schemas import codec
from schemas.control_roles import public_key
from schemas.genesis import Genesis
from schemas.registry import HEADER_BYTES, headers
from schemas.topics import Topics
from scrutin.notary.clerk import Clerk
from tests.producers.kafka_log import end_offsets, provisioned, read_all
from tests.waiting import WAIT_SECONDS, until, until_found


PARTITIONS = 3
DATE = 1_700_000_000_000
"""Long ago: closed as soon as somebody looks."""
OPERATOR, CLERK = own_key(bytes(range(32))), own_key(bytes(32))
KEYS = (public_key("operator", OPERATOR.public), public_key("clerk", CLERK.public))


async def log_of(
    broker: Broker, prefix: str, genesis: Genesis, closes_at: str | None, *, endorsed: bool = False
) -> Log:
    """Describe a consultation with a date in a new log, which may ask for endorsements."""
    topics = await provisioned(broker.address, prefix, PARTITIONS, genesis)
    found = Log(broker.address, topics, own_keys=(OPERATOR,))
    if endorsed:
        assert await endorsing.name_keys(broker.address, topics, (OPERATOR,), (), now=DATE - 2)
    await describe(found, "town", closes_at)
    return found


async def describe(log: Log, name: str, closes_at: str | None) -> None:
    """Describe a consultation that ends at a date, if at one."""
    await operations.apply(log, ConsultationFile.model_validate({
        "id": name, "question": {"en": "How?"}, "languages": ["en"],
        "opens_at": "2023-01-01T00:00:00+00:00", "closes_at": closes_at,
        "proposals": [{"id": "p1", "text": {"en": "Thus"}}]}), now=DATE - 1)


async def announce(log: Log, at: int) -> None:
    """Write that the town is closed, as of an instant in milliseconds, and nothing else."""
    async with BulkWriter(log.address) as writer:
        await writer.write(log.topics.catalogue, 0, DATE, codec.encode(
            "ConsultationClosed", **closing.closing_fields(
                "town", closes_at=at, occurred_at=at, salt=bytes(16), origin="operator")))


def keep(key: OwnKey, folder: Path) -> None:
    """Put a private key where a clerk looks for it."""
    path = folder / "clerk.key"
    path.write_bytes(key.private.private_bytes_raw())
    path.chmod(0o600)


PAST = "2023-11-14T22:13:20+00:00"


@contextlib.asynccontextmanager
async def at_work(log: Log, keys: Path) -> AsyncIterator[Clerk]:
    """Let a clerk work while inside; it is killed then."""
    clerk = Clerk(log.address, log.topics, keys)
    working = asyncio.create_task(clerk.run())
    try:
        yield clerk
    finally:
        working.cancel()
        await asyncio.wait([working])


async def known(log: Log) -> KnownCatalogue:
    async with LogReader(log.address) as reader:
        return await read_catalogue(reader, log.topics)


async def is_closed(log: Log) -> bool:
    """Whether every partition has the closing."""
    return (await known(log)).find("ClosingCompleted", "town") is not None


async def closings(log: Log) -> list[set[bytes]]:
    """Return the ids of the closings that lie in each partition."""
    return [{codec.decode(record.value)[1]["event_id"] for record in partition
             if record.value[:HEADER_BYTES] in headers("ConsultationClosed")}
            for partition in await read_all(log.address, log.topics.votes, PARTITIONS)]


@pytest.mark.parametrize(("records", "endorsed"), [
    *((records, False) for records in range(PARTITIONS + 2)), (1, True), (PARTITIONS + 4, True)])
async def test_a_closing_is_finished_by_the_next_clerk_wherever_one_was_killed(
    broker: Broker, topic_prefix: str, tmp_path: Path, records: int, *, endorsed: bool
) -> None:
    """The first is killed once so many records of its lie in the log; two others come at once.

    Also between a record of the catalogue and its endorsement, which a clerk's key may give.
    """
    log = await log_of(
        broker, topic_prefix, Genesis(keys=KEYS * endorsed), PAST, endorsed=endorsed)
    keep(CLERK, tmp_path)
    before = sum((await end_offsets(log.address, log.topics)).values())

    async def written() -> bool:
        return sum((await end_offsets(log.address, log.topics)).values()) - before >= records

    async with at_work(log, tmp_path):
        await until_found(written)
    async with at_work(log, tmp_path), at_work(log, tmp_path):
        await until_found(lambda: is_closed(log))

    assert [len(ids) for ids in await closings(log)] == PARTITIONS * [1]
    closed = (await known(log)).find("ConsultationClosed", "town") or {}
    assert closed["closes_at"] == DATE
    again = Log(log.address, log.topics, own_keys=(CLERK,))
    assert not (await operations.close(again, "town", now=DATE + 5, salt=bytes(16))).written


async def test_where_closings_are_signed_the_clerk_waits_for_a_key_that_may(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Without one nothing is written and the consultation is told; with one it closes."""
    log = await log_of(broker, topic_prefix, Genesis(keys=KEYS), PAST)
    async with at_work(log, tmp_path) as clerk:
        async def tried() -> bool:
            return bool(clerk._failed)

        await until_found(tried)
        assert clerk.status() == ["town"]
        assert await closings(log) == PARTITIONS * [set()]
        keep(CLERK, tmp_path)
        await until_found(lambda: is_closed(log))

    assert clerk.status() == []
    assert [len(ids) for ids in await closings(log)] == PARTITIONS * [1]


async def test_a_closing_that_cannot_be_written_holds_up_no_other(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """One that the catalogue does not know, first of all: it rings, alone."""
    log = await log_of(broker, topic_prefix, Genesis(), PAST)
    clerk = Clerk(log.address, log.topics, tmp_path)
    following = asyncio.create_task(clerk._follower.follow())
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await clerk._follower.ready.wait()
        clerk._read_to = clerk._follower.offset
        clerk._dates = [Date(1, "unknown"), *dates(clerk._follower.known)]
        await clerk._look()
    finally:
        following.cancel()
        await asyncio.wait([following])

    assert await is_closed(log)
    assert clerk.status() == ["unknown"]


async def test_who_is_put_off_while_others_are_closed_stays_open(
    broker: Broker, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the clerk's look and its turn: a later date takes the place of the one before."""
    log = await log_of(broker, topic_prefix, Genesis(), PAST)
    await describe(log, "village", PAST)
    close, later = operations.Closings.close, "2099-01-01T00:00:00+00:00"

    async with at_work(log, tmp_path) as clerk:
        async def closed(self: operations.Closings, consultation: str, salt: bytes) -> Closed:
            found = await close(self, consultation, salt)
            if consultation == "town":
                await describe(log, "village", later)
                await until(lambda: dates(clerk._follower.known)[0].closes_at > DATE)
            return found

        monkeypatch.setattr(operations.Closings, "close", closed)
        await until_found(lambda: is_closed(log))
        await until(lambda: len(clerk._dates) == 1 and not clerk.status())

    assert [len(ids) for ids in await closings(log)] == PARTITIONS * [1]


@pytest.mark.parametrize("closes_at", ["2099-01-01T00:00:00+00:00", None])
async def test_an_announcement_before_the_date_has_a_clerk_close_nothing(
    broker: Broker, topic_prefix: str, tmp_path: Path, closes_at: str | None
) -> None:
    """Nor sign anything: who may write to the catalogue need not be one who may close."""
    log = await log_of(broker, topic_prefix, Genesis(), closes_at)
    await announce(log, DATE)
    await describe(log, "village", PAST)

    async def another_closed() -> bool:
        return (await known(log)).find("ClosingCompleted", "village") is not None

    async with at_work(log, tmp_path):
        await until_found(another_closed)

    assert not await is_closed(log)
    assert [len(ids) for ids in await closings(log)] == PARTITIONS * [1]


async def test_consultations_of_one_date_are_closed_together(
    broker: Broker, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalogue is read once for all, and each partition has one producer: a date that many
    share makes none of them late."""
    log = await log_of(broker, topic_prefix, Genesis(), PAST)
    names = ["town", *(f"village-{number}" for number in range(5))]
    for name in names[1:]:
        await describe(log, name, PAST)
    begun = list[object]()

    async def counted(reader: LogReader, topics: Topics) -> KnownCatalogue:
        begun.append(reader)
        return await read_catalogue(reader, topics)

    monkeypatch.setattr(operations, "read_catalogue", counted)

    async def all_closed() -> bool:
        found = await known(log)
        return all(found.find("ClosingCompleted", name) for name in names)

    async with at_work(log, tmp_path):
        await until_found(all_closed)

    assert len(begun) == 1
    assert [len(ids) for ids in await closings(log)] == PARTITIONS * [len(names)]


async def test_nothing_is_closed_before_its_date(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """It gets ready, and waits."""
    soon = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 300))
    log = await log_of(broker, topic_prefix, Genesis(), soon)
    before = await end_offsets(log.address, log.topics)
    async with at_work(log, tmp_path) as clerk:
        async def prepared() -> bool:
            return clerk._prepared == "town"

        await until_found(prepared)
        assert clerk.status() == []

    assert await end_offsets(log.address, log.topics) == before


LAST, FIRST = (1 << 63) - 1, -(1 << 63)


@pytest.mark.parametrize("at", [LAST, FIRST, -1, 0])
async def test_an_announcement_of_an_impossible_time_keeps_nobody_from_closing(
    broker: Broker, topic_prefix: str, at: int
) -> None:
    """Whoever may announce one closing, at whatever time, makes none that cannot be carried out."""
    log = await log_of(broker, topic_prefix, Genesis(), PAST)
    await announce(log, at)

    async with asyncio.timeout(WAIT_SECONDS):
        closed = await operations.close(log, "town", now=DATE + 5, salt=bytes(16))
    assert closed.written
    assert [len(ids) for ids in await closings(log)] == PARTITIONS * [1]
    assert not (await operations.close(log, "town", now=DATE + 6, salt=bytes(16))).written
