"""`scrutin accept-undecodable`: let a ledger go on past votes that nobody can read."""

import json
import secrets
from typing import Annotated

import typer

from producers import operations
from scrutin.commands import producing


def accept_undecodable(
    partition: Annotated[int, typer.Argument(
        min=0, help="Partition of the votes, as the ledger named it.", show_default=False)],
    *,
    until: Annotated[int, typer.Option(
        min=0, help="Last votes offset this holds for, as the ledger named it.",
        show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; it stays in the log.", show_default=False)],
) -> None:
    """Let a ledger that stopped among undecodable votes go on; they stay refused for ever.

    First mend what writes them: later ones stop the ledger again. The ledger takes note when it
    is started again. Exit status 2 where partition, offset or reason cannot be, 3 where Kafka or
    a topic is missing.
    """
    written = producing.finish(operations.accept_undecodable(
        producing.log(), partition, until, reason, now=producing.now(),
        salt=secrets.token_bytes(16)))
    place = f"votes partition {partition}, up to offset {until}"
    producing.say(f"{place}: undecodable votes are accepted" if written
                  else f"{place}: accepted already, nothing written")
    typer.echo(json.dumps({"partition": partition, "until_offset": until, "written": written}))
