"""`scrutin audit compare-polis`: do the counts of a Polis export follow from its votes?"""

from pathlib import Path
from typing import Annotated

import typer

from producers.errors import ProducingError
from producers.polis import read_current, read_export
from scrutin.commands import producing
from scrutin.polis_comparison import compare, lines


def compare_polis(
    directory: Annotated[Path, typer.Argument(
        help="Folder with votes.csv, comments.csv and maybe participants-votes.csv.",
        show_default=False)],
) -> None:
    """Recount a Polis export by the ledger's rules and compare with what its files claim.

    Offline, from the folder alone. Exit status 0 where every count follows from the votes, 1 where
    one does not, 2 where a file is not what Polis exports, 3 where one is missing.
    """
    try:
        found = compare(read_export(directory), read_current(directory))
    except ProducingError as error:
        producing.fail(error)
    for line in lines(found):
        typer.echo(line)
    raise typer.Exit(1 if found.differing or found.cells_that_differ else 0)
