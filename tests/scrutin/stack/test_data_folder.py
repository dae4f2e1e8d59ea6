"""Whatever command is run but one, the data folder is its owner's alone afterwards."""

import os
from pathlib import Path

import pytest

from scrutin.main import COMMANDS, KEEPERS, main


DOCTOR = ("doctor",)
"""It says what is wrong, and changes nothing."""


def _run(*words: str) -> None:
    """Run a command as far as its options, of which it knows none of this name."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "--no-such-option"])
    assert ended.value.code == 2


@pytest.mark.parametrize("words", [each for each in COMMANDS if each != DOCTOR], ids=" ".join)
def test_every_command_closes_the_data_folder_to_others(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder made by an earlier release, or by hand, is closed, and that is said once."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(folder))

    _run(*words)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert "could be opened by others than its owner (mode 0755)" in capsys.readouterr().err


def test_the_doctor_leaves_the_data_folder_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks for what is wrong finds it as it was."""
    tmp_path.chmod(0o755)
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(tmp_path))

    _run(*DOCTOR)

    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_who_keeps_something_makes_a_private_folder_and_nobody_else_makes_one(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An auditor's `scrutin audit verify` leaves nothing behind."""
    folder = tmp_path / "above" / "data"
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(folder))
    before = os.umask(0o022)
    try:
        _run(*words)
    finally:
        os.umask(before)

    if words[0] in KEEPERS:
        assert folder.stat().st_mode & 0o777 == 0o700
    else:
        assert not folder.exists()
