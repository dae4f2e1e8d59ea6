"""Adopts rules in every partition, then announces them: from then on writers write their events.

Theory of operation: an adoption is a record in each partition, decided by its ledger where it
stands; nothing before it is decided anew. Ledgers say with every flush of tallies which rules are
in force, so whoever asks sees how far an adoption has come, and a second run finishes what a first
one left: a partition that has adopted takes another adoption of the same rules for what it is,
nothing new. The announcement comes last. A log in which some partitions follow later rules than
others is a log like any other; a writer that wrote later events too early would have its votes
decided without their new fields.
"""

import asyncio
import secrets
from dataclasses import dataclass

from producers import signing
from producers.errors import InvalidInput, Missing
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.signing import Controls
from producers.writer import BulkWriter
from schemas import codec
from schemas.codec import ID_BYTES, Undecodable
from schemas.genesis import NEWEST_RULES, Genesis
from schemas.registry import FIRST_RULES, UnknownSchema
from schemas.topics import FLUSH_KEY, Topics


ADOPTION_SECONDS = 60.0
"""Ledgers that run adopt at once; the command waits no longer for those that do not."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Adopted:
    """What became of an adoption."""

    rules: int
    partitions: list[int]
    """Partitions in which an adoption was written; empty where each had adopted before."""
    announced: bool
    """Whether the catalogue was told now; it may have been before."""


async def adopt(log: Log, rules: int, *, now: int) -> Adopted:
    """Adopt rules in each partition that has earlier ones, wait for it, and announce them.

    Raises InvalidInput for rules that are not known here or where no operator's key at hand may
    sign, and Missing where a ledger has not adopted in time: the same command finishes it later.
    """
    if not FIRST_RULES < rules <= NEWEST_RULES:
        raise InvalidInput(
            f"rules {rules} cannot be adopted: this version knows {FIRST_RULES}, with which every "
            f"log begins, and {NEWEST_RULES}. Give {NEWEST_RULES}, or install a later version.")
    async with LogReader(log.address) as reader:
        await reader.require(log.topics.votes, log.topics.partitions)
        await reader.require(log.topics.tallies, log.topics.partitions)
        known = await read_catalogue(reader, log.topics)
        partitions = {partition: await signing.keys_in_force(reader, log.topics, known, partition)
                      for partition in range(log.topics.partitions)}
        behind = [partition for partition, each in partitions.items() if each.rules < rules]
        if known.rules >= rules and not behind:
            return Adopted(rules, [], announced=False)
        controls = signing.Controls(known.rules, tuple(log.own_keys), partitions)
        records = {partition: adoption_record(controls, log.topics, partition, rules, now)
                   for partition in behind}
        async with BulkWriter(log.address) as writer:
            for partition in behind:
                await writer.write(log.topics.votes, partition, now, records[partition])
            await _adopted_everywhere(reader, log.topics, rules)
            if known.rules < rules:
                await writer.write(log.topics.catalogue, 0, now, signing.announcement(
                    known, log.own_keys, rules, known.edition, known.control_keys,
                    occurred_at=now))
    return Adopted(rules, behind, announced=known.rules < rules)


def adoption_record(
    controls: Controls, topics: Topics, partition: int, rules: int, occurred_at: int
) -> bytes:
    """Make the adoption of rules by a partition: where it has keys these stay, and one signs."""
    in_force = controls.partitions[partition]
    if not in_force.keys:
        return Genesis(rules).record(topics, partition, occurred_at)
    return controls.encoded(
        "RulesAdopted", partition, event_id=secrets.token_bytes(ID_BYTES),
        salt=secrets.token_bytes(ID_BYTES), origin="operator", occurred_at=occurred_at,
        ledger_version=rules, partition=partition, partitions=topics.partitions,
        generation=in_force.edition + 1, keys=[key.fields() for key in in_force.keys])


async def _adopted_everywhere(reader: LogReader, topics: Topics, rules: int) -> None:
    """Wait until every partition follows the rules; raise Missing where one does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ADOPTION_SECONDS
    while behind := await _behind(reader, topics, rules):
        if loop.time() > deadline:
            raise Missing(
                f"votes partitions {', '.join(map(str, behind))} have not adopted rules {rules} "
                f"within {ADOPTION_SECONDS:.0f} s. Their adoption lies in the log and is decided "
                "when a ledger of this version runs: start it, then repeat this command. Until it "
                "is announced, votes are written as before.")
        await asyncio.sleep(LOOK_SECONDS)


async def _behind(reader: LogReader, topics: Topics, rules: int) -> list[int]:
    """Name the partitions whose ledger has last said that it follows earlier rules, or nothing."""
    return [partition for partition in range(topics.partitions)
            if await _rules_of(reader, topics, partition) < rules]


async def _rules_of(reader: LogReader, topics: Topics, partition: int) -> int:
    """Read which rules a partition follows, as its last flush of tallies says; 0: none there."""
    found = 0
    async for records in reader.read(topics.tallies, partition):
        for record in records:
            if record.key == FLUSH_KEY:
                try:
                    found = codec.decode(record.value)[1]["ledger_version"]
                except (Undecodable, UnknownSchema) as error:
                    raise Missing(
                        f"the tallies of partition {partition} cannot be read: {error}") from error
    return found
