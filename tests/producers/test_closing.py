"""A closing lies in the log of participants, too: every reader knows which descriptions it ends."""

from deploy.local import services
from producers import closing, operations
from producers.consultation_file import ConsultationFile
from producers.operations import Log
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
