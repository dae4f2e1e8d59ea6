"""The commands about keys without a broker: what they find, what they refuse, what they leave."""

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.errors import InvalidInput, Missing
from producers.gateway.keys import KINDS, KeyFolder
from schemas.private_files import KEYS_MAX
from schemas.topics import Topics
from scrutin.keys.rotation import (
    TAKEN_UP_SECONDS,
    WAITS,
    Place,
    fresh,
    held,
    retirable,
    retire,
    rotate,
)
from scrutin.main import application
from sinks.transparency.folder import LogFolder
from sinks.transparency.keeper import Keeper
from sinks.transparency.keys import load_signer, make_key
from tests.sinks.transparency.keeping import entries


NOW = 1_764_378_000


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Make every key of a deployment of two logs."""
    found = Place(tmp_path / "keys", tmp_path / "keys/transparency", tmp_path / "transparency",
                  Topics("scrutin", 1), "example.org/log")
    folder = KeyFolder(found.folder)
    _ = folder.device, folder.view, folder.receipt
    for log in found.names():
        make_key(found.logs / f"{log}.key")
    return found


def signed(place: Place, log: str, size: int) -> None:
    """Sign a checkpoint as the notary does after its start."""
    signer = load_signer(place.logs, log, place.names()[log])
    assert signer is not None
    keeper = Keeper(LogFolder(place.public / log), signer)
    keeper.open()
    keeper.append(entries(size)[keeper.size:])
    keeper.sign()


def test_every_key_is_listed_and_none_is_shown(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By kind, id and file, in text and JSON; no file's bytes are in either."""
    asyncio.run(rotate(place, "device", None, now=NOW))
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(place.folder.parent))
    monkeypatch.setenv("SCRUTIN_PARTITIONS", "1")
    monkeypatch.setenv("SCRUTIN_LOG_ORIGIN", place.origin)
    text = CliRunner().invoke(application("keys", "list"), ["keys", "list"])
    listed: list[dict[str, Any]] = json.loads(
        CliRunner().invoke(application("keys", "list"), ["keys", "list", "--json"]).stdout)

    assert [(key["kind"], key["state"]) for key in listed] == [
        ("device", "signs"), ("device", "accepted"), ("view", "signs"), ("receipt", "signs"),
        ("log", "signs"), ("log", "signs"), ("log", "signs")]
    assert len({key["id"] for key in listed}) == len(listed)
    for key in listed:
        secret = Path(key["file"]).read_bytes()
        assert key["id"] in text.stdout
        assert secret.hex() not in text.stdout + json.dumps(listed)
    Path(listed[0]["file"]).chmod(0o644)
    refused = CliRunner().invoke(application("keys", "list"), ["keys", "list"])
    assert (refused.exit_code, "chmod 600" in refused.stderr) == (3, True)


def test_what_is_not_retired_yet_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that waits is listed with its moment; an early end of the old one is no silent one."""
    asyncio.run(rotate(place, "device", None, now=time.time(), grace_seconds=3_600))
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(place.folder.parent))
    monkeypatch.setenv("SCRUTIN_PARTITIONS", "1")
    monkeypatch.setenv("SCRUTIN_LOG_ORIGIN", place.origin)
    done = CliRunner().invoke(application("keys", "retire"), ["keys", "retire", "device"])
    listed = CliRunner().invoke(application("keys", "list"), ["keys", "list"])

    assert (done.exit_code, json.loads(done.stdout)) == (0, {"retired": []})
    assert "nothing was retired: no key of device is old" in done.stderr
    assert f" {WAITS} at 20" in listed.stdout.splitlines()[1]
    assert len(held(place, time.time(), "device")) == 2


def test_where_control_keys_are_listed_and_replaced_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are no kind of these commands: the list and each help name theirs."""
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(place.folder.parent))
    monkeypatch.setenv("SCRUTIN_PARTITIONS", "1")
    monkeypatch.setenv("SCRUTIN_LOG_ORIGIN", place.origin)
    listed = CliRunner().invoke(application("keys", "list"), ["keys", "list"])

    assert "scrutin keys in-force" in listed.stderr
    for word in ("list", "retire", "rotate"):
        said = CliRunner().invoke(application("keys", word), ["keys", word, "--help"]).stdout
        assert re.search(r"scrutin keys in-force.*scrutin keys adopt|"
                         r"scrutin keys adopt.*scrutin keys in-force", " ".join(said.split()))


