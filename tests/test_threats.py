"""SECURITY.md names attackers and what each can do, with the tests that show what holds."""

import re
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
ATTACKERS = ("A visitor", "A voter", "A crowd", "A proxy", "An operator", "A broker")
ROWS = list(re.findall(r"^\| (?!---|can \|)(.+) \|$", TEXT, re.MULTILINE))


def test_every_attacker_has_a_chapter_with_rows() -> None:
    """Visitor, voter, crowd, proxy, operator and broker: each can do something."""
    for attacker in ATTACKERS:
        chapter = TEXT.split(f"### {attacker}\n", 1)[1].split("\n#", 1)[0]
        assert chapter.count("\n| ") >= 4  # a header, its line, and two rows at least


@pytest.mark.parametrize("row", ROWS)
def test_every_row_says_what_stops_it_what_does_not_and_names_tests_that_exist(row: str) -> None:
    """A row that nobody can check is a hope."""
    can, stopped, left, shown = row.split(" | ")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown)

    assert can
    assert stopped
    assert left
    assert named
    for file, name in named:
        source = (ROOT / file).read_text("utf-8")
        assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), name
