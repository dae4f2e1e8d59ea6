"""What the guard's commands print of what others wrote: nothing that a terminal obeys."""

import ast
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from scrutin import commands
from scrutin.commands import acting, guard_finding, guard_findings, guard_preview, guard_reviews
from scrutin.commands.producing import say
from sinks.recount.what_if import Change


EVIL = "\x1b[2J\x1b]0;owned\x07\r\u202eall is well"
ACT = {"act": "FindingDismissed", "by": None, "second": EVIL, "voters": 1, "votes": 1,
       "reason": EVIL}
TOLD: dict[str, Any] = {
    "finding": "f" * 32, "rule": "crowd", "version": 1, "mode": "report", "consultation": EVIL,
    "proposal": EVIL, "choice": "agree", "state": "open", "voters": 1, "marked": 1, "of": 2,
    "marks": ["hurry"], "suspended": 0, "votes": 1, "numbers": {EVIL: 1}, "hours": [],
    "named_since": 1, "acts": [ACT], "judged_at": 0, "asked_at": 0, "answered": False,
    "voter": EVIL, "needs_two": True}
LINES: dict[str, Callable[[], Iterable[str]]] = {
    "finding": lambda: guard_finding.lines(TOLD),
    "findings": lambda: map(guard_findings.line, [TOLD]),
    "preview": lambda: guard_preview.lines(TOLD, [Change("proposal", EVIL, "votes", 1, 2)]),
    "reviews": lambda: map(guard_reviews.line, [TOLD])}


@pytest.mark.parametrize("name", LINES)
def test_what_others_wrote_is_printed_and_not_obeyed(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Consultation, proposal, reason, second person: escaped, and told."""
    acting.show(LINES[name]())
    printed = capsys.readouterr().out

    assert r"\x1b[2J" in printed
    assert "all is well" in printed
    assert all(line.isprintable() for line in printed.split("\n"))


def test_an_error_that_names_what_others_wrote_is_not_obeyed(
    capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines stay lines."""
    say(f"scrutin: unknown; known: {EVIL}\nsecond line")

    assert capsys.readouterr().err.split("\n") == [
        r"scrutin: unknown; known: \x1b[2J\x1b]0;owned\x07\r\u202eall is well", "second line", ""]


def test_every_guard_command_prints_json_or_what_is_made_fit() -> None:
    """A line that a command prints by itself is JSON, which escapes; all else goes by `show`."""
    folder = Path(commands.__file__).parent
    files = [*folder.glob("guard_*.py")]
    loose = [f"{path.name}:{call.lineno}" for path in files
             for call in ast.walk(ast.parse(path.read_text()))
             if isinstance(call, ast.Call) and ast.unparse(call.func) in ("print", "typer.echo")
             and not ast.unparse(call.args[0]).startswith("json.dumps(")]

    assert len(files) >= len(LINES)
    assert loose == []
