"""`scrutin keys retire`: the end of a key that signs no more."""

import json
import time
from typing import Annotated

import typer

from producers.errors import ProducingError
from scrutin.commands import producing
from scrutin.commands.key_places import Kind, place, usable
from scrutin.keys import rotation


LOST = {
    Kind.DEVICE: "Whoever has a cookie by it is a new voter from then on, and cannot change votes.",
    Kind.VIEW: "Votes from pages that were opened by it are suspect: wait a day after a rotation.",
    Kind.RECEIPT: "Receipts by it stay valid: the log goes on naming it.",
    Kind.LOG: "What it signed stays valid: the policy goes on listing it. Who kept an older policy "
              "needs the present one.",
}
"""What ends with a key of each kind."""


def retire(
    kind: Annotated[Kind, typer.Argument(help="Which key.", show_default=False)],
    identifier: Annotated[str | None, typer.Argument(
        metavar="[ID]", help="Its id, as `scrutin keys list` says; without, all old ones.",
        show_default=False)] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete old keys of a kind, once newer ones have taken their place.

    A key of receipts or logs is named as retired in the log first; start the notary again after
    one of logs. Copies elsewhere (backups) are for you to delete. A key that signs controls is
    ended by `scrutin keys adopt`, which names those that stay; `scrutin keys in-force` lists them.
    Exit status 1 where the question
    is answered with no, 2 where the key still signs, 3 where a key cannot be read or Kafka is
    missing.
    """
    now, needs_log = time.time(), kind in (Kind.RECEIPT, Kind.LOG)
    try:
        with usable():
            old = rotation.retirable(place(), kind.value, identifier, now)
            if old and not yes:
                typer.confirm(f"Delete {', '.join(str(key.path) for key in old)}? {LOST[kind]}",
                              abort=True, err=True)
            producing.finish(rotation.retire(
                old, producing.log() if old and needs_log else None, now=now))
    except ProducingError as error:
        producing.fail(error)
    if not old:
        typer.echo(f"nothing was retired: no key of {kind.value} is old. One that signs stays "
                   "until a newer one has begun: `scrutin keys list` says when.", err=True)
    typer.echo(json.dumps({"retired": [str(key.path) for key in old]}))
