"""Secret files: their owner's alone from the first moment, or refused."""

import errno
import os
import stat
from pathlib import Path

import pytest

from schemas.private_files import (
    Exposed,
    WrongSize,
    destroy,
    make_private,
    read_private,
    require_private,
)


KEY = bytes(range(32))


def modes(path: Path, *, above: Path) -> list[int]:
    """Return the modes of a file and of the folders above it, up to one."""
    found = [path, *(folder for folder in path.parents if folder.is_relative_to(above))]
    return [stat.S_IMODE(each.stat().st_mode) for each in found if each != above]


def test_a_secret_file_is_its_owner_s_from_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0600 in folders of 0700, whatever the umask, already while it is written; nothing is left."""
    seen = []
    write_to_disk = os.fsync

    def looking(opened: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(opened).st_mode))
        write_to_disk(opened)

    monkeypatch.setattr(os, "fsync", looking)
    before = os.umask(0)
    try:
        path = tmp_path / "keys/votes/0.key"
        assert make_private(path, KEY) == KEY
    finally:
        os.umask(before)

    assert seen == [0o600, 0o700]
    assert modes(path, above=tmp_path) == [0o600, 0o700, 0o700]
    assert [found.name for found in path.parent.iterdir()] == ["0.key"]


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Whoever makes it a second time is given what the first has made."""
    path = tmp_path / "a.key"
    assert read_private(path) is None
    make_private(path, KEY)

    assert make_private(path, bytes(32)) == KEY
    assert read_private(path) == KEY


@pytest.mark.parametrize("bit", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001])
def test_each_bit_for_others_is_refused(tmp_path: Path, bit: int) -> None:
    """And the message says what to do, also where a platform mounts secrets for a group."""
    make_private(tmp_path / "a.key", KEY)
    (tmp_path / "a.key").chmod(0o400 | bit)

    with pytest.raises(Exposed, match=r"chmod 600 it.*0440"):
        read_private(tmp_path / "a.key")


@pytest.mark.parametrize(("uid", "allowed"), [(os.geteuid(), True), (0, True), (4_242, False)])
def test_a_file_of_another_user_is_refused(tmp_path: Path, uid: int, *, allowed: bool) -> None:
    """Its owner can read it; root, who can read everything, may own it."""
    found = os.stat_result((stat.S_IFREG | 0o600, 1, 1, 1, uid, 0, 32, 0, 0, 0))
    if allowed:
        require_private(tmp_path, found)
    else:
        with pytest.raises(Exposed, match=r"belongs to user 4242.*chown it"):
            require_private(tmp_path, found)


@pytest.mark.parametrize(("mode", "gid", "read_only"), [
    (0o440, os.getgid(), False), (0o444, os.getgid(), True), (0o460, os.getgid(), True),
    (0o441, os.getgid(), True), (0o440, 4_242, True)])
def test_a_secret_of_a_platform_is_taken_and_nothing_that_is_like_it(
    tmp_path: Path, mode: int, gid: int, *, read_only: bool
) -> None:
    """Root's, readable for a group of this process alone, where nobody can write it."""
    mounted, other = (os.stat_result((stat.S_IFREG | each, 1, 1, 1, 0, of, 32, 0, 0, 0))
                      for each, of in ((0o440, os.getgid()), (mode, gid)))
    require_private(tmp_path, mounted, read_only=True)
    with pytest.raises(Exposed):
        require_private(tmp_path, other, read_only=read_only)


@pytest.mark.parametrize("fault", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_links_keeps_keys_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    """Its owner's alone, whole, and the first of two stays; nothing is left of the making."""
    def none(*_: object) -> None:
        raise OSError(fault, "no links here")

    monkeypatch.setattr(os, "link", none)
    path = tmp_path / "keys/a.key"

    assert (make_private(path, KEY), make_private(path, bytes(32))) == (KEY, KEY)
    assert modes(path, above=tmp_path) == [0o600, 0o700]
    assert [found.name for found in path.parent.iterdir()] == ["a.key"]


def test_a_key_that_is_being_made_is_not_taken_for_one(tmp_path: Path) -> None:
    """Without links it may be seen before it is whole: whoever does is told to try again."""
    (tmp_path / "a.key").touch(mode=0o600)

    with pytest.raises(WrongSize, match=r"has 0 bytes, not 32.*try again"):
        make_private(tmp_path / "a.key", KEY)


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    """A folder, a pipe, another length."""
    os.mkfifo(tmp_path / "pipe.key", 0o600)
    for path in (tmp_path, tmp_path / "pipe.key"):
        with pytest.raises(Exposed, match="no plain file"):
            read_private(path)
    make_private(tmp_path / "long.key", bytes(33))
    with pytest.raises(WrongSize, match="more bytes, not 32: restore it"):
        read_private(tmp_path / "long.key")


def killed_before_tidying(path: Path) -> Path:
    """Make a key and die before its draft is deleted; return the draft."""
    make_private(path, KEY)
    draft = path.with_name(f"{path.name}.{'0a' * 8}")
    os.link(path, draft)
    return draft


def test_a_key_ends_with_every_draft_of_it(tmp_path: Path) -> None:
    """A death while it was made leaves the key itself under another name; other keys stay."""
    draft = killed_before_tidying(tmp_path / "device.key")
    other = killed_before_tidying(tmp_path / "device.1764378000.key")
    destroy(tmp_path / "device.key")
    destroy(tmp_path / "device.key")

    assert not draft.exists()
    assert sorted(found.name for found in tmp_path.iterdir()) == [
        "device.1764378000.key", other.name]
