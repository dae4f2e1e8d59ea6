"""`scrutin status`: how the local stack stands."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from deploy.local.status import StackStatus, read_status
from scrutin import settings as scrutin_settings


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show the processes of the local stack and where to reach them.

    Exit status 0 if all of them run, 1 if one is down or none was started.
    """
    stack = read_status(scrutin_settings.load().data_folder)
    typer.echo(json.dumps(asdict(stack), indent=2) if as_json else _table(stack))
    if not stack.all_running:
        raise typer.Exit(1)


def _table(stack: StackStatus) -> str:
    if stack.state == "none":
        return f"No stack was ever started in {stack.data_dir}. Start one with `scrutin up`."
    header = ("process", "state", "pid", "restarts", "address")
    rows = [header, *(_row(process) for process in stack.processes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if stack.message:
        lines += ["", stack.message]
    return "\n".join([f"{stack.state}: {stack.data_dir}", *lines])


def _row(process: dict[str, object]) -> tuple[str, ...]:
    pid = "-" if process["pid"] is None else str(process["pid"])
    names = ("restarts", "address")
    return (str(process["name"]), str(process["state"]), pid, *(str(process[n]) for n in names))
