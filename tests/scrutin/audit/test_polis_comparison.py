"""Four real Polis exports against the recount of their own votes."""

import shutil
from pathlib import Path

import pytest

from producers.polis import read_current, read_export
from scrutin.audit.polis_comparison import Comparison, compare
from scrutin.main import main
from tests.e2e import polis


def compared(directory: Path) -> Comparison:
    """Compare an export with its recount."""
    return compare(read_export(directory), read_current(directory))


@pytest.mark.parametrize("name", polis.SETS)
def test_every_difference_of_a_set_is_explained_by_repeated_and_changed_votes(name: str) -> None:
    """Events, voters, repeats, changes and differing comments are those of the sets' README."""
    found, known = compared(polis.DIRECTORY / name), polis.SETS[name]

    assert (found.events, found.voters, found.current) == (
        known.events, known.voters, known.current)
    assert sum(comment.repeat for comment in found.comments) == known.repeat
    assert sum(comment.change for comment in found.comments) == known.change
    assert len(found.differing) == known.comments_that_differ
    assert found.unexplained == []
    assert (found.cells, found.cells_that_differ) == (known.current, [])


def copied(tmp_path: Path) -> Path:
    """Copy a small set to change it."""
    return Path(shutil.copytree(polis.DIRECTORY / "brexit-consensus", tmp_path / "set",
                                copy_function=shutil.copyfile))


def ended(*arguments: str) -> int | str | None:
    """Run the command in this process; return its status."""
    with pytest.raises(SystemExit) as end:
        main(["audit", "compare-polis", *arguments])
    return end.value.code


def test_the_command_says_the_cause(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, with what is claimed, what is counted, and why, of each comment that differs."""
    assert ended(str(polis.DIRECTORY / "brexit-consensus")) == 1
    said = capsys.readouterr().out

    assert "8 of 50 comments differ from the recount" in said
    assert "disagree 162 claimed, 161 counted: every row was counted, 1 that repeat a vote" in said
    assert "cause: comments.csv counts every row" in said
    assert "0 of 5,303 current votes differ" in said


def test_a_count_that_no_row_explains_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A number typed in by hand is not taken for a repeated vote."""
    folder = copied(tmp_path)
    comments = (folder / "comments.csv").read_text("utf-8")
    (folder / "comments.csv").write_text(comments.replace(",36,0,38,7,", ",36,0,39,7,"), "utf-8")

    assert ended(str(folder)) == 1
    assert [comment.id for comment in compared(folder).unexplained] == ["36"]
    assert "comment 36: agree 39 claimed, 38 counted; disagree 7 claimed, 7 counted: NOT" in (
        capsys.readouterr().out)


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    """A file that is missing ends with 3, another sign convention with 2."""
    folder = copied(tmp_path)
    (folder / "summary.csv").write_text(
        "vote-convention,agree=-1;disagree=+1;pass=0;format=polis-export/1\n")

    assert ended(str(tmp_path / "nowhere")) == 3
    assert ended(str(folder)) == 2
