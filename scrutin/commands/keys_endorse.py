"""`scrutin keys endorse`: whose descriptions count from here on?"""

import json
from typing import Annotated

import typer

from producers import endorsing
from producers.errors import InvalidInput
from schemas.control_roles import parse_key
from scrutin.commands import producing


def endorse(
    keys: Annotated[list[str] | None, typer.Argument(
        metavar="[ROLE:PUBLIC...]", help="Keys that endorse beside operators' keys of controls, as "
        "`scrutin keys make` prints them, whatever their role; those left out may no more.",
        show_default=False)] = None,
) -> None:
    """From here on let descriptions, groupings and closings count only once they are endorsed.

    By an operator's key of controls, or one of these, closings by a clerk's, too; for ever.
    Commands endorse what they write with the keys at hand. Signed by an operator's key; what was
    written before keeps its meaning.
    Exit status 0 also where these keys are named already, 2 where they are not said rightly, the
    log has no keys of controls, or no operator's key is at hand, 3 where Kafka or a topic is
    missing.
    """
    try:
        publics = [parse_key(each).public for each in keys or ()]
    except ValueError as error:
        producing.fail(InvalidInput(f"{error}."))
    log = producing.log()
    generation = producing.finish(endorsing.name_keys(
        log.address, log.topics, log.own_keys, publics, now=producing.now()))
    producing.say(f"{len(publics)} keys endorse beside operators' from here on (naming "
                  f"{generation})" if generation else "these keys are named already: nothing "
                  "written")
    typer.echo(json.dumps({"named": generation, "keys": [each.hex() for each in publics]}))
