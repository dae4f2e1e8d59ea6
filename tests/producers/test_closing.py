"""A closing lies in the log of participants, too: every reader knows which descriptions it ends."""

import pytest

from deploy.local import services
from producers import closing, operations
from producers.consultation_file import ConsultationFile
from producers.operations import Log
from producers.writer import BulkWriter
from schemas import codec
from schemas.genesis import Genesis
from tests.producers.kafka_log import provisioned, read_all
from tests.producers.test_operations import DESCRIPTION, NOW


async def test_a_closing_is_told_to_the_participants_before_it_is_completed(
    broker: services.Broker, topic_prefix: str
) -> None:
    """Once, and the completion says where; closed again, nothing more is written."""
    topics = await provisioned(broker.address, topic_prefix, genesis=Genesis())
    log = Log(broker.address, topics)
    await operations.apply(log, ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    for salt in (b"one salt .......", b"another salt ..."):
        await operations.close(log, "jeunes", now=NOW, salt=salt)
    [[told]] = await read_all(log.address, topics.participants)
    [[*_, completion]] = await read_all(log.address, topics.catalogue)
    event, fields = codec.decode(told.value)

    assert (event, fields["event_id"], fields["salt"]) == (
        closing.CLOSED, closing.event_id_of(closing.CLOSED, "jeunes"), b"one salt .......")
    assert codec.decode(completion.value)[1]["participants"] == told.offset


class Noting(BulkWriter):
    """Notes how many records wait for the broker at once."""

    waiting = most = 0

    async def write(self, topic: str, partition: int, timestamp: int, value: bytes) -> int:
        Noting.waiting += 1
        Noting.most = max(Noting.most, Noting.waiting)
        try:
            return await super().write(topic, partition, timestamp, value)
        finally:
            Noting.waiting -= 1


async def test_all_partitions_are_closed_at_once(
    broker: services.Broker, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a log of many, or of many consultations, the last is closed hardly later than the first.

    Each partition has its own control, and the completion names where.
    """
    monkeypatch.setattr(operations, "BulkWriter", Noting)
    topics = await provisioned(broker.address, topic_prefix, 5, genesis=Genesis())
    log = Log(broker.address, topics)
    await operations.apply(log, ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    closed = await operations.close(log, "jeunes", now=NOW, salt=b"one salt .......")
    partitions = await read_all(log.address, topics.votes, topics.partitions)

    assert Noting.most == topics.partitions
    assert [codec.decode(records[offset].value)[0] for records, offset in zip(
        partitions, closed.offsets, strict=True)] == [closing.CLOSED] * topics.partitions
