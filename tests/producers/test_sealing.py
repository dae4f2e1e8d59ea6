"""Sealing destroys what joins voters to votes, once, for good, wherever it was interrupted."""

import asyncio
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local import services
from processors.ledger.ledger import Ledger
from producers import closing, operations, sealing, signing, suspending
from producers.consultation_file import ConsultationFile
from producers.endorsing import FREE
from producers.errors import InvalidInput, Missing
from producers.gateway.keys import SEALED, KeyFolder, KeysDestroyed
from producers.known_catalogue import read_catalogue
from producers.log_reader import LogReader
from producers.operations import Log
from producers.writer import BulkWriter
from schemas import codec
from tests.producers.kafka_log import end_offsets, provisioned, read_all
from tests.producers.test_operations import DESCRIPTION, NOW, VOTER


CLOSING_DAY = dt.datetime.fromtimestamp(NOW / 1_000, dt.UTC).date()


@pytest.fixture
async def log(broker: services.Broker, topic_prefix: str) -> Log:
    """Name a log with a closed consultation."""
    found = Log(broker.address, await provisioned(broker.address, topic_prefix))
    await operations.apply(found, ConsultationFile.model_validate(DESCRIPTION), now=NOW)
    await operations.close(found, "jeunes", now=NOW, salt=bytes(16))
    return found


def keys_of(folder: Path) -> KeyFolder:
    """Make the keys that a gateway makes for two consultations, over some days."""
    keys = KeyFolder(folder)
    for name in ("jeunes", "other"):
        keys.pepper(name)
        keys.participants_pepper(name)
    for day in (-1, 0, 1):
        keys.network((CLOSING_DAY + dt.timedelta(days=day)).isoformat())
    assert keys.device
    assert keys.view
    assert keys.receipt
    return keys


