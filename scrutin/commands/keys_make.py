"""`scrutin keys make`: a key that signs controls."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from producers.errors import ProducingError
from schemas.control_roles import public_key
from scrutin import addresses
from scrutin.commands import producing
from scrutin.commands.key_places import usable
from scrutin.keys import control_keys
from scrutin.settings import load


class Role(StrEnum):
    """What a key may sign."""

    OPERATOR = "operator"
    GUARD = "guard"
    CLERK = "clerk"


def make(
    role: Annotated[Role, typer.Argument(
        help="What it may sign: operator everything, guard suspensions by its rules, clerk "
             "closings.", show_default=False)],
    *,
    name: Annotated[str, typer.Option(
        help="Tells it from other keys of its role.", show_default=False)] = "",
) -> None:
    """Make a private key that signs controls: suspensions, closings, adoptions.

    It lies in the folder that SCRUTIN_CONTROL_KEYS names, for its owner alone; keep a copy
    elsewhere. It signs once a log has adopted it: a new one with `scrutin provision`, one that has
    begun with `scrutin keys adopt`. Prints what to give to whoever does that, as ROLE:PUBLIC. Exit
    status 2 where a key of that name is there already, 3 where the folder cannot be used.
    """
    try:
        with usable():
            made = control_keys.make(addresses.control_keys_folder(load()), role.value, name)
    except ProducingError as error:
        producing.fail(error)
    text = public_key(role.value, made.public).text()
    producing.say(f"The private key lies in {made.path}. Give this to whoever adopts it: {text}")
    typer.echo(json.dumps({"id": made.id.hex(), "role": role.value, "public": made.public.hex(),
                           "key": text, "file": str(made.path)}))
