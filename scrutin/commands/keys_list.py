"""`scrutin keys list`: which keys are there, and which of them sign?"""

import json
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from producers.errors import ProducingError
from scrutin.commands import producing
from scrutin.commands.key_places import place, usable
from scrutin.keys import rotation


def list(  # noqa: A001 -- the command's last word
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List the keys of devices, view proofs, receipts and transparency logs that lie here.

    Of each its kind, its id (receipts name theirs), whether it signs or is accepted only, since
    when, what the log says of it, and its file; never the key itself. Keys that sign controls are
    others: `scrutin keys in-force` lists them, `scrutin keys adopt` replaces them. Exit status 3
    where a key cannot be read, or can be read by others than its owner.
    """
    try:
        with usable():
            found = rotation.held(place(), time.time())
    except ProducingError as error:
        producing.fail(error)
    if as_json:
        typer.echo(json.dumps([{
            "kind": key.kind, "id": key.id, "state": key.state, "since": key.since,
            "log": key.name, "named": key.named, "file": str(key.path)} for key in found]))
        return
    for key in found:
        instant = datetime.fromtimestamp(key.since, UTC).isoformat()
        since = ("since the beginning" if not key.since else
                 f"at {instant}" if key.state == rotation.WAITS else f"since {instant}")
        named = f", in the log {key.named.replace('_', ' ')}" if key.named else ""
        typer.echo(f"{key.kind} {key.id} {key.state} {since}{named}: {key.path}")
    producing.say("Keys that sign controls are listed by `scrutin keys in-force`.")
