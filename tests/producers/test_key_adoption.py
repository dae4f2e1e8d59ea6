"""Keys that sign controls come, are replaced and go, with real ledgers: what anybody writes is not
taken, and what was begun is finished."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.services import Broker
from processors.ledger.decisions import Decision, decode
from producers import operations, signing
from producers.consultation_file import ConsultationFile
from producers.errors import InvalidInput, Missing
from producers.guard_rules import read_rules
from producers.key_adoption import KeysAdopted, adopt_keys, read_keys
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.signing import own_key
from producers.suspending import Suspended, reinstate, suspend
from schemas import codec
from schemas.control_roles import public_key
from schemas.genesis import FIRST_GENESIS, announced
from schemas.words import OUTCOMES
from tests.harness import (
    BEGAN_AT,
    Stack,
    connected_producer,
    folded_decisions,
    read_to_end,
    stack_on,
    write,
)
from tests.producers.kafka_log import end_offsets, provisioned


DESCRIPTION = {
    "id": "jeunes", "question": {"fr": "Comment ?"}, "languages": ["fr"],
    "opens_at": "2022-03-22T00:00:00+01:00", "closes_at": "2099-01-01T00:00:00+01:00"}
PARTITIONS = 2
NOW = BEGAN_AT + 1_000
VOTER = "000000010000000000000000000000aa"
OLD, NEW, GUARD = (own_key(bytes([number]) * 32) for number in (1, 2, 3))
FIRST = (public_key("operator", OLD.public), public_key("guard", GUARD.public))
SECOND = (public_key("operator", NEW.public),)


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield topics of two partitions."""
    with stack_on(broker, topic_prefix, PARTITIONS, tmp_path) as found:
        yield found


def operators(stack: Stack, *own: Any) -> Log:
    """Name the log, with private keys at hand."""
    return Log(stack.kafka, stack.topics, own_keys=own)


async def suspended(log: Log) -> Suspended:
    """Suspend a voter of partition 1."""
    return await suspend(log, VOTER, "why", consultation="jeunes", now=NOW)


async def described(stack: Stack) -> None:
    """Let a log begin without keys, and describe a consultation."""
    await provisioned(stack.kafka, stack.topics.prefix, PARTITIONS)
    await operations.apply(
        operators(stack), ConsultationFile.model_validate(DESCRIPTION), now=BEGAN_AT)


async def told(stack: Stack) -> str:
    """Ask for first keys: what every ledger is to be told."""
    with pytest.raises(Missing, match="every ledger was told") as asked:
        await adopt_keys(operators(stack), FIRST, now=NOW)
    return str(asked.value).partition("SCRUTIN_FIRST_KEYS=")[2].split()[0]


async def outcomes(stack: Stack) -> list[tuple[str, str]]:
    """Read what became of each record of partition 1 but the first, once all are decided."""
    box = await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS)
    counts = [sum(record.partition == number for record in box) for number in range(PARTITIONS)]
    decisions: list[Decision] = [
        decode(value) for value in (
            await folded_decisions(stack, counts, spaced=False))[1][1:]]
    return [(OUTCOMES[each.outcome], each.described()["refusal"]) for each in decisions]


async def adopted_first(stack: Stack) -> KeysAdopted:
    """Adopt first keys, with a ledger that was told."""
    setting = await told(stack)
    stack.started("ledger", SCRUTIN_FIRST_KEYS=setting)
    return await adopt_keys(operators(stack), FIRST, now=NOW)


async def test_a_log_takes_its_first_keys_as_ledgers_were_told(stack: Stack) -> None:
    """From then on only who has a key can suspend anybody."""
    await described(stack)
    adopted = await adopted_first(stack)
    for keys in ((), (GUARD,)):
        with pytest.raises(InvalidInput, match=OLD.id.hex()):
            await suspended(operators(stack, *keys))
    assert (await suspended(operators(stack, OLD))).written

    assert (adopted.edition, adopted.partitions, adopted.announced) == (1, [0, 1], True)
    assert await outcomes(stack) == [("adopted", "none"), ("suspended", "none")]


async def test_a_ledger_that_was_not_told_refuses_and_can_be_told_later(stack: Stack) -> None:
    """The command says so; with the setting the same record is adopted."""
    await described(stack)
    setting = await told(stack)
    ledger = stack.started("ledger")
    with pytest.raises(Missing, match="not started with the SCRUTIN_FIRST_KEYS"):
        await adopt_keys(operators(stack), FIRST, now=NOW)
    ledger.kill()
    stack.started("ledger", SCRUTIN_FIRST_KEYS=setting, SCRUTIN_INSTANCE="2")
    adopted = await adopt_keys(operators(stack), FIRST, now=NOW)

    assert adopted.partitions == [0, 1]
    assert not (await adopt_keys(operators(stack), FIRST, now=NOW)).announced


