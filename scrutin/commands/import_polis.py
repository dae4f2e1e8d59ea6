"""`scrutin import polis`: bring a Polis export into the log."""

import json
from pathlib import Path
from typing import Annotated

import typer

from producers.consultation_file import check_identifier, check_language
from producers.errors import ProducingError
from producers.polis import UNDETERMINED, PolisExport, read_export
from producers.polis_files.instants import Unit
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
    agree_is: producing.AgreeIs = None,
    unit: producing.TimestampUnit = None,
    check: Annotated[bool, typer.Option(
        "--check", help="Read the files and say what would be assumed; write nothing.")] = False,
) -> None:
    """Import a Polis export; safe to repeat and to kill, nothing is written twice.

    Every assumption is said, with file and line; what the files do not tell is asked for. Prints
    what the export holds and what was written as one JSON document. Exit status 2 where a file is
    not what Polis exports or leaves something open, 3 where a file, Kafka or a topic is missing.
    """
    export, name = _read(directory, consultation, language, agree_is, unit)
    read = f"{len(export.votes):,} votes and {len(export.comments):,} proposals read"
    if check:
        producing.say(f"{read}; nothing was written")
        typer.echo(json.dumps({
            "consultation": name, "votes": len(export.votes), "proposals": len(export.comments),
            "hidden": len(export.hidden), "assumed": export.assumed}))
        return
    address, topics = producing.stack()
    producing.say(f"{read}; reading what the log holds")
    done = producing.finish(
        import_export(address, topics, export, consultation=name, language=language,
                      own_keys=producing.own_control_keys()))
    there = done.votes - done.votes_written
    producing.say(f"{done.votes_written:,} votes written, {there:,} were there already")
    typer.echo(json.dumps(vars(done)))


def _read(
    directory: Path, consultation: str | None, language: str, agree_is: int | None,
    unit: Unit | None,
) -> tuple[PolisExport, str]:
    """Return the export and the consultation's name; say what was assumed."""
    try:
        export = read_export(directory, agree_is=producing.sign(agree_is), unit=unit,
                             now=producing.now())
        name = consultation or export.name
        check_identifier(name)
        check_language(language)
    except ProducingError as error:
        producing.fail(error)
    for sentence in export.assumed:
        producing.say(sentence)
    return export, name
