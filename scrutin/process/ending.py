"""How a program ends whom something keeps from going on: in one sentence, and with a status."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import structlog
import typer

from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED
from sinks.faults import reason_of
from sinks.printable import printable


def fail(reason: object, exit_code: int) -> NoReturn:
    """End a command that a person runs; what others wrote in its sentence is made fit to print."""
    typer.echo(printable(f"scrutin: {reason}"), err=True)
    raise typer.Exit(exit_code)


@contextmanager
def ending(name: str, *missing: type[Exception]) -> Iterator[None]:
    """End a process with the reason as the last line of its log: 3 for `missing`, else 70.

    An error without a reason for people is a fault of ours and is raised on.
    """
    try:
        yield
    except missing as error:
        structlog.get_logger().error(f"{name} ended", reason=str(error))
        raise typer.Exit(EXIT_MISSING) from error
    except BaseException as error:
        reason = reason_of(error)
        if reason is None:
            raise
        structlog.get_logger().error(f"{name} ended", reason=str(reason))
        raise typer.Exit(EXIT_STOPPED) from error
