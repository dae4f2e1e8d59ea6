"""`scrutin seal`: nobody can join a device to a vote any more."""

import json
import secrets
from pathlib import Path
from typing import Annotated

import typer

from producers import sealing
from producers.gateway.keys import KeyFolder
from scrutin import addresses
from scrutin.commands import producing
from scrutin.settings import load


def seal(
    consultation: Annotated[str, typer.Argument(
        help="Identifier of the closed consultation.", show_default=False)],
    *,
    copy: Annotated[list[Path] | None, typer.Option(
        help="Another copy of the key folder, to be destroyed with it; may be repeated.",
        show_default=False)] = None,
    keyless: Annotated[bool, typer.Option(
        "--keyless", help="No vote ever came through a gateway: there are no keys.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy for ever the keys that join devices and networks to votes of a closed consultation.

    Pepper, participants' pepper and the network keys of its days go, in the key folder and in each
    --copy; the log says so in the catalogue and in every partition. Counts, proofs and recounts
    stay as they are. Run again, it finishes an interrupted sealing. Exit status 1 where the
    question is answered with no, 2 where the consultation is not closed or no key
    at hand may sign, 3 where it, its keys,
    Kafka or a topic is missing.
    """
    log = producing.log()
    producing.finish(sealing.closed_at(log, consultation))
    places = [addresses.keys_folder(load()), *(copy or [])]
    folders = [KeyFolder(place) for place in places]
    if not yes:
        typer.confirm(
            f"Destroy the keys of {consultation} in {', '.join(map(str, places))}? No voter can "
            "change or withdraw a vote, and nothing brings the keys back.", abort=True, err=True)
    sealed = producing.finish(sealing.seal(
        log, consultation, folders, keyless=keyless, now=producing.now(),
        salt=secrets.token_bytes(16)))
    producing.say(
        f"{consultation}: {'sealed' if sealed.written else 'was sealed already'}; "
        f"{len(sealed.destroyed)} keys destroyed. Copies elsewhere (backups, other machines) are "
        "for you to destroy.")
    if sealed.network_key_kept:
        producing.say(
            f"networks/{sealed.network_key_kept}.key stays, for another consultation is open: it "
            "is destroyed within 48 hours by a gateway, or when you run this again tomorrow.")
    typer.echo(json.dumps(vars(sealed), default=str))
