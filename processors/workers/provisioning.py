"""Makes the topics of a generation, and lets every partition begin with the rules it follows."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from processors.workers.kafka_checks import (
    BrokerUnreachable,
    WrongTopic,
    check_topics,
    connected_admin,
    settings_of,
)
from schemas import codec
from schemas.codec import Undecodable
from schemas.control_roles import keys_in
from schemas.corrections import Authority
from schemas.genesis import Genesis, genesis_of
from schemas.kafka_clients import new_consumer, new_producer
from schemas.registry import FIRST_RULES, HEADER_BYTES, headers
from schemas.topics import Topics, TopicSpecification


VISIBLE_SECONDS = 30.0
"""A topic just created is known to every broker by then."""
VISIBLE_POLL_SECONDS = 0.05
READ_MS = 500
BEGIN_SECONDS = 120.0
"""Longest time to read how partitions begin, and to write it: a producer would try for ever."""


class OtherKeysAnnounced(WrongTopic):
    """Somebody announced other keys before the log's own: the message says what to do."""


@dataclass(frozen=True)
class Provisioned:
    """What a log has begun with, and in which partitions that was written now."""

    partitions: list[int]
    genesis: Genesis
    changed: list[str] = field(default_factory=list)
    """What was not as it must be and was set now, and what nobody but the operator can change."""


async def provision(
    kafka: str, topics: Topics, *, replication: int, genesis: Genesis | None = None
) -> Provisioned:
    """Create missing topics, check all, and let each partition begin as `genesis` says.

    Without one a new log begins under the newest rules and without control keys. A partition that
    holds a record has begun already, and the others begin as it did: so this is finished after a
    kill, and changes nothing where it is repeated.
    """
    changed = await create(kafka, topics.specifications(), replication=replication)
    await check_topics(kafka, topics.specifications())
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            return replace(await _begin(kafka, topics, genesis or Genesis()), changed=changed)
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnreachable(kafka, error) from error


async def create(
    kafka: str, topics: Sequence[TopicSpecification], *, replication: int
) -> list[str]:
    """Create the topics that are missing, wait until they are known, and set what must be set.

    Return sentences about what was set on topics that were there, and what of them cannot be set.
    Raises WrongTopic where one cannot be made, BrokerUnreachable where the broker goes away.
    """
    admin = await connected_admin(kafka)
    try:
        present = await _create(admin, topics, replication)
        return await _set(admin, [each for each in topics if each.name in present], replication)
    except (KafkaError, OSError) as error:
        raise BrokerUnreachable(kafka, error) from error
    finally:
        await admin.close()


async def _create(
    admin: AIOKafkaAdminClient, topics: Sequence[TopicSpecification], replication: int
) -> set[str]:
    """Create what is missing; return the topics that were there."""
    present = set(await admin.list_topics())
    missing = [
        NewTopic(topic.name, topic.partitions, replication,
                 topic_configs={**topic.settings, **topic.set_now(replication)})
        for topic in topics if topic.name not in present
    ]
    answer = await admin.create_topics(missing) if missing else None
    for error in answer.topic_errors if answer else ():
        kind = for_code(error[1])
        if error[1] and kind is not TopicAlreadyExistsError:
            raise WrongTopic(f"topic {error[0]} could not be created: {error[-1]} "
                             f"({kind.__name__}).")
    await _until_seen(admin, {topic.name for topic in missing})
    return present


async def _until_seen(admin: AIOKafkaAdminClient, wanted: set[str]) -> None:
    """Wait until all brokers know topics: each hears of them later than the controller."""
    try:
        async with asyncio.timeout(VISIBLE_SECONDS):
            while wanted - await _known_everywhere(admin):  # noqa: ASYNC110 -- nobody tells us
                await asyncio.sleep(VISIBLE_POLL_SECONDS)
    except TimeoutError as error:
        raise WrongTopic(
            f"{', '.join(sorted(wanted))}: {VISIBLE_SECONDS:.0f} s after they were made the broker "
            "does not show them. It is very busy, or this account may not see them (`scrutin acls` "
            "says what it needs). Run it again.") from error


async def _known_everywhere(admin: AIOKafkaAdminClient) -> set[str]:
    """Return the topics that every broker knows which is there."""
    first = await admin._send_request(MetadataRequest())  # noqa: SLF001 -- it has no other door
    answers = [await admin._send_request(MetadataRequest(), broker[0])  # noqa: SLF001 -- as above
               for broker in first.brokers]
    return set.intersection(*(
        {topic[1] for topic in answer.topics if not topic[0]} for answer in (first, *answers)))


