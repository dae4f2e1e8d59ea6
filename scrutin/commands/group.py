"""`scrutin group`: put a proposal under an idea."""

import json
from typing import Annotated

import typer

from producers import operations
from producers.errors import InvalidInput
from scrutin.commands import producing


def group(
    proposal: Annotated[str, typer.Argument(help="Identifier of the proposal.",
                                            show_default=False)],
    idea: Annotated[str | None, typer.Argument(help="Identifier of the idea.",
                                               show_default=False)] = None,
    *,
    none: Annotated[bool, typer.Option(
        "--none", help="Take the proposal out of its idea instead.")] = False,
    consultation: Annotated[str | None, typer.Option(
        help="Identifier of the consultation; needed where the log holds several.",
        show_default=False)] = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Group a proposal under an idea: its votes stay, the idea's counts follow.

    Exit status 2 where the idea or the consultation is not said, or it is closed, 3 where one of
    them, Kafka or a topic is missing.
    """
    if (idea is None) != none:
        producing.fail(InvalidInput("name an idea, or --none to take the proposal out of its idea"))
    named, written = producing.finish(operations.group(
        producing.log(after_closing=after_closing), proposal, idea, consultation=consultation,
        now=producing.now()))
    place = f"under {idea}" if idea else "without an idea"
    producing.say(f"{proposal}: {'now' if written else 'already'} {place}")
    typer.echo(json.dumps(
        {"consultation": named, "proposal": proposal, "idea": idea, "written": written}))
