"""The door of all commands: what is said before any of them is known."""

from importlib import metadata

import pytest

from scrutin.main import VERSION, application, main


def test_the_version_is_said_without_meeting_any_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for it may have settings that are wrong, and no data folder."""
    monkeypatch.setenv("SCRUTIN_PARTITIONS", "none")
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"scrutin {metadata.version('scrutin')}\n"
    assert not application(VERSION).registered_commands