def left(folder: Path) -> set[str]:
    """Name what lies in a key folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


REMAIN = {"device.key", "view.key", "receipt.key",
          "consultations/c-jeunes/sealed", "consultations/c-other/pepper.key",
          "consultations/c-other/participants-pepper.key",
          f"networks/{CLOSING_DAY + dt.timedelta(days=1)}.key"}


def sealed(log: Log, *folders: KeyFolder, keyless: bool = False, salt: bytes = bytes(16)) -> Any:
    """Seal the consultation of these tests, once awaited."""
    return sealing.seal(
        log, "jeunes", folders, keyless=keyless, now=NOW + 60_000, salt=salt)


async def test_a_sealing_destroys_every_copy_of_its_keys_and_no_other(
    log: Log, tmp_path: Path
) -> None:
    """Peppers and the network keys of its days go, each copy listed; partitions hold one control.
    """
    keys = keys_of(tmp_path / "keys")
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    done = await sealed(log, keys, KeyFolder(tmp_path / "copy"))
    found = await read_all(log.address, log.topics.votes, log.topics.partitions)

    assert left(tmp_path / "keys") == left(tmp_path / "copy") == REMAIN
    assert len(done.destroyed) == 8
    assert [codec.decode(records[-1].value)[0] for records in found] == [sealing.EVENT] * 3
    assert done.offsets == [len(records) - 1 for records in found]
    assert len({records[-1].value for records in found}) == 1


async def test_a_sealing_leaves_another_consultation_its_network_key(
    log: Log, tmp_path: Path
) -> None:
    """Sealed on the closing's day while another is open: today's key stays, and goes a day later.
    """
    keys = keys_of(tmp_path)
    other = ConsultationFile.model_validate({**DESCRIPTION, "id": "other"})
    await operations.apply(log, other, now=NOW)
    today = f"networks/{CLOSING_DAY}.key"
    first = await sealed(log, keys)
    then = left(tmp_path)
    tomorrow = await sealing.seal(log, "jeunes", [keys], keyless=False, now=NOW + 86_400_000,
                                  salt=bytes(16))

    assert first.network_key_kept == CLOSING_DAY.isoformat()
    assert then == {*REMAIN, today}
    assert (tomorrow.network_key_kept, tomorrow.destroyed) == (None, [tmp_path / today])
    assert left(tmp_path) == REMAIN


@pytest.mark.parametrize(("destroyed", "written_to"), [
    (False, 0), (True, 0), (True, 1), (True, 3)])
async def test_a_sealing_killed_anywhere_is_finished_by_the_next(
    log: Log, tmp_path: Path, *, destroyed: bool, written_to: int
) -> None:
    """Announced, keys gone or not, in some partitions: the rest follows, and a third run rests."""
    keys = keys_of(tmp_path)
    control = {"event_id": closing.event_id_of(sealing.EVENT, "jeunes"), "salt": bytes(16),
               "consultation": "jeunes", "origin": "operator", "occurred_at": NOW + 60_000}
    async with LogReader(log.address) as reader:
        controls = await signing.controls(
            reader, log.topics, await read_catalogue(reader, log.topics), ())
    async with BulkWriter(log.address) as writer:
        await closing.announce(writer, log.topics, control, FREE, event=sealing.EVENT)
        if destroyed:
            keys.seal("jeunes")
        for partition in range(written_to):
            await writer.write(log.topics.votes, partition, NOW + 60_000,
                               controls.encoded(sealing.EVENT, partition, **control))
    await sealed(log, keys, salt=b"another salt ...")
    ends = await end_offsets(log.address, log.topics)
    found = await read_all(log.address, log.topics.votes, log.topics.partitions)
    third = await sealed(log, keys)

    assert left(tmp_path) == REMAIN
    assert {records[-1].value for records in found} == {
        controls.encoded(sealing.EVENT, 0, **control)}
    assert [len(records) for records in found] == [3, 3, 3]
    assert not third.written
    assert await end_offsets(log.address, log.topics) == ends


async def test_what_cannot_be_sealed_is_refused(log: Log, tmp_path: Path) -> None:
    """An open consultation, or a folder without its keys: nothing is written or destroyed."""
    keys = keys_of(tmp_path / "keys")
    ends = await end_offsets(log.address, log.topics)
    with pytest.raises(Missing, match="--keyless"):
        await sealed(log, keys, KeyFolder(tmp_path / "elsewhere"))
    other = ConsultationFile.model_validate({**DESCRIPTION, "id": "other", "proposals": []})
    await operations.apply(log, other, now=NOW)
    with pytest.raises(InvalidInput, match="scrutin close other"):
        await sealing.seal(log, "other", [keys], keyless=False, now=NOW, salt=bytes(16))

    assert KeyFolder(tmp_path / "keys").knows("other")
    after = await end_offsets(log.address, log.topics)
    assert {place: after[place] for place in after if place.topic == log.topics.votes} == {
        place: ends[place] for place in ends if place.topic == log.topics.votes}


async def test_tallies_stay_and_no_voter_of_it_can_be_set_aside(log: Log, tmp_path: Path) -> None:
    """The ledger folds the sealed log to the counts of before; a suspension is refused."""
    keys_of(tmp_path)
    await sealed(log, KeyFolder(tmp_path))
    for partition, records in enumerate(
            await read_all(log.address, log.topics.votes, log.topics.partitions)):
        ledger = Ledger(partition, log.topics.partitions)
        for record in records:
            before = ledger.tallies()
            ledger.decide(record.offset, record.value)
        assert ledger.tallies() == before
        assert ledger.decided_by_outcome()["sealed"] == 1
    with pytest.raises(InvalidInput, match="sealed"):
        await suspending.suspend(log, VOTER, "why", consultation=None, now=NOW)


async def test_the_command_asks_first_and_names_every_key(log: Log, tmp_path: Path) -> None:
    """Answered with no it touches nothing; with yes it lists what it deleted, copies too."""
    keys_of(tmp_path / "keys")
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    before = left(tmp_path)
    command = [sys.executable, "-m", "scrutin", "seal", "jeunes", "--copy", str(tmp_path / "copy")]
    environment = {**os.environ, "SCRUTIN_KAFKA": log.address, "SCRUTIN_DATA_DIR": str(tmp_path),
                   "SCRUTIN_TOPIC_PREFIX": log.topics.prefix, "SCRUTIN_PARTITIONS": "3"}
    no, yes = [await asyncio.to_thread(
        subprocess.run, [*command, *more], env=environment, input="n\n", capture_output=True,
        text=True, timeout=120, check=False) for more in ((), ("--yes",))]
    assert no.returncode == 1
    assert yes.returncode == 0, yes.stderr
    assert "nothing brings the keys back" in no.stderr
    destroyed = json.loads(yes.stdout)["destroyed"]
    assert {str(Path(path).relative_to(tmp_path)) for path in destroyed} == before - left(tmp_path)
    assert len(destroyed) == 8


def test_no_key_is_made_for_a_sealed_consultation(tmp_path: Path) -> None:
    """Neither by who knew it nor by who comes new; a running gateway forgets it."""
    keys = keys_of(tmp_path)
    KeyFolder(tmp_path).seal("jeunes")
    keys.forget_destroyed()
    for folder in (keys, KeyFolder(tmp_path)):
        for make in (folder.pepper, folder.participants_pepper):
            with pytest.raises(KeysDestroyed):
                make("jeunes")

    assert not list((tmp_path / "consultations/c-jeunes").glob("*.key*"))
    assert (tmp_path / "consultations/c-jeunes" / SEALED).exists()


@pytest.mark.parametrize("at", [(1 << 63) - 1, -(1 << 63), -1, 0])
def test_a_closing_of_an_impossible_time_keeps_nobody_from_sealing(at: int) -> None:
    """It has a day, which the day after can be named of too."""
    assert sealing._day_of(at) + dt.timedelta(days=1)
