"""Snapshots in a folder that hosts share and in a store that speaks S3: alike in what counts."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processors.ledger.snapshots import Frozen, freeze
from processors.workers import snapshot_files
from processors.workers.snapshot_files import Snapshots
from processors.workers.snapshot_places import (
    THREADS_MOST,
    FolderPlace,
    Place,
    StorePlace,
    place_of,
)
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    Log,
    adopted,
    closed,
    decided,
    sealed,
    vote,
)
from tests.store_server import BUCKET, StoreServer, store_server
from tests.waiting import WAIT_SECONDS


TOPIC = "any.decisions"
LOG: Log = [adopted(), *(vote(number) for number in range(1, 7)), closed(7), sealed(8)]
DECISIONS = decided(LOG)[1]


def frozen_at(offset: int) -> Frozen:
    return freeze(decided(LOG[:offset + 1])[0])


async def read_decision(_partition: int, offset: int) -> bytes | None:
    return DECISIONS[offset] if offset < len(DECISIONS) else None


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    with store_server() as found:
        asyncio.run(found.begin())
        yield found


@pytest.fixture(params=["folder", "store"])
def shared(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Place]:
    """Say how a host of several reaches the place."""
    if request.param == "folder":
        return lambda: FolderPlace(tmp_path / "shared")
    reached(request.getfixturevalue("server"), monkeypatch)
    place = StorePlace(f"s3://{BUCKET}/{tmp_path.name}/of-ledgers")
    return lambda: place


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes its time; what is said of waits is tested with shorter ones."""
    for name in ("ANSWER_SECONDS", "READ_SECONDS", "PUT_SECONDS"):
        monkeypatch.setattr(snapshot_files, name, WAIT_SECONDS)


