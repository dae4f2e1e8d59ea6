"""Batches of recounts are shown as they were left, and no other file is taken for one."""

from pathlib import Path

import pytest

from tests.views import guarding
from views.guard import kept
from views.guard.kept import Kept


def test_what_was_left_is_read_and_a_newer_one_replaces_it(tmp_path: Path) -> None:
    """Under any name that a consultation may have."""
    reader = Kept(tmp_path)
    reader.look()
    assert reader.of("été/1") is None

    for at in ("2022-05-22T03:00:00+00:00", "2022-05-23T03:00:00+00:00"):
        kept.keep(tmp_path, {**guarding.batch("été/1"), "recounted_at": at})
        reader.look()
        found = reader.of("été/1")
        assert found is not None
        assert found["recounted_at"] == at
    assert reader.of("été") is None


@pytest.mark.parametrize("text", [
    "", "[]", "{", '{"format": "another"}', "\x00", '{"format": "scrutin-guard-recount/1"}',
    '{"format": "scrutin-guard-recount/1", "consultation": "town"}'])
def test_what_is_no_batch_is_left_out(tmp_path: Path, text: str) -> None:
    """Whatever lies in the folder, no page fails of it."""
    folder = tmp_path / kept.FOLDER
    folder.mkdir(mode=0o700)
    (folder / "town.json").write_text(text, "utf-8")
    reader = Kept(tmp_path)
    reader.look()

    assert reader.of("town") is None


def test_a_file_that_is_too_long_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is in bytes."""
    kept.keep(tmp_path, guarding.batch("town"))
    monkeypatch.setattr(kept, "FILE_BYTES", 1_000)
    reader = Kept(tmp_path)
    reader.look()

    assert reader.of("town") is None
