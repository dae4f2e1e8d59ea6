"""`scrutin keys in-force`: which keys sign the controls of this log?"""

import json
from typing import Annotated

import typer

from producers.endorsing import read_named
from producers.key_adoption import read_keys
from schemas.exit_codes import EXIT_FAILED
from scrutin.commands import producing


def in_force(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List the keys that sign controls of this log, and which of them lie here.

    Read from the ballot box itself; of the catalogue, which keys `scrutin keys endorse` has named
    besides (`endorsing`; null: nothing need be endorsed). Partitions that have not adopted the
    newest keys are named: their adoption was interrupted, and repeating it finishes it. Exit status
    1 where the log has no keys: whoever can write to the votes topic can then suspend voters and
    close consultations. 3 where Kafka or a topic is missing.
    """
    log = producing.log()
    newest, *others = producing.finish(read_keys(log))
    named = producing.finish(read_named(log.address, log.topics))
    endorsing = None if named is None else sorted(key.hex() for key in named)
    here = {own.id: str(own.path) for own in log.own_keys}
    listed = [{"id": key.id.hex(), "role": key.role, "public": key.public.hex(),
               "file": here.get(key.id)} for key in newest.keys]
    behind = sorted(each.partition for each in others if each.keys != newest.keys)
    if as_json:
        typer.echo(json.dumps({
            "edition": newest.edition, "keys": listed, "partitions_behind": behind,
            "endorsing": endorsing}))
    for each in [] if as_json else listed:
        typer.echo(f"{each['role']} {each['id']}: {each['file'] or 'does not lie here'}")
    for public in [] if as_json else endorsing or []:
        typer.echo(f"endorses {public}")
    if behind:
        producing.say(
            f"votes partitions {', '.join(map(str, behind))} have not adopted them: run `scrutin "
            f"keys adopt {' '.join(key.text() for key in newest.keys)}` to finish it.")
    if not listed:
        producing.say("no keys sign the controls of this log. `scrutin keys make` makes some, "
                      "`scrutin keys adopt` has the log take them.")
        raise typer.Exit(EXIT_FAILED)