async def test_keys_are_replaced_by_a_key_of_the_ones_before(stack: Stack) -> None:
    """Whoever was left out signs no more; what was unsigned or forged is refused by name."""
    await described(stack)
    await adopted_first(stack)
    await suspended(operators(stack, OLD))
    with pytest.raises(InvalidInput, match=OLD.id.hex()):
        await adopt_keys(operators(stack, GUARD), SECOND, now=NOW)
    replaced = await adopt_keys(operators(stack, OLD), SECOND, now=NOW)
    with pytest.raises(InvalidInput, match=NEW.id.hex()):
        await reinstate(operators(stack, OLD), VOTER, "why", consultation="jeunes", now=NOW)
    undone = await reinstate(
        operators(stack, NEW), VOTER, "why", consultation="jeunes", now=NOW, immune=(3,))
    [*_, last] = [record for record in await read_to_end(
        stack.kafka, stack.topics.votes, PARTITIONS) if record.partition == 1]
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.votes, 1, [last.value[:-64] + bytes(64)])

    known = await read_rules(operators(stack))
    assert (known.edition, known.control_keys) == (2, SECOND)
    assert (replaced.edition, len(undone.findings)) == (2, 1)
    assert await outcomes(stack) == [
        ("adopted", "none"), ("suspended", "none"), ("adopted", "none"), ("reinstated", "none"),
        ("refused", "unsigned")]


async def test_an_adoption_that_was_interrupted_is_finished(stack: Stack) -> None:
    """Each partition takes what its own keys sign, and the command knows: nothing is lost between.
    """
    await described(stack)
    await adopted_first(stack)
    await adopt_keys(operators(stack, OLD), SECOND, now=NOW)
    await write_only_to_the_first(stack)
    with pytest.raises(InvalidInput, match="partition 0 takes"):
        await operations.close(operators(stack, NEW), "jeunes", now=NOW, salt=bytes(16))
    assert [each.partition for each in await read_keys(operators(stack))] == [0, 1]
    finished = await adopt_keys(operators(stack, NEW), FIRST, now=NOW)
    await operations.close(operators(stack, OLD), "jeunes", now=NOW, salt=bytes(16))
    found = await outcomes(stack)

    assert (finished.edition, finished.partitions) == (3, [1])
    assert found[-2:] == [("adopted", "none"), ("closed", "none")]


async def test_a_forged_announcement_leaves_nothing_to_announce_again(stack: Stack) -> None:
    """It counts for no command: keys in force stay announced, and need no private key for that."""
    await described(stack)
    adopted = await adopted_first(stack)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, [announced(
            99, 2**63 - 1, SECOND, occurred_at=NOW)])
    again = await adopt_keys(operators(stack), FIRST, now=NOW)
    done = await suspended(operators(stack, OLD))

    assert (again.edition, again.partitions, again.announced) == (adopted.edition, [], False)
    assert done.written
    assert (await outcomes(stack))[-1] == ("suspended", "none")


async def test_rules_that_only_the_catalogue_announces_change_no_control(stack: Stack) -> None:
    """Whoever writes to the catalogue may lie: commands follow what each partition has."""
    await provisioned(stack.kafka, stack.topics.prefix, PARTITIONS, FIRST_GENESIS)
    log = operators(stack, OLD)
    await operations.apply(log, ConsultationFile.model_validate(DESCRIPTION), now=BEGAN_AT)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.catalogue, 0, [announced(
            99, 2**63 - 1, SECOND, occurred_at=NOW)])
    ends = await end_offsets(stack.kafka, stack.topics)
    with pytest.raises(InvalidInput, match="partitions 0, 1 have not adopted"):
        await adopt_keys(log, FIRST, now=NOW)
    assert await end_offsets(stack.kafka, stack.topics) == ends

    assert (await suspended(log)).written
    box = await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS)
    assert [codec.schema_of(record.value).version for record in box] == [1] * 3


async def write_only_to_the_first(stack: Stack) -> None:
    """Adopt the first keys again, in one partition: as a command that was killed."""
    log = operators(stack, NEW)
    async with LogReader(log.address) as reader:
        known = await read_catalogue(reader, log.topics)
        controls = await signing.controls(reader, log.topics, known, log.own_keys)
    value = controls.encoded(
        "RulesAdopted", 0, event_id=bytes(16), ledger_version=2, partition=0,
        partitions=PARTITIONS, generation=known.edition + 1, salt=bytes(16),
        keys=[key.fields() for key in FIRST], origin="operator", occurred_at=NOW)
    async with connected_producer(stack.kafka) as producer:
        await write(producer, stack.topics.votes, 0, [value])