async def _set(
    admin: AIOKafkaAdminClient, topics: Sequence[TopicSpecification], replication: int
) -> list[str]:
    """Give topics that are there the settings they would be made with now; say what was changed.

    Raises WrongTopic where a setting stays as it is.
    """
    if not topics:
        return []
    names = [topic.name for topic in topics]
    replicas = {found["topic"]: min((len(each["replicas"]) for each in found["partitions"]),
                                    default=replication)
                for found in await admin.describe_topics(names)}
    known = await settings_of(admin, names)
    drifts = {topic.name: topic.drift(replicas[topic.name], {
        name: setting.value for name, setting in known[topic.name].items()}) for topic in topics}
    answers = await admin.alter_configs([ConfigResource(
        # What is not named in the request would go back to its default.
        ConfigResourceType.TOPIC, name, configs={**{
            setting: found.value for setting, found in known[name].items() if found.of_topic},
            **drift}) for name, drift in drifts.items() if drift])
    refused = any(found[0] for answer in answers for found in answer.resources)
    await _require_set(admin, drifts, 0 if refused else VISIBLE_SECONDS)
    return [
        *(f"{name} had {setting}={known[name][setting].value}; it has {value} now."
          for name, drift in drifts.items() for setting, value in drift.items()),
        *(f"{name} has a partition with {count} replicas, not SCRUTIN_REPLICATION={replication}: "
          "add replicas with kafka-reassign-partitions.sh, then run this again."
          for name, count in replicas.items() if count < replication)]


async def _require_set(
    admin: AIOKafkaAdminClient, drifts: dict[str, dict[str, str]], seconds: float
) -> None:
    """Raise WrongTopic unless settings are as they were to be set, with the command that sets them.

    A busy broker shows what its controller took a moment later: it is asked again for so long.
    """
    wanted = {name: drift for name, drift in drifts.items() if drift}
    left = await _unset(admin, wanted)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while left:
                await asyncio.sleep(VISIBLE_POLL_SECONDS)
                left = await _unset(admin, wanted)
    for name, settings in left.items():
        was = ", ".join(f"{setting}={found}" for setting, (found, _) in settings.items())
        command = ",".join(f"{setting}={value}" for setting, (_, value) in settings.items())
        raise WrongTopic(
            f"topic {name} has {was}, and Kafka does not let this account change it. Run "
            f"`kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config "
            f"{command}`, and this again.")


async def _unset(
    admin: AIOKafkaAdminClient, wanted: dict[str, dict[str, str]]
) -> dict[str, dict[str, tuple[str | None, str]]]:
    """Return what a setting is and what it is to be, by topic and setting, where they differ."""
    known = await settings_of(admin, wanted) if wanted else {}
    found = {name: {setting: (known[name][setting].value, value)
                    for setting, value in drift.items() if known[name][setting].value != value}
             for name, drift in wanted.items()}
    return {name: settings for name, settings in found.items() if settings}


async def _begin(kafka: str, topics: Topics, wanted: Genesis) -> Provisioned:
    """Write what the log begins with, where it is missing."""
    firsts = await _firsts(kafka, topics)
    begun = [value for value in firsts if value is not None]
    genesis = genesis_of(begun[0]) if begun else wanted
    empty = [partition for partition, value in enumerate(firsts) if value is None]
    producer = new_producer(kafka)
    await producer.start()
    try:
        for partition in empty:
            now = int(time.time() * 1000)
            await producer.send_and_wait(
                topics.votes, genesis.record(topics, partition, now),
                partition=partition, timestamp_ms=now)
        if genesis.rules > FIRST_RULES and not await _is_announced(kafka, topics, genesis):
            now = int(time.time() * 1000)
            await producer.send_and_wait(
                topics.catalogue, genesis.announcement(now), partition=0, timestamp_ms=now)
    finally:
        await producer.stop()
    return Provisioned(empty, genesis)


async def _firsts(kafka: str, topics: Topics) -> list[bytes | None]:
    """Read the first record of each votes partition; None where there is none."""
    found: list[bytes | None] = [None] * topics.partitions
    for partition in range(topics.partitions):
        async for value in _values(kafka, topics.votes, partition):
            found[partition] = value
            break
    return found


async def _is_announced(kafka: str, topics: Topics, genesis: Genesis) -> bool:
    """Whether the catalogue says already which rules and keys the log has begun with.

    Raises OtherKeysAnnounced where it announces others, on top of which ours would not count.
    """
    wanted, authority = headers("RulesAnnounced"), Authority()
    async for value in _values(kafka, topics.catalogue, 0):
        if value[:HEADER_BYTES] not in wanted:
            continue
        try:
            _, fields = codec.decode(value)
        except Undecodable:
            continue
        if authority.announce(fields, value) and fields["generation"] == genesis.edition and (
                Genesis(fields["ledger_version"], keys_in(fields)) == genesis):
            return True
    if authority.keys:
        raise OtherKeysAnnounced(
            f"{topics.catalogue} announces keys of controls that are not those this log has begun "
            "with, and a second announcement would need their signature. Find out who wrote it, "
            "and begin a topic generation of another name.")
    return False


async def _values(kafka: str, topic: str, partition: int) -> AsyncIterator[bytes]:
    """Yield the records of a partition up to its present end."""
    place = TopicPartition(topic, partition)
    consumer = new_consumer(kafka)
    await consumer.start()
    try:
        end = (await consumer.end_offsets([place]))[place]
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=READ_MS)).get(place, ()):
                yield record.value or b""
    finally:
        await consumer.stop()
