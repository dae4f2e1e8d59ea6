"""From release 0.1.0 to this one, with processes of both on one log: nothing is lost on the way."""

import random
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.services import Broker
from processors.ledger.decisions import decode
from producers import adoption
from producers.operations import Log
from tests.harness import (
    BEGAN_AT,
    Logs,
    Stack,
    Worker,
    connected_producer,
    decided,
    expected_document,
    folded_decisions,
    prepared,
    published_document,
    read_to_end,
    stack_on,
    write,
)
from tests.processors.ledger.logs_2 import of_version_2
from tests.waiting import until


WHEEL = Path(__file__).parent / "scrutin-0.1.0-py3-none-any.whl"
PARTITIONS, CHUNK = 2, 300


@pytest.fixture
def stack(broker: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Stack]:
    """Give topics of two partitions."""
    with stack_on(broker, topic_prefix, PARTITIONS, tmp_path) as found:
        yield found


@pytest.fixture
def release(tmp_path: Path) -> dict[str, str]:
    """Unpack release 0.1.0: the environment in which programs are its own."""
    folder = tmp_path / "0.1.0"
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


async def write_chunk(stack: Stack, box: Logs, number: int) -> None:
    """Write the next votes of each partition."""
    first = 1 + number * CHUNK
    async with connected_producer(stack.kafka) as producer:
        for partition, log in enumerate(box):
            await write(producer, stack.topics.votes, partition, log[first:first + CHUNK],
                        first_offset=first)


async def exact(stack: Stack, records: int) -> list[list[bytes]]:
    """Hold the decisions against what the pure ledger makes of the ballot box, and give them."""
    made = await folded_decisions(stack, [records] * PARTITIONS)
    box: Logs = [[] for _ in range(PARTITIONS)]
    for record in await read_to_end(stack.kafka, stack.topics.votes, PARTITIONS):
        box[record.partition].append(record.value)
    assert made == [decisions[:records] for decisions in decided(box)[1]]
    return made


def end(worker: Worker) -> None:
    """Tell a worker to stop, and see it do so in order."""
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0, worker.log()


@pytest.mark.parametrize("first", ["ledger", "ideas"])
async def test_either_worker_may_be_upgraded_first(
    stack: Stack, release: dict[str, str], first: str
) -> None:
    """Ledgers of both releases share the group, one is killed; results come out to the unit."""
    chance = random.Random(first)
    box = await prepared(stack, 31, size=4 * CHUNK)
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
    assert await published_document(stack, [4 * CHUNK] * PARTITIONS) == expected_document(ledgers)


async def test_the_old_release_stops_at_the_new_log_and_nothing_is_lost(
    stack: Stack, release: dict[str, str]
) -> None:
    """It ends with a sentence of its own, decides nothing wrongly, and the new one goes on."""
    box = await prepared(stack, 32, size=2 * CHUNK)
    old = stack.started("ledger", SCRUTIN_SNAPSHOT_DECISIONS="100", **release)
    await write_chunk(stack, box, 0)
    await folded_decisions(stack, [CHUNK + 1] * PARTITIONS)
    await until(lambda: "snapshot written" in old.log())  # Beside deciding: it may be later.
    end(old)
    new = stack.started("ledger", "2", SCRUTIN_SNAPSHOT_DECISIONS="100")
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
    assert "snapshot not used" in new.log()
    for decisions in made:
        assert {decode(value).ledger_version for value in decisions[:CHUNK + 1]} == {1}
        assert {decode(value).ledger_version for value in decisions[CHUNK + 1:]} == {2}
