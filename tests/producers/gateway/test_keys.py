"""The key folder: private, made once however many make it, and destroyed for good."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from producers.gateway import dated_keys, keys
from producers.gateway.keys import KINDS, KeyFolder, KeysUnusable


DEVICE = bytes(16)
PROGRAM = """
import sys
from collections.abc import Callable
from pathlib import Path
from producers.gateway.keys import KeyFolder
sys.stdin.readline()
print(KeyFolder(Path(sys.argv[1])).pepper("town").code(b"x").hex())
"""


def test_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    """Files 0600 in folders 0700, and nothing else is left there."""
    folder = KeyFolder(tmp_path / "keys")
    folder.device.code(b"x")
    folder.pepper("town").code(b"x")
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]

    assert {path.name for path in files} == {"device.key", "pepper.key"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert all(path.parent.stat().st_mode & 0o777 == 0o700 for path in files)


def test_a_key_is_the_same_at_every_start(tmp_path: Path) -> None:
    """A second gateway on the folder signs and names as the first did."""
    first, second = KeyFolder(tmp_path), KeyFolder(tmp_path)

    assert first.device.code(b"x") == second.device.code(b"x")
    assert first.view.code(b"x") == second.view.code(b"x")
    assert first.receipt.public_key() == second.receipt.public_key()
    assert first.pepper("town").code(b"x") == second.pepper("town").code(b"x")


def test_keys_that_were_prepared_are_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gateways then need to write nothing there; a second time nothing changes."""
    first = KeyFolder(tmp_path)
    made = first.prepare(["town", "more/../town"])
    assert KeyFolder(tmp_path).prepare(["town", "more/../town"]) == made

    def refused(*_: object) -> bytes:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(keys, "make_private", refused)
    monkeypatch.setattr(dated_keys, "make_private", refused)
    second = KeyFolder(tmp_path)
    for each in (first, second):
        assert [len(made), len(set(made))] == [7, 7]
        assert each.device.code(b"x") == first.device.code(b"x")
        assert each.pepper("more/../town").code(b"x") == first.pepper("more/../town").code(b"x")
    with pytest.raises(KeysUnusable, match=r"Read-only file system.*scrutin keys prepare"):
        second.pepper("village")


def test_processes_that_make_a_key_at_once_end_up_with_one(tmp_path: Path) -> None:
    """Started together on an empty folder, all use the same key."""
    makers = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path / "keys")], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={
                             **os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        for _ in range(6)
    ]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    codes = {maker.communicate(timeout=30)[0] for maker in makers}

    assert len(codes) == 1
    assert codes.pop().strip()


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../x", "ü", "x" * 63])
def test_no_consultation_reaches_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Whatever an identifier says, its keys lie in a folder of their own among consultations."""
    KeyFolder(tmp_path / "keys").pepper(name).code(b"x")
    found = list(tmp_path.rglob("*.key"))

    assert [path.parent.parent for path in found] == [tmp_path / "keys/consultations"]


def test_keys_differ_by_consultation_and_use(tmp_path: Path) -> None:
    """No two keys are the same."""
    folder = KeyFolder(tmp_path)
    codes = {signer.code(b"x") for signer in (
        folder.device, folder.view, folder.pepper("a"), folder.pepper("b"),
        folder.participants_pepper("a"), folder.network("2026-01-01"))}

    assert len(codes) == 6


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    """A key of another length is not used, and the message says which and what to do."""
    (tmp_path / "device.key").write_bytes(b"short")
    (tmp_path / "device.key").chmod(0o600)

    with pytest.raises(KeysUnusable, match=r"device\.key has 5 bytes, not 32: restore it"):
        _ = KeyFolder(tmp_path).device


USES: dict[str, Callable[[KeyFolder], object]] = {
    "device": lambda keys: keys.device, "view": lambda keys: keys.view,
    "receipt": lambda keys: keys.receipt, "pepper": lambda keys: keys.pepper("town"),
    "participants-pepper": lambda keys: keys.participants_pepper("town"),
    "2026-01-01": lambda keys: keys.network("2026-01-01"),
}
"""Every key a gateway has, by the name of its file."""


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o444])
def test_a_key_that_others_can_read_or_change_is_refused(
    tmp_path: Path, name: str, mode: int
) -> None:
    """Whichever key it is, and for the group as for everybody; the message says what to do."""
    USES[name](KeyFolder(tmp_path))
    [path] = tmp_path.rglob("*.key")
    assert path.stem == name
    path.chmod(mode)

    with pytest.raises(KeysUnusable, match=rf"{name}\.key has mode {mode:04o}.*chmod 600 it"):
        USES[name](KeyFolder(tmp_path))
    path.chmod(0o600)
    USES[name](KeyFolder(tmp_path))


def test_every_use_of_the_folder_is_known_here(tmp_path: Path) -> None:
    """The table above names each key that a key folder makes."""
    folder = KeyFolder(tmp_path)
    for use in USES.values():
        use(folder)

    assert {path.stem for path in tmp_path.rglob("*.key")} == USES.keys()
    assert {*KINDS} <= USES.keys()


def test_keys_of_networks_are_destroyed_by_their_date(tmp_path: Path) -> None:
    """All before a date are gone, with what a death left of them; that day's and later ones stay.
    """
    folder = KeyFolder(tmp_path)
    for date in ("2025-12-31", "2026-01-01", "2026-01-02"):
        folder.network(date)
    key = tmp_path / "networks/2025-12-31.key"
    key.with_name(f"{key.name}.0123456789abcdef").write_bytes(key.read_bytes())
    folder.destroy_networks(before="2026-01-01")

    assert sorted(path.name for path in tmp_path.rglob("*.key*")) == [
        "2026-01-01.key", "2026-01-02.key"]
