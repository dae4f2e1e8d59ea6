"""A data folder is its owner's alone."""

import os
from pathlib import Path

import pytest

from deploy.machine.errors import FolderExposedError
from deploy.machine.files import keep_private
from deploy.machine.locks import FolderLock


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_data_folder_is_made_for_its_owner(tmp_path: Path) -> None:
    """Whatever the umask is, and though nothing but a lock is put into it."""
    before = os.umask(0)
    try:
        assert keep_private(tmp_path / "data") == ""
        FolderLock.acquire(tmp_path / "locked" / "a.lock", "").release()
    finally:
        os.umask(before)

    assert _mode(tmp_path / "data") == _mode(tmp_path / "locked") == 0o700
    assert _mode(tmp_path / "locked" / "a.lock") == 0o600


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o770, 0o777])
def test_a_folder_that_others_could_open_is_closed_and_that_is_said(
    tmp_path: Path, mode: int
) -> None:
    """What was made before, or by hand, is closed at the next start; once."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)

    assert f"{mode:04o}" in keep_private(folder)
    assert _mode(folder) == 0o700
    assert keep_private(folder) == ""


def test_a_folder_that_is_not_there_is_not_made_by_who_only_asks(tmp_path: Path) -> None:
    """`scrutin status` leaves nothing behind."""
    assert keep_private(tmp_path / "data", make=False) == ""
    assert not (tmp_path / "data").exists()


def test_what_everybody_may_open_and_we_cannot_close_is_refused() -> None:
    """A folder whose mode the kernel keeps: the message says what to do."""
    with pytest.raises(FolderExposedError, match="chmod 700"):
        keep_private(Path("/proc/self/task"))


@pytest.mark.parametrize(("mode", "refused"), [(0o770, False), (0o750, False), (0o755, True)])
def test_somebody_else_s_folder_may_be_shared_with_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, *, refused: bool
) -> None:
    """An administrator gives it so, as platforms do with volumes; with everybody it may not be."""
    tmp_path.chmod(mode)

    def denied(_path: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", denied)
    if refused:
        with pytest.raises(FolderExposedError):
            keep_private(tmp_path)
    else:
        assert keep_private(tmp_path) == ""
