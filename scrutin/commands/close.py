"""`scrutin close`: nothing after this counts."""

import json
import secrets
from typing import Annotated

import typer

from producers import operations
from scrutin.commands import producing


def close(
    consultation: Annotated[str, typer.Argument(
        help="Identifier of the consultation.", show_default=False)],
) -> None:
    """Close a consultation in every partition; run again, it finishes an interrupted closing.

    Votes that come later are kept and shown as late. Signed where the log has control keys. Exit
    status 0 also where it was closed already, 2 where no key at hand may sign, 3 where
    the consultation, Kafka or a topic is missing.
    """
    closed = producing.finish(operations.close(
        producing.log(), consultation, now=producing.now(), salt=secrets.token_bytes(16)))
    producing.say(f"{consultation}: {'closed' if closed.written else 'was closed already'}")
    typer.echo(json.dumps(vars(closed)))
