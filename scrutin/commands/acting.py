"""What the commands that act on findings share: their options, and how their end is told."""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from producers.errors import InvalidInput
from schemas.finding_acts import WAITING, described
from scrutin.acting.acts import Done, Wanted, act
from scrutin.commands import producing
from sinks.printable import printable


Finding = Annotated[str, typer.Argument(
    metavar="FINDING", help="Id of the finding, as `scrutin guard findings` lists it.",
    show_default=False)]
Second = Annotated[str | None, typer.Option(
    metavar="NAME", help="Where the log has no keys, so that nobody can tell who writes: a second "
    "person who wants the same. It stays in the log.", show_default=False)]
MarkedOnly = Annotated[bool, typer.Option(
    "--marked-only", help="Only those who bear a mark, not all who are named.")]
ShowEmbargoed = Annotated[bool, typer.Option(
    "--show-embargoed", help="Print numbers though they are hidden until voting has closed.")]
JsonReport = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def parsed(text: str) -> bytes:
    """Read the id of a finding; end the command where it is none."""
    if not re.fullmatch(r"[0-9a-fA-F]{32}", text):
        producing.fail(InvalidInput(f"{text!r} is no finding: an id has 32 hexadecimal digits."))
    return bytes.fromhex(text)


def show(lines: Iterable[str]) -> None:
    """Print lines for people; what others wrote in them is made fit for a terminal."""
    for line in lines:
        typer.echo(printable(line))


def carry_out(finding: str, wanted: Wanted, *, after_closing: bool = False) -> None:
    """Write an act and what follows from it; tell what came of it."""
    done = producing.finish(act(
        producing.log(after_closing=after_closing), parsed(finding), wanted, now=producing.now(),
        say=producing.say))
    producing.say(f"finding {finding}: {_sentence(done)}")
    typer.echo(json.dumps(_as_json(finding, done)))


def _sentence(done: Done) -> str:
    if done.standing.state == WAITING and done.standing.waiting:
        return (f"{done.standing.state} for a second person. {done.votes} of {done.of} votes are "
                "more than one in a hundred: another operator, with a key of their own, has to "
                "give the same command. Nothing has moved; the same key twice does not count.")
    left = (f", {done.immune} stay as they are: a person let them count, or the rules take no "
            "more for them" if done.immune else "")
    return (f"{done.standing.state}; {done.voters} voters, {done.votes} votes of {done.of}; "
            f"written now: {done.controls}{left}")


def _as_json(finding: str, done: Done) -> dict[str, Any]:
    standing = done.standing
    return {
        "finding": finding.lower(), "state": standing.state, "written": done.written,
        "voters": done.voters, "votes": done.votes, "of": done.of, "controls": done.controls,
        "immune": done.immune,
        **{name: found and described(found) for name, found in (
            ("in_force", standing.in_force), ("waiting", standing.waiting))}}
