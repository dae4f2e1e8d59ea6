"""`scrutin import polis`: bring a Polis export into the log."""

import json
from pathlib import Path
from typing import Annotated

import typer

from producers.consultation_file import check_identifier
from producers.errors import ProducingError
from producers.polis import UNDETERMINED, read_export
from producers.polis_import import import_export
from scrutin.commands import producing


def polis(
    directory: Annotated[Path, typer.Argument(
        help="Folder with votes.csv, comments.csv and maybe summary.csv.", show_default=False)],
    *,
    consultation: Annotated[str | None, typer.Option(
        help="Identifier of the consultation; without it the folder's name.", show_default=False,
    )] = None,
    language: Annotated[str, typer.Option(
        help="Language of the texts (BCP 47); exports do not say it.")] = UNDETERMINED,
) -> None:
    """Import a Polis export; safe to repeat and to kill, nothing is written twice.

    Prints what the export holds and what was written as one JSON document. Exit status 2 where a
    file is not what Polis exports, 3 where a file, Kafka or a topic is missing.
    """
    try:
        export = read_export(directory)
    except ProducingError as error:
        producing.fail(error)
    name = consultation or export.name
    try:
        check_identifier(name)
    except ProducingError as error:
        producing.fail(error)
    address, topics = producing.stack()
    producing.say(f"{len(export.votes):,} votes and {len(export.comments):,} proposals read; "
                  "reading what the log holds")
    done = producing.finish(
        import_export(address, topics, export, consultation=name, language=language))
    there = done.votes - done.votes_written
    producing.say(f"{done.votes_written:,} votes written, {there:,} were there already")
    typer.echo(json.dumps(vars(done)))
