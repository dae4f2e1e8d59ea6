"""`scrutin up`: start the local stack."""

from collections.abc import Mapping
from typing import Annotated

import typer

from deploy.machine.errors import MachineError
from schemas.exit_codes import EXIT_FAILED
from scrutin import settings as scrutin_settings
from scrutin.stack.plan import ExplicitPorts
from scrutin.stack.process import run_here, start_detached


def up(
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when everything is ready; it runs on.")
    ] = False,
    kafka_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of Kafka; 0: the last or a free one.")
    ] = 0,
    clickhouse_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of ClickHouse; 0: the last or a free one.")
    ] = 0,
) -> None:
    """Start Kafka, ClickHouse, the workers and the views, and keep them running.

    Progress goes to stderr, the addresses to stdout. Ctrl-C, SIGTERM or `scrutin down` end it in
    order; a later `up` resumes with its data. Exit status 0 after an orderly end, 1 if it could
    not start or had to give up.
    """
    settings = scrutin_settings.load()
    ports = ExplicitPorts(kafka_port, clickhouse_port, settings.views_port)
    try:
        if detach:
            _print_addresses(start_detached(settings, ports, report=_report).urls)
        else:
            run_here(settings, ports, report=_report, on_running=_print_addresses)
    except MachineError as error:
        _report(f"scrutin up: {error}")
        raise typer.Exit(EXIT_FAILED) from error


def _report(line: str) -> None:
    typer.echo(line, err=True)


def _print_addresses(urls: Mapping[str, str]) -> None:
    for name, address in urls.items():
        typer.echo(f"{name:<11} {address}")
