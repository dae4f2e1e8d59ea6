"""`scrutin keys adopt`: which keys sign controls from here on."""

import json
from typing import Annotated

import typer

from producers import key_adoption
from producers.errors import InvalidInput
from schemas.control_roles import parse_keys
from scrutin.commands import producing


def adopt(
    keys: Annotated[list[str], typer.Argument(
        metavar="ROLE:PUBLIC...", help="Every key that may sign from here on, as `scrutin keys "
        "make` prints them; those left out may no more.", show_default=False)],
) -> None:
    """Let every partition take the signatures of these keys, and of no others.

    Signed by an operator's key of the ones before. A log that has begun without keys takes its
    first in two steps: this command says which setting every ledger is to be started with, and run
    again it adopts them. Run again, it finishes an adoption that was interrupted. Exit status 0
    also where these keys are in force already, 2 where they are not said rightly, the log does not
    follow rules 2, or no key at hand may sign, 3 where ledgers are to be told first, one has not
    decided or refuses, or Kafka or a topic is missing.
    """
    try:
        parsed = parse_keys(keys)
    except ValueError as error:
        producing.fail(InvalidInput(f"{error}."))
    adopted = producing.finish(key_adoption.adopt_keys(
        producing.log(), parsed, now=producing.now()))
    producing.say(
        f"{len(parsed)} keys sign controls from here on (edition {adopted.edition})"
        if adopted.announced else "these keys were adopted already: nothing written")
    typer.echo(json.dumps(vars(adopted)))