def reached(server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process know where the store is, and who it is there."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def host(name: str, folder: Path, place: Place) -> Snapshots:
    """Return a host's snapshots: it has a folder of its own, and the key of all."""
    key = folder / name / "keys/snapshot.key"
    key.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    return Snapshots(place, FolderPlace(folder / name / "snapshots"), TOPIC, key)


async def offsets(place: Place) -> list[int]:
    """Name the offsets that there are snapshots of."""
    return sorted(int(name.split(".")[-2]) for name in await place.names())


async def read_by(snapshots: Snapshots) -> int | None:
    """Return the offset that a takeover begins at; None: from nothing."""
    found = await snapshots.read(PARTITION, PARTITIONS, read_decision)
    if found is None:
        return None
    ledger, decisions_offset = found
    assert ledger.state() == decided(LOG[:ledger.last_offset + 1])[0].state()
    assert decisions_offset == ledger.last_offset
    return ledger.last_offset


async def test_another_host_goes_on_from_what_one_wrote_last(
    shared: Callable[[], Place], tmp_path: Path
) -> None:
    """It has the key and the place, and nothing else; one file of a partition is kept."""
    one, other = (host(name, tmp_path, shared()) for name in ("one", "other"))
    assert await read_by(other) is None
    for offset in (2, 4):
        await one.write(frozen_at(offset), offset)

    assert await offsets(shared()) == [4]
    assert await read_by(other) == 4
    assert not list((tmp_path / "one").rglob("*.*[0-9]*")), "a draft is left"


async def test_one_that_was_frozen_replaces_nothing_newer(
    shared: Callable[[], Place], tmp_path: Path
) -> None:
    """It thaws with an older state in its hands and writes that: the newer is read, and goes on."""
    thawed, holder, third = (host(name, tmp_path, shared()) for name in ("thawed", "holder", "3"))
    await holder.write(frozen_at(4), 4)
    await thawed.write(frozen_at(2), 2)
    assert await offsets(shared()) == [2, 4]
    assert await read_by(third) == 4

    await holder.write(frozen_at(6), 6)
    assert await offsets(shared()) == [6]


async def test_a_file_that_is_no_whole_snapshot_is_passed_over_and_deleted_later(
    shared: Callable[[], Place], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of one under the newest name, as a store that lies leaves it: the next older is read."""
    one, other = (host(name, tmp_path, shared()) for name in ("one", "other"))
    place = shared()
    await one.write(frozen_at(2), 2)
    elsewhere = FolderPlace(tmp_path / "elsewhere")
    await host("one", tmp_path, elsewhere).write(frozen_at(5), 5)
    [name] = await elsewhere.names()
    half = tmp_path / "half"
    half.write_bytes((await elsewhere.read(name))[:-40])
    await place.put(half, name)

    assert await read_by(other) == 2
    said = capsys.readouterr().out
    assert "snapshot not used" in said
    assert "the file is damaged" in said
    assert "all decisions are folded" not in said
    await other.write(frozen_at(4), 4)
    assert await offsets(place) == [4]


async def test_what_a_log_that_began_anew_no_longer_holds_is_deleted_for_a_newer_one(
    shared: Callable[[], Place], tmp_path: Path
) -> None:
    """Its name says a higher offset for ever: who found it useless deletes it."""
    before, after = (host(name, tmp_path, shared()) for name in ("before", "after"))
    await before.write(frozen_at(6), 1_000)
    assert await read_by(after) is None
    await after.write(frozen_at(2), 2)

    assert await offsets(shared()) == [2]
    assert await read_by(before) == 2


async def test_whoever_decides_a_sealing_deletes_what_is_from_before_it(
    shared: Callable[[], Place], tmp_path: Path
) -> None:
    """Whoever wrote it, and what it held itself before."""
    one, other = (host(name, tmp_path, shared()) for name in ("one", "other"))
    await one.write(frozen_at(4), 4)
    await other.forget(PARTITION, 8)
    assert await offsets(shared()) == []
    await other.write(frozen_at(6), 6)
    assert await offsets(shared()) == [], "it was held before the sealing"


async def test_who_hears_of_a_sealing_deletes_what_names_voters_of_it(
    shared: Callable[[], Place], tmp_path: Path
) -> None:
    """Whoever wrote it, of whatever partition; what is from after the sealing stays."""
    one, other = (host(name, tmp_path, shared()) for name in ("one", "other"))
    found = []
    for offset, sealings in ((6, {CONSULTATIONS[1]}), (6, {*CONSULTATIONS}), (8, {*CONSULTATIONS})):
        await one.write(frozen_at(offset), offset)
        assert await other.forget_sealed(sealings)
        found.append(await offsets(shared()))

    assert found == [[6], [], [8]]


async def test_a_sealing_reaches_what_lies_on_this_host_beside_a_store(
    server: StoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drafts that a death left, and snapshots from before the store was there."""
    reached(server, monkeypatch)
    own = FolderPlace(tmp_path / "one/snapshots")
    await host("one", tmp_path, own).write(frozen_at(4), 4)
    [whole] = await own.names()
    (own.folder / whole.replace("snapshot", "123")).write_bytes(b"half of one")
    (own.folder / f"{TOPIC}-{PARTITION}.snapshot").write_bytes(b"scrutin ledger snapshot 6\n")
    one = Snapshots(StorePlace(f"s3://{BUCKET}/elsewhere"), own, TOPIC,
                    tmp_path / "one/keys/snapshot.key")

    assert await one.forget_sealed(set(CONSULTATIONS))
    assert await own.names() == {}


@pytest.mark.parametrize("way", ["gone", "silent", "without a bucket"])
async def test_a_place_that_is_away_stops_nothing_and_is_said(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Writing, taking over and sealing end within their bounds; the secret is nowhere."""
    if way != "without a bucket":
        monkeypatch.setattr(snapshot_files, "ANSWER_SECONDS", 0.1)
        monkeypatch.setattr(snapshot_files, "PUT_SECONDS", 0.1)
    with store_server() as server:
        reached(server, monkeypatch)
        if way != "gone":
            await server.begin()
        if way == "silent":
            server.send(signal.SIGSTOP)
        elif way == "gone":
            server.stop()
        bucket = "another" if way == "without a bucket" else BUCKET
        one = host("one", tmp_path, StorePlace(f"s3://{bucket}/of-ledgers"))
        for _ in range(2):
            await one.write(frozen_at(4), 4)
        found = one.failed, await read_by(one)
        all_gone = await one.forget_sealed(set(CONSULTATIONS))

    said = capsys.readouterr().out
    assert found == (2, None)
    assert "no snapshot written" in said
    assert all_gone == (way == "without a bucket")
    assert ("snapshots cannot be read, all decisions are folded" in said) == (not all_gone)
    assert server.environment["AWS_SECRET_ACCESS_KEY"] not in said
    assert list((tmp_path / "one/snapshots").iterdir()) == []


@pytest.mark.parametrize("put_there", [
    os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path),
    lambda path: path.mkdir()])
async def test_what_is_no_plain_file_is_neither_read_nor_waited_for(
    put_there: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the newest name: a pipe that never ends, a link to endless bytes, a folder."""
    monkeypatch.setattr(snapshot_files, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(snapshot_files, "READ_SECONDS", 0.5)
    one = host("one", tmp_path, FolderPlace(tmp_path / "shared"))
    await one.write(frozen_at(2), 2)
    put_there(tmp_path / f"shared/{TOPIC}-{PARTITION}.{5:019}.snapshot")

    assert await read_by(one) == 2
    assert await one.forget_sealed(set(CONSULTATIONS))
    await one.write(frozen_at(8), 8)
    assert one.failed == 0


@pytest.mark.parametrize("swapped", [f".{6:019}.", f".{1:019}."])
async def test_a_snapshot_under_the_name_of_another_offset_is_of_no_use(
    swapped: str, shared: Callable[[], Place], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a later one all would begin from it for ever: nobody deletes what seems newer."""
    one, other = (host(name, tmp_path, shared()) for name in ("one", "other"))
    place = shared()
    await one.write(frozen_at(2), 2)
    [name] = await place.names()
    copy = tmp_path / "copy"
    copy.write_bytes(await place.read(name))
    await place.delete(name)
    await place.put(copy, name.replace(f".{2:019}.", swapped))

    assert await read_by(other) is None
    assert "another offset than its name says" in capsys.readouterr().out
    await other.write(frozen_at(4), 4)
    assert await offsets(place) == [4]


async def test_a_folder_that_hangs_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few threads are in it at once, none of which the end of the process waits for; it may come
    back."""
    goes_on = threading.Event()

    class Hanging(FolderPlace):
        def _names(self) -> dict[str, int]:
            goes_on.wait()
            return super()._names()

    monkeypatch.setattr(snapshot_files, "ANSWER_SECONDS", 0.05)
    one = host("one", tmp_path, Hanging(tmp_path / "shared"))
    before = {*threading.enumerate()}
    gone = [await one.forget_sealed({"any"}) for _ in range(3 * THREADS_MOST)]
    monkeypatch.setattr(snapshot_files, "PUT_SECONDS", 0.05)
    await one.write(frozen_at(2), 2)
    inside = [each for each in {*threading.enumerate()} - before if each.name == "snapshots"]
    goes_on.set()
    for each in inside:
        await asyncio.to_thread(each.join)
    for name in ("ANSWER_SECONDS", "PUT_SECONDS"):
        monkeypatch.setattr(snapshot_files, name, WAIT_SECONDS)

    assert not any(gone)
    assert one.failed == 1
    assert len(inside) == THREADS_MOST
    assert all(each.daemon for each in inside)
    assert await one.forget_sealed({"any"})
    await one.write(frozen_at(4), 4)
    other = host("other", tmp_path, FolderPlace(tmp_path / "shared"))
    assert (one.failed, await read_by(other)) == (0, 4)


async def test_partitions_that_are_taken_over_together_wait_for_one_another(
    tmp_path: Path
) -> None:
    """More at once than there are threads for: none is told that the place is away."""
    one = host("one", tmp_path, FolderPlace(tmp_path / "shared"))
    await one.write(frozen_at(4), 4)

    assert await asyncio.gather(*(
        read_by(one) for _ in range(4 * THREADS_MOST))) == [4] * 4 * THREADS_MOST


async def test_a_place_that_did_not_answer_is_not_waited_for_by_each_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first of those that are taken over waits; the next ones say so, and fold at once."""
    asked = 0

    class Silent(FolderPlace):
        async def names(self) -> dict[str, int]:
            nonlocal asked
            asked += 1
            await asyncio.Event().wait()
            return {}

    monkeypatch.setattr(snapshot_files, "ANSWER_SECONDS", 0.1)
    one = host("one", tmp_path, Silent(tmp_path / "shared"))
    for _ in range(3):
        assert await read_by(one) is None
    assert asked == 1
    assert "it did not answer, and is not asked again for" in capsys.readouterr().out


def test_a_folder_needs_nothing_of_a_store(tmp_path: Path) -> None:
    """Its library is not imported: it takes a second, and is an extra."""
    found = place_of("", tmp_path)
    assert isinstance(found, FolderPlace)
    assert found.folder == tmp_path
    assert str(place_of("/srv/snapshots", tmp_path)) == "/srv/snapshots"
