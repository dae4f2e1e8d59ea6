"""`scrutin consultation apply`: describe a consultation from a file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from producers import consultation_file, operations
from producers.errors import ProducingError
from scrutin.commands import producing


def apply(
    file: Annotated[Path, typer.Argument(
        help="JSON file: question, dates, themes, ideas, proposals, organisers, facts.",
        show_default=False)],
    *,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Bring the catalogue up to a file; only what is new or different is written.

    What the file leaves out stays as it is. Exit status 2 where the file is wrong or
    regroups proposals of a closed consultation, 3 where it,
    a theme or idea it names, Kafka or a topic is missing.
    """
    try:
        described = consultation_file.load(file)
    except ProducingError as error:
        producing.fail(error)
    written = producing.finish(operations.apply(
        producing.log(after_closing=after_closing), described, now=producing.now()))
    producing.say(f"{written} events written to the catalogue" if written
                  else "the catalogue says all of this already: nothing written")
    typer.echo(json.dumps({"consultation": described.id, "written": written}))
