"""Snapshot files of real workers: a start folds what came after, and never trusts a wrong one."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from processors.ledger.snapshots import freeze
from processors.workers.snapshot_files import Snapshots
from processors.workers.snapshot_places import FolderPlace
from tests.harness import (
    Stack,
    Worker,
    connected_producer,
    decided,
    folded_decisions,
    prepared,
    write,
)
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    Log,
    adopted,
    closed,
    sealed,
    vote,
)
from tests.processors.ledger.logs import decided as decided_log
from tests.store_server import BUCKET, store_server


SIZE = 2_000


def kept_in(folder: Path, key: Path | None = None) -> Snapshots:
    """Return what keeps snapshots in a folder, with its key beside it."""
    place = FolderPlace(folder)
    return Snapshots(place, place, "any.decisions",
                     key or folder.parent / "keys" / "snapshot.key")


def with_one_key(stack: Stack, folder: Path, **settings: str) -> list[Worker]:
    """Make two ledgers of two hosts that have the key of snapshots and nothing else of each other.

    They take snapshots after a few hundred decisions.
    """
    hosts = []
    for name in ("one", "other"):
        keys = folder / name / "keys"
        keys.mkdir(parents=True, mode=0o700)
        (keys / "snapshot.key").touch(0o600)
        (keys / "snapshot.key").write_bytes(bytes(32))
        hosts.append(stack.worker(
            "ledger", name, SCRUTIN_DATA_DIR=str(folder / name),
            SCRUTIN_SNAPSHOT_DECISIONS="300", **settings))
    return hosts


def name(offset: int, partition: int = PARTITION, end: str = "snapshot") -> str:
    return f"any.decisions-{partition}.{offset:019}.{end}"


def damaged(file: Path) -> None:
    """Change one byte in the middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(("change", "said"), [
    (None, "snapshot read"), (damaged, "snapshot not used")])
async def test_a_killed_ledger_goes_on_from_its_snapshot_or_without_a_damaged_one(
    lone_stack: Stack, change: Callable[[Path], None] | None, said: str
) -> None:
    """Either way each decision is that of an undisturbed run, and the log says what was done."""
    [log] = await prepared(lone_stack, 5, size=SIZE)
    ledger = lone_stack.started("ledger", SCRUTIN_SNAPSHOT_DECISIONS="300")
    async with connected_producer(lone_stack.kafka) as producer:
        await write(producer, lone_stack.topics.votes, 0, log[1:1_000], first_offset=1)
        await folded_decisions(lone_stack, [1_000])
        await ledger.says("snapshot written")
        ledger.kill()
        [file] = (lone_stack.folder / "data" / "snapshots").iterdir()
        if change is not None:
            change(file)
        await write(producer, lone_stack.topics.votes, 0, log[1_000:], first_offset=1_000)
    ledger.start()
    _, decisions = decided([log])

    assert await folded_decisions(lone_stack, [len(log)]) == decisions
    await ledger.says(said)
    assert "\x1b" not in ledger.so_far(), "signs for a terminal stand between the lines"


async def test_another_host_takes_over_from_a_store(lone_stack: Stack, tmp_path: Path) -> None:
    """A real store, and a ledger that has the key and no file of the one that was killed."""
    [log] = await prepared(lone_stack, 6, size=SIZE)
    with store_server() as store:
        await store.begin()
        hosts = with_one_key(lone_stack, tmp_path, SCRUTIN_SNAPSHOTS=f"s3://{BUCKET}/of-ledgers",
                             **store.environment)
        hosts[0].start()
        async with connected_producer(lone_stack.kafka) as producer:
            await write(producer, lone_stack.topics.votes, 0, log[1:1_000], first_offset=1)
            await folded_decisions(lone_stack, [1_000])
            await hosts[0].says("snapshot written")
            hosts[0].kill()
            await write(producer, lone_stack.topics.votes, 0, log[1_000:], first_offset=1_000)
        hosts[1].start()
        found = await folded_decisions(lone_stack, [len(log)])
        await hosts[1].says("snapshot read")

    assert found == decided([log])[1]
    for host in hosts:
        assert store.environment["AWS_SECRET_ACCESS_KEY"] not in host.so_far()


