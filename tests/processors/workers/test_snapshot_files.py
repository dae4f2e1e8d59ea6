"""Snapshot files of real workers: a start folds what came after, and never trusts a wrong one."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from processors.ledger.snapshots import freeze
from processors.workers.snapshot_files import SnapshotFolder
from tests.harness import (
    Stack,
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


SIZE = 2_000


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


async def test_a_snapshot_of_another_log_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only where the topic still holds its last decision, and of the same topic and partition."""
    ledger, decisions = decided_log([adopted(), vote(1)])
    folder = SnapshotFolder(tmp_path / "snapshots", "any.decisions")
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
    other_place = tmp_path / f"snapshots/any.decisions-{PARTITION + 1}.snapshot"
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
    folder = SnapshotFolder(tmp_path / "snapshots", "any.decisions")
    await folder.write(freeze(ledger), 1)
    assert [stat.S_IMODE(found.stat().st_mode) for found in files()] == [0o600]

    folder.forget(PARTITION, ledger.last_offset + 1)
    assert not files()
    await folder.write(freeze(ledger), 1)
    assert not files()


async def test_what_names_voters_of_a_sealed_consultation_is_deleted(tmp_path: Path) -> None:
    """Of any partition, once held or not; drafts of the dead and what cannot be read go with it."""
    place = tmp_path / "snapshots"
    folder = SnapshotFolder(place, "any.decisions")
    log: Log = [adopted(), vote(1), closed(2), sealed(3)]
    await folder.write(freeze(decided_log(log[:2])[0]), 1)
    held = place / f"any.decisions-{PARTITION}.snapshot"
    elsewhere, draft, broken, foreign = (place / name for name in (
        "any.decisions-77.snapshot", "any.decisions-77.1", "any.decisions-78.snapshot",
        "other.decisions-0.snapshot"))
    for copy in (elsewhere, draft, foreign):
        copy.write_bytes(held.read_bytes())
    broken.write_bytes(b"nothing that can be read")

    await folder.forget_sealed({"another"})
    assert {held, elsewhere, draft, foreign} == set(place.iterdir())
    await folder.forget_sealed({"another", CONSULTATIONS[0]})
    assert [foreign] == list(place.iterdir())
    await folder.write(freeze(decided_log(log[:2])[0]), 1)
    assert [foreign] == list(place.iterdir())
    await folder.write(freeze(decided_log(log)[0]), 3)
    await folder.forget_sealed({"another", CONSULTATIONS[0]})
    assert {held, foreign} == set(place.iterdir())


async def test_a_snapshot_is_its_owner_s_alone_whatever_was_left(tmp_path: Path) -> None:
    """A file in the place of its draft, open to all, or a link: it is not used."""
    snapshots, elsewhere = tmp_path / "snapshots", tmp_path / "elsewhere"
    snapshots.mkdir()
    elsewhere.write_text("ours")
    folder = SnapshotFolder(snapshots, "any.decisions")
    draft = snapshots / f"any.decisions-{PARTITION}{folder._draft}"
    ledger, _ = decided_log([adopted(), vote(1)])
    for leave in (lambda: draft.write_text("left"), lambda: draft.symlink_to(elsewhere)):
        leave()
        await folder.write(freeze(ledger), 1)
        [found] = snapshots.iterdir()
        assert stat.S_IMODE(found.lstat().st_mode) == 0o600
        assert stat.S_ISREG(found.lstat().st_mode)
    assert elsewhere.read_text() == "ours"


async def test_ledgers_of_two_machines_share_a_folder_and_the_key(tmp_path: Path) -> None:
    """What one wrote last the other reads; neither touches the other's unfinished files."""
    ledger, decisions = decided_log([adopted(), vote(1)])

    async def read_decision(_partition: int, _offset: int) -> bytes | None:
        return decisions[-1]

    keys = [tmp_path / name / "snapshot.key" for name in ("one", "other")]
    one, other = (SnapshotFolder(tmp_path / "shared", "any.decisions", key) for key in keys)
    await one.write(freeze(ledger), 1)
    assert await other.read(PARTITION, PARTITIONS, read_decision) is None, "it has another key"
    keys[1].write_bytes(keys[0].read_bytes())
    found = await other.read(PARTITION, PARTITIONS, read_decision)

    assert found is not None
    assert (found[0].state(), found[1]) == (ledger.state(), 1)
    assert one._draft != other._draft


async def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No snapshot is written, and the log says why."""
    (tmp_path / "snapshots").write_text("a file in the folder's place")
    ledger, _ = decided_log([adopted(), vote(1)])
    await SnapshotFolder(tmp_path / "snapshots", "any.decisions").write(freeze(ledger), 1)

    assert "the next start folds more decisions" in capsys.readouterr().out
    assert (tmp_path / "snapshots").read_text("utf-8") == "a file in the folder's place"


async def test_a_snapshot_of_somebody_else_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of another deployment, and any while the key can be read by others: said, not read."""
    ledger, decisions = decided_log([adopted(), vote(1)])

    async def read_decision(_partition: int, _offset: int) -> bytes | None:
        return decisions[-1]

    ours, theirs = (SnapshotFolder(tmp_path / name / "snapshots", "any.decisions")
                    for name in ("ours", "theirs"))
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
