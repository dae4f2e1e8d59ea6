"""Snapshots that who stands by has read ahead: used, and held against the log like others."""

from pathlib import Path

from processors.ledger.snapshots import freeze
from processors.workers.read_ahead import ReadAhead
from processors.workers.snapshot_files import Snapshots
from tests.harness import (
    Stack,
    connected_producer,
    decided,
    folded_decisions,
    prepared,
    write,
)
from tests.processors.ledger.logs import CONSULTATIONS, PARTITION, PARTITIONS, adopted, vote
from tests.processors.ledger.logs import decided as decided_log
from tests.processors.workers.test_snapshot_files import SIZE, kept_in, with_one_key


class Topic:
    """What a decisions topic holds at the one offset that is asked for."""

    def __init__(self, value: bytes | None) -> None:
        self.value = value

    async def read(self, _partition: int, _offset: int) -> bytes | None:
        return self.value


async def written(folder: Snapshots, *choices: int) -> bytes:
    """Write the snapshot of a ledger that decided some votes; return its last decision."""
    ledger, decisions = decided_log([adopted(), *(vote(each) for each in choices)])
    await folder.write(freeze(ledger), 41)
    return decisions[-1]


def emptied(folder: Path) -> None:
    for file in folder.glob("*.snapshot"):
        file.unlink()


async def test_what_was_read_ahead_is_held_against_the_log_at_the_takeover(tmp_path: Path) -> None:
    """Once: the ledger that was made of it goes on changing."""
    folder = kept_in(tmp_path / "snapshots")
    topic = Topic(await written(folder, 1))
    await folder.keep(PARTITION, PARTITIONS)
    emptied(tmp_path / "snapshots")

    assert await folder.read(PARTITION, PARTITIONS, topic.read) is not None
    assert await folder.read(PARTITION, PARTITIONS, topic.read) is None

    topic.value = await written(folder, 1, 2)
    await folder.keep(PARTITION, PARTITIONS)
    emptied(tmp_path / "snapshots")
    topic.value = b"of another log"
    assert await folder.read(PARTITION, PARTITIONS, topic.read) is None


async def test_the_newest_one_is_kept(tmp_path: Path) -> None:
    """Whoever holds the partition writes one after the other."""
    folder = kept_in(tmp_path / "snapshots")
    for choices in ((1,), (1, 2)):
        last = await written(folder, *choices)
        await folder.keep(PARTITION, PARTITIONS)
    emptied(tmp_path / "snapshots")
    found = await folder.read(PARTITION, PARTITIONS, Topic(last).read)

    assert found is not None
    assert found[0].last_offset == 2


async def test_nothing_of_a_sealed_consultation_is_kept(tmp_path: Path) -> None:
    """Neither what was read before the sealing was heard of, nor what is read after it."""
    folder, place = kept_in(tmp_path / "snapshots"), tmp_path / "snapshots"
    topic = Topic(await written(folder, 1))
    [file] = place.iterdir()
    bytes_of_it = file.read_bytes()
    await folder.keep(PARTITION, PARTITIONS)
    await folder.forget_sealed({CONSULTATIONS[0]})
    assert await folder.read(PARTITION, PARTITIONS, topic.read) is None

    file.write_bytes(bytes_of_it)
    file.chmod(0o600)
    await folder.keep(PARTITION, PARTITIONS)
    emptied(place)
    assert await folder.read(PARTITION, PARTITIONS, topic.read) is None


async def test_who_holds_partitions_keeps_nothing_and_reads_nothing_ahead(tmp_path: Path) -> None:
    """But while they are being moved what was read ahead stays: it is needed then."""
    place, moving, held = tmp_path / "snapshots", False, False
    folder = kept_in(place)
    topic = Topic(await written(folder, 1))
    [file] = place.iterdir()
    ahead = ReadAhead(folder, PARTITIONS, holds=lambda: held, rebalancing=lambda: moving)

    async def looked() -> None:
        for _ in range(PARTITIONS):
            await ahead.look()

    async def taken_over() -> bool:
        """Whether the partition is begun without the folder."""
        file.rename(elsewhere := tmp_path / "elsewhere")
        found = await folder.read(PARTITION, PARTITIONS, topic.read)
        elsewhere.rename(file)
        return found is not None

    await looked()
    moving = True
    await looked()
    assert await taken_over()
    moving = False
    await looked()
    held = True
    await looked()
    assert not await taken_over()


async def test_a_ledger_that_stood_by_goes_on_from_what_it_had_read(
    lone_stack: Stack, tmp_path: Path
) -> None:
    """Each decision is that of an undisturbed run."""
    [log] = await prepared(lone_stack, 5, size=SIZE)
    first, second = with_one_key(lone_stack, tmp_path,
                                 SCRUTIN_SNAPSHOTS=str(tmp_path / "snapshots"))
    first.start()
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, lone_stack.topics.votes, 0, log[1:1_000], first_offset=1)
        await folded_decisions(lone_stack, [1_000])
        second.start()
        await second.says("snapshot read ahead")
        first.kill()
        await write(producer, lone_stack.topics.votes, 0, log[1_000:], first_offset=1_000)
    found = await folded_decisions(lone_stack, [len(log)])
    await second.says("goes on from what was read ahead")

    assert found == decided([log])[1]
