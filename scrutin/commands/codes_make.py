"""`scrutin codes make`: cards for those who may vote."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from producers import issuing
from producers.errors import InvalidInput, Missing, ProducingError
from producers.gateway.codes import Issue
from producers.gateway.keys import KeyFolder, KeysDestroyed
from schemas.private_files import FILE_MODE
from scrutin import addresses
from scrutin.commands import producing
from scrutin.commands.key_places import usable
from scrutin.settings import load
from views.pages import code_cards
from views.pages.languages import LANGUAGES


def make(
    number: Annotated[int, typer.Argument(
        help=f"How many, at most {issuing.CODES_MOST:,} at once.", min=1, max=issuing.CODES_MOST,
        show_default=False)],
    *,
    output: Annotated[Path, typer.Option(
        help="File that the cards are written to: HTML, to print on A4. It must not exist yet.",
        show_default=False)],
    language: Annotated[str | None, typer.Option(
        help=f"Language of the cards: {' or '.join(LANGUAGES)}. Else the consultation's first.",
        show_default=False)] = None,
    consultation: producing.Consultation = None,
) -> None:
    """Issue codes to vote with, and write the cards that bear them, each with a QR code.

    From the first ones on the consultation takes votes by codes alone, for ever; the first are made
    three minutes before voting opens, at least, more can be made until the closing. The file is the
    only place where the codes stand: mode 0600, to be deleted once it is printed. Their hashes go
    to SCRUTIN_DATA_DIR/keys, where every gateway must find them; how many there are, and the root
    of a Merkle tree over the hashes, go into the log, and audits hold that no more people voted.
    SCRUTIN_PUBLIC_URL is the address on the cards. Exit status 2 where the file exists, the
    consultation is closed, sealed, not said, open without codes or voted in without any, no public
    address is set, or no key at hand may endorse, 3 where the consultation, the folders, Kafka or a
    topic is missing.
    """
    settings, log = load(), producing.log()
    _require_sayable(settings.public_url, language)
    ready = producing.finish(issuing.ready(log, consultation, now=producing.now()))
    written, issue = issuing.made(ready.consultation, number)
    page = code_cards.page(
        ready.described, written, settings.public_url, language or _spoken(ready.described))
    try:
        _write(output, page)
        producing.say(f"{output} has the cards; they are good once the log counts them")
        kept = _kept(KeyFolder(addresses.keys_folder(settings)), ready.consultation, issue)
    except ProducingError as error:
        producing.fail(error)
    ready = producing.finish(
        issuing.issue(log, ready.consultation, issue, now=producing.now()))
    issued = ready.issued + issue.size
    producing.say(f"{ready.consultation}: {issue.size:,} codes issued, {issued:,} in all. Print "
                  f"{output} and delete it; every gateway needs {kept} in its folder of keys")
    typer.echo(json.dumps({
        "consultation": ready.consultation, "codes": issue.size, "issued": issued,
        "root": issue.root.hex(), "cards": str(output), "hashes": str(kept)}))


_WORTHLESS = "Delete the file: its cards are good for nothing."


def _require_sayable(public_url: str, language: str | None) -> None:
    """End where nobody could say on a card where to vote, or in no such language."""
    if not public_url:
        producing.fail(InvalidInput("cards bear the address where people vote: set "
                                    "SCRUTIN_PUBLIC_URL, as https://vote.example.org"))
    if language not in (None, *LANGUAGES):
        producing.fail(InvalidInput(f"--language {language}: one of {', '.join(LANGUAGES)}"))


def _kept(keys: KeyFolder, consultation: str, issue: Issue) -> Path:
    """Keep the hashes where gateways look for them; return their file."""
    try:
        with usable():
            return keys.keep_codes(consultation, issue.root, issue.hashes)
    except KeysDestroyed:
        raise InvalidInput(f"{consultation!r} was sealed. {_WORTHLESS}") from None


def _write(output: Path, page: bytes) -> None:
    """Write the cards for their owner alone, whole or not at all; raise where something lies there.
    """
    made = False
    try:
        opened = os.open(
            output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        made = True
        with os.fdopen(opened, "wb") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())  # No code is in the log whose card the disk may still lose.
    except FileExistsError:
        raise InvalidInput(f"{output} exists: cards are written over nothing. Name another file. "
                           "No code was issued.") from None
    except OSError as error:
        if made:
            output.unlink(missing_ok=True)
        raise Missing(
            f"{output} cannot be written ({error.strerror}). No code was issued.") from error


def _spoken(described: Mapping[str, Any]) -> str:
    """Return the first language of a consultation that the pages speak."""
    return next((each for each in described["languages"] if each in LANGUAGES), LANGUAGES[0])
