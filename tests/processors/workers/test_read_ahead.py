"""Snapshots that who stands by has read ahead: used, and held against the log like others."""

import asyncio
import itertools
from pathlib import Path

import pytest

from processors.ledger.snapshots import freeze
from processors.workers import kept_snapshots, snapshot_files
from processors.workers.read_ahead import ReadAhead
from processors.workers.snapshot_files import BEGINNING_BYTES, Snapshots
from processors.workers.snapshot_places import FolderPlace
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
from tests.processors.workers.test_snapshot_files import SIZE, kept_in, name, with_one_key
from tests.waiting import WAIT_SECONDS


class Topic:
    """What a decisions topic holds at the one offset that is asked for."""

    def __init__(self, value: bytes | None) -> None:
        self.value = value

    async def read(self, _partition: int, _offset: int) -> bytes | None:
        return self.value


class Watched(FolderPlace):
    """A folder that tells what is read of it, and in which the files of a partition may hang."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.bytes_read: list[int] = []
        self.hanging = ""
        self.hangs = asyncio.Event()

    async def read(self, name: str, end: int | None = None) -> bytes:
        if self.hanging and name.startswith(self.hanging):
            self.hangs.set()
            await asyncio.Event().wait()
        found = await super().read(name, end)
        self.bytes_read.append(len(found))
        return found


def watched(folder: Path) -> tuple[Snapshots, Watched]:
    """Return what keeps snapshots in a folder that is watched."""
    place = Watched(folder)
    return Snapshots(place, place, "any.decisions", folder.parent / "keys" / "snapshot.key"), place


async def written(folder: Snapshots, *choices: int, partition: int = PARTITION) -> bytes:
    """Write the snapshot of a ledger that decided some votes; return its last decision."""
    ledger, decisions = decided_log([adopted(), *(vote(each) for each in choices)])
    frozen = freeze(ledger)
    frozen.header["partition"] = partition
    await folder.write(frozen, 41)
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
    ahead = ReadAhead(folder, PARTITIONS, holds=lambda: held, rebalancing=lambda: moving,
                      clock=lambda: 0.0)

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


async def test_what_is_kept_is_let_go_however_long_the_reading_took(tmp_path: Path) -> None:
    """Who has read for a minute reads on after ten, and has room at once where it holds more."""
    place, held = tmp_path / "snapshots", False
    folder = kept_in(place)
    topic = Topic(await written(folder, 1, partition=0))
    moments = itertools.count(0.0, 60.0)
    ahead = ReadAhead(folder, PARTITIONS, holds=lambda: held, rebalancing=lambda: False,
                      clock=lambda: next(moments))
    await ahead.look()
    emptied(place)
    held = True
    await ahead.look()

    assert await folder.read(0, PARTITIONS, topic.read) is None


async def test_reading_ahead_rests_nine_times_as_long_as_it_took(tmp_path: Path) -> None:
    """It is for who has time: the place and the machine are others' too."""
    folder, place = watched(tmp_path / "snapshots")
    await written(folder, 1, partition=0)
    await written(folder, 1, partition=1)
    moments = iter((0.0, 60.0, 599.0, 600.0, 600.0))
    ahead = ReadAhead(folder, 2, holds=lambda: False, rebalancing=lambda: False,
                      clock=lambda: next(moments))
    read = []
    for _ in range(3):
        await ahead.look()
        read.append(len(place.bytes_read))

    assert read[0] == read[1] < read[2]


async def test_no_more_is_kept_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of many partitions the first ones; the others are read when they come. It is said once."""
    folder, place = watched(tmp_path / "snapshots")
    for partition in range(PARTITIONS):
        last = await written(folder, 1, partition=partition)
    size = max((await place.names()).values())
    monkeypatch.setattr(kept_snapshots, "KEPT_BYTES", 2 * size)
    for _ in range(2):
        for partition in range(PARTITIONS):
            await folder.keep(partition, PARTITIONS)
    emptied(tmp_path / "snapshots")
    found = [await folder.read(partition, PARTITIONS, Topic(last).read) is not None
             for partition in range(PARTITIONS)]

    assert found == [True, True, False]
    assert capsys.readouterr().out.count("there is no room for it") == 1


async def test_a_newer_snapshot_takes_the_room_of_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the partition writes on and on: the room is as full as before."""
    folder, place = watched(tmp_path / "snapshots")
    for choices in ((1,), (1, 2)):
        last = await written(folder, *choices)
        monkeypatch.setattr(kept_snapshots, "KEPT_BYTES", max((await place.names()).values()))
        await folder.keep(PARTITION, PARTITIONS)
    emptied(tmp_path / "snapshots")

    assert await folder.read(PARTITION, PARTITIONS, Topic(last).read) is not None


