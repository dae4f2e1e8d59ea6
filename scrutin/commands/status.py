"""`scrutin status`: how the local stack stands."""

import json
import shlex
from dataclasses import asdict
from typing import Annotated

import typer

from deploy.local.clickhouse import ClickHouseConfiguration
from deploy.local.clickhouse_password import USER
from deploy.local.status import StackStatus, read_status
from schemas.exit_codes import EXIT_FAILED
from scrutin import addresses
from scrutin import settings as scrutin_settings


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show the processes of the local stack and where to reach them, and how to query ClickHouse.

    The JSON document has the password of this stack's ClickHouse. Exit status 0 if all of them
    run, 1 if one is down or none was started.
    """
    settings = scrutin_settings.load()
    stack, house = read_status(settings.data_folder), addresses.local_clickhouse(settings)
    typer.echo(_document(stack, house) if as_json else _table(stack, house))
    if not stack.all_running:
        raise typer.Exit(EXIT_FAILED)


def _document(stack: StackStatus, house: ClickHouseConfiguration | None) -> str:
    access = house and {"url": house.address, "user": USER, "password": house.password}
    return json.dumps(asdict(stack) | {"clickhouse": access}, indent=2)


def _table(stack: StackStatus, house: ClickHouseConfiguration | None) -> str:
    if stack.state == "none":
        return f"No stack was ever started in {stack.data_dir}. Start one with `scrutin up`."
    header = ("process", "state", "pid", "restarts", "address")
    rows = [header, *(_row(process) for process in stack.processes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if house is not None:
        lines += ["", _how_to_query(house)]
    if stack.message:
        lines += ["", stack.message]
    return "\n".join([f"{stack.state}: {stack.data_dir}", *lines])


def _how_to_query(house: ClickHouseConfiguration) -> str:
    # Not as an argument of curl: other users of the machine see those.
    password = f'"$(cat {shlex.quote(str(house.password_path))})"'
    return (
        f"ClickHouse asks for user {USER} and the password in {house.password_path},\n"
        "which `scrutin status --json` gives too. A query of yours:\n"
        f"""  printf 'user = "{USER}:%s"' {password} | curl --config - {house.address} \\\n"""
        "    --data-binary 'SHOW DATABASES'")


def _row(process: dict[str, object]) -> tuple[str, ...]:
    pid = "-" if process["pid"] is None else str(process["pid"])
    names = ("restarts", "address")
    return (str(process["name"]), str(process["state"]), pid, *(str(process[n]) for n in names))
