"""From release 0.1.0 to this one, with processes of both on one log: nothing is lost on the way."""

import random

import pytest

from processors.ledger.decisions import decode
from producers import adoption
from producers.operations import Log
from schemas.genesis import FIRST_GENESIS
from tests.harness import (
    BEGAN_AT,
    Stack,
    connected_producer,
    decided,
    expected_document,
    folded_decisions,
    prepared,
    published_document,
    write,
)
from tests.processors.ledger.logs_2 import of_version_2
from tests.releases.rehearsal import CHUNK, PARTITIONS, end, exact, write_chunk


@pytest.mark.parametrize("first", ["ledger", "ideas"])
async def test_either_worker_may_be_upgraded_first(
    stack: Stack, release: dict[str, str], first: str
) -> None:
    """Ledgers of both releases share the group, one is killed; results come out to the unit."""
    chance = random.Random(first)
    box = await prepared(stack, 31, size=4 * CHUNK, genesis=FIRST_GENESIS)
    old = {name: stack.started(name, SCRUTIN_SNAPSHOT_DECISIONS="100", **release)
           for name in ("ledger", "ideas")}
    await write_chunk(stack, box, 0)
    await folded_decisions(stack, [CHUNK] * PARTITIONS)
    if first == "ideas":
        end(old["ideas"])
        stack.started("ideas", "2")
    new = stack.started("ledger", "2")
    await write_chunk(stack, box, 1)
    await folded_decisions(stack, [chance.randrange(CHUNK, 2 * CHUNK)] * PARTITIONS)
    old["ledger"].kill()
    await write_chunk(stack, box, 2)
    if first == "ledger":
        end(old["ideas"])
        stack.started("ideas", "2")
    await folded_decisions(stack, [3 * CHUNK] * PARTITIONS)
    new.kill()
    new.start()
    await write_chunk(stack, box, 3)
    made = await exact(stack, 4 * CHUNK + 1)

    assert made == decided(box)[1]
    ledgers, _ = decided(box)
    assert await published_document(
        stack, [4 * CHUNK] * PARTITIONS, FIRST_GENESIS) == expected_document(ledgers, FIRST_GENESIS)


async def test_the_old_release_stops_at_the_new_log_and_nothing_is_lost(
    stack: Stack, release: dict[str, str]
) -> None:
    """It ends with a sentence of its own, decides nothing wrongly, and the new one goes on."""
    box = await prepared(stack, 32, size=2 * CHUNK, genesis=FIRST_GENESIS)
    old = stack.started("ledger", SCRUTIN_SNAPSHOT_DECISIONS="100", **release)
    await write_chunk(stack, box, 0)
    await folded_decisions(stack, [CHUNK + 1] * PARTITIONS)
    await old.says("snapshot written")  # Beside deciding: it may be later.
    end(old)
    new = stack.worker("ledger", SCRUTIN_SNAPSHOT_DECISIONS="100")  # Takes the place of the old.
    new.log_path = stack.folder / "new.log"
    new.start()
    log = Log(stack.kafka, stack.topics, after_closing=False)
    await adoption.adopt(log, 2, now=BEGAN_AT + 1_000 * (CHUNK + 1))
    new.kill()
    old.start()
    async with connected_producer(stack.kafka) as producer:
        for partition in range(PARTITIONS):
            votes = [of_version_2("VoteCast", number, choice="agree", shown="served", voter=(
                partition + PARTITIONS * number).to_bytes(4, "big") + bytes(12))
                for number in range(CHUNK)]
            await write(producer, stack.topics.votes, partition, votes, first_offset=CHUNK + 2)
    status = old.wait()
    new.start()
    made = await exact(stack, 2 * CHUNK + 2)

    assert status == 70
    assert "DecisionMade: the record begins with 0000000016" in old.log()
    await new.says("snapshot not used")
    for decisions in made:
        assert {decode(value).ledger_version for value in decisions[:CHUNK + 1]} == {1}
        assert {decode(value).ledger_version for value in decisions[CHUNK + 1:]} == {2}