@pytest.mark.parametrize("kind", [*KINDS, "log"])
async def test_a_rotation_adds_one_key_that_is_its_owner_s_alone(place: Place, kind: str) -> None:
    """Of each log one; what was there signs on, and stays."""
    before = {key.path: key.path.read_bytes() for key in held(place, NOW)}
    made = await rotate(place, kind, None, now=NOW)

    assert len(made) == (3 if kind == "log" else 1)
    assert {path: path.read_bytes() for path in before} == before
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in made)
    assert len({path.read_bytes() for path in (*before, *made)}) == len(before) + len(made)
    assert {key.path for key in held(place, NOW)} == {*before, *made}
    for path in (*before, *made):
        path.unlink()
    with pytest.raises(Missing, match="makes it"):
        fresh(place, kind, NOW)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_old_key_goes_once_every_gateway_signs_with_the_new_one(
    place: Place, kind: str
) -> None:
    """Not before its moment and two looks, never the one that signs, and by its id alone."""
    old = held(place, NOW, kind)[0]
    [path] = await rotate(place, kind, None, now=NOW, grace_seconds=20)
    for now in (NOW, NOW + 19):
        assert retirable(place, kind, None, now) == []
        with pytest.raises(InvalidInput, match="rotate first"):
            retirable(place, kind, old.id, now)
    with pytest.raises(InvalidInput, match="until every gateway has taken it up"):
        retirable(place, kind, None, NOW + 20)
    later = NOW + 20 + TAKEN_UP_SECONDS
    [found] = retirable(place, kind, old.id, later)
    assert found.path == old.path
    with pytest.raises(InvalidInput, match="no old key"):
        retirable(place, kind, "0" * 16, later)
    await retire([found], None, now=later)

    assert [key.path for key in held(place, later, kind)] == [path]
    assert retirable(place, kind, None, later) == []


async def test_a_log_s_old_key_goes_once_a_checkpoint_bears_the_new_one(place: Place) -> None:
    """Each log for itself; before the notary was started again it is refused."""
    for log in place.names():
        signed(place, log, 5)
    made = await rotate(place, "log", None, now=NOW)
    with pytest.raises(InvalidInput, match="Start the notary again"):
        retirable(place, "log", None, NOW)
    for log in place.names():
        signed(place, log, 5)
    old = retirable(place, "log", None, NOW)
    await retire(old, None, now=NOW)

    assert {key.path.name for key in old} == {"0.key"}
    assert [key.path for key in held(place, NOW, "log")] == made


async def test_more_keys_than_are_tried_are_not_made(place: Place) -> None:
    """The message says what to retire."""
    for number in range(KEYS_MAX - 1):
        await rotate(place, "view", None, now=NOW + number)
    with pytest.raises(InvalidInput, match="scrutin keys retire view"):
        await rotate(place, "view", None, now=NOW + KEYS_MAX)


@pytest.mark.parametrize("kind", KINDS)
async def test_keys_that_are_too_many_can_be_retired(place: Place, kind: str) -> None:
    """Two rotations at once, or a folder copied over another: the remedy that is told works."""
    folder = KeyFolder(place.folder)
    for number in range(KEYS_MAX):
        folder.add(kind, bytes([number] * 32), NOW + number)
    later = NOW + KEYS_MAX + TAKEN_UP_SECONDS
    with pytest.raises(InvalidInput, match=f"scrutin keys retire {kind}"):
        await rotate(place, kind, None, now=later)
    await retire(retirable(place, kind, None, later), None, now=later)

    assert [key.since for key in held(place, later, kind)] == [NOW + KEYS_MAX - 1]
    KeyFolder(place.folder)


def test_the_keys_of_gateways_are_made_before_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a command, once: what is there stays, and a sealed consultation gets none."""
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(tmp_path))

    def prepared(*names: str) -> tuple[int, list[str]]:
        words = ["keys", "prepare", *names]
        done = CliRunner().invoke(application("keys", "prepare"), words)
        files = json.loads(done.stdout)["files"] if done.exit_code == 0 else []
        return done.exit_code, [str(Path(each).relative_to(tmp_path / "keys")) for each in files]

    folder = KeyFolder(tmp_path / "keys")
    made = prepared("town")
    before = folder.pepper("town").code(b"x")
    again = prepared("town")
    folder.seal("town")

    assert made == again == (0, [
        "device.key", "view.key", "receipt.key", "consultations/c-town/participants-pepper.key",
        "consultations/c-town/pepper.key"])
    assert KeyFolder(tmp_path / "keys").device.code(b"x") == folder.device.code(b"x")
    assert before == folder.pepper("town").code(b"x")
    assert prepared("town") == (2, [])
    assert prepared("Town") == (2, []), "no consultation can have that name: a slip of the pen"
