"""`scrutin reinstate`: let a voter's votes count again."""

import json
import secrets
from typing import Annotated

import typer

from producers import operations
from scrutin.commands import producing


def reinstate(
    voter: Annotated[str, typer.Argument(
        help="Pseudonym of the voter: 32 hexadecimal digits.", show_default=False)],
    *,
    reason: Annotated[str, typer.Option(help="Why; it stays in the log.", show_default=False)],
    consultation: Annotated[str | None, typer.Option(
        help="Identifier of the consultation; needed where the log holds several.",
        show_default=False)] = None,
    after_closing: Annotated[bool, typer.Option(
        "--after-closing", help="Change figures of a closed consultation; results will say so.",
    )] = False,
) -> None:
    """Let the votes of a suspended voter count again.

    Nothing is written where the log already says so. Exit status 2 where the voter or the
    consultation is not said rightly, or it is closed, 3 where the consultation, Kafka or
    a topic is missing.
    """
    done = producing.finish(operations.suspend(
        producing.log(after_closing=after_closing), "VoterReinstated", voter, reason,
        consultation=consultation, now=producing.now(), salt=secrets.token_bytes(16)))
    producing.say(f"{voter}: reinstated" if done.written
                  else f"{voter} is not suspended: nothing written")
    typer.echo(json.dumps(vars(done)))
