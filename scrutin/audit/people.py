"""Read the participants' log up to a published position: it is archived apart."""

import asyncio
from collections.abc import Callable

from aiokafka.errors import KafkaError

from producers.errors import ProducingError
from producers.log_reader import LogReader
from schemas.registry import UnknownSchema
from schemas.topics import Topics
from scrutin import addresses
from scrutin.audit.beginning import Missing, say
from scrutin.settings import Settings
from sinks.recount.faults import RecordUnreadable
from sinks.recount.people import People, PeopleLog
from sinks.recount.recomputing import Document


Take = Callable[[bytes | None, int], None]
"""What folds a value at its offset."""


def people_of(settings: Settings, consultation: str, document: Document) -> People:
    """Return the people of a published document; raise Missing and RecordUnreadable as `read`."""
    log, last = PeopleLog(consultation), document["as_of"]["participants"]
    if last < 0:
        return People(log.people)
    try:
        kafka = addresses.kafka_address(settings)
    except addresses.StackNotRunning as error:
        return People(None, str(error))
    say("reading the participants' log")
    why = asyncio.run(read(kafka, addresses.topics(settings), last, log.apply))
    return People(None if why else log.people, why)


async def read(kafka: str, topics: Topics, last: int, take: Take) -> str:
    """Give out each record up to an offset; return why the log cannot be read, "" if it was.

    What was given out before is worth nothing then. Raise Missing where the log ends before the
    offset: what was published of records that are not there is no log that cannot be read. Raise
    RecordUnreadable for a record of a later release.
    """
    following = 0
    if last < following:
        return ""
    try:
        async with LogReader(kafka) as reader:
            await reader.require(topics.participants, 1)
            async for records in reader.read(topics.participants, 0):
                for record in records:
                    if record.offset > last:
                        return ""
                    if record.offset != following:
                        return f"{topics.participants} lacks the record at offset {following}"
                    take(record.value, record.offset)
                    following += 1
    except UnknownSchema as error:
        raise RecordUnreadable(
            f"{topics.participants} offset {following}: {error}") from error
    except (ProducingError, KafkaError, OSError, TimeoutError) as error:
        return f"{topics.participants} cannot be read ({error})"
    if following <= last:
        raise Missing(f"the published document holds the participants' log up to offset {last}, "
                      f"and {topics.participants} at {kafka} ends with {following - 1}. It was "
                      "cut, made anew, or is another generation's: look at SCRUTIN_TOPIC_PREFIX.")
    return ""
