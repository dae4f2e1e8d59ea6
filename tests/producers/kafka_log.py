"""Topics of their own for a test, and everything that lies in them."""

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from processors.workers.provisioning import provision
from producers.log_reader import LogReader
from schemas.genesis import Genesis
from schemas.topics import Topics


PARTITIONS = 3


async def provisioned(
    address: str, prefix: str, partitions: int = PARTITIONS, genesis: Genesis | None = None
) -> Topics:
    """Make the topics of a generation, with the rules adopted."""
    topics = Topics(prefix, partitions)
    await provision(address, topics, replication=1, genesis=genesis)
    return topics


async def read_all(address: str, topic: str, partitions: int = 1) -> list[list[ConsumerRecord]]:
    """Read every record of a topic, by partition."""
    found: list[list[ConsumerRecord]] = []
    async with LogReader(address) as reader:
        for partition in range(partitions):
            found.append([])
            async for records in reader.read(topic, partition):
                found[-1].extend(records)
    return found


async def end_offsets(address: str, topics: Topics) -> dict[TopicPartition, int]:
    """Return where votes, catalogue and participants end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await consumer.start()
    try:
        places = [TopicPartition(topics.votes, n) for n in range(topics.partitions)]
        places += [TopicPartition(topics.catalogue, 0), TopicPartition(topics.participants, 0)]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return ends
    finally:
        await consumer.stop()
