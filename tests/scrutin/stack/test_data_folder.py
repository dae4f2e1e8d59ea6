"""Whatever command is run, the data folder is its owner's alone afterwards."""

import os
from pathlib import Path

import pytest

from scrutin.main import COMMANDS, KEEPERS, main


def _run(*words: str) -> None:
    """Run a command as far as its options, of which it knows none of this name."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "--no-such-option"])
    assert ended.value.code == 2


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
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
