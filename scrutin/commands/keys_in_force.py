"""`scrutin keys in-force`: which keys sign the controls of this log?"""

import json
from typing import Annotated

import typer

from producers.key_naming import known_keys
from schemas.exit_codes import EXIT_FAILED
from scrutin.commands import producing


def in_force(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List the keys that sign controls of this log, and which of them lie here.

    Exit status 1 where the log has none: whoever can write to the votes topic can then suspend
    voters and close consultations. 3 where Kafka or a topic is missing.
    """
    log = producing.log()
    known = producing.finish(known_keys(log))
    here = {own.id: str(own.path) for own in log.own_keys}
    listed = [{"id": key.id.hex(), "role": key.role, "public": key.public.hex(),
               "file": here.get(key.id)} for key in known.control_keys]
    if as_json:
        typer.echo(json.dumps({"generation": known.generation, "keys": listed}))
    for each in [] if as_json else listed:
        typer.echo(f"{each['role']} {each['id']}: {each['file'] or 'does not lie here'}")
    if not listed:
        producing.say("no keys sign the controls of this log. `scrutin keys make` makes some, "
                      "`scrutin keys adopt` has the log take them.")
        raise typer.Exit(EXIT_FAILED)
