"""`scrutin audit compare-polis`: do the counts of a Polis export follow from its votes?"""

from pathlib import Path
from typing import Annotated

import typer

from producers.errors import ProducingError
from producers.polis import read_current, read_export
from schemas.exit_codes import EXIT_FAILED
from scrutin.audit.polis_comparison import compare, lines
from scrutin.commands import producing


def compare_polis(
    directory: Annotated[Path, typer.Argument(
        help="Folder with votes.csv, comments.csv and maybe participants-votes.csv.",
        show_default=False)],
    *,
    agree_is: producing.AgreeIs = None,
    unit: producing.TimestampUnit = None,
) -> None:
    """Recount a Polis export by the ledger's rules and compare with what its files claim.

    Offline, from the folder alone. Exit status 0 where every count follows from the votes, 1 where
    one does not, 2 where a file is not what Polis exports, 3 where one is missing.
    """
    try:
        export = read_export(directory, agree_is=producing.sign(agree_is), unit=unit)
        found = compare(export, read_current(directory, agree_is=export.agree_is))
    except ProducingError as error:
        producing.fail(error)
    for sentence in export.assumed:
        producing.say(sentence)
    for line in lines(found):
        typer.echo(line)
    raise typer.Exit(EXIT_FAILED if found.differing or found.cells_that_differ else 0)
