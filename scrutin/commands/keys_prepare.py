"""`scrutin keys prepare`: the keys of gateways, before there is one."""

import json
import re
from typing import Annotated

import typer

from producers.consultation_file import IDENTIFIER
from producers.errors import InvalidInput, ProducingError
from producers.gateway.keys import KeyFolder, KeysDestroyed
from scrutin import addresses
from scrutin.commands import producing
from scrutin.commands.key_places import usable
from scrutin.settings import load


def prepare(
    consultations: Annotated[list[str] | None, typer.Argument(
        help="Identifiers of consultations, whose peppers are made too.",
        show_default=False)] = None,
) -> None:
    """Make the keys that gateways make at their first use, where they are missing.

    Those of devices, view proofs and receipts, and the peppers of the consultations that are named,
    in SCRUTIN_DATA_DIR/keys: then all gateways may share the folder read-only, but for
    keys/networks, where they make a key a day. What is there already stays. Prints the files as
    JSON. Exit status 2 for a consultation that was sealed or can have no such name, 3 where the
    folder cannot be used.
    """
    if wrong := [each for each in consultations or () if not re.match(IDENTIFIER, each)]:
        producing.fail(InvalidInput(
            f"{wrong[0]!r} is no identifier of a consultation: small letters, digits, '.', '-' and "
            "'_', at most 63, a letter or digit first"))
    try:
        with usable():
            made = KeyFolder(addresses.keys_folder(load())).prepare(consultations or [])
    except KeysDestroyed as error:
        producing.fail(InvalidInput(
            f"the keys of {str(error)!r} were destroyed when it was sealed"))
    except ProducingError as error:
        producing.fail(error)
    typer.echo(json.dumps({"files": [str(path) for path in made]}))
