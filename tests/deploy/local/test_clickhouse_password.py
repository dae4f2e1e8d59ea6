"""The password of a local ClickHouse is its owner's alone."""

from pathlib import Path

from deploy.local.clickhouse_password import PASSWORD_FILE, password_of


def test_a_password_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    """Two folders have two, each stays the same, in a file of mode 0600."""
    first, second = password_of(tmp_path / "a"), password_of(tmp_path / "b")

    assert first != second
    assert min(len(first), len(second)) >= 43
    assert password_of(tmp_path / "a") == first
    assert [path.name for path in (tmp_path / "a").iterdir()] == [PASSWORD_FILE]
    assert (tmp_path / "a" / PASSWORD_FILE).stat().st_mode & 0o777 == 0o600


def test_a_password_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    """Whoever has read it knows nothing any more."""
    known = password_of(tmp_path)
    (tmp_path / PASSWORD_FILE).chmod(0o644)

    assert password_of(tmp_path) != known
    assert (tmp_path / PASSWORD_FILE).stat().st_mode & 0o777 == 0o600
