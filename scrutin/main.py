"""The command line: one program for people and processes."""

import sys

import typer

from scrutin.commands import (
    ideas,
    ledger,
    provision,
    results,
    views,
)


app = typer.Typer(
    name="scrutin", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Public consultations on one log with one fold. Start with `scrutin demo`.",
)
app.command()(provision.provision)
app.command()(ledger.ledger)
app.command()(ideas.ideas)
app.command()(views.views)
app.command()(results.results)


def main() -> None:
    """Run the command line; errors meant for people end in one sentence and a status."""
    app()


if __name__ == "__main__":
    main()
    sys.exit(0)
