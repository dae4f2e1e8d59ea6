"""`scrutin down`: end the local stack."""

import typer

from deploy.local.status import bring_down
from schemas.exit_codes import EXIT_FAILED
from scrutin import settings as scrutin_settings


def down() -> None:
    """End the local stack in order, wherever it was started; its data stays.

    Exit status 0 when nothing runs any more, 1 if it did not end in time.
    """
    folder = scrutin_settings.load().data_folder
    try:
        pid = bring_down(folder)
    except TimeoutError as error:
        typer.echo(
            f"The stack in {folder} has not ended: {error}. See its logs in {folder / 'logs'}.",
            err=True,
        )
        raise typer.Exit(EXIT_FAILED) from error
    said = f"no stack runs in {folder}" if pid is None else f"ended the stack in {folder}"
    typer.echo(said, err=True)