async def test_a_snapshot_of_another_log_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only where the topic still holds its last decision, and of the same topic and partition."""
    ledger, decisions = decided_log([adopted(), vote(1)])
    folder = kept_in(tmp_path / "snapshots")
    await folder.write(freeze(ledger), 41)
    held: dict[int, bytes | None] = {41: decisions[-1]}

    async def read_decision(_partition: int, offset: int) -> bytes | None:
        return held.get(offset)

    found = await folder.read(PARTITION, PARTITIONS, read_decision)
    assert found is not None
    assert found[0].state() == ledger.state()
    assert found[1] == 41
    assert await folder.read(PARTITION, PARTITIONS + 1, read_decision) is None
    [own] = (tmp_path / "snapshots").iterdir()
    other_place = tmp_path / "snapshots" / name(1, PARTITION + 1)
    other_place.write_bytes(own.read_bytes())
    assert await folder.read(PARTITION + 1, PARTITIONS, read_decision) is None
    other_place.unlink()
    for other in (decisions[0], None):
        held[41] = other
        assert await folder.read(PARTITION, PARTITIONS, read_decision) is None
    assert "does not hold its last decision" in capsys.readouterr().out


async def test_a_sealing_leaves_no_copy_from_before_it(tmp_path: Path) -> None:
    """Nor one that was being written: it says who voted what, to its owner alone as long."""
    def files() -> list[Path]:
        return list((tmp_path / "snapshots").iterdir())

    ledger, _ = decided_log([adopted(), vote(1)])
    folder = kept_in(tmp_path / "snapshots")
    await folder.write(freeze(ledger), 1)
    assert [stat.S_IMODE(found.stat().st_mode) for found in files()] == [0o600]

    await folder.forget(PARTITION, ledger.last_offset + 1)
    assert not files()
    await folder.write(freeze(ledger), 1)
    assert not files()


async def test_what_names_voters_of_a_sealed_consultation_is_deleted(tmp_path: Path) -> None:
    """Of any partition, once held or not; drafts of the dead and what cannot be read go with it."""
    place = tmp_path / "snapshots"
    folder = kept_in(place)
    log: Log = [adopted(), vote(1), closed(2), sealed(3)]
    await folder.write(freeze(decided_log(log[:2])[0]), 1)
    held, after = place / name(1), place / name(3)
    elsewhere, draft, old, old_draft, foreign = (place / each for each in (
        name(1, 77), name(1, 77, "1"), "any.decisions-78.snapshot", "any.decisions-78.1",
        "other.decisions-0.snapshot"))
    for copy in (elsewhere, draft, foreign):
        copy.write_bytes(held.read_bytes())
    for broken in (old, old_draft):
        broken.write_bytes(b"scrutin ledger snapshot 6\n and what this release cannot read")

    await folder.forget_sealed({"another"})
    assert {held, elsewhere, draft, foreign} == set(place.iterdir())
    await folder.forget_sealed({"another", CONSULTATIONS[0]})
    assert [foreign] == list(place.iterdir())
    await folder.write(freeze(decided_log(log[:2])[0]), 1)
    assert [foreign] == list(place.iterdir())
    await folder.write(freeze(decided_log(log)[0]), 3)
    await folder.forget_sealed({"another", CONSULTATIONS[0]})
    assert {after, foreign} == set(place.iterdir())


async def test_a_snapshot_is_its_owner_s_alone_whatever_was_left(tmp_path: Path) -> None:
    """A file in the place of its draft, open to all, or a link: it is not used."""
    snapshots, elsewhere = tmp_path / "snapshots", tmp_path / "elsewhere"
    snapshots.mkdir()
    elsewhere.write_text("ours")
    folder = kept_in(snapshots)
    draft = snapshots / name(1, end=folder._draft)
    ledger, _ = decided_log([adopted(), vote(1)])
    for leave in (lambda: draft.write_text("left"), lambda: draft.symlink_to(elsewhere)):
        leave()
        await folder.write(freeze(ledger), 1)
        [found] = snapshots.iterdir()
        assert stat.S_IMODE(found.lstat().st_mode) == 0o600
        assert stat.S_ISREG(found.lstat().st_mode)
    assert elsewhere.read_text() == "ours"


async def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No snapshot is written, and the log says why."""
    (tmp_path / "snapshots").write_text("a file in the folder's place")
    ledger, _ = decided_log([adopted(), vote(1)])
    await kept_in(tmp_path / "snapshots").write(freeze(ledger), 1)

    assert "the next start folds more decisions" in capsys.readouterr().out
    assert (tmp_path / "snapshots").read_text("utf-8") == "a file in the folder's place"


async def test_a_snapshot_of_somebody_else_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of another deployment, and any while the key can be read by others: said, not read."""
    ledger, decisions = decided_log([adopted(), vote(1)])

    async def read_decision(_partition: int, _offset: int) -> bytes | None:
        return decisions[-1]

    ours, theirs = (kept_in(tmp_path / name / "snapshots") for name in ("ours", "theirs"))
    await ours.write(freeze(ledger), 1)
    await theirs.write(freeze(ledger), 1)
    key = tmp_path / "ours/keys/snapshot.key"
    [file] = (tmp_path / "ours/snapshots").iterdir()
    [other] = (tmp_path / "theirs/snapshots").iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (key, key.parent, file.parent)] == [
        0o600, 0o700, 0o700]
    assert await ours.read(PARTITION, PARTITIONS, read_decision) is not None
    key.chmod(0o640)
    assert await ours.read(PARTITION, PARTITIONS, read_decision) is None
    assert "chmod 600 it" in capsys.readouterr().out
    key.chmod(0o600)
    file.write_bytes(other.read_bytes())
    assert await ours.read(PARTITION, PARTITIONS, read_decision) is None
    assert "not written under the key of this folder" in capsys.readouterr().out
