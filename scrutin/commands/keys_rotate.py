"""`scrutin keys rotate`: a new key beside the old one, for everybody to take up."""

import json
import time
from typing import Annotated

import typer

from producers.errors import ProducingError
from producers.gateway.dated_keys import GRACE_SECONDS, LOOK_SECONDS
from scrutin.commands import producing
from scrutin.commands.key_places import Kind, place, usable
from scrutin.keys import rotation


def rotate(
    kind: Annotated[Kind, typer.Argument(help="Which key.", show_default=False)],
    *,
    begins_in: Annotated[int, typer.Option(
        metavar="SECONDS", min=int(2 * LOOK_SECONDS), help="When gateways begin to sign with it. "
        "By then each must have looked at the folder.")] = GRACE_SECONDS,
) -> None:
    """Make a new key of devices, view proofs, receipts or transparency logs beside the old.

    Gateways on this folder take it up by themselves and sign with it after a minute; start the
    notary again for a new key of logs, which signs beside the old one. What was signed before goes
    on working. A key of receipts or logs is named in the log first, for which Kafka must answer.
    `scrutin keys retire` ends the old key. A key that signs controls is made by `scrutin keys make`
    and takes the place of another by `scrutin keys adopt`; `scrutin keys in-force` lists them. Exit
    status 2 where there are too many keys, 3 where there is none yet, one cannot be read, or Kafka
    is missing.
    """
    needs_log = kind in (Kind.RECEIPT, Kind.LOG)
    try:
        with usable():
            made = producing.finish(rotation.rotate(
                place(), kind.value, producing.log() if needs_log else None, now=time.time(),
                grace_seconds=begins_in))
    except ProducingError as error:
        producing.fail(error)
    producing.say(
        "Start `scrutin notary` again: from then on both keys sign. Publish /log/PREFIX/policy "
        "anew, and tell whoever keeps it." if kind is Kind.LOG else
        f"Gateways sign with it in {begins_in} s; until then and afterwards they accept both.")
    typer.echo(json.dumps({"made": [str(path) for path in made]}))
