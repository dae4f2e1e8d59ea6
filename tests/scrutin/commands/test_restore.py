"""`scrutin restore` does one of two things, and says which where it is told neither or both."""

import pytest
from typer.testing import CliRunner

from scrutin.main import application


@pytest.mark.parametrize("arguments", [
    [], ["p1"], ["--reason", "lawful"], ["p1", "--into", "x"],
    ["p1", "--reason", "lawful", "--into", "x"], ["p1", "--reason", "lawful", "--resume"],
    ["--into", "x", "--after-closing"], ["--into", "x", "--consultation", "town"],
    ["--accept-loss"]])
def test_neither_or_both_is_refused_with_what_to_give(arguments: list[str]) -> None:
    """Nothing is asked of Kafka or the archive before."""
    done = CliRunner().invoke(application("restore"), ["restore", *arguments])
    assert (done.exit_code, "either a PROPOSAL and --reason" in done.output) == (2, True)