async def test_who_takes_a_partition_over_waits_for_no_other_that_is_read_ahead(
    tmp_path: Path
) -> None:
    """A file of gigabytes is on its way, or the place hangs there: this one is here already."""
    folder, place = watched(tmp_path / "snapshots")
    last = await written(folder, 1, partition=0)
    await written(folder, 1, partition=1)
    await folder.keep(0, PARTITIONS)
    place.hanging = "any.decisions-1."
    reading = asyncio.create_task(folder.keep(1, PARTITIONS))
    await place.hangs.wait()
    found = await folder.read(0, PARTITIONS, Topic(last).read)
    still = not reading.done()
    reading.cancel()

    assert found is not None
    assert still


async def test_what_hung_while_it_was_read_ahead_is_no_place_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else whoever takes partitions over right after it would fold all decisions."""
    folder, place = watched(tmp_path / "snapshots")
    last = await written(folder, 1, partition=0)
    await written(folder, 1, partition=1)
    place.hanging = "any.decisions-1."
    monkeypatch.setattr(snapshot_files, "ANSWER_SECONDS", 0.2)
    await folder.keep(1, PARTITIONS)
    monkeypatch.setattr(snapshot_files, "ANSWER_SECONDS", WAIT_SECONDS)

    assert await folder.read(0, PARTITIONS, Topic(last).read) is not None
    assert "no snapshot is read ahead" in capsys.readouterr().out


async def test_of_a_file_that_is_not_ours_the_beginning_alone_is_read(tmp_path: Path) -> None:
    """Whoever can put one there cannot fill the memory of all that stand by: nor of a takeover."""
    folder, place = watched(tmp_path / "snapshots")
    last = await written(folder, 1)
    forged = place.folder / name(9_000)
    forged.write_bytes(next(place.folder.iterdir()).read_bytes()[:90] + bytes(BEGINNING_BYTES))
    with forged.open("r+b") as file:
        file.truncate(1 << 32)
    place.bytes_read.clear()
    await folder.keep(PARTITION, PARTITIONS)
    found = await folder.read(PARTITION, PARTITIONS, Topic(last).read)

    assert found is not None
    assert found[0].last_offset == 1
    assert max(place.bytes_read) <= BEGINNING_BYTES


async def test_a_file_that_grows_is_read_as_far_as_it_was_listed(tmp_path: Path) -> None:
    """Its digest is not of that: it is passed over, whatever is behind it by then."""
    folder, place = watched(tmp_path / "snapshots")
    last = await written(folder, 1)
    [file] = place.folder.iterdir()
    size = file.stat().st_size

    class Growing(Watched):
        async def read(self, name: str, end: int | None = None) -> bytes:
            with file.open("ab") as growing:
                growing.write(bytes(1 << 20))
            return await super().read(name, end)

    grows = Growing(place.folder)
    other = Snapshots(grows, grows, "any.decisions", tmp_path / "keys" / "snapshot.key")
    with file.open("ab") as growing:
        growing.write(b"more")

    assert await other.read(PARTITION, PARTITIONS, Topic(last).read) is None
    assert grows.bytes_read[-1] == size + 4


async def test_names_of_files_that_are_gone_are_not_remembered(tmp_path: Path) -> None:
    """Who stands by for a year under another key meets a new one every few minutes."""
    folder = kept_in(tmp_path / "snapshots")
    await written(folder, 1)
    stranger = kept_in(tmp_path / "snapshots", tmp_path / "other" / "snapshot.key")
    for choices in ((1, 2), (1, 2, 3), (1, 2, 3, 4)):
        await written(folder, *choices)
        await stranger.keep(PARTITION, PARTITIONS)

    assert len(stranger._useless) == 1


async def test_of_what_names_voters_of_a_sealed_consultation_the_header_alone_is_read(
    tmp_path: Path
) -> None:
    """Until somebody has deleted it: not the votes in it, again and again."""
    folder, place = watched(tmp_path / "snapshots")
    await folder.forget_sealed({CONSULTATIONS[0]})
    elsewhere = kept_in(tmp_path / "snapshots")
    await written(elsewhere, 1)
    for _ in range(3):
        await folder.keep(PARTITION, PARTITIONS)

    assert len(place.bytes_read) == 3


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
