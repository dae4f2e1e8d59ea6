"""How a sink that stops itself ends: a sentence in its log, and a status."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import typer

from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED
from sinks.faults import reason_of


@contextmanager
def ending(name: str, *missing: type[Exception]) -> Iterator[None]:
    """End the command with the reason as the last line of its log: 3 for `missing`, else 70.

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
